"""The LNbits client against a stand-in that answers whatever a test wants."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import time
import traceback
from collections.abc import AsyncIterator, Callable
from email.utils import formatdate
from typing import Any

import pytest
from aiohttp import WSMsgType, web
from coincurve import PrivateKey
from structlog.testing import capture_logs

from ticketbot.budget import Budget
from ticketbot.domain.bolt11 import write_bolt11
from ticketbot.errors import Broken, Retry, TicketbotError
from ticketbot.lightning import InvoiceAsk, LNbits, Look

KEY = "c0ffee" * 5 + "42"
WALLET = "f" * 32
ASK = InvoiceAsk("o-1", 21_000, "Lisbon meetup", 660)
Answer = tuple[int, Any]


def row(number: int = 1, **values: Any) -> dict[str, Any]:
    """A row of LNbits' payment table, as the API shows it."""
    payment_hash = hashlib.sha256(number.to_bytes(8)).digest()
    bolt11 = write_bolt11(
        network="bcrt",
        payment_hash=payment_hash,
        payment_secret=bytes(32),
        amount_msat=21_000,
        memo="ticket",
        created_at=int(time.time()),
        expiry_seconds=660,
        sign=PrivateKey(b"\x07" * 32).sign_recoverable,
    )
    return {
        "payment_hash": payment_hash.hex(),
        "wallet_id": WALLET,
        "amount": 21_000,
        "bolt11": bolt11,
        "status": "pending",
        "external_id": "o-1",
        "updated_at": "2026-11-21T11:42:58.601760+00:00",
    } | values


