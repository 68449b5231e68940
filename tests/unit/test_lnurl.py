"""From a Lightning address or an LNURL to an invoice, with a real server on loopback."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.real.payee import METADATA, Habit, Payee, lnurl_of, payee
from tests.unit.strangers import certificate
from ticketbot.domain.bolt11 import read_bolt11
from ticketbot.errors import NoInvoice, Retry
from ticketbot.lnurl import Lnurl
from ticketbot.texts import say

LONG_AGO = 1_700_000_000


@pytest.fixture
async def bob() -> AsyncIterator[Payee]:
    async with payee() as bob:
        yield bob


@pytest.fixture
async def lnurl() -> AsyncIterator[Lnurl]:
    lnurl = Lnurl(allow_private=True, network="bcrt", patience=0.6)
    yield lnurl
    await lnurl.close()


async def refusal(lnurl: Lnurl, bob: Payee, amount_msat: int = 21_000) -> NoInvoice:
    with pytest.raises(NoInvoice) as raised:
        await lnurl.resolve(bob.address, amount_msat)
    assert bob.host not in str(raised.value)
    assert say(raised.value.sentence, **raised.value.values)
    return raised.value


@pytest.mark.parametrize("shape", ["address", "lnurl", "capitals"])
async def test_an_invoice_of_exactly_the_amount(bob: Payee, lnurl: Lnurl, shape: str) -> None:
    to = {"address": bob.address, "lnurl": bob.lnurl, "capitals": bob.lnurl.upper()}[shape]

    bolt11 = await lnurl.resolve(to, 21_000)

    assert [bolt11] == bob.invoices
    assert read_bolt11(bolt11).amount_msat == 21_000
    assert bob.asked == ["/.well-known/lnurlp/bob", "/callback?for=bob&amount=21000"]


async def test_each_time_another_invoice(bob: Payee, lnurl: Lnurl) -> None:
    """Why the bolt11 is written down before it is paid."""
    first, second = [await lnurl.resolve(bob.address, 1_000) for _ in range(2)]
    assert read_bolt11(first).payment_hash != read_bolt11(second).payment_hash


async def test_over_tls_with_a_certificate_for_its_name(tmp_path: Path) -> None:
    pem = certificate(tmp_path / "bob.pem", "localhost", "127.0.0.1")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    async with payee(tls=tls) as bob:
        trusting = Lnurl(True, network="bcrt", tls=ssl.create_default_context(cafile=pem))
        assert await trusting.resolve(bob.lnurl, 21_000) == bob.invoices[0]
        await trusting.close()
        wary = Lnurl(True, network="bcrt")
        with pytest.raises(Retry):
            await wary.resolve(bob.lnurl, 21_000)
        await wary.close()


@pytest.mark.parametrize("shape", ["address", "lnurl", "other lnurl"])
async def test_nothing_private_is_asked_unless_it_is_allowed(bob: Payee, shape: str) -> None:
    https = lnurl_of(bob.url.replace("http:", "https:"))
    to = {"address": bob.address, "lnurl": bob.lnurl, "other lnurl": https}[shape]
    lnurl = Lnurl()
    with pytest.raises(NoInvoice) as raised:
        await lnurl.resolve(to, 21_000)
    await lnurl.close()
    assert raised.value.sentence == "payee-unknown"
    assert bob.asked == []


@pytest.mark.parametrize("text", ["", "bob", "bob@example.com/x", "lnurl1x", "lnbc1"])
async def test_what_is_no_payee(lnurl: Lnurl, text: str) -> None:
    with pytest.raises(NoInvoice) as raised:
        await lnurl.resolve(text, 21_000)
    assert raised.value.sentence == "payee-unknown"


@pytest.mark.parametrize(
    "callback",
    [
        "ftp://127.0.0.1/x",
        "http://user@127.0.0.1:PORT/callback",
        "/callback",
        "callback",
        "javascript:alert(1)",
        "http://127.0.0.1:99999/callback",
        "http://127.0.0.1:PORT/callback\n",
    ],
)
async def test_a_callback_that_leads_nowhere(bob: Payee, lnurl: Lnurl, callback: str) -> None:
    bob.spoil_offer = {"callback": callback.replace("PORT", str(bob.port))}
    assert (await refusal(lnurl, bob)).sentence == "payee-unknown"
    assert bob.invoices == []


async def test_a_callback_that_says_another_amount_is_overruled(bob: Payee, lnurl: Lnurl) -> None:
    bob.spoil_offer = {"callback": f"{bob.url}/callback?amount=1&amount=2"}
    assert read_bolt11(await lnurl.resolve(bob.address, 21_000)).amount_msat == 21_000


@pytest.mark.parametrize(
    ("offer", "sentence"),
    [
        ({"tag": "withdrawRequest"}, "payee-unknown"),
        ({"tag": None}, "payee-unknown"),
        ({"metadata": None}, "payee-unknown"),
        ({"metadata": METADATA + " "}, "payee-wrong"),
        ({"callback": None}, "payee-unknown"),
        ({"minSendable": 21_001}, "payee-range"),
        ({"maxSendable": 20_999}, "payee-range"),
        ({"minSendable": None}, "payee-unknown"),
        ({"status": "ERROR", "reason": "away"}, "payee-refused"),
        ({"status": "OK"}, None),
    ],
    ids=str,
)
async def test_offers(
    bob: Payee, lnurl: Lnurl, offer: dict[str, Any], sentence: str | None
) -> None:
    bob.spoil_offer = offer
    if sentence is None:
        assert await lnurl.resolve(bob.address, 21_000)
        return
    assert (await refusal(lnurl, bob)).sentence == sentence
    assert len(bob.asked) == (2 if sentence == "payee-wrong" else 1)


@pytest.mark.parametrize(
    ("said", "bolt11", "sentence"),
    [
        ({}, {"amount_msat": 20_999}, "payee-wrong"),
        ({}, {"amount_msat": 2_100_000}, "payee-wrong"),
        ({}, {"amount_msat": None}, "payee-wrong"),
        ({}, {"memo": "Money for Bob"}, "payee-wrong"),
        ({}, {"memo": b"\x01" * 32}, "payee-wrong"),
        ({}, {"network": "tb"}, "payee-wrong"),
        ({}, {"network": "bc"}, "payee-wrong"),
        ({}, {"created_at": LONG_AGO}, "payee-wrong"),
        ({"pr": "lnbcrt1"}, {}, "payee-wrong"),
        ({"pr": None}, {}, "payee-wrong"),
        ({"status": "ERROR", "reason": "away"}, {}, "payee-refused"),
    ],
    ids=str,
)
async def test_invoices(
    bob: Payee, lnurl: Lnurl, said: dict[str, Any], bolt11: dict[str, Any], sentence: str
) -> None:
    bob.spoil_invoice, bob.spoil_bolt11 = said, bolt11
    assert (await refusal(lnurl, bob)).sentence == sentence


async def test_the_wallets_clock_decides_what_has_expired(bob: Payee) -> None:
    for ahead, good in ((590, True), (610, False), (-172_800, True)):
        lnurl = Lnurl(True, network="bcrt", clock=lambda ahead=ahead: time.time() + ahead)  # type: ignore[misc]
        if good:
            await lnurl.resolve(bob.address, 21_000)
        else:
            assert (await refusal(lnurl, bob)).sentence == "payee-wrong"
        await lnurl.close()


ERROR = json.dumps({"status": "ERROR", "reason": "No such user"})


@pytest.mark.parametrize("step", ["on_offer", "on_invoice"])
@pytest.mark.parametrize(
    ("status", "text", "sentence"),
    [
        (404, "not found", "payee-unknown"),
        (404, ERROR, "payee-refused"),
        (400, ERROR, "payee-refused"),
        (403, "{}", "payee-unknown"),
        (201, "{}", "payee-unknown"),
        (302, "", "payee-unknown"),
        (429, ERROR, None),
        (500, ERROR, None),
        (503, "", None),
        (200, "<html>", "payee-unknown"),
        (200, "x" * 70_000, "payee-unknown"),
    ],
    ids=lambda value: str(value)[:12],
)
async def test_other_answers(
    bob: Payee, lnurl: Lnurl, step: str, status: int, text: str, sentence: str | None
) -> None:
    """None: nothing definite, so the same payee is asked again later."""
    habit: Habit = lambda _: web.Response(  # noqa: E731
        status=status, text=text, headers={"Location": bob.url}
    )
    setattr(bob, step, habit)
    if sentence is None:
        with pytest.raises(Retry) as raised:
            await lnurl.resolve(bob.address, 21_000)
        assert bob.host not in str(raised.value)
    else:
        assert (await refusal(lnurl, bob)).sentence == sentence


async def test_a_server_that_is_gone_is_asked_again_later(lnurl: Lnurl) -> None:
    with pytest.raises(Retry):
        await lnurl.resolve("bob@127.0.0.1:9", 21_000)
