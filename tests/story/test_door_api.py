"""The door over HTTP: scans with a secret or a signature, told later, listed, counted, watched."""

from __future__ import annotations

import base64
import json

import pytest

from tests.story.cast import HOUR, Organizer, Person, Stage
from tests.story.scanner import (
    Scanner,
    a_secret,
    at_the_door,
    free_tickets,
    id_of,
    opens_soon,
)
from ticketbot.domain.jwt_ticket import sign_jwt
from ticketbot.domain.nip19 import npub_encode
from ticketbot.domain.ticket import Claims, TicketKey, event_hash, group_id, read_token
from ticketbot.ledger import tickets
from ticketbot.ledger.store import Tx

FREE = {"price": None}


async def test_in_out_and_back(stage: Stage, scanner: Scanner, alice: Person) -> None:
    (token,) = await free_tickets(alice, "lisbon 1")
    seen = await scanner.scans("check-in", token, gate="gate b")
    assert scanner.status == 200
    assert (seen["outcome"], seen["light"], seen["gate"]) == ("admitted", "green", "B")
    assert (seen["state"], seen["quantity"], seen["conflict"]) == ("admitted", 1, False)
    assert seen["message"].startswith("GREEN · come in. Order ")
    again = await scanner.scans("check-in", group_id(id_of(stage, token)))
    assert (again["outcome"], again["light"]) == ("already-used", "red")
    assert (again["entered_at"], again["entered_gate"]) == (seen["at"], "B")
    for kind, outcome in [
        ("checkout", "left"),
        ("checkout", "already-out"),
        ("check-in", "readmitted"),
        ("undo", "return-undone"),
        ("undo", "exit-undone"),
        ("undo", "entry-undone"),
        ("undo", "nothing-to-undo"),
        ("checkout", "not-inside"),
        ("check-in", "admitted"),
    ]:
        assert (await scanner.scans(kind, token))["outcome"] == outcome
    text = json.dumps(again) + json.dumps(seen)
    assert alice.pubkey not in text
    assert npub_encode(alice.pubkey) not in text


# who may


async def test_a_secret_is_good_for_its_event_until_it_is_ended(
    stage: Stage, organizer: Organizer, scanner: Scanner, alice: Person
) -> None:
    (token,) = await free_tickets(alice, "lisbon 1")
    await opens_soon(organizer, "Porto Dinner", **FREE)
    elsewhere = Scanner(scanner.session, scanner.secret, event="PORTO")
    for path in ("list", "counts", "live"):
        assert (await elsewhere.gets(path))["code"] == "sign-in"
        assert elsewhere.status == 401
    assert (await elsewhere.scans("check-in", token))["code"] == "sign-in"
    assert elsewhere.headers["WWW-Authenticate"].startswith("Bearer")
    await organizer.says("door list lisbon")
    number = (await organizer.hears("One at the door")).partition("#")[2].split()[0]
    await organizer.says(f"door remove lisbon {number}")
    await organizer.hears("good for nothing")
    assert (await scanner.scans("check-in", token))["code"] == "sign-in"
    queue = {"scans": [{"ticket": token, "nonce": "nonce-0001", "at": 1}]}
    assert (await scanner.sends("scans", queue))["code"] == "sign-in"


async def test_a_secret_ends_with_its_hours(
    stage: Stage, organizer: Organizer, scanner: Scanner, alice: Person
) -> None:
    short = Scanner(scanner.session, await a_secret(organizer, "lisbon 1 gate North"))
    (token,) = await free_tickets(alice, "lisbon 1")
    assert (await short.scans("check-in", token))["gate"] == "North"
    stage.clock.forward(HOUR + 1)
    assert (await short.gets("counts"))["code"] == "sign-in"
    assert (await scanner.gets("counts"))["by_gate"] == {
        "North": {"admitted": 1, "returned": 0, "left": 0}
    }


@pytest.mark.parametrize("secret", ["", "door1", "door1" + "a" * 32, "x" * 900, "door1é"])
async def test_secrets_that_nobody_was_given(scanner: Scanner, secret: str) -> None:
    assert (await Scanner(scanner.session, secret).gets("counts"))["status"] == 401
    assert (await Scanner(scanner.session).gets("counts"))["status"] == 401