class Stand:
    """Answers every request with `answer(request)`; remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.bodies: list[Any] = []
        self.headers: dict[str, str] = {}
        self.answer: Callable[[web.Request], Answer] = lambda _: (200, {"balance": 0})
        self.delay = 0.0
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        self.bodies.append(await request.text())
        if self.delay:
            await asyncio.sleep(self.delay)
        status, body = self.answer(request)
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(status=status, text=text, headers=self.headers)

    def says(self, status: int, body: Any) -> None:
        self.answer = lambda _: (status, body)


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    stand = Stand()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", stand.handle)
    async with serving(app) as url:
        stand.url = url
        yield stand


@contextlib.asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def wallet(stand: Stand) -> AsyncIterator[LNbits]:
    wallet = LNbits(stand.url + "/", KEY, requests_per_minute=60_000, timeout=0.5)
    yield wallet
    await wallet.close()


# Whose move it is.


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (429, {"error": "Rate limit exceeded: 200 per 1 minute"}, Retry, "too often"),
        (500, {"detail": "Unexpected error! ID: 1"}, Retry, "Unexpected error"),
        (502, "<html>bad gateway</html>", Retry, "502"),
        (503, "", Retry, "503"),
        (520, {"detail": "no node", "status": "pending"}, Retry, "no node"),
        (520, {"detail": "Invoice amount is too high.", "status": "failed"}, Broken, "too high"),
        (520, ["odd"], Retry, "520"),
        (200, "<html>welcome to the hotel</html>", Retry, "not in JSON"),
        (200, '{"half": ', Retry, "not in JSON"),
        (404, {"detail": "Wallet not found."}, Broken, r"`lnbits\.invoice_key_file`.*not found"),
        (401, {"detail": "No Api Key provided."}, Broken, r"`lnbits\.invoice_key_file`"),
        (403, {"detail": "IP is blocked"}, Broken, "IP is blocked"),
        (404, {"detail": "Not Found"}, Broken, r"`lnbits\.url`"),
        (404, "nginx", Broken, r"`lnbits\.url`"),
        (400, {"detail": [{"msg": "memo"}]}, Broken, "memo"),
        (200, {}, Broken, "unknown shape"),
        (200, [], Broken, "unknown shape"),
        (200, "null", Retry, "not in JSON"),
        (200, row(bolt11="lnbc1"), Broken, "unknown shape"),
    ],
    ids=range(19),
)
async def test_every_answer_is_somebodys_move(
    stand: Stand,
    wallet: LNbits,
    status: int,
    body: Any,
    error: type[TicketbotError],
    words: str,
) -> None:
    stand.says(status, body)

    with pytest.raises(error, match=words):
        await wallet.create(ASK)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("/first_install", "has not been set up yet"),
        ("https://elsewhere.example/api?x=1", r"\(https://elsewhere\.example/api\)"),
        ("http://[", "redirected"),
        ("", "redirected"),
    ],
)
async def test_a_redirection_is_not_followed(
    stand: Stand, wallet: LNbits, status: int, location: str, words: str
) -> None:
    stand.headers["Location"] = location
    stand.says(status, "")

    with pytest.raises(Broken, match=words):
        await wallet.create(ASK)
    assert len(stand.asked) == 1


async def test_a_hail_of_refusals_is_one_and_a_good_answer_ends_it(
    stand: Stand, wallet: LNbits, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(Budget, "pause", lambda _, seconds: pauses.append(seconds))
    monkeypatch.setattr("ticketbot.lnbits_api._FIRST_PAUSE", 0.1)
    monkeypatch.setattr("ticketbot.lnbits_api._LONGEST_PAUSE", 0.3)
    fresh = LNbits(stand.url, KEY, requests_per_minute=60_000)
    for _ in range(4):
        stand.says(429, {"error": "Rate limit exceeded"})
        await asyncio.gather(*(fresh.probe() for _ in range(10)))
        await asyncio.sleep(0.31)
    stand.says(200, {"balance": 0})
    await fresh.probe()
    stand.says(429, {"error": "Rate limit exceeded"})
    await fresh.probe()
    await fresh.close()

    assert pauses == [0.1, 0.2, 0.3, 0.3, 0.1]


async def test_silence_is_retry_and_unknown(stand: Stand, wallet: LNbits) -> None:
    stand.delay = 5
    with pytest.raises(Retry, match=r"did not answer within 0\.5 s"):
        await wallet.create(ASK)

    look = await wallet.look(row()["payment_hash"], 2**40)

    assert look.state == "unknown"
    assert wallet.health() == (False, wallet.health().at, "LNbits did not answer within 0.5 s.")


async def test_nobody_there_is_retry(wallet: LNbits, stand: Stand) -> None:
    gone = LNbits("http://127.0.0.1:9", KEY)
    with pytest.raises(Retry, match="cannot be reached"):
        await gone.create(ASK)
    await gone.close()


def test_a_budget_that_cannot_work_is_the_operators_business() -> None:
    with pytest.raises(Broken, match=r"`lnbits\.requests_per_minute`"):
        LNbits("http://127.0.0.1:9", KEY, requests_per_minute=9)


# What is asked, and what must be in the answer.


async def test_what_a_new_invoice_is_asked_with(stand: Stand, wallet: LNbits) -> None:
    made = row()
    stand.says(201, made)

    invoice = await wallet.create(ASK)

    assert invoice[:3] == ("o-1", made["payment_hash"], made["bolt11"])
    assert json.loads(stand.bodies[0]) == {
        "out": False,
        "unit": "sat",
        "amount": 21,
        "memo": "Lisbon meetup",
        "expiry": 660,
        "external_id": "o-1",
        "extra": {"tag": "ticketbot", "order": "o-1"},
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": 22_000},
        {"external_id": "o-2"},
        {"external_id": None},
        {"payment_hash": "0" * 64},
        {"bolt11": row(2)["bolt11"]},
    ],
    ids=lambda wrong: "-".join(wrong),
)
async def test_another_invoice_than_was_asked_for_is_never_shown(
    stand: Stand, wallet: LNbits, wrong: dict[str, Any]
) -> None:
    stand.says(201, row(**wrong))

    with pytest.raises(Broken, match="another invoice"):
        await wallet.create(ASK)


async def test_an_amount_that_only_the_bolt11_has_wrong(stand: Stand, wallet: LNbits) -> None:
    stand.says(201, row(amount=42_000))

    with pytest.raises(Broken, match="another invoice"):
        await wallet.create(ASK._replace(amount_msat=42_000))


async def test_filters_that_are_ignored_are_noticed(stand: Stand, wallet: LNbits) -> None:
    """An older LNbits ignores what it does not know and answers with everything."""
    asked = row(1)["payment_hash"]
    stand.says(200, {"data": [row(1), row(2, external_id=None)], "total": 2})
    with pytest.raises(Broken, match="external_id"):
        await wallet.find("o-1")
    with pytest.raises(Broken, match="payment_hash"):
        await wallet.look_many([asked])
    with pytest.raises(Broken, match="status"):
        await wallet.settled_since(0)
    stand.says(200, {"data": [row(1, amount=-21_000)], "total": 1})
    with pytest.raises(Broken, match="amount"):
        await wallet.look_many([asked])


async def test_a_payment_of_another_wallet_is_a_disaster(stand: Stand, wallet: LNbits) -> None:
    stand.says(201, row())
    await wallet.create(ASK)
    foreign = row(status="success", wallet_id="e" * 32)
    stand.says(200, {"paid": True, "details": foreign})

    with pytest.raises(Broken, match="another wallet"):
        await wallet.look(foreign["payment_hash"], 2**40)
    stand.says(200, {"data": [foreign], "total": 1})
    with pytest.raises(Broken, match="another wallet"):
        await wallet.look_many([foreign["payment_hash"]])


async def test_lists_are_asked_for_without_side_effects(stand: Stand, wallet: LNbits) -> None:
    stand.says(200, {"data": [], "total": 0})
    hashes = [f"{number:064x}" for number in range(250)]

    assert await wallet.find("o-1") == []
    assert await wallet.look_many(hashes) == {}
    assert await wallet.look_many([]) == {}
    assert await wallet.settled_since(5) == []

    assert len(stand.asked) == 1 + 3 + 1
    for path in stand.asked:
        assert path.startswith("/api/v1/payments/paginated?amount%5Bgt%5D=0&")
        assert "recheck" not in path
        assert KEY not in path
        assert len(path) < 7_500
    listed = [path.partition("payment_hash%5Bin%5D=")[2].partition("&")[0] for path in stand.asked]
    assert ",".join(filter(None, listed)).split(",") == hashes


@pytest.mark.parametrize("rubbish", ["", "0" * 63, "G" * 64, "../wallet", "0" * 64 + "\n"])
async def test_only_hashes_get_into_a_path(stand: Stand, wallet: LNbits, rubbish: str) -> None:
    with pytest.raises(Broken):
        await wallet.look(rubbish, 2**40)
    with pytest.raises(Broken):
        await wallet.look_many([rubbish])
    assert stand.asked == []


# Looking.


@pytest.mark.parametrize(
    ("status", "body", "state"),
    [
        (200, {"paid": False, "status": "pending", "details": row()}, "pending"),
        (200, {"paid": True, "details": row(status="success")}, "settled"),
        (200, {"paid": False, "status": "failed", "details": row(status="failed")}, "failed"),
        (200, {"paid": False, "details": row()}, "unknown"),
        (200, {"paid": False, "status": "odd", "details": row(status="odd")}, "unknown"),
        (404, {"detail": "Payment does not exist."}, "unknown"),
        (429, {"error": "Rate limit exceeded"}, "unknown"),
        (500, {"detail": "no"}, "unknown"),
        (520, {"detail": "no"}, "unknown"),
    ],
    ids=range(9),
)
async def test_a_look_says_pending_only_when_the_node_was_asked(
    stand: Stand, wallet: LNbits, status: int, body: Any, state: str
) -> None:
    stand.says(status, body)

    look = await wallet.look(row()["payment_hash"], 2**40)

    assert look.state == state
    assert (look.settled_at is not None) == (state == "settled")


async def test_money_from_ourselves_is_looked_up_in_the_list(stand: Stand, wallet: LNbits) -> None:
    """LNbits shows the outgoing row of the hash first."""
    incoming = row(status="success")

    def answer(request: web.Request) -> Answer:
        if request.path.endswith("/paginated"):
            return 200, {"data": [incoming], "total": 1}
        return 200, {"paid": True, "details": incoming | {"amount": -21_000}}

    stand.answer = answer

    look = await wallet.look(incoming["payment_hash"], 2**40)

    assert (look.state, look.amount_msat) == ("settled", 21_000)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-02T00:00:01.9+00:00", 86_401),
        ("1970-01-02T00:00:01", 86_401),
        ("1970-01-02T01:00:01+01:00", 86_401),
    ],
)
async def test_times_are_utc(
    stand: Stand, wallet: LNbits, monkeypatch: pytest.MonkeyPatch, text: str, seconds: int
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    settled = row(status="success", updated_at=text)
    stand.says(200, {"paid": True, "details": settled})

    look = await wallet.look(settled["payment_hash"], 2**40)
    monkeypatch.undo()
    time.tzset()

    assert look == Look(settled["payment_hash"], "settled", 21_000, "o-1", seconds)


async def test_an_answer_for_strangers_means_a_wrong_key(stand: Stand, wallet: LNbits) -> None:
    def answer(request: web.Request) -> Answer:
        if request.path == "/api/v1/wallet":
            return 404, {"detail": "Wallet not found."}
        return 200, {"paid": True, "preimage": "0" * 64}

    stand.answer = answer

    with pytest.raises(Broken, match=r"`lnbits\.invoice_key_file`"):
        await wallet.look(row()["payment_hash"], 2**40)


@pytest.mark.parametrize(
    ("ahead", "before_expiry", "path"),
    [
        (0, 11.0, "/api/v1/payments/"),
        (0, 10.0, "/api/v1/payments/paginated"),
        (0, -1, "/api/v1/payments/paginated"),
        (-100, 11.0, "/api/v1/payments/"),
        (-100, 9.0, "/api/v1/payments/paginated"),
        (100, 109, "/api/v1/payments/paginated"),
        (100, 111, "/api/v1/payments/"),
    ],
)
async def test_after_the_expiry_no_invoice_is_looked_up_alone(
    stand: Stand, ahead: int, before_expiry: float, path: str
) -> None:
    """By LNbits' clock as well as by ours: it is LNbits that kills the invoice."""
    now = 1_800_000_000.0
    expires_at = 1_800_000_600
    stand.headers["Date"] = formatdate(now + ahead, usegmt=True)
    wallet = LNbits(stand.url, KEY, requests_per_minute=60_000, clock=lambda: now)
    await wallet.probe()
    now = expires_at - before_expiry
    stand.headers["Date"] = formatdate(now + ahead, usegmt=True)
    stand.asked.clear()

    await wallet.probe()
    stand.says(200, {"data": [], "total": 0})
    with contextlib.suppress(Broken):
        await wallet.look(row()["payment_hash"], expires_at)
    await wallet.close()

    assert len(stand.asked) == 2
    assert stand.asked[1].startswith(path)
    assert stand.asked[1].startswith("/api/v1/payments/paginated") == path.endswith("paginated")


