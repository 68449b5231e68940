"""One evening in a terminal: an event is published, an attendee buys, the ticket comes."""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import aiohttp

from ticketbot import qr
from ticketbot.app import App
from ticketbot.demo.client import Client
from ticketbot.demo.stage import Choices, run_bot, run_relay
from ticketbot.domain.nip19 import npub_encode
from ticketbot.domain.ticket import read_token
from ticketbot.domain.when import DAY, HOUR
from ticketbot.errors import Broken
from ticketbot.keys import Keys
from ticketbot.ledger.audit import check_ledger
from ticketbot.lightning import Wallet
from ticketbot.wallets.fake import FakeWallet, PaymentFailed

PRICE_SATS = 21
SEATS = 50
WAIT = 20.0
PERSON_PAYS = 600.0

Pay = Callable[[str], Awaitable[None]]


async def play(choices: Choices) -> None:
    """The whole demo; `Broken` or `TimeoutError` when any step fails."""
    with tempfile.TemporaryDirectory(prefix="ticketbot-demo-") as folder:
        async with (
            run_relay(choices.port) as relay,
            run_bot(choices, relay, Path(folder)) as app,
        ):
            pay = _payer(choices, app.wallet)
            _headline(choices, relay, app)
            organizer = Client(Keys(os.urandom(32)), app.keys.pubkey)
            await organizer.connect(relay)
            await _publish_event(organizer, app)
            await _attendee(relay, app, pay)
            await organizer.disconnect()
            if not choices.once:
                await _stay(relay, app, pay)


async def _attendee(relay: str, app: App, pay: Pay) -> None:
    """The scripted attendee: asks, buys, pays, holds a ticket that verifies."""
    alice = Client(Keys(os.urandom(32)), app.keys.pubkey)
    await alice.connect(relay)
    for text, answer in (("hi", "events"), ("events", "buy")):
        _show("alice", text)
        await alice.write(text)
        _show("bot", (await alice.next(answer, WAIT)).text)
    _show("alice", "buy lisbon")
    await alice.write("buy lisbon")
    _show("bot", (await alice.next("Order", WAIT)).text)
    bolt11 = (await alice.next("lnbc", WAIT)).text
    _show("bot", bolt11)
    await pay(bolt11)
    _show("alice", "(pays)")
    seen: dict[str, str] = {}
    while len(seen) < 2:
        message = await alice.next("TKT1:", WAIT if seen else PERSON_PAYS)
        seen["kind 24133" if message.protocol == "24133" else "DM"] = message.text
    _show("bot", seen["DM"])
    token = next(line for line in seen["DM"].splitlines() if line.startswith("TKT1:"))
    claims = read_token(token, app.desk.ticket_public_key)
    if token not in seen["kind 24133"]:
        raise Broken("the ticket in kind 24133 is not the one of the DM")
    _say(qr.terminal(token))
    _say(f"Ticket {claims.ticket_id} came as a DM and in kind 24133; its signature is genuine.")
    broken = [one for one in await app.store.read(check_ledger) if not one.kept]
    if broken:
        raise Broken(f"the ledger's invariants do not hold: {broken}")
    _say("The ledger's invariants hold: every satoshi has one fate.")
    await alice.disconnect()


async def _publish_event(organizer: Client, app: App) -> None:
    start = int(time.time()) + 7 * DAY
    tags = [
        ["d", "demo"],
        ["title", "Lisbon Bitcoin Meetup"],
        ["start", str(start)],
        ["end", str(start + 3 * HOUR)],
        ["start_tzid", "Europe/Lisbon"],
        ["D", str(start // DAY)],
        ["location", "Praça do Comércio, Lisbon"],
        ["price", str(PRICE_SATS), "SAT"],
        ["stock", str(SEATS)],
        ["t", "bitcoin"],
        ["p", app.keys.pubkey, "", "tickets"],
    ]
    _show("organizer", f"(publishes a calendar event: {SEATS} seats at {PRICE_SATS} sats)")
    await organizer.publish(31923, tags, "An evening among friends.")
    _show("bot", (await organizer.next("On sale", WAIT)).text)


async def _stay(relay: str, app: App, pay: Pay) -> None:
    """Keep everything up, so that a person can try with a client of their own."""
    _say(
        f"\nTry it yourself: write to {npub_encode(app.keys.pubkey)}\n"
        f"on the relay {relay} from any Nostr client. Send it: help\n"
        "To sell an event of your own, publish a note there that mentions it: help organizer\n"
        "Paste a bolt11 here and press Enter to pay it. Ctrl-C ends the demo."
    )
    async for line in _typed():
        if bolt11 := line.strip().removeprefix("lightning:"):
            try:
                await pay(bolt11)
                _say("(paid)")
            except (PaymentFailed, Broken) as error:
                _say(f"(not paid: {error})")
    await asyncio.Event().wait()  # no terminal: stay until stopped


async def _typed() -> AsyncIterator[str]:
    """What is typed, line by line; an end where nothing more can come.

    By a thread that nobody waits for: an executor's would hold Ctrl-C up until somebody presses
    Enter. It takes no lock that the interpreter wants at its end, as `sys.stdin` would.
    """
    loop, lines = asyncio.get_running_loop(), asyncio.Queue[bytes]()

    def read() -> None:
        rest = b""
        with suppress(OSError, RuntimeError):  # the terminal or the loop is gone
            while some := os.read(0, 4096):
                *whole, rest = (rest + some).split(b"\n")
                for line in whole:
                    loop.call_soon_threadsafe(lines.put_nowait, line + b"\n")
            loop.call_soon_threadsafe(lines.put_nowait, rest)
            loop.call_soon_threadsafe(lines.put_nowait, b"")

    threading.Thread(target=read, name="typed", daemon=True).start()
    while line := await lines.get():
        yield line.decode(errors="replace")


def _payer(choices: Choices, wallet: Wallet) -> Pay:
    if isinstance(wallet, FakeWallet):
        return wallet.receive
    key_file, url = choices.lnbits_payer_key_file, choices.lnbits_url
    if key_file is None:
        return _let_a_person_pay
    key = key_file.read_text().strip()

    async def pay(bolt11: str) -> None:
        async with aiohttp.ClientSession() as session:
            body, headers = {"out": True, "bolt11": bolt11}, {"X-Api-Key": key}
            async with session.post(f"{url}/api/v1/payments", json=body, headers=headers) as answer:
                said = await answer.json()
        if said.get("status") != "success":
            raise Broken(f"the paying wallet did not pay: {said.get('detail', said)}")

    return pay


async def _let_a_person_pay(bolt11: str) -> None:
    _say(qr.terminal(bolt11.upper()))
    _say("Pay this invoice with a wallet of yours: the demo goes on when it is paid.")


def _headline(choices: Choices, relay: str, app: App) -> None:
    money = "" if choices.lnbits_url else "FAKE MONEY: nothing here is worth anything.\n"
    web = app.config.web
    page = f"http://{web.host}:{web.port}" if web else ""
    _say(f"{money}A bot, a relay and a wallet are running here, for this demo only.")
    _say(f"bot   {npub_encode(app.keys.pubkey)}\nrelay {relay}\npage  {page}\n")


def _show(who: str, text: str) -> None:
    lines = text.splitlines() or [""]
    _say(f"{who:>9} | {lines[0]}")
    for line in lines[1:]:
        _say(f"{'':>9} | {line}")


def _say(text: str) -> None:
    print(text, flush=True)
