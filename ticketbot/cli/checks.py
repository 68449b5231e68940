"""What only others can say: the clock, the relays, the wallet, the public address."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from typing import Final, Literal, NamedTuple

import aiohttp

from ticketbot.app.parts import build_wallet
from ticketbot.cli.opening import House
from ticketbot.cli.output import Progress, count, sats
from ticketbot.config import Lnbits
from ticketbot.domain.nostr import Event
from ticketbot.domain.payment import InvoiceAsk
from ticketbot.envelopes import Envelopes, Letter, Sealed
from ticketbot.errors import Broken, Retry
from ticketbot.lightning import Wallet
from ticketbot.lnbits.api import LnbitsApi, shared_budget, why_unreachable
from ticketbot.relays import Caught, RelayPool
from ticketbot.wallets.lnbits import LNbits

Verdict = Literal["ok", "skip", "warn", "FAIL"]
OK: Final = "ok"
SKIP: Final = "skip"
WARN: Final = "warn"
FAIL: Final = "FAIL"

TAKE = 15.0  # seconds a relay has to let us in and take a message
GIVE = 5.0  # seconds it has to give it back
WEB = aiohttp.ClientTimeout(total=8)
SKEW, TOO_MUCH_SKEW = 10, 120  # seconds
DM_RELAYS = 10050
WRAP = 1059


class Check(NamedTuple):
    """One thing that was looked at: what was found, and what to do about it."""

    name: str
    verdict: Verdict
    says: str
    todo: str = ""


async def outside(house: House, runs: bool, progress: Progress) -> list[Check]:
    """Every check that needs the network. `runs`: the bot itself is up just now."""
    found: list[Check] = []
    progress.step("reading clocks")
    found.append(await _check_clock(house))
    progress.step(f"asking {count(len(house.config.nostr.relays), 'relay')}")
    found += await _check_relays(house, runs)
    progress.step("asking the wallet")
    found += [check async for check in _check_wallet(house)]
    progress.step("calling the public address")
    found.append(await _check_public(house, runs))
    return found


async def _check_clock(house: House) -> Check:
    """Ours against the Date that relays' HTTP servers tell (NIP-11's address)."""
    nostr = house.config.nostr
    if nostr.proxy is not None:
        return Check("clock", SKIP, "not checked: nothing is asked past the proxy")
    async with aiohttp.ClientSession(timeout=WEB) as session:
        skews = await asyncio.gather(*(_skew(session, relay) for relay in nostr.relays))
    known = [skew for skew in skews if skew is not None]
    if not known:
        return Check("clock", SKIP, "not checked: no relay tells the time")
    skew = min(known, key=abs)
    says = f"{abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'} the relays'"
    if abs(skew) > TOO_MUCH_SKEW:
        return Check("clock", FAIL, says, "set the clock: systemctl enable --now systemd-timesyncd")
    if abs(skew) > SKEW:
        return Check("clock", WARN, says, "set the clock")
    return Check("clock", OK, f"within {SKEW} s of the relays'")


async def _skew(session: aiohttp.ClientSession, relay: str) -> float | None:
    """By how many seconds a relay's clock is ahead of ours."""
    url = relay.replace("ws", "http", 1)
    headers = {"Accept": "application/nostr+json"}
    began = time.time()
    try:
        async with session.get(url, headers=headers, allow_redirects=False) as answer:
            there = parsedate_to_datetime(answer.headers.get("Date", "")).timestamp()
    except (aiohttp.ClientError, OSError, ValueError):
        return None
    return there + 0.5 - (began + time.time()) / 2  # HTTP cuts its seconds off