async def test_an_invoice_that_expires_while_the_budget_waits(stand: Stand) -> None:
    now = 1_800_000_000.0
    wallet = LNbits(stand.url, KEY, requests_per_minute=60, clock=lambda: now)
    stand.headers["Date"] = formatdate(now, usegmt=True)
    stand.says(200, {"data": [], "total": 0})
    for _ in range(15):  # the whole burst
        await wallet.find("o-1")

    waiting = asyncio.create_task(wallet.look(row()["payment_hash"], int(now) + 15))
    await asyncio.sleep(0.1)
    now += 6
    look = await waiting
    await wallet.close()

    assert look.state == "unknown"
    assert all(path.startswith("/api/v1/payments/paginated") for path in stand.asked)
    assert len(stand.asked) == 16


async def test_settlements_that_come_in_while_pages_turn(stand: Stand, wallet: LNbits) -> None:
    rows = [
        row(
            number, status="success", updated_at=f"2026-01-01T{number // 60:02}:{number % 60:02}:00"
        )
        for number in range(1_300)
    ]

    def answer(request: web.Request) -> Answer:
        offset, limit = int(request.query["offset"]), int(request.query["limit"])
        assert request.query["sortby"] == "updated_at"
        page = rows[::-1][offset : offset + limit]
        rows.append(row(len(rows), status="success", updated_at="2026-01-02T00:00:00"))
        return 200, {"data": page, "total": len(rows)}

    stand.answer = answer
    thousandth = 1_767_225_600 + 60 * 300

    looks = await wallet.settled_since(thousandth)

    assert [look.payment_hash for look in looks] == [r["payment_hash"] for r in rows[300:1_300]]
    assert [look.settled_at for look in looks] == [
        thousandth + 60 * number for number in range(1_000)
    ]


