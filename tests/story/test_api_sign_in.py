"""Who asks over HTTP: forged, stale, replayed and borrowed signatures, and too many of them."""

from __future__ import annotations

import asyncio
import base64
import hashlib

import aiohttp
import orjson
import pytest
import structlog

from tests.story.caller import PUBLIC, V1, Caller
from tests.story.cast import Organizer, Stage
from ticketbot.web.app import MOST_HEADER_BYTES

BODY = b'{"open":false}'


@pytest.fixture
def carol(stage: Stage) -> Caller:
    return Caller(stage)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"u": "https://tickets.example/api/v1/orders"}, "u is not the URL"),
        ({"u": "https://evil.example/api/v1/tickets"}, "u is not the URL"),
        ({"u": "http://tickets.example/api/v1/tickets"}, "u is not the URL"),
        ({"u": f"{PUBLIC}{V1}/tickets?after=1:x"}, "u is not the URL"),
        ({"u": "https://tickets.example:x/"}, "u is not the URL"),
        ({"u": None}, "u is not the URL"),
        ({"method": "POST"}, "method is not GET"),
        ({"method": None}, "method is not GET"),
        ({"payload": hashlib.sha256(b"{}").hexdigest()}, "payload is not the SHA-256"),
        ({"ago": 61}, "created_at"),
        ({"ago": -62}, "created_at"),
        ({"kind": 1}, "kind is not 27235"),
        ({"kind": 22242}, "kind is not 27235"),
    ],
)
async def test_a_signature_for_something_else(
    carol: Caller, changes: dict[str, object], why: str
) -> None:
    carol.stage.clock.forward(90)  # what was signed before the bot was started has its own test
    header = carol.signs("GET", "/tickets", **changes)
    answer = await carol.gets("/tickets", Authorization=header)
    assert (answer.status, answer.code) == (401, "sign-in")
    assert answer.headers["WWW-Authenticate"] == "Nostr"
    assert why in answer.body["detail"]
    assert (await carol.gets("/tickets")).status == 200


@pytest.mark.parametrize(
    "spelling",
    [
        "HTTPS://Tickets.Example:443/api/v1/tickets?after=1:~x",
        "https://tickets.example/api/v1/tickets?after=1:%7Ex",
    ],
)
async def test_one_url_may_be_spelled_in_two_ways(carol: Caller, spelling: str) -> None:
    path = "/tickets?after=1:~x"
    header = carol.signs("GET", path, u=spelling)
    assert (await carol.gets(path, Authorization=header)).status == 200


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Nostr",
        "Nostr ",
        "Nostr not base64!",
        "Nostr bm8gSlNPTg==",
        "Nostr W10=",
        "Nostr e30=",
        "Nostr é",
        "Basic YWxpY2U6c2VjcmV0",
        "Bearer abc",
        "Nostr " + "A" * 3000,
    ],
)
async def test_what_is_no_signature(carol: Caller, header: str) -> None:
    answer = await carol.gets("/tickets", Authorization=header)
    assert (answer.status, answer.code) == (401, "sign-in")


async def test_two_signatures_are_none(carol: Caller) -> None:
    url = f"http://127.0.0.1:{carol.stage.app.web_port}{V1}/tickets"
    headers = [("Authorization", carol.signs("GET", "/tickets")) for _ in range(2)]
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        assert answer.status == 401


async def test_no_signature_at_all(carol: Caller) -> None:
    for path in ("/tickets", "/orders/x", "/operator/status", "/organizer/events"):
        assert (await carol.gets(path, signed=False)).code == "sign-in"


async def test_a_forged_signature(carol: Caller) -> None:
    event = orjson.loads(base64.b64decode(carol.signs("GET", "/tickets")[6:]))
    mallory = Caller(carol.stage)
    for change in (
        {"pubkey": mallory.pubkey},
        {"sig": "0" * 128},
        {"id": "0" * 64},
        {"content": "more"},
        {"tags": [*event["tags"], ["more"]]},
    ):
        forged = base64.b64encode(orjson.dumps(event | change)).decode()
        answer = await mallory.gets("/tickets", Authorization=f"Nostr {forged}")
        assert (answer.status, answer.code) == (401, "sign-in"), change
    good = base64.b64encode(orjson.dumps(event)).decode()
    assert (await carol.gets("/tickets", Authorization=f"Nostr {good}")).status == 200