async def _check_relays(house: House, runs: bool) -> list[Check]:
    """A letter of the bot to itself goes through every relay and back."""
    relays = house.config.nostr.relays
    letter = Letter("nip17", house.keys.pubkey, int(time.time()), "ticketbot doctor was here")
    sealed = Envelopes(house.keys).seal([letter])[0]
    async with _pool(house) as pool:
        answers = (await pool.publish([(sealed, relays)], timeout=TAKE))[0]
        found = []
        for relay in relays:
            answer = answers.get(relay)
            if answer is None:
                why = pool.status()[relay].last_error or "no answer"
                todo = "try again later, or take it out of `relays`"
                found.append(Check(f"relay {relay}", FAIL, f"cannot be reached: {why}", todo))
            elif not answer.accepted:
                says = f"takes no messages of ours: {answer.text}"
                found.append(Check(f"relay {relay}", FAIL, says, "take another relay"))
            else:
                found.append(await _check_return(house, pool, relay, sealed))
        good = any(check.verdict != FAIL for check in found)
        if not good:
            return found
        return [*found, await _check_inbox(house, pool, runs)]


async def _check_return(house: House, pool: RelayPool, relay: str, sealed: Sealed) -> Check:
    name = f"relay {relay}"
    began = time.monotonic()
    query = {"kinds": [WRAP], "#p": [house.keys.pubkey], "ids": [sealed.event_id]}
    try:
        events = await pool.fetch([query], [relay], timeout=GIVE)
    except Retry:
        says = "took a message to ourselves, then did not answer when asked for it"
        return Check(name, FAIL, says, "take another relay")
    if not events:
        says = "took a message to ourselves, and does not give it back"
        return Check(name, FAIL, says, "take a relay that keeps gift wraps (kind 1059)")
    passed = (time.monotonic() - began) * 1000
    if warnings := pool.status()[relay].warnings:
        return Check(name, WARN, f"works, but {'; '.join(warnings)}")
    return Check(name, OK, f"a message to ourselves came back ({passed:.0f} ms)")


async def _check_inbox(house: House, pool: RelayPool, runs: bool) -> Check:
    """Without a kind 10050 strict clients do not write to the bot (NIP-17)."""
    query = {"kinds": [DM_RELAYS], "authors": [house.keys.pubkey]}
    try:
        events = await pool.fetch([query], timeout=GIVE)
    except Retry:
        events = []
    if not events:
        says = "no list of DM relays (kind 10050) is published"
        if runs:
            return Check("10050", FAIL, says, "see the log for `note.postponed`")
        return Check("10050", WARN, f"{says}: `run` does it")
    newest = max(events, key=lambda event: event.created_at)
    named = {row[0] for row in newest.rows("relay") if row}
    missing = named - set(house.config.nostr.relays)
    if missing or not named:
        says = f"the published list is not that of the configuration: {', '.join(sorted(named))}"
        return Check("10050", WARN, says, "`run` publishes it anew")
    return Check("10050", OK, f"people can find {count(len(named), 'DM relay')} of ours")


@contextlib.asynccontextmanager
async def _pool(house: House) -> AsyncIterator[RelayPool]:
    """The relays, connected as the bot connects them, while the block runs."""
    nostr, began = house.config.nostr, int(time.time())
    inbox: asyncio.Queue[Event | Caught] = asyncio.Queue()
    pool = RelayPool(
        nostr.relays,
        house.keys,
        inbox,
        lambda mark: [{"kinds": [WRAP], "#p": [house.keys.pubkey], "since": began}],
        {},
        allow_private=nostr.allow_private_relays,
        proxy=nostr.proxy,
    )
    running = asyncio.create_task(pool.run())
    try:
        yield pool
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def _check_wallet(house: House) -> AsyncIterator[Check]:
    lnbits = house.config.lnbits
    name = "wallet" if lnbits is None else f"wallet {lnbits.url}"
    try:
        wallet = build_wallet(house.config, time.time)
    except Broken as error:
        yield Check(name, FAIL, str(error))
        return
    try:
        balance = await wallet.balance()
        if lnbits is None:
            yield Check(name, WARN, "FAKE MONEY: this wallet is for the demo and for tests")
        else:
            yield Check(name, OK, f"answers, and holds {sats(balance)} sats")
            yield await _check_permission(lnbits)
            yield _check_wallet_clock(wallet)
        yield await _check_invoice(wallet)
        if isinstance(wallet, LNbits):
            yield await _check_admin_key(wallet)
    except (Retry, Broken) as error:
        todo = "" if isinstance(error, Broken) else "is it running, and is `lnbits.url` right?"
        yield Check(name, FAIL, str(error), todo)
    finally:
        await wallet.close()