# Pushes.


class Channel:
    """A push channel: each connection runs `talk(socket, number)`."""

    def __init__(self) -> None:
        self.opened: list[float] = []
        self.refuse = 0
        self.ping = True

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.opened.append(time.monotonic())
        if len(self.opened) <= self.refuse:
            return web.Response(status=403, text=f"no channel {request.path}")
        socket = web.WebSocketResponse(autoping=self.ping)
        await socket.prepare(request)
        await self.talk(socket, len(self.opened))
        async for message in socket:
            assert message.type is WSMsgType.PING
        return socket

    async def talk(self, socket: web.WebSocketResponse, number: int) -> None:
        """Nothing, by default."""


@pytest.fixture
async def channel() -> AsyncIterator[tuple[Channel, LNbits]]:
    channel = Channel()
    app = web.Application()
    app.router.add_get(f"/api/v1/ws/{KEY}", channel.handle)
    async with serving(app) as url:
        wallet = LNbits(url, KEY, timeout=2, heartbeat=0.4)
        yield channel, wallet
        await wallet.close()


async def hints_of(wallet: LNbits, number: int) -> list[str | None]:
    async with contextlib.aclosing(wallet.hints()) as hints:
        async with asyncio.timeout(15):
            return [await anext(hints) for _ in range(number)]


