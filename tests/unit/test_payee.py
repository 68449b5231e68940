"""Lightning addresses and LNURLs: how they are spelled, and what their answers are worth."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.real.payee import METADATA, Payee, lnurl_of
from ticketbot.domain.money import Sum
from ticketbot.domain.payee import (
    Offer,
    read_address,
    read_invoice,
    read_offer,
    read_payee,
    turned_away,
    url_of,
)
from ticketbot.errors import Malformed, NoInvoice
from ticketbot.texts import say

BOB = "bob@example.com"
OFFER: dict[str, Any] = {
    "tag": "payRequest",
    "callback": "https://example.com/cb",
    "minSendable": 1_000,
    "maxSendable": 50_000,
    "metadata": METADATA,
}
# LUD-01's own example
LUD01 = (
    "LNURL1DP68GURN8GHJ7UM9WFMXJCM99E3K7MF0V9CXJ0M385EKVCENXC6R2C35XVUKXEFCV5MKVV34X5EKZD3EV56NYD3HX"
    "QURZEPEXEJXXEPNXSCRVWFNV9NXZCN9XQ6XYEFHVGCXXCMYXYMNSERXFQ5FNS"
)


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("bob@example.com", "bob@example.com"),
        (" Bob@Example.COM\n", "bob@example.com"),
        ("lightning:bob@example.com", "bob@example.com"),
        ("LIGHTNING:" + LUD01, LUD01.lower()),
        ("b.o-b_1+tickets@pay.example.com", "b.o-b_1+tickets@pay.example.com"),
        ("bob@example.com:8443", "bob@example.com:8443"),
        ("bob@bücher.example", "bob@xn--bcher-kva.example"),
        (LUD01, LUD01.lower()),
    ],
)
def test_one_spelling(text: str, spelled: str) -> None:
    assert read_payee(text) == spelled
    assert read_payee(spelled) == spelled


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bob",
        "@example.com",
        "bob@",
        "bob@example.com/x",
        "bob@example.com?x=1",
        "bob@example.com#x",
        "bob@evil.example@example.com",
        "bob:pass@example.com",
        "bob/../x@example.com",
        "bob@exa mple.com",
        "bób@example.com",
        "bob@[::1]",
        "bob@example.com:",
        "bob@example.com:123456",
        "bob@" + "x" * 300,
        "b" * 65 + "@example.com",
        "bob@exam\u202eple.com",
        "https://example.com",
        "lnurl1",
        LUD01[:-1],
        LUD01[:-1] + "Q",
        LUD01[:30] + LUD01[30:].lower(),
        lnurl_of("https://exämple.com"),
        "lnbc1" + LUD01[6:],
    ],
)
def test_no_payee(text: str) -> None:
    with pytest.raises(Malformed) as raised:
        read_payee(text)
    assert not text or text not in str(raised.value)


@given(st.text(max_size=80))
def test_nothing_but_malformed_ever_comes_out(text: str) -> None:
    for read in (read_payee, read_address):
        with contextlib.suppress(Malformed):
            assert read(read(text)) == read(text)


def test_where_an_offer_is_read() -> None:
    def over_https(host: str) -> bool:
        return host == "example.com"

    assert url_of(BOB, over_https) == "https://example.com/.well-known/lnurlp/bob"
    assert url_of("bob@x.onion", over_https) == "http://x.onion/.well-known/lnurlp/bob"
    assert url_of(LUD01.lower(), over_https).startswith("https://service.com/api?q=3fc3645b439c")


def test_an_offer() -> None:
    body = json.dumps(OFFER | {"more": 1}).encode()
    expected = Offer("https://example.com/cb", 1_000, 50_000, METADATA)
    assert [read_offer(body, BOB, msat) for msat in (1_000, 50_000)] == [expected, expected]


@pytest.mark.parametrize(
    "wrong",
    [
        {"tag": "withdrawRequest"},
        {"tag": None},
        {"callback": None},
        {"callback": 7},
        {"callback": ""},
        {"minSendable": None},
        {"minSendable": "1000"},
        {"minSendable": True},
        {"minSendable": 0},
        {"minSendable": -5},
        {"minSendable": 60_000},
        {"maxSendable": None},
        {"maxSendable": 5e4},
        {"metadata": None},
        {"metadata": ""},
        {"metadata": []},
        {"metadata": "{}"},
        {"metadata": "[]"},
        {"metadata": '[["text/html","x"]]'},
        {"metadata": "[1,[]]"},
    ],
    ids=repr,
)
def test_no_offer(wrong: dict[str, Any]) -> None:
    said = {key: value for key, value in (OFFER | wrong).items() if value is not None}
    assert refusal(json.dumps(said).encode()).sentence == "payee-unknown"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"7", b"\xff", b"<html>", b"[" * 5_000, b'{"a":'], ids=range(8)
)
def test_rubbish_is_no_offer(body: bytes) -> None:
    assert refusal(body).sentence == "payee-unknown"
    assert turned_away(body, BOB).sentence == "payee-unknown"


@pytest.mark.parametrize("amount_msat", [999, 50_001])
def test_more_or_less_than_it_takes(amount_msat: int) -> None:
    raised = refusal(json.dumps(OFFER).encode(), amount_msat)
    assert raised.sentence == "payee-range"
    assert raised.values["least"] == Sum(1_000)
    assert raised.values["most"] == Sum(50_000)
    assert raised.values["payee"] == BOB


def test_a_range_in_whole_sats() -> None:
    said = json.dumps(OFFER | {"minSendable": 1_001, "maxSendable": 2_999}).encode()
    raised = refusal(said, 3_000)
    assert (raised.values["least"], raised.values["most"]) == (2_000, 2_000)


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("Bob is away.", "Bob is away"),
        ("Pay  instead:\n lnbc21u1pabcdefghij", "Pay instead: …"),
        ("See https://evil.example/x now", "See … now"),
        ("\u202egnihton\u0000", "gnihton"),
        ("x" * 500, "x" * 79 + "…"),
    ],
    ids=range(5),
)
def test_a_reason_is_one_short_clean_sentence(reason: str, text: str) -> None:
    body = json.dumps({"status": "error", "reason": reason}).encode()
    for raised in (refusal(body), turned_away(body, BOB)):
        assert (raised.sentence, raised.values) == ("payee-refused", {"payee": BOB, "text": text})
        assert text in say(raised.sentence, **raised.values)


@pytest.mark.parametrize("reason", [None, "", 7, ["x"], " \n"])
def test_an_error_without_a_reason(reason: object) -> None:
    assert refusal(json.dumps({"status": "ERROR", "reason": reason}).encode()).sentence == (
        "payee-unknown"
    )


def test_an_lnurl_is_not_repeated() -> None:
    raised = turned_away(b"", LUD01.lower())
    assert "lnurl1" not in say(raised.sentence, **raised.values).lower()


def test_what_is_raised_names_nobody() -> None:
    assert str(refusal(b"")) == "payee-unknown"


NOW = 1_800_000_000


def invoice(amount_msat: int = 21_000, *, network: str = "bc", **spoilt: Any) -> str:
    bob = Payee(network)
    bob.spoil_bolt11 = {"created_at": NOW, "expiry_seconds": 60, **spoilt}
    return bob.sign(amount_msat)


def read(text: object, now: int = NOW) -> str:
    offer = Offer("https://example.com/cb", 1_000, 50_000, METADATA)
    body = json.dumps({"pr": text}).encode()
    return read_invoice(body, BOB, offer, 21_000, network="bc", now=now)


def test_the_invoice_that_was_asked_for() -> None:
    bolt11 = invoice()
    assert read(bolt11) == read(f" {bolt11.upper()}\n") == read(bolt11, NOW + 59) == bolt11


@pytest.mark.parametrize(
    "wrong",
    [
        invoice(20_999),
        invoice(21_001),
        invoice(amount_msat=None),
        invoice(memo="Money for Bob"),
        invoice(memo=b"\x07" * 32),
        invoice(memo=METADATA),
        invoice(network="tb"),
        invoice(network="bcrt"),
        invoice(network="tbs"),
        invoice(expiry_seconds=0),
        invoice(created_at=NOW - 60),
        invoice()[:-1],
        "lnbc1",
        "",
        None,
        7,
        [],
    ],
    ids=range(17),
)
def test_another_invoice_is_not_paid(wrong: object) -> None:
    with pytest.raises(NoInvoice) as raised:
        read(wrong)
    assert raised.value.sentence == "payee-wrong"
    assert str(raised.value) == "payee-wrong"


def refusal(body: bytes, amount_msat: int = 21_000) -> NoInvoice:
    with pytest.raises(NoInvoice) as raised:
        read_offer(body, BOB, amount_msat)
    return raised.value