def _check_wallet_clock(wallet: Wallet) -> Check:
    """The wallet's clock against ours: its invoices are dated by it."""
    ahead = wallet.now() - int(time.time())
    if abs(ahead) <= TOO_MUCH_SKEW:
        return Check("wallet clock", OK, "agrees with this machine's")
    says = f"{abs(ahead)} s {'ahead of' if ahead > 0 else 'behind'} this machine's"
    return Check("wallet clock", FAIL, says, "set the clock that is wrong")


async def _check_permission(lnbits: Lnbits) -> Check:
    """LNbits tells a wallet's id to its admin key only."""
    api = LnbitsApi(lnbits.url, lnbits.invoice_key.reveal(), shared_budget(60))
    try:
        wallet = await api.get("/api/v1/wallet", {}, "look")
    finally:
        await api.close()
    if isinstance(wallet, dict) and "id" in wallet:
        says = "the key in `invoice_key_file` is the admin key: who steals it takes the money"
        return Check("wallet key", FAIL, says, "put the Invoice/read key there")
    return Check("wallet key", OK, "it can make invoices, and cannot spend")


async def _check_admin_key(wallet: LNbits) -> Check:
    """After an invoice was made: its row tells whose wallet the invoice key is of."""
    if not wallet.can_pay:
        return Check("wallet admin key", SKIP, "none: refunds wait for you")
    try:
        await wallet.check_admin_key()
    except Broken as error:
        return Check("wallet admin key", FAIL, str(error))
    return Check(
        "wallet admin key", OK, "it is of the same wallet: the bot sends refunds by itself"
    )


async def _check_invoice(wallet: Wallet) -> Check:
    name = f"doctor-{secrets.token_hex(6)}"
    made = await wallet.create(InvoiceAsk(name, 1000, "ticketbot doctor, not to be paid", 120))
    look = await wallet.look(made.payment_hash, made.expires_at)
    if look.state != "pending":
        says = f"made an invoice of 1 sat and calls it {look.state}, not pending"
        return Check("wallet invoice", FAIL, says, "is the wallet's Lightning node up?")
    return Check("wallet invoice", OK, "made one of 1 sat, and calls it unpaid")


async def _check_public(house: House, runs: bool) -> Check:
    web = house.config.web
    if web is None or web.public_url is None:
        return Check("public URL", SKIP, "none: QR codes travel as data URIs")
    url = f"{web.public_url}/health"
    try:
        async with aiohttp.ClientSession(timeout=WEB) as session, session.get(url) as answer:
            status, words = (
                answer.status,
                (await answer.content.read(2000)).decode(errors="replace"),
            )
    except (aiohttp.ClientError, OSError, ValueError) as error:
        says = f"{url} cannot be reached: {why_unreachable(error)}"
        if runs:
            return Check("public URL", FAIL, says, "is the proxy in front of the bot set up?")
        return Check("public URL", WARN, f"{says} (the bot is not running)")
    return _judge_health(url, status, words, runs)


def _judge_health(url: str, status: int, words: str, runs: bool) -> Check:
    if status == 200 and '"ledger"' in words:
        return Check("public URL", OK, f"{url} answers")
    if status == 503 and '"ledger"' in words:
        return Check("public URL", WARN, f"{url} answers that not all is well: {words.strip()}")
    says = f"{url} answers {status}, and that is not this bot"
    todo = "let the proxy hand everything on to `web.listen`"
    return Check("public URL", FAIL if runs else WARN, says, todo)