async def test_a_signature_is_good_for_one_request(carol: Caller) -> None:
    header = carol.signs("GET", "/tickets")
    assert (await carol.gets("/tickets", Authorization=header)).status == 200
    for ahead in (0, 59):
        carol.stage.clock.forward(ahead)
        again = await carol.gets("/tickets", Authorization=header)
        assert (again.status, "shown before" in again.body["detail"]) == (401, True)
    both = carol.signs("GET", "/tickets")
    answers = await asyncio.gather(*(carol.gets("/tickets", Authorization=both) for _ in range(8)))
    assert sorted(one.status for one in answers) == [200] + [401] * 7


async def test_a_replay_does_not_survive_a_restart(stage: Stage, carol: Caller) -> None:
    header = carol.signs("GET", "/tickets")
    assert (await carol.gets("/tickets", Authorization=header)).status == 200
    await stage.closes()
    stage.clock.forward(2)
    await stage.opens()
    again = await carol.gets("/tickets", Authorization=header)
    assert (again.status, "before the bot was started" in again.body["detail"]) == (401, True)


@pytest.mark.parametrize("crashed", [False, True])
async def test_nor_does_one_whose_stamp_is_ahead(
    stage: Stage, carol: Caller, *, crashed: bool
) -> None:
    """It is stamped after the start, and was shown before it: by a clock a minute ahead of ours."""
    operator = Caller(stage, stage.operator.keys)
    header = operator.signs("PUT", "/operator/sales", BODY, ago=-50)
    stopped = await operator.sends("PUT", "/operator/sales", BODY, Authorization=header)
    assert stopped.status == 200
    await stage.operator.says("resume sales")
    await stage.operator.hears("Sales are open")
    await (stage.crashes() if crashed else stage.closes())
    await stage.opens()
    for ahead in (0, 30, 40):
        stage.clock.forward(ahead)
        again = await operator.sends("PUT", "/operator/sales", BODY, Authorization=header)
        assert (again.status, "before the bot was started" in again.body["detail"]) == (401, True)
    assert (await operator.gets("/operator/status")).body["sales"] == "open"
    assert (await carol.gets("/tickets")).status == 200


async def test_whose_clock_is_right_is_let_in_again_soon(stage: Stage, carol: Caller) -> None:
    await carol.gets("/tickets")
    await stage.closes()
    stage.clock.forward(1)
    await stage.opens()
    assert (await carol.gets("/tickets")).status == 200


async def test_a_stamp_of_a_clock_that_was_ahead_locks_nobody_out(stage: Stage) -> None:
    stage.clock.forward(3 * 86_400)
    carol = Caller(stage)
    assert (await carol.gets("/tickets")).status == 200
    await stage.closes()
    stage.clock.forward(-3 * 86_400)
    await stage.opens()
    header = carol.signs("GET", "/tickets")
    assert (await carol.gets("/tickets", Authorization=header)).status == 200
    await stage.closes()
    await stage.opens()
    again = await carol.gets("/tickets", Authorization=header)
    assert (again.status, again.code) == (401, "sign-in")


async def test_a_clock_that_was_ahead_at_the_start_locks_nobody_out(stage: Stage) -> None:
    await stage.closes()
    stage.clock.forward(3 * 86_400)
    await stage.opens()
    carol = Caller(stage)
    header = carol.signs("GET", "/tickets")
    assert (await carol.gets("/tickets", Authorization=header)).status == 200
    stage.clock.forward(-3 * 86_400)
    for _ in range(2):
        assert (await carol.gets("/tickets")).status == 200
    assert (await carol.gets("/tickets", Authorization=header)).status == 401


@pytest.mark.choices(requests_per_minute=2)
async def test_at_the_door_only_what_is_turned_away_counts(
    stage: Stage, organizer: Organizer
) -> None:
    await organizer.has_on_sale()
    seller, mallory = Caller(stage, organizer.keys), Caller(stage)
    for _ in range(30):
        assert (await seller.gets("/door/lisbon/counts")).status == 200
    answers = [await mallory.gets("/door/lisbon/counts", signed=False) for _ in range(11)]
    assert [one.status for one in answers] == [401] * 10 + [429]
    assert (await seller.gets("/door/lisbon/counts")).status == 429


async def test_the_body_is_what_was_signed(stage: Stage) -> None:
    operator = Caller(stage, stage.operator.keys)
    header = operator.signs("PUT", "/operator/sales", BODY)
    changed = b'{"open":true }'
    answer = await operator.sends("PUT", "/operator/sales", changed, Authorization=header)
    assert (answer.status, "payload" in answer.body["detail"]) == (401, True)
    unsaid = operator.signs("PUT", "/operator/sales", BODY, payload=None)
    answer = await operator.sends("PUT", "/operator/sales", BODY, Authorization=unsaid)
    assert (answer.status, "payload" in answer.body["detail"]) == (401, True)
    none = operator.signs("PUT", "/operator/sales", BODY)
    assert (await operator.sends("PUT", "/operator/sales", Authorization=none)).status == 401
    assert (await operator.gets("/operator/status")).body["sales"] == "open"


