"""The LNbits client: looking payments up without harm, and walking through the settled ones."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from email.utils import formatdate
from typing import Any

import pytest
from aiohttp import web

from tests.unit.lnbits_stand import KEY, Answer, Stand, row, standing
from ticketbot.domain.payment import Look
from ticketbot.errors import Broken
from ticketbot.wallets.lnbits import LNbits


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    async with standing(Stand()) as stand:
        yield stand


@pytest.fixture
async def wallet(stand: Stand) -> AsyncIterator[LNbits]:
    wallet = LNbits(stand.url + "/", KEY, requests_per_minute=60_000, timeout=0.5)
    yield wallet
    await wallet.close()


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
