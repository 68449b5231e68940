"""The LNbits client that pays: what it asks for, and that only the outgoing row decides."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any

import pytest
from aiohttp import web

from tests.unit.lnbits_stand import KEY, WALLET, Answer, Stand, row, standing
from ticketbot.errors import Broken, Retry, TicketbotError
from ticketbot.wallets.lnbits import LNbits

ADMIN = "ad319" * 6 + "42"
OUT = row(1, amount=-21_000, fee=-2_000, external_id=None)
HASH, BOLT11 = OUT["payment_hash"], OUT["bolt11"]


class Till(Stand):
    """An LNbits with one wallet: its rows, and what it answers to a payment."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[dict[str, Any]] = [row(2, status="success")]
        self.paying: Answer = (201, {"status": "success"})
        self.alone: Answer = (500, "")
        self.wallet_id: str | None = WALLET
        self.keys: list[tuple[str, str, str]] = []
        self.answer = self._answer

    def _answer(self, request: web.Request) -> Answer:
        self.keys.append((request.method, request.path, request.headers["X-Api-Key"]))
        if request.method == "POST":
            return self.paying
        if request.path == "/api/v1/wallet":
            named = {} if self.wallet_id is None else {"id": self.wallet_id}
            return 200, {"balance": 0, **named}
        if request.path == "/api/v1/payments/paginated":
            out = "amount[lt]" in request.query
            rows = [one for one in self.rows if (one["amount"] < 0) == out]
            return 200, {"data": rows, "total": len(rows)}
        return self.alone

    @property
    def posted(self) -> list[str]:
        return [body for body in self.bodies if body]


@pytest.fixture
async def till() -> AsyncIterator[Till]:
    async with standing(Till()) as till:
        yield till


@pytest.fixture
async def wallet(till: Till) -> AsyncIterator[LNbits]:
    wallet = LNbits(till.url, KEY, ADMIN, requests_per_minute=60_000, timeout=0.5)
    yield wallet
    await wallet.close()


async def test_only_paying_uses_the_admin_key(till: Till, wallet: LNbits) -> None:
    await wallet.pay(BOLT11.upper())
    await wallet.pay(BOLT11)
    till.rows.append(OUT | {"status": "success"})
    await wallet.spent(HASH)
    await wallet.spent_since(0)

    paid = {"out": True, "bolt11": BOLT11, "extra": {"tag": "ticketbot"}}
    assert [json.loads(body) for body in till.posted] == [paid, paid]
    assert [request for request in till.keys if request[2] == ADMIN] == [
        ("GET", "/api/v1/wallet", ADMIN),
        ("POST", "/api/v1/payments", ADMIN),
        ("POST", "/api/v1/payments", ADMIN),
    ]
    assert not any(KEY in asked or ADMIN in asked for asked in till.asked)


@pytest.mark.parametrize("state", ["success", "pending", "failed", "odd"])
async def test_a_201_means_nothing(till: Till, wallet: LNbits, state: str) -> None:
    till.paying = (201, {"status": state})

    await wallet.pay(BOLT11)

    assert (await wallet.spent(HASH)).state == "absent"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((520, {"status": "failed", "detail": "Internal invoice already paid."}), "already paid"),
        ((520, {"status": "success", "detail": "Payment already paid."}), "already paid"),
        ((520, {"status": "pending", "detail": "Payment is still pending."}), "pending"),
        ((520, {"status": "failed", "detail": "Insufficient balance."}), "Insufficient"),
        ((400, {"detail": "Payment already exists"}), "already exists"),
        ((429, {"error": "Rate limit exceeded"}), "too often"),
        ((500, {"detail": "Unexpected error"}), "Unexpected"),
        ((200, "<html>"), "not in JSON"),
        ((520, {"status": "failed", "detail": f"no route for {BOLT11} today"}), "for … today"),
    ],
    ids=range(9),
)
async def test_what_is_no_plain_yes_may_be_one(
    till: Till, wallet: LNbits, answer: Answer, words: str
) -> None:
    till.paying = answer

    with pytest.raises(Retry, match=words) as raised:
        await wallet.pay(BOLT11)

    assert not isinstance(raised.value, Broken)
    assert BOLT11[:20] not in str(raised.value)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((404, {"detail": "Wallet not found."}), r"`lnbits\.admin_key_file`.*not found"),
        ((403, {"detail": "Invoice (or Admin) key required."}), r"`lnbits\.admin_key_file`"),
        ((404, {"detail": "Not Found"}), r"`lnbits\.url`"),
        ((307, ""), r"`lnbits\.url`"),
    ],
    ids=range(4),
)
async def test_what_only_the_operator_can_mend(
    till: Till, wallet: LNbits, answer: Answer, words: str
) -> None:
    await wallet.probe()
    till.paying = answer

    with pytest.raises(Broken, match=words):
        await wallet.pay(BOLT11)

    assert wallet.health().good, "sales go on with the invoice key"


async def test_a_payment_that_gets_no_answer(till: Till, wallet: LNbits) -> None:
    await wallet.pay(BOLT11)
    till.delay = 5
    with pytest.raises(Retry, match="did not answer"):
        await wallet.pay(BOLT11)
    assert (await wallet.spent(HASH)).state == "unknown"
    with pytest.raises(Retry):
        await wallet.spent_since(0)