async def test_another_host_is_believed_nothing(stage: Stage, carol: Caller) -> None:
    """What somebody signed for another site cannot be used here, whatever Host says."""
    header = carol.signs("GET", "/tickets", u=f"https://evil.example{V1}/tickets")
    answer = await carol.gets("/tickets", Authorization=header, Host="evil.example")
    assert answer.code == "sign-in"
    proxied = await carol.gets("/tickets", Host="tickets.example", X_Forwarded_Proto="https")
    assert proxied.status == 200


@pytest.mark.choices(public_url=None)
async def test_without_a_public_url_the_socket_says_where_it_is(stage: Stage) -> None:
    carol, port = Caller(stage), stage.app.web_port
    for host, status in (
        (f"127.0.0.1:{port}", 200),
        (f"127.0.0.1:{port + 1}", 401),
        (f"evil.example:{port}", 401),
    ):
        header = carol.signs("GET", "/tickets", u=f"http://{host}{V1}/tickets")
        answer = await carol.gets("/tickets", Authorization=header, Host=host)
        assert answer.status == status, host
    header = carol.signs("GET", "/tickets", u=f"http://localhost:{port}{V1}/tickets")
    named = await carol.gets("/tickets", Authorization=header, Host=f"localhost:{port}")
    assert named.status == 200


async def test_the_longest_address_still_fits_its_signature(carol: Caller) -> None:
    """The header is three times as long as the URL that it signs, and may be so."""
    path = f"/events/{'%C3%A9' * 150}?x={'y' * 900}"
    header = carol.signs("GET", path)
    assert 2_000 < len(header) < MOST_HEADER_BYTES
    assert (await carol.gets(path, Authorization=header)).code == "unknown-event"


@pytest.mark.choices(requests_per_minute=5)
async def test_one_key_may_ask_so_much_and_one_address(stage: Stage) -> None:
    carol, dave = Caller(stage), Caller(stage)
    for _ in range(5):
        assert (await carol.gets("/tickets")).status == 200
    slow = await carol.gets("/tickets")
    assert (slow.status, slow.code) == (429, "slow-down")
    assert 1 <= int(slow.headers["Retry-After"]) <= 60
    assert (await dave.gets("/tickets")).status == 200
    for _ in range(18):
        assert (await dave.gets("/events", signed=False)).status == 200
    for path in ("/events", "/tickets", "/nothing"):
        assert (await dave.gets(path)).status == 429
    assert (await dave.gets("/events", signed=False, X_Forwarded_For="1.2.3.4")).status == 200
    for last in ("1", "2"):  # of one network, whoever has it
        address = f"evil, 2001:db8:1:2::{last}"
        for _ in range(12):
            await dave.gets("/events", signed=False, X_Forwarded_For=address)
    crowded = await dave.gets("/events", signed=False, X_Forwarded_For="2001:db8:1:2::3")
    assert crowded.status == 200
    crowded = await dave.gets("/events", signed=False, X_Forwarded_For="2001:db8:1:2::4")
    assert crowded.status == 429
    stage.clock.forward(60)
    assert (await carol.gets("/tickets")).status == 200


async def test_nothing_of_who_asks_is_written_down(
    stage: Stage, organizer: Organizer, carol: Caller
) -> None:
    await organizer.has_on_sale("Free Walk", price=None)
    (event,) = (await carol.gets("/events", signed=False)).body["events"]
    with structlog.testing.capture_logs() as lines:
        await carol.posts("/orders", request_id="secret-id", event_id=event["event_id"])
        (ticket,) = (await carol.gets("/tickets")).body["tickets"]
        await carol.gets(f"/tickets/{ticket['ticket_id']}/jwt")
        await carol.posts("/validate", signed=False, ticket=ticket["token"])
        await carol.gets("/tickets", Authorization="Nostr c2VjcmV0")
    written = repr([line for line in lines if line["event"] in ("http", "api.failed")])
    assert written.count("/api/v1/tickets") == 3
    for secret in (carol.pubkey, ticket["token"], ticket["jwt"], ticket["ticket_id"], "secret-id"):
        assert secret not in written
