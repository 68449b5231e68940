"""One link's worth of listening: what is asked on it, what is heard, and whether it still hears."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, Protocol

from ticketbot.domain.nostr import Event
from ticketbot.keys import Keys, verify
from ticketbot.relay.auth import Auth
from ticketbot.relay.backoff import Backoff
from ticketbot.relay.ear import Brought, Message, hear
from ticketbot.relay.errands import Errands
from ticketbot.relay.filters import Filter
from ticketbot.relay.funnel import Funnel
from ticketbot.relay.line import Line
from ticketbot.relay.link import Link
from ticketbot.relay.probe import Probe
from ticketbot.relay.subscription import Subscription
from ticketbot.relay.terms import Ok
from ticketbot.relay.watch import Watch, echo_filter

MAX_TEXT = 500
DEAF = "deaf: it takes events and does not give them back"


class Home(Protocol):
    """Whom a visit is made for, and what outlasts it."""

    line: Line
    errands: Errands
    keys: Keys
    funnel: Funnel
    filters: Callable[[int | None], list[Filter]]
    clock: Callable[[], float]
    watch: Watch

    @property
    def mark(self) -> int | None:
        """The wall clock before the last question that was answered to its end."""

    async def caught(self, at: int) -> None:
        """All that the relay had stored at `at` has been handed on."""

    def left(self) -> None:
        """The visit is over."""


class Visit:
    """One link's worth of listening: REQ, stored events, EOSE, live events, echoes."""

    def __init__(self, home: Home, link: Link) -> None:
        self._home = home
        self._link = link
        self._timing = home.line.timing
        self._counts = home.line.counts
        self._auth = Auth(home.line.url, home.keys, home.clock)
        self._loop = asyncio.get_running_loop()
        self._asked = 0
        self._eager = True
        self._with_echo = True
        self._insisted = False
        self._subscription = Subscription("", [], 0)
        self._refused = False
        self._again = asyncio.Event()
        self._went_live = asyncio.Event()
        self._deadline = 0.0
        self._caught_at = 0.0
        self._echoes = Probe(home.errands, home.keys, home.clock, home.watch, home.funnel)

    @property
    def live(self) -> bool:
        return self._subscription.live and not self._refused

    @property
    def hears(self) -> bool:
        """A relay that never says EOSE is heard all the same when its echoes come."""
        return not self._refused and (self._subscription.live or self._echoes.came)

    def tasks(self) -> Sequence[Coroutine[Any, Any, None]]:
        return [self._read(), self._ask(), self._probe()]

    def close(self) -> None:
        self._home.left()

    def ask_again(self) -> None:
        """Ends the present asking, gently: the new REQ goes out before the old one is closed."""
        self._refused = False
        self._again.set()

    # asking

    async def _ask(self) -> None:
        backoff = Backoff(self._timing)
        while True:
            self._request()
            began = self._loop.time()
            if await self._until_over():
                pause = backoff.after(self._loop.time() - began if self._subscription.live else 0)
                self._again.clear()
                self._auth.forget()
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._again.wait()

    def _request(self) -> None:
        home = self._home
        self._again.clear()
        self._refused = False
        self._asked += 1
        asked_at = int(home.clock())
        filters = list(home.filters(home.mark))
        if self._with_echo:
            filters.append(echo_filter(home.keys.pubkey))
        old, new = self._subscription, Subscription(f"t{self._asked}", filters, asked_at)
        self._subscription = new
        self._link.send([new.request(), *(old.farewell() if self._asked > 1 else [])])
        self._wait(self._timing.eose_patience)

    async def _until_over(self) -> bool:
        """Waits until the filters must be asked again; True when the relay should be given time."""
        while True:
            try:
                async with asyncio.timeout_at(self._deadline):
                    await self._again.wait()
                return self._refused
            except TimeoutError:
                if self._loop.time() < self._deadline:
                    continue
                if self._home.funnel.stalled_since(self._deadline - self._timing.eose_patience):
                    self._wait(self._timing.eose_patience)
                elif not self.live:
                    self._home.line.error = "its stored events never ended"
                    return True
                elif self._home.watch.hearing != "heard":
                    self._with_echo = True  # it may have changed its mind
                    return False
                else:
                    self._wait(self._timing.poll_every)

    def _wait(self, seconds: float) -> None:
        self._deadline = self._loop.time() + seconds

    # hearing

    async def _read(self) -> None:
        while True:
            for message in hear(await self._link.receive(), self._home.line):
                await self._take(message)

    async def _take(self, message: Message) -> None:
        match message:
            case Brought(name, event):
                await self._event(name, event)
            case ["EOSE", str(name)]:
                await self._stored_are_in(name)
            case ["CLOSED", str(name), *rest]:
                text = rest[0] if rest and isinstance(rest[0], str) else ""
                self._closed(name, text[:MAX_TEXT])
            case ["AUTH", str(challenge)]:
                # Unasked, once: there are relays that silently hold back what is only for us, and
                # our filter has told them already whom we claim to be.
                self._link.send(self._auth.challenged(challenge, eager=self._eager))
                self._eager = False
            case ["OK", str(event_id), bool(accepted), *rest]:
                text = rest[0] if rest and isinstance(rest[0], str) else ""
                if self._auth.answered(event_id, Ok(accepted, text)):
                    self._judged(text[:MAX_TEXT])
            case ["NOTICE", str(text)]:
                self._noticed(text[:MAX_TEXT])
            case _:
                self._counts.malformed += 1

    async def _event(self, name: str, event: Event) -> None:
        if self._echoes.is_echo(event):
            await self._came_back(event.id)
            return
        if not self._subscription.note(name, event):
            self._counts.unasked += 1
            return
        if not self.live:
            self._wait(self._timing.eose_patience)
        if self._home.funnel.knows(event.id):
            self._counts.duplicates += 1
        elif not verify(event):
            self._counts.forged += 1
            return
        elif await self._home.funnel.hand_on(event):
            self._counts.events += 1
        else:
            self._counts.duplicates += 1
        self._echoes.news += self.live

    async def _stored_are_in(self, name: str) -> None:
        if self.live or self._auth.under_way:
            # While a proof is being judged this is not all: we ask again after it.
            return
        frames = self._subscription.ended(name)
        if frames:
            self._link.send(frames)
        if self.live:
            self._wait(self._timing.poll_every)
            self._home.line.error = ""
            self._caught_at = self._loop.time()
            await self._home.caught(self._subscription.asked_at)
            self._went_live.set()

    def _closed(self, name: str, text: str) -> None:
        if self._refused or not self._subscription.owns(name):
            return
        if self._auth.helps(text):
            self._link.send(self._auth.want())
            if self._auth.under_way:
                self._wait(self._timing.eose_patience)
                return
        elif not self.live:
            # It may be the echo's kind that it does not like.
            self._with_echo = not self._with_echo
        self._refuse(f"closed: {text}")

    def _noticed(self, text: str) -> None:
        """Some relays refuse a REQ by NOTICE alone, and give a proof no answer."""
        self._home.line.error = f"notice: {text}"
        if self.live or self._refused or not self._auth.helps(text):
            return
        if self._insisted:
            self._insisted = False
            self._refuse(f"notice: {text}")
            return
        self._insisted = True
        self._link.send(self._auth.want())
        self._auth.forget()  # what is asked after the proof is answered, the proof may not be
        self.ask_again()

    def _judged(self, text: str) -> None:
        """The relay's word on our proof of identity."""
        if self._auth.proof == "accepted":
            self.ask_again()
        else:
            self._refuse(f"authentication refused: {text}")

    def _refuse(self, error: str) -> None:
        self._home.line.error = error
        self._refused = True
        self._echoes.came = False
        self._again.set()

    # echoes

    async def _probe(self) -> None:
        home = self._home
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timing.eose_patience):
                await self._went_live.wait()
        while True:
            # Without a subscription silence would prove nothing.
            if not self._refused and not self._with_echo:
                home.watch.declined()
            elif not self._refused:
                advice = await self._echoes.call()
                if advice == "reconnect":
                    home.errands.line.drop(DEAF)
                    self._link.lose(DEAF)
                if advice == "try again":
                    continue
            await asyncio.sleep(self._timing.echo_every)

    async def _came_back(self, event_id: str) -> None:
        sent_at = self._echoes.came_back(event_id)
        now = self._loop.time()
        if sent_at is None or not self.live or now < self._caught_at + self._timing.caught_every:
            return
        self._caught_at = now
        # It came on the same subscription, so whatever was stored before it came before it.
        await self._home.caught(sent_at)