@pytest.mark.parametrize(
    ("wallet_id", "rows", "error", "words"),
    [
        (None, [row(2)], Broken, "is an invoice key"),
        ("e" * 32, [row(2)], Broken, "of another wallet"),
        (WALLET, [], Retry, "empty"),
    ],
    ids=["invoice key", "another wallet", "empty wallet"],
)
async def test_nothing_is_paid_from_a_wallet_that_is_not_looked_into(
    till: Till,
    wallet: LNbits,
    wallet_id: str | None,
    rows: list[dict[str, Any]],
    error: type[TicketbotError],
    words: str,
) -> None:
    till.wallet_id, till.rows = wallet_id, rows

    for attempt in (wallet.pay(BOLT11), wallet.check_admin_key()):
        with pytest.raises(error, match=words):
            await attempt

    assert till.posted == []


async def test_without_an_admin_key(till: Till) -> None:
    wallet = LNbits(till.url, KEY)
    for attempt in (wallet.pay(BOLT11), wallet.check_admin_key()):
        with pytest.raises(Broken, match=r"`lnbits\.admin_key_file`"):
            await attempt
    assert not wallet.can_pay
    assert till.asked == []


@pytest.mark.parametrize(
    ("status", "fee", "expected"),
    [
        ("success", -7_000, ("paid", 21_000, 7_000)),
        ("success", 7_000, ("paid", 21_000, 7_000)),
        ("success", 0, ("paid", 21_000, 0)),
        ("pending", -2_000, ("pending", 21_000, 0)),
        ("failed", -2_000, ("failed", 21_000, 0)),
        ("odd", -2_000, ("unknown", 21_000, 0)),
    ],
)
async def test_the_outgoing_row_decides(
    till: Till, wallet: LNbits, status: str, fee: int, expected: tuple[str, int, int]
) -> None:
    till.rows = [OUT | {"status": status, "fee": fee, "updated_at": iso(time.time())}]

    spent = await wallet.spent(HASH)

    assert spent[1:4] == expected
    assert spent.at is not None
    assert abs(spent.at - time.time()) < 5


async def test_filters_that_are_ignored_are_noticed(till: Till, wallet: LNbits) -> None:
    """An older LNbits ignores what it does not know and answers with everything."""
    till.rows = [OUT | {"payment_hash": "e" * 64}]
    with pytest.raises(Broken, match="payment_hash"):
        await wallet.spent(HASH)
    with pytest.raises(Broken, match="status"):
        await wallet.spent_since(0)
    till.answer = lambda _: (200, {"data": [row(1)], "total": 1})
    with pytest.raises(Broken, match="amount"):
        await wallet.spent(HASH)


async def test_a_row_of_another_wallet_is_a_disaster(till: Till, wallet: LNbits) -> None:
    await wallet.settled_since(0)
    till.rows = [OUT | {"wallet_id": "e" * 32}]
    with pytest.raises(Broken, match="another wallet"):
        await wallet.spent(HASH)


@pytest.mark.parametrize("rubbish", ["", "0" * 63, "G" * 64, "../wallet", "0" * 64 + "\n"])
async def test_only_hashes_are_asked_for(till: Till, wallet: LNbits, rubbish: str) -> None:
    with pytest.raises(Broken):
        await wallet.spent(rubbish)
    assert till.asked == []


async def test_the_node_is_asked_about_what_stays_pending(till: Till, wallet: LNbits) -> None:
    """LNbits itself would only do so half an hour later."""
    till.rows = [OUT | {"updated_at": iso(time.time() - 60)}]
    till.alone = (200, {"paid": True, "details": OUT | {"status": "success", "fee": 0}})

    assert (await wallet.spent(HASH)).state == "paid"


@pytest.mark.parametrize(
    "alone",
    [
        (500, "no"),
        (404, {"detail": "Payment does not exist."}),
        (200, {"paid": True, "details": row(1, status="success")}),
    ],
    ids=["trouble", "gone", "incoming"],
)
async def test_pending_until_somebody_knows_better(
    till: Till, wallet: LNbits, alone: Answer
) -> None:
    till.rows = [OUT | {"updated_at": iso(time.time() - 60)}]
    till.alone = alone

    assert (await wallet.spent(HASH)).state == "pending"


@pytest.mark.parametrize("status", ["success", "pending", "failed", None])
async def test_the_node_is_not_asked_otherwise(
    till: Till, wallet: LNbits, status: str | None
) -> None:
    """A node that has not heard of a payment yet would be taken to have failed it."""
    ago = 5 if status == "pending" else 600
    till.rows = [OUT | {"status": status, "updated_at": iso(time.time() - ago)}] if status else []

    await wallet.spent(HASH)

    assert [path.partition("?")[0] for path in till.asked] == ["/api/v1/payments/paginated"]


async def test_one_budget_for_both_keys(till: Till) -> None:
    wallet = LNbits(till.url, KEY, ADMIN, requests_per_minute=12)  # three at once
    await wallet.pay(BOLT11)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await wallet.spent(HASH)
    await wallet.close()
    assert len(till.asked) == 3


@pytest.mark.parametrize("ahead", [0, 172_800, -172_800, 5, -5])
async def test_the_wallets_clock_ahead_or_behind(till: Till, ahead: int) -> None:
    now = 1_800_000_000.0
    wallet = LNbits(till.url, KEY, clock=lambda: now)
    assert wallet.now() == now
    till.headers["Date"] = formatdate(now + ahead, usegmt=True)
    await wallet.probe()
    assert wallet.now() == now + ahead
    now += 100
    assert wallet.now() == now + ahead
    till.headers["Date"] = "rubbish"
    await wallet.probe()
    await wallet.close()

    assert wallet.now() == now + ahead


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