async def test_organizer_and_staff_sign_and_nobody_else(
    stage: Stage, organizer: Organizer, scanner: Scanner, alice: Person, bob: Person
) -> None:
    (token,) = await free_tickets(alice, "lisbon 1")
    await organizer.says(f"door add lisbon {npub_encode(bob.pubkey)}")
    await bob.hears("You are at the door")
    by_bob = Scanner(scanner.session, keys=bob.keys)
    by_organizer = Scanner(scanner.session, keys=organizer.keys)
    by_alice = Scanner(scanner.session, keys=alice.keys)
    assert (await by_alice.scans("check-in", token))["code"] == "not-yours"
    assert by_alice.status == 403
    assert (await by_bob.scans("check-in", token))["outcome"] == "admitted"
    assert (await by_organizer.scans("undo", token))["outcome"] == "entry-undone"
    await organizer.says(f"door remove lisbon {npub_encode(bob.pubkey)}")
    await bob.hears("no longer at the door")
    assert (await by_bob.scans("check-in", token))["code"] == "not-yours"


async def test_an_event_that_is_not_there(scanner: Scanner) -> None:
    scanner.event = "NOWHERE"
    assert (await scanner.gets("counts"))["code"] == "unknown-event"
    scanner.event = "31923:" + "a" * 64 + ":a/b?c#d"
    assert (await scanner.gets("list"))["code"] == "unknown-event"


# what is shown


async def test_tickets_that_are_none_of_this_event(
    stage: Stage, organizer: Organizer, scanner: Scanner, alice: Person
) -> None:
    event_id = await opens_soon(organizer, "Porto Dinner", **FREE)
    (token,) = await free_tickets(alice, "porto 1")
    seen = await scanner.scans("check-in", token)
    assert (seen["outcome"], seen["light"]) == ("wrong-event", "amber")
    assert "Porto Dinner" in seen["message"]
    assert (seen["order"], seen["tier"], seen["quantity"]) == (None, None, None)
    forger = TicketKey.from_bytes(b"x" * 32)
    claims = Claims("a" * 16, event_hash(event_id), bytes(16), 1, 2**31, bytes(8), 1)
    own = stage.app.engine._signer
    for shown, outcome in [
        (forger.sign(claims), "not-genuine"),
        (own.sign(claims), "unknown"),
        ("AAAA-AAAA-AAAA-AAAA", "unknown"),
        (token[:-1], "unreadable"),
        (token[:60] + ("A" if token[60] != "A" else "B") + token[61:], "not-genuine"),
        ("<script>alert(1)</script>", "unreadable"),
        ("=cmd|' /C calc'!A0", "unreadable"),
        ("👩‍👩‍👧\u202e\x00", "unreadable"),
        ("x" * 2_000, "unreadable"),
        (sign_jwt(claims, own), "unknown"),
        (sign_jwt(claims, forger), "not-genuine"),
        (unsigned(claims, own), "not-genuine"),
        (sign_jwt(read_token(token, own.public), own), "wrong-event"),
    ]:
        assert (await scanner.scans("check-in", shown))["outcome"] == outcome, shown
    assert (await scanner.gets("counts"))["total"]["inside"] == 0


def unsigned(claims: Claims, key: TicketKey) -> str:
    """A JWT that asks to be believed (RFC 7519, 6)."""
    _, body, _ = sign_jwt(claims, key).split(".")
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"ticket+jwt"}').decode().rstrip("=")
    return f"{header}.{body}."


async def test_a_ticket_as_a_jwt_is_the_same_ticket(
    stage: Stage, scanner: Scanner, alice: Person
) -> None:
    (token,) = await free_tickets(alice, "lisbon 1")
    own = stage.app.engine._signer
    as_jwt = sign_jwt(read_token(token, own.public), own)
    assert (await scanner.scans("check-in", as_jwt))["outcome"] == "admitted"
    assert (await scanner.scans("check-in", token))["outcome"] == "already-used"
    assert (await scanner.scans("undo", as_jwt))["outcome"] == "entry-undone"


async def test_a_ticket_that_was_replaced_or_is_void(
    stage: Stage, scanner: Scanner, alice: Person
) -> None:
    old, gone = await free_tickets(alice, "lisbon 2")

    def change(tx: Tx) -> None:
        rotate = "UPDATE ticket SET version = 2, token_hash = ? WHERE id = ?"
        tx.change(rotate, (b"h" * 32, id_of(stage, old)))
        tickets.void(tx, [id_of(stage, gone)], None)

    await stage.app.store.transaction(change)
    code = group_id(id_of(stage, old))
    assert (await scanner.scans("check-in", old))["outcome"] == "replaced"
    assert (await scanner.scans("check-in", code))["outcome"] == "token-needed"
    assert (await scanner.scans("check-in", gone))["outcome"] == "void"
    listed = await scanner.gets("list")
    assert listed["void"] == [id_of(stage, gone)]
    assert listed["versions"] == {id_of(stage, old): 2}
    await stage.app.store.transaction(lambda tx: _put_right(tx, id_of(stage, gone)))