async def test_a_silent_dead_channel_is_noticed(channel: tuple[Channel, LNbits]) -> None:
    stand, wallet = channel
    stand.ping = False  # it stays open, and answers no ping

    assert await hints_of(wallet, 2) == [None, None]


async def test_a_channel_that_lives_is_kept(channel: tuple[Channel, LNbits]) -> None:
    stand, wallet = channel
    async with contextlib.aclosing(wallet.hints()) as hints:
        assert await anext(hints) is None
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.5):
                await anext(hints)
    assert len(stand.opened) == 1


async def test_reconnecting_waits_longer_each_time(channel: tuple[Channel, LNbits]) -> None:
    stand, wallet = channel
    stand.refuse = 3

    assert await hints_of(wallet, 1) == [None]

    waits = [b - a for a, b in zip(stand.opened, stand.opened[1:], strict=False)]
    assert len(waits) == 3
    for wait, longest in zip(waits, (0.5, 1.0, 2.0), strict=True):
        assert longest / 2 <= wait


async def test_a_flood_of_pushes_becomes_reconcile(channel: tuple[Channel, LNbits]) -> None:
    stand, wallet = channel
    arrived = asyncio.Event()

    async def talk(socket: web.WebSocketResponse, number: int) -> None:
        for count in range(1_200):
            payment = {"payment_hash": f"{count:064x}", "amount": 1}
            await socket.send_json({"payment": payment})
        arrived.set()

    stand.talk = talk  # type: ignore[method-assign]
    async with contextlib.aclosing(wallet.hints()) as hints:
        first = await anext(hints)
        await arrived.wait()
        await asyncio.sleep(0.3)
        second = await anext(hints)
        rest = [await anext(hints) for _ in range(100)]

    assert (first, second) == (None, None)
    assert rest[-1] is not None


async def test_a_push_that_is_too_large_breaks_the_channel_and_no_more(
    channel: tuple[Channel, LNbits],
) -> None:
    stand, wallet = channel

    async def talk(socket: web.WebSocketResponse, number: int) -> None:
        if number == 1:
            await socket.send_str("x" * 300_000)

    stand.talk = talk  # type: ignore[method-assign]

    assert await hints_of(wallet, 2) == [None, None]


# Secrets.


async def test_the_key_is_nowhere_to_be_read(
    channel: tuple[Channel, LNbits], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "aiohttp.client")
    stand, wallet = channel
    stand.refuse = 1
    errors: list[BaseException] = []
    with capture_logs() as logs:
        await hints_of(wallet, 1)
        for question in (wallet.create(ASK), wallet.find("o-1"), wallet.balance()):
            with pytest.raises(Broken) as caught:
                await question
            errors.append(caught.value)
    nowhere = LNbits("http://127.0.0.1:9", KEY, timeout=1)
    with pytest.raises(Retry) as lost:
        await nowhere.balance()
    await nowhere.close()
    errors.append(lost.value)
    told = [repr(logs), caplog.text, repr(wallet), repr(vars(wallet)), repr(wallet.health())]
    told += ["".join(traceback.format_exception(error)) for error in errors]

    assert [entry["event"] for entry in logs] == ["hints.lost", "hints.open"]
    assert all(KEY not in text for text in told)
