"""The composition root: builds every part, starts them in one TaskGroup, stops them in order.

The only room that names concrete classes. `serving.serve` is what `ticketbot run` runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from functools import partial

import structlog
from aiohttp.web import Application

from ticketbot import control
from ticketbot.app.parts import build_lnurl, build_wallet, open_ticket_key, settings_of
from ticketbot.bookkeeping import Auditor
from ticketbot.config import Config
from ticketbot.config.values import Web
from ticketbot.crew import Crew
from ticketbot.desk import LedgerDesk
from ticketbot.doorkeeper import Doorkeeper
from ticketbot.engine import Engine
from ticketbot.epilogue import Epilogue
from ticketbot.errors import Broken, Retry
from ticketbot.forgetting import Forgetter
from ticketbot.housekeeping import Housekeeper
from ticketbot.intake import Inbox, Interests, catch_up, comes_first, take_in
from ticketbot.keys import Keys
from ticketbot.ledger import listings, marks, restored
from ticketbot.ledger.store import Store, Tx
from ticketbot.ledger.vault import open_vault
from ticketbot.ledger.whole import require_whole, waits_for_check
from ticketbot.lightning import Wallet
from ticketbot.outbox.closer import Closer
from ticketbot.outbox.courier import Courier
from ticketbot.outbox.herald import Herald, own_notes
from ticketbot.outbox.invoicer import Invoicer
from ticketbot.outbox.payer import Payer
from ticketbot.outbox.refunder import Refunder
from ticketbot.outbox.usher import Usher
from ticketbot.relay.directory import Directory
from ticketbot.relays import RelayPool
from ticketbot.service import notify
from ticketbot.settlement import LOOK_BACK, Settlement
from ticketbot.timekeeper import Timekeeper
from ticketbot.turnstile import Turnstile
from ticketbot.web import app as web
from ticketbot.web.api.app import make_api
from ticketbot.web.api.auth import signed_by
from ticketbot.web.api.door import add_door
from ticketbot.window import Window

FIRST_LOOK = 8.0  # seconds the wallet has at start before the bot goes on without it
LAST_WORDS = 8.0  # seconds the outbox has to empty its hands when the bot is stopped


class App:
    """One running bot. `ready` is set when the ledger is open, HTTP listens, relays connect."""

    def __init__(
        self,
        config: Config,
        wallet: Wallet | None = None,
        machine: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self.config = config
        self.ready = asyncio.Event()
        self.keys = Keys.from_text(config.bot.nsec.reveal())
        self.wallet = wallet or build_wallet(config, machine)
        self.store = Store(config.ledger.path, open_vault(self.keys))
        self.clock = clock = Timekeeper(machine, self._clocks, steady)
        self._log = structlog.get_logger()

        signer = open_ticket_key(config)
        settings = settings_of(config, self.keys.pubkey, by_hand=not self.wallet.can_pay)
        self.crew = Crew(self.keys, config.performance.crypto_workers, clock)
        self.engine = Engine(
            self.store, self.crew, settings, signer, clock, earliest=clock.earliest
        )
        self.interests = Interests(self.keys.pubkey, clock.earliest)
        self._queue = Inbox(lambda event: comes_first(event, self.interests, self.engine))
        self._marks: dict[str, int] = {}
        relays = config.nostr.relays
        self.pool = RelayPool(
            relays,
            self.keys,
            self._queue,
            self.interests.filters,
            self._marks,
            clock=clock,
            allow_private=config.nostr.allow_private_relays,
            proxy=config.nostr.proxy,
        )
        directory = Directory(self.pool, clock)
        self._invoicer = Invoicer(self.store, self.engine, self.wallet, clock)
        self._courier = Courier(
            self.store, self.crew, self.pool, directory, relays, clock, clock.earliest
        )
        self._herald = Herald(self.store, self.keys, self.pool, relays, clock)
        self._lnurl = build_lnurl(config, self.wallet)
        self._refunder = Refunder(
            self.store, self.engine, self.wallet, self._lnurl, directory, clock
        )
        self._payer = Payer(
            self.store,
            self.engine,
            self.wallet,
            self._lnurl,
            directory,
            clock,
            config.payouts.schedule,
            clock.earliest,
            self._has_heard,
        )
        self._closer = Closer(self.store, self.engine, clock.earliest, self._has_heard)
        self._turnstile = Turnstile(self.store, self.engine, clock.earliest, self._has_heard)
        self._usher = Usher(self.store, self.engine, clock.earliest, self._has_heard)
        self._settlement = Settlement(self.store, self.engine, self.wallet, lambda: self.pool.deaf)
        self._housekeeper = Housekeeper(
            self.store, self.engine, self.pool, self.wallet, self.interests, clock
        )
        self._forgetter = Forgetter(self.store, config.privacy.purge_days, clock.earliest)
        self.epilogue = Epilogue(self.store, self.engine, clock.earliest)
        self._auditor = Auditor(self.store, self.engine, self.wallet, clock)
        self.desk = LedgerDesk(
            self.store,
            self.engine,
            self.wallet,
            settings,
            signer,
            machine,
            lambda: self._housekeeper.alarms.ringing,
        )

        self.window = Window(self.store, self.engine, self.wallet, settings, signer, self.desk)

    async def run(self, stop: asyncio.Event) -> None:
        """Sell until `stop` is set; then finish what is in hand. Raises what breaks it."""
        self.store.start()
        try:
            checked_later = await self._check_ledger()
            await self._recall()
            await self._look_at_wallet()
            self._housekeeper.check_time()
            self._housekeeper.check_sales()
            bot = self.config.bot
            await self._herald.announce(own_notes(bot.name, bot.about, self.config.nostr.relays))
            async with contextlib.AsyncExitStack() as stack:
                await stack.enter_async_context(
                    control.serve(self.engine, self.config.ledger.socket)
                )
                if self.config.web is not None:
                    host, port = self.config.web.host, self.config.web.port
                    page = web.make_app(self.desk, api=self._api(self.config.web))
                    self.web_port = await stack.enter_async_context(web.serve(page, host, port))
                await self._work(stop, checked_later)
        finally:
            await self._lnurl.close()
            await self.wallet.close()
            await self.store.close()

    def _api(self, choices: Web) -> Application | None:
        if not choices.api:
            return None
        api = make_api(self.window, choices.requests_per_minute)
        at_the_door = partial(signed_by, limited=False)  # a scanner asks all evening
        doorkeeper = Doorkeeper(self.store, self.engine, self.desk.ticket_public_key)
        add_door(api, doorkeeper, at_the_door)
        return api

    async def look_around(self) -> None:
        """Write the heartbeat now, and not only at the next round."""
        await self._housekeeper.tidy()

    async def forget(self) -> None:
        """Forget whoever is due now, and not only when the day is over."""
        await self._forgetter.forget()

    async def summary(self) -> str:
        """How the bot is, in one line for people."""
        now = int(self.clock())
        known = await self.store.transaction(lambda tx: listings.upcoming(tx, now, most=999))
        beat = self._housekeeper.beat()
        good = beat["wallet"] == "ok"
        wallet = self.wallet.name + (" ok" if good else f" not ok ({beat['wallet'].rstrip('.')})")
        return f"{beat['relays']} relays, {wallet}, {len(known)} events on sale"

    async def _check_ledger(self) -> bool:
        """Whether its file is whole; True when that takes long, and is to be done meanwhile."""
        if not waits_for_check(self.store.path):
            return True
        await asyncio.to_thread(require_whole, self.store.path)
        return False

    async def _work(self, stop: asyncio.Event, check: bool) -> None:
        paying = (self._invoicer, self._refunder, self._payer, self._closer)
        carriers = (self._courier, self._herald, *paying, self._usher)
        claims = [carrier.claims for carrier in carriers]

        self.engine.wake = self._courier.claims.stirred.set
        self.engine.wake_invoicer = self._invoicer.claims.stirred.set
        async with asyncio.TaskGroup() as tasks:
            working = (self.pool, *carriers, self.crew)
            outgoing = [tasks.create_task(part.run()) for part in working]
            incoming = [
                tasks.create_task(self._take_in()),
                tasks.create_task(self._settlement.run()),
                tasks.create_task(self._housekeeper.run()),
                tasks.create_task(self._forgetter.run()),
                tasks.create_task(self._turnstile.run()),
                tasks.create_task(self.epilogue.run()),
                tasks.create_task(self._auditor.run()),
            ]
            if check:
                checking = asyncio.to_thread(require_whole, self.store.path, stop.is_set)
                incoming.append(tasks.create_task(checking))
            self.ready.set()
            await stop.wait()
            self._log.info("bot.stopping")
            for task in incoming:
                task.cancel()
            await notify("STOPPING=1", patience=1.0)
            await self._finish(lambda: sum(one.busy for one in claims))
            for task in outgoing:
                task.cancel()

    async def _take_in(self) -> None:
        """What relays bring, for ever; after a restore first what was lost with the ledger."""
        if self.engine.reception.catching_up:
            self._log.warning("restore.catching_up", restored_at=self.engine.reception.restored_at)
            known = self._settlement.known.wait
            await catch_up(self._queue, self.engine, self.pool.urls, known)
            await self._settlement.compare_spent()
            await self.store.transaction(restored.caught_up)
            self._log.info("restore.caught_up")
        await take_in(self._queue, self.engine)

    def _has_heard(self) -> bool:
        """Whether relays have told what they kept, and it was answered."""
        return not (self.pool.deaf or self.engine.reception.catching_up) and self._queue.empty()

    def _clocks(self) -> dict[str, float]:
        """Who tells the time, and what time."""
        told = self.pool.clocks()
        if self.wallet.health().good:
            told["wallet"] = self.wallet.now()
        return told

    def _remember_restore(self, tx: Tx, now: int) -> None:
        """Whether this ledger was restored not long ago, and has not heard yet what it missed."""
        self.engine.reception.restored_at = restored.at(tx, now)
        self.engine.reception.catching_up = restored.catching_up(tx, now)

    async def _finish(self, busy: Callable[[], int]) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                while busy():
                    await asyncio.sleep(0.05)

    async def _recall(self) -> None:
        """What the ledger knows from before: how far each relay was read, whose notes to follow."""
        now = int(self.clock())

        def work(tx: Tx) -> tuple[dict[str, str], list[str]]:
            if not marks.once(tx, "ticket-key", self.desk.ticket_public_key.hex()):
                raise Broken(
                    "bot.ticket_key_file holds another key than the one that signed this ledger's "
                    "tickets: bring that file back, it is in every `ticketbot backup`"
                )
            self._remember_restore(tx, now)
            return marks.under(tx, "relay:"), listings.organizers(tx, now)

        known, organizers = await self.store.transaction(work)
        self._marks.update({relay: int(at) for relay, at in known.items()})
        self.interests.follow({*organizers, *(self.engine.settings.organizers or ())})

    async def _look_at_wallet(self) -> None:
        """Credit what was paid while the bot was down; without an answer, start degraded."""
        try:
            async with asyncio.timeout(FIRST_LOOK):
                await self._settlement.reconcile(LOOK_BACK)
        except (Retry, Broken, TimeoutError) as error:
            self._log.warning("wallet.unknown", error=str(error), starts="degraded")
