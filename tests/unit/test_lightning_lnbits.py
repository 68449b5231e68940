"""The LNbits client: whose move each answer is, and what is asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.unit.lnbits_stand import ASK, KEY, Stand, row, standing
from ticketbot.errors import Broken, Retry, TicketbotError
from ticketbot.lnbits.budget import Budget
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
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(Budget, "pause", lambda _, seconds: pauses.append(seconds))
    monkeypatch.setattr("ticketbot.lnbits.api._FIRST_PAUSE", 0.1)
    monkeypatch.setattr("ticketbot.lnbits.api._LONGEST_PAUSE", 0.3)
    wallet = LNbits(stand.url, KEY, requests_per_minute=60_000)
    for _ in range(4):
        stand.says(429, {"error": "Rate limit exceeded"})
        await asyncio.gather(*(wallet.probe() for _ in range(10)))
        await asyncio.sleep(0.31)
    stand.says(200, {"balance": 0})
    await wallet.probe()
    stand.says(429, {"error": "Rate limit exceeded"})
    await wallet.probe()
    await wallet.close()

    assert pauses == [0.1, 0.2, 0.3, 0.3, 0.1]


async def test_silence_is_retry_and_unknown(stand: Stand, wallet: LNbits) -> None:
    stand.delay = 5
    with pytest.raises(Retry, match=r"did not answer within 0\.5 s"):
        await wallet.create(ASK)

    look = await wallet.look(row()["payment_hash"], 2**40)

    assert look.state == "unknown"
    assert wallet.health() == (False, wallet.health().at, "LNbits did not answer within 0.5 s.")


async def test_nobody_there_is_retry() -> None:
    gone = LNbits("http://127.0.0.1:9", KEY)
    with pytest.raises(Retry, match=r"cannot be reached \(connection refused\)"):
        await gone.create(ASK)
    await gone.close()


def test_a_budget_that_cannot_work_is_the_operators_business() -> None:
    with pytest.raises(Broken, match=r"`lnbits\.requests_per_minute`"):
        LNbits("http://127.0.0.1:9", KEY, requests_per_minute=9)


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
