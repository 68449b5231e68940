"""What programs send in kind 24133, read or refused."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketbot.domain.command import (
    Buy,
    CancelOrder,
    Command,
    ListEvents,
    ListPromos,
    MakePromo,
    Refund,
    ShowStatus,
    ShowTickets,
    StopPromo,
)
from ticketbot.domain.requests import (
    LONGEST_JSON,
    BadRequest,
    MachineRequest,
    read_machine,
)

ADDRESS = f"31923:{'ab' * 32}:Meet-Up"


def machine(**body: object) -> MachineRequest | None:
    return read_machine(orjson.dumps(body).decode())


@pytest.mark.parametrize(
    ("body", "command"),
    [
        ({"type": "events"}, ListEvents((), 20, None)),
        ({"type": "events", "limit": None, "after": None}, ListEvents((), 20, None)),
        ({"type": "events", "limit": 100, "after": "5:x"}, ListEvents((), 100, "5:x")),
        ({"type": "buy", "event_id": ADDRESS}, Buy((ADDRESS,), 1, None, whole=True)),
        (
            {"type": "buy", "event_id": ADDRESS, "quantity": 2, "tier": "VIP"},
            Buy((ADDRESS,), 2, "VIP", whole=True),
        ),
        ({"type": "buy", "event_id": "x", "tier": ""}, Buy(("x",), 1, None, whole=True)),
        ({"type": "buy", "event_id": "x", "note": [{}], "error": 1}, Buy(("x",), whole=True)),
        (
            {"type": "buy", "event_id": "x", "code": "FRIENDS", "accept_age": False},
            Buy(("x",), whole=True, code="FRIENDS"),
        ),
        (
            {"type": "buy", "event_id": "x", "accept_age": True, "answers": {"A?": "b", "C?": ""}},
            Buy(("x",), whole=True, answers=(("A?", "b"), ("C?", "")), of_age=True),
        ),
        ({"type": "buy", "event_id": "x", "answers": None}, Buy(("x",), whole=True)),
        (
            {"type": "promo", "event_id": "x", "code": "F", "percent": 20, "max": 5, "until": 9},
            MakePromo(("x",), "F", 20, 0, 5, 9),
        ),
        (
            {"type": "promo", "event_id": "x", "code": "F", "off_msat": 5000, "tier": "VIP"},
            MakePromo(("x",), "F", 0, 5000, tier="VIP"),
        ),
        ({"type": "promo", "event_id": "x", "code": "F", "stop": True}, StopPromo(("x",), "F")),
        ({"type": "promos", "event_id": "x"}, ListPromos(("x",))),
        ({"type": "promos", "event_id": "x", "first": 11}, ListPromos(("x",), 11)),
        ({"type": "tickets"}, ShowTickets()),
        ({"type": "tickets", "after": "1:abc"}, ShowTickets(after="1:abc")),
        ({"type": "status", "order_id": "k7q2"}, ShowStatus("k7q2")),
        ({"type": "cancel", "order_id": "k7q2"}, CancelOrder("k7q2")),
        (
            {"type": "refund", "order_id": "k7q2", "to": "me@example.com"},
            Refund(("me@example.com",), "k7q2"),
        ),
    ],
)
def test_what_programs_send(body: dict[str, Any], command: Command) -> None:
    assert machine(request_id="r1", **body) == MachineRequest("r1", command)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "buy lisbon",
        "null",
        "[]",
        '[{"type":"buy"}]',
        '"events"',
        "{",
        "[" * 3_000,
        '{"type":"events","request_id":"\\ud800"}',
        '{"id":"1","method":"connect","params":[]}',
        '{"id":"1","result":"ack"}',
        '{"id":"1","result":null,"error":"unknown method"}',
        '{"id":"1","method":"ping","type":"events","request_id":"r"}',
        '{"error":"no","request_id":"r"}',
        '{"request_id":"r"}',
        '{"type":7,"request_id":"r"}',
        '{"type":["buy"],"request_id":"r"}',
        '{"type":"BUY","request_id":"r"}',
        '{"type":"invoice","request_id":"r"}',
        '{"type":"ticket","request_id":"r"}',
        '{"type":"order","request_id":"r"}',
        '{"type":"refund-due","order_id":"r"}',
        '{"type":"error","request_id":"r","code":"sold-out","message":""}',
        '{"type":"events","request_id":"r","events":[],"next":null}',
        '{"type":"tickets","request_id":"r","count":0}',
        '{"type":"promo","request_id":"r","code":"FRIENDS","message":""}',
        '{"type":"promos","request_id":"r","event_id":"x","promos":[],"message":""}',
        '{"type":"refund","request_id":"r","order_id":"x","message":""}',
        '{"type":"wave","request_id":"r"}',
        '{"type":"events","request_id":"r","pad":"' + "a" * LONGEST_JSON + '"}',
        '{"type":"events","request_id":"r","pad":"' + "é" * (LONGEST_JSON // 2) + '"}',
        "\ud800",
    ],
)
def test_what_is_never_answered(text: str) -> None:
    assert read_machine(text) is None


@pytest.mark.parametrize(
    ("body", "code", "sentence"),
    [
        ({"type": "buy", "event_id": None}, "bad-request", "field-text"),
        ({"type": "buy"}, "bad-request", "field-text"),
        ({"type": "buy", "event_id": ""}, "bad-request", "field-text"),
        ({"type": "buy", "event_id": "  "}, "bad-request", "field-text"),
        ({"type": "buy", "event_id": 7}, "bad-request", "field-text"),
        ({"type": "buy", "event_id": "x" * 301}, "bad-request", "field-text"),
        ({"type": "buy", "event_id": "x", "quantity": 0}, "bad-request", "field-number"),
        ({"type": "buy", "event_id": "x", "quantity": -1}, "bad-request", "field-number"),
        ({"type": "buy", "event_id": "x", "quantity": 1.5}, "bad-request", "field-number"),
        ({"type": "buy", "event_id": "x", "quantity": 2.0}, "bad-request", "field-number"),
        ({"type": "buy", "event_id": "x", "quantity": True}, "bad-request", "field-number"),
        ({"type": "buy", "event_id": "x", "quantity": "two"}, "bad-request", "field-number"),
        ({"type": "buy", "event_id": "x", "quantity": "2"}, "bad-request", "field-number"),
        ({"type": "buy", "event_id": "x", "quantity": 10**9}, "too-many", "quantity-many"),
        ({"type": "buy", "event_id": "x", "tier": ["VIP"]}, "bad-request", "field-text"),
        ({"type": "events", "limit": 0}, "bad-request", "field-number"),
        ({"type": "events", "limit": 101}, "bad-request", "field-number"),
        ({"type": "events", "limit": "all"}, "bad-request", "field-number"),
        ({"type": "events", "after": 5}, "bad-request", "field-text"),
        ({"type": "status"}, "bad-request", "field-text"),
        ({"type": "cancel", "order_id": "x" * 65}, "bad-request", "field-text"),
        ({"type": "refund", "order_id": "x", "to": 5}, "bad-request", "field-text"),
        ({"type": "refund", "order_id": "x", "sure": "yes"}, "bad-request", "field-flag"),
        ({"type": "refund", "to": "x"}, "bad-request", "field-text"),
        ({"type": "buy", "event_id": "x", "code": 5}, "bad-request", "field-text"),
        ({"type": "buy", "event_id": "x", "code": "F" * 65}, "bad-request", "field-text"),
        ({"type": "buy", "event_id": "x", "accept_age": "yes"}, "bad-request", "field-flag"),
        ({"type": "buy", "event_id": "x", "accept_age": 1}, "bad-request", "field-flag"),
        ({"type": "buy", "event_id": "x", "answers": ["M"]}, "bad-request", "field-pairs"),
        ({"type": "buy", "event_id": "x", "answers": {"A?": 5}}, "bad-request", "field-pairs"),
        (
            {"type": "buy", "event_id": "x", "answers": {"A?": "x" * 201}},
            "bad-request",
            "field-pairs",
        ),
        (
            {"type": "buy", "event_id": "x", "answers": {str(n): "" for n in range(4)}},
            "bad-request",
            "field-pairs",
        ),
        ({"type": "promo", "event_id": "x", "code": "F"}, "bad-request", "promo-fields"),
        (
            {"type": "promo", "event_id": "x", "code": "F", "percent": 5, "off_msat": 1000},
            "bad-request",
            "promo-fields",
        ),
        (
            {"type": "promo", "event_id": "x", "code": "F", "off_msat": 1001},
            "bad-request",
            "promo-fields",
        ),
        (
            {"type": "promo", "event_id": "x", "code": "F", "percent": 101},
            "bad-request",
            "field-number",
        ),
        ({"type": "promo", "event_id": "x", "percent": 5}, "bad-request", "field-text"),
        ({"type": "promos"}, "bad-request", "field-text"),
    ],
)
def test_a_wrong_field_is_answered_under_its_request_id(
    body: dict[str, Any], code: str, sentence: str
) -> None:
    with pytest.raises(BadRequest) as caught:
        machine(request_id="r1", **body)
    assert (caught.value.code, caught.value.sentence) == (code, sentence)
    assert caught.value.request_id == "r1"


def test_numbers_beyond_64_bits_are_wrong_not_fatal() -> None:
    with pytest.raises(BadRequest):
        read_machine('{"type":"buy","request_id":"r","event_id":"x","quantity":' + "9" * 40 + "}")


@pytest.mark.parametrize("request_id", [None, "", 7, ["r"], "r" * 65])
def test_a_request_needs_an_id(request_id: object) -> None:
    with pytest.raises(BadRequest) as caught:
        machine(type="events", request_id=request_id)
    assert caught.value.sentence == "request-id"
    assert caught.value.request_id is None


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(max_size=80),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)
KEYS = ["code", "answers", "accept_age", "percent", "off_msat", "max", "until", "stop", "first"]
KEYS += ["request_id", "event_id", "quantity", "tier", "limit", "after", "order_id", "to", "method"]
REQUEST = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            ["events", "buy", "tickets", "status", "cancel", "refund", "promo", "promos"]
        )
    },
    optional={key: ANY_JSON | st.just("r") for key in KEYS},
)


@settings(deadline=None)
@given(ANY_JSON.map(orjson.dumps) | REQUEST.map(orjson.dumps))
def test_no_json_raises_anything_but_a_bad_request(body: bytes) -> None:
    try:
        request = read_machine(body.decode())
    except BadRequest:
        return
    assert request is None or 0 < len(request.request_id) <= 64


@settings(deadline=None)
@given(st.text())
def test_no_rubbish_is_a_request(text: str) -> None:
    assert read_machine(text) is None