def _put_right(tx: Tx, ticket_id: str) -> None:
    tx.change("UPDATE ticket SET state = 'valid' WHERE id = ?", (ticket_id,))


async def test_before_and_after(stage: Stage, organizer: Organizer, alice: Person) -> None:
    start = int(stage.clock()) + 10 * HOUR
    doors = start - 2 * HOUR
    await organizer.has_on_sale(start=start, end=start + 3 * HOUR, doors=doors, price=None)
    async with at_the_door(stage) as session:
        scanner = Scanner(session, await a_secret(organizer))
        token, late = await free_tickets(alice, "lisbon 2")
        seen = await scanner.scans("check-in", token)
        assert (seen["outcome"], seen["light"]) == ("not-yet", "amber")
        stage.clock.forward(8 * HOUR + 1)
        assert (await scanner.scans("check-in", token))["outcome"] == "admitted"
        assert (await scanner.scans("checkout", token))["outcome"] == "left"
        stage.clock.forward(6 * HOUR)
        assert (await scanner.scans("check-in", late))["outcome"] == "over"
        assert (await scanner.scans("check-in", token))["outcome"] == "readmitted"


async def test_a_cancelled_event_lets_nobody_in(
    stage: Stage, organizer: Organizer, scanner: Scanner, alice: Person
) -> None:
    (token,) = await free_tickets(alice, "lisbon 1")
    start = int(stage.clock()) + 2 * HOUR
    await organizer.announces(start=start, price=None, status="cancelled", at=start)
    await organizer.hears("is off sale")
    assert (await scanner.scans("check-in", token))["outcome"] == "cancelled"
    assert (await scanner.gets("list"))["cancelled"] is True


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not-json"),
        (b"{", "not-json"),
        (b"[]", "not-json"),
        (b'"TKT1:"', "not-json"),
        (b'{"ticket": "\\ud800"}', "not-json"),
        (b"{}", "bad-request"),
        (b'{"ticket": ""}', "bad-request"),
        (b'{"ticket": 7}', "bad-request"),
        (b'{"ticket": "x", "gate": ["B"]}', "bad-request"),
        (b'{"ticket": "x", "nonce": "short"}', "bad-request"),
        (b'{"ticket": "x", "nonce": 123456789}', "bad-request"),
        (b'{"ticket": "%s"}' % (b"x" * 2_001), "bad-request"),
        (b'{"ticket": "%s"}' % (b"x" * 50_000), "too-large"),
    ],
)
async def test_a_body_that_is_no_scan(scanner: Scanner, body: bytes, code: str) -> None:
    answer = await scanner.asks("POST", "check-in", body)
    assert answer["code"] == code
    assert scanner.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("gate", "kept"),
    [
        ("<script>alert(1)</script>", "scriptalert(1)/script"),
        ("=cmd|' /C calc'!A0", "cmd /C calcA0"),
        ("  gate   b\n", "B"),
        ("Torre de Belém, lado sul", "Torre de Belém, lado sul"),
        ("\u202eetag\x00", "etag"),
        ("G" * 99, "G" * 23),
        ("👩‍👩‍👧", ""),
    ],
)
async def test_gates_are_names_and_nothing_else(
    scanner: Scanner, alice: Person, gate: str, kept: str
) -> None:
    (token,) = await free_tickets(alice, "lisbon 1")
    assert (await scanner.scans("check-in", token, gate=gate))["gate"] == kept
    assert list((await scanner.gets("counts"))["by_gate"]) == [kept]


async def test_a_scan_that_is_told_twice_is_one(
    stage: Stage, scanner: Scanner, alice: Person
) -> None:
    """The answer was lost, so the scanner asks again: whoever stands there is still welcome."""
    token, other = await free_tickets(alice, "lisbon 2")
    first = await scanner.scans("check-in", token, nonce="scan-0001", gate="A")
    assert await scanner.scans("check-in", token, nonce="scan-0001", gate="A") == first
    assert (await scanner.scans("check-in", other, nonce="scan-0001"))["code"] == "bad-request"
    assert (await scanner.scans("checkout", token, nonce="scan-0001"))["code"] == "bad-request"
    assert (await scanner.scans("check-in", token, nonce="scan-0002"))["outcome"] == "already-used"
    assert (await scanner.gets("counts"))["total"]["inside"] == 1
