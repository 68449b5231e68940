"""An evening at the door, by DM: who lets people in, what they are told, and what they are not."""

from __future__ import annotations

import re

import pytest

from tests.story.cast import DAY, HOUR, Organizer, Person, Stage
from tests.story.program import Program, listening
from tests.story.scanner import a_secret, free_tickets, opens_soon
from ticketbot.domain.nip19 import npub_encode
from ticketbot.domain.ticket import group_id, verify_token
from ticketbot.texts import say


@pytest.fixture
async def dora(stage: Stage) -> Person:
    """Somebody with a phone at the door."""
    return await stage.enters()


async def works(organizer: Organizer, dora: Person, code: str = "lisbon", hours: str = "") -> None:
    await organizer.says(f"door add {code} {npub_encode(dora.pubkey)} {hours}")
    await organizer.hears("can let people in")
    await dora.hears("You are at the door of")


def code_of(stage: Stage, token: str) -> str:
    return group_id(verify_token(token, stage.app.desk.ticket_public_key)[0])


async def test_a_door_evening(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person, dora: Person
) -> None:
    """Two friends come, one leaves and comes back, one slip is undone, one screenshot is caught."""
    vip = [["VIP", "9000", "SAT", "5"]]
    await opens_soon(organizer, tier=vip)
    await works(organizer, dora)
    hers = await alice.buys("lisbon vip 2")
    his = await bob.buys("lisbon")
    code = code_of(stage, his)

    await dora.says(f"checkin {hers} gate B")
    told = await dora.hears("GREEN · come in. VIP · Order ")
    assert told.endswith("one of 2 tickets")
    await dora.says(f"checkin {hers.lower()} gate A")
    told = await dora.hears("RED · already used at ")
    assert ", gate B. VIP" in told
    await dora.says(f"check in {code} gate a")
    assert "GREEN · come in. Order " in await dora.hears()
    await dora.says(f"checkout {code}")
    assert "GREEN · left, and may come back" in await dora.hears()
    await dora.says(f"checkout {code.lower()}")
    assert await dora.hears() == say("scan-already-out")
    await organizer.says("door lisbon")
    counts = {"title": "Lisbon Meetup", "inside": 1, "admitted": 2, "sold": 3, "left": 1}
    assert await organizer.hears() == say("door-counts", **counts)
    await dora.says(f"checkin {code.replace('-', ' ')}")
    assert "GREEN · welcome back" in await dora.hears()
    for sentence in ("outside again", "inside again", "not used"):
        await dora.says(f"undo {code}")
        assert sentence in await dora.hears("GREEN · undone")
    await dora.says(f"undo {code}")
    assert await dora.hears() == say("scan-nothing-to-undo")
    await dora.says("door")
    assert "1 inside. 1 of 3 came in, 0 have left" in await dora.hears()
    for heard in dora.heard:
        assert npub_encode(alice.pubkey) not in heard.text
        assert alice.pubkey not in heard.text


async def test_a_stranger_lets_nobody_in(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person
) -> None:
    await opens_soon(organizer, price=None)
    (token,) = await free_tickets(alice, "lisbon 1")
    code = code_of(stage, token)
    npub = npub_encode(bob.pubkey)
    for words in (f"checkin {token}", f"undo {code}", f"checkout {code}", "door", "checkin 1234"):
        await bob.says(words)
        assert await bob.hears() == say("door-nowhere"), words
    for words in ("door lisbon", f"door {code}"):
        await bob.says(words)
        assert "at the door of" in await bob.hears() or words != "door lisbon"
    for words in (f"door add lisbon {npub}", "door list lisbon", "door token lisbon"):
        await bob.says(words)
        assert "only its own organizer can do that" in await bob.hears(), words
    await organizer.says(f"checkin {code}")
    assert "GREEN · come in" in await organizer.hears()


async def test_staff_of_one_event_are_nobody_at_another(
    stage: Stage, organizer: Organizer, alice: Person, dora: Person
) -> None:
    await opens_soon(organizer, price=None)
    await opens_soon(organizer, "Porto Dinner", price=None)
    await works(organizer, dora)
    (porto,) = await free_tickets(alice, "porto 1")
    await dora.says(f"checkin {porto}")
    assert await dora.hears() == say("scan-wrong-event", title="Porto Dinner")
    await dora.says(f"undo {code_of(stage, porto)}")
    assert await dora.hears() == say("scan-wrong-event", title="Porto Dinner")
    await dora.says("door porto")
    assert await dora.hears() == say("door-not-staff", title="Porto Dinner")
    await organizer.says(f"checkin {porto}")
    assert "GREEN · come in" in await organizer.hears()


async def test_staff_come_and_go(
    stage: Stage, organizer: Organizer, alice: Person, dora: Person
) -> None:
    await opens_soon(organizer, price=None)
    (token,) = await free_tickets(alice, "lisbon 1")
    npub = npub_encode(dora.pubkey)
    await organizer.says("door list lisbon")
    assert await organizer.hears() == say("door-staff-none", title="Lisbon Meetup", code="lisbon")
    await works(organizer, dora, hours="1")
    await works(organizer, dora, hours="2h")  # again: not twice, but longer
    await organizer.says("door list")
    told = await organizer.hears("One at the door of Lisbon Meetup")
    assert npub[:12] in told
    assert npub not in told
    stage.clock.forward(HOUR + 60)
    await dora.says(f"checkin {token}")
    assert "GREEN" in await dora.hears()
    stage.clock.forward(HOUR)
    await dora.says(f"undo {token}")
    assert await dora.hears() == say("door-nowhere")
    await works(organizer, dora)
    await organizer.says(f"door remove lisbon {npub}")
    assert "lets nobody in" in await organizer.hears()
    assert await dora.hears() == say("door-staff-goodbye", title="Lisbon Meetup")
    await organizer.says(f"door remove lisbon {npub}")
    assert await organizer.hears() == say("door-nobody", code="lisbon")
    await dora.says(f"undo {token}")
    assert await dora.hears() == say("door-nowhere")


async def test_a_secret_is_shown_once_and_kept_as_a_hash(
    stage: Stage, organizer: Organizer
) -> None:
    await opens_soon(organizer, price=None)
    secret = await a_secret(organizer, "lisbon 8 gate <script>")
    assert re.fullmatch(r"door1[a-z2-7]{32}", secret)
    await organizer.says("door list lisbon")
    told = await organizer.hears("One at the door")
    assert re.search(r"- #\d+ · script · ", told)
    assert secret not in told
    await stage.closes()
    kept = b"".join(path.read_bytes() for path in stage.folder.glob("ledger.db*"))
    assert secret.encode() not in kept
    assert stage.organizer.keys.pubkey.encode() in kept, "organizers are public"
    await stage.opens()


async def test_the_ledger_names_no_staff(
    stage: Stage, organizer: Organizer, dora: Person, alice: Person
) -> None:
    await opens_soon(organizer, price=None)
    await works(organizer, dora)
    (token,) = await free_tickets(alice, "lisbon 1")
    await dora.says(f"checkin {token} gate A")
    await dora.hears("GREEN")
    await stage.closes()
    kept = b"".join(path.read_bytes() for path in stage.folder.glob("ledger.db*"))
    for key in (dora.pubkey, alice.pubkey):
        assert key.encode() not in kept
        assert bytes.fromhex(key) not in kept
        assert npub_encode(key).encode() not in kept
    await stage.opens()


async def test_whoever_is_forgotten_scans_no_more(
    stage: Stage, organizer: Organizer, dora: Person
) -> None:
    await opens_soon(organizer, price=None)
    await works(organizer, dora)
    await dora.says("forget me yes")
    await dora.hears("Done")
    await dora.says("checkin AAAA-AAAA-AAAA-AAAA")
    assert await dora.hears() == say("door-nowhere")


async def test_long_after_the_event_nobody_knows_who_was_at_the_door(
    stage: Stage, organizer: Organizer, dora: Person
) -> None:
    await opens_soon(organizer, price=None)
    await works(organizer, dora)
    await a_secret(organizer)
    stage.clock.forward(120 * DAY)
    await stage.app.forget()
    left = "SELECT count(*), count(lookup), count(sealed) FROM door_pass"
    assert await stage.app.store.transaction(lambda tx: tx.row(left)) == (2, 0, 0)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("checkin", "scan-what"),
        ("undo", "scan-what"),
        ("door add lisbon", "door-who"),
        ("door add lisbon npub1qqqqqq", "door-npub"),
        ("door add lisbon {npub} 0", "door-hours"),
        ("door add lisbon {npub} 745", "door-hours"),
        ("door add lisbon {npub} 1 2", "door-hours"),
        ("door remove lisbon", "door-nobody"),
        ("door remove lisbon 99", "door-nobody"),
        ("checkin AAAA-AAAA-AAAA-AAAA gate <script>alert(1)</script>", "scan-unknown"),
        ("checkin <script>", "scan-unreadable"),
        ("checkin =cmd|' /C calc'!A0", "scan-unreadable"),
        ("checkin 👩‍👩‍👧 gate 👩‍👩‍👧", "scan-unreadable"),
        ("checkin eyJhbGciOiJub25lIn0.e30.", "scan-unreadable"),
    ],
)
async def test_what_organizers_mistype(
    stage: Stage, organizer: Organizer, dora: Person, words: str, sentence: str
) -> None:
    await opens_soon(organizer, price=None)
    await organizer.says(words.format(npub=npub_encode(dora.pubkey)))
    values = {"code": "lisbon", "most": 744}
    assert await organizer.hears() == say(sentence, **values)
    await organizer.says("door")
    assert "0 inside" in await organizer.hears()


async def test_more_than_anybody_types(stage: Stage, organizer: Organizer) -> None:
    await opens_soon(organizer, price=None)
    await organizer.says("checkin " + "A" * 10_000)
    assert await organizer.hears() == say("text-long", most=2000)


async def test_programs_ask_for_the_same(
    stage: Stage, organizer: Organizer, alice: Person, dora: Person
) -> None:
    await listening(stage)
    event_id = await opens_soon(organizer, price=None)
    (token,) = await free_tickets(alice, "lisbon 1")
    chief, phone = Program(organizer), Program(dora)
    event = {"event_id": event_id}
    added = await chief.asks("door-add", pubkey=dora.pubkey, hours=8, **event)
    assert (added["type"], added["pubkey"]) == ("door-pass", dora.pubkey)
    made = await chief.asks("door-token", gate="gate c", **event)
    assert (made["type"], made["gate"], made["token"][:5]) == ("door-token", "C", "door1")
    listed = await chief.asks("door-list", **event)
    assert [one["number"] for one in listed["passes"]] == [added["number"], made["number"]]
    seen = await phone.asks("checkin", request_id="r1", ticket=token, gate="B")
    assert (seen["type"], seen["outcome"], seen["order"]) == ("scan", "admitted", seen["order"])
    again = await phone.asks("checkin", ticket=token)
    assert (again["outcome"], again["entered_gate"]) == ("already-used", "B")
    counts = await phone.asks("door", **event)
    assert (counts["type"], counts["total"]["inside"]) == ("door-counts", 1)
    gone = await chief.asks("door-remove", number=made["number"], **event)
    assert gone["number"] == made["number"]
    gone = await chief.asks("door-remove", pubkey=npub_encode(dora.pubkey), **event)
    assert gone["pubkey"] == dora.pubkey
    for kind, fields, code in (
        ("checkin", {"ticket": token}, "not-yours"),
        ("door-list", event, "not-yours"),
        ("door", event, "not-yours"),
        ("checkin", {"ticket": 7}, "bad-request"),
        ("door-add", event | {"pubkey": "npub1x"}, "bad-request"),
        ("door-add", event | {"pubkey": dora.pubkey, "hours": 745}, "bad-request"),
        ("door-remove", event, "bad-request"),
        ("door", {"event_id": "31923:x"}, "unknown-event"),
    ):
        answer = await phone.asks(kind, **fields)  # type: ignore[arg-type]
        assert (answer["type"], answer["code"]) == ("error", code), (kind, answer)


async def test_a_ticket_that_was_passed_on_lets_in_its_new_holder(
    stage: Stage, organizer: Organizer, alice: Person, bob: Person, dora: Person
) -> None:
    """Whoever kept a picture of the old one stays outside, and who only knows its letters, too."""
    await opens_soon(organizer, price=None)
    await works(organizer, dora)
    (old,) = await free_tickets(alice, "lisbon 1")
    code = code_of(stage, old)
    await alice.says(f"transfer {code} {npub_encode(bob.pubkey)}")
    await bob.hears("accept")
    await bob.says("accept")
    new = await bob.gets_a_ticket()
    await dora.says(f"checkin {old}")
    assert await dora.hears() == say("scan-replaced")
    await dora.says(f"checkin {code}")
    assert await dora.hears() == say("scan-token-needed")
    await dora.says(f"checkin {new}")
    assert "GREEN · come in" in await dora.hears()
    await dora.says(f"undo {code}")
    assert "GREEN · undone" in await dora.hears()


async def test_what_staff_paste_in_a_hurry(
    stage: Stage, organizer: Organizer, alice: Person, dora: Person
) -> None:
    """The code alone is a check-in; two at once let nobody in by the first alone."""
    await opens_soon(organizer)
    await works(organizer, dora)
    first = code_of(stage, await alice.buys("lisbon"))
    second = code_of(stage, await alice.buys("lisbon"))
    await dora.says(first.lower())
    assert "GREEN · come in" in await dora.hears()
    for words in (f"checkin {first} {second}", f"checkin {first} {second} gate B"):
        await dora.says(words)
        assert await dora.hears() == say("scan-one")
    await dora.says("door")
    counts = {"title": "Lisbon Meetup", "inside": 1, "admitted": 1, "sold": 2, "left": 0}
    assert await dora.hears() == say("door-counts", **counts)


async def test_a_ticket_without_a_word_is_a_check_in_at_the_only_open_door(
    stage: Stage, organizer: Organizer, alice: Person, dora: Person
) -> None:
    """In each of its forms, by staff and by the organizer; to all others it is a slip."""
    await opens_soon(organizer, price=None)
    first, second, third, fourth = await free_tickets(alice, "lisbon 4")
    slip = say("did-you-mean", guess=f"checkin {code_of(stage, first)}")
    for anybody in (dora, alice):
        await anybody.says(code_of(stage, first))
        assert await anybody.hears() == slip
        await anybody.says(first)
        assert await anybody.hears() == say("did-you-mean", guess="checkin")
    await works(organizer, dora)
    for shown in (f"nostr:{first}", f"https://tickets.example/t#{second}&e=Lisbon", third.lower()):
        await dora.says(shown)
        assert "GREEN · come in" in await dora.hears()
    await organizer.says(f"nostr:{code_of(stage, fourth)}")
    assert "GREEN · come in" in await organizer.hears()
    await dora.says(first)
    assert "RED · already used" in await dora.hears()
    await dora.says("AAAA-BBBB-CCCC-DDDD")
    assert "RED" in await dora.hears()


async def test_a_ticket_without_a_word_is_asked_about_where_it_could_mean_another_thing(
    stage: Stage, organizer: Organizer, dora: Person
) -> None:
    """At two open doors, before they open, and from whoever holds the ticket themselves."""
    await opens_soon(organizer, price=None)
    await works(organizer, dora)
    hers, other = await free_tickets(dora, "lisbon 2")
    asked = say("did-you-mean", guess="checkin")
    await dora.says(hers)
    assert await dora.hears() == asked
    await opens_soon(organizer, title="Porto Night", d="porto")
    await organizer.says(other)
    assert await organizer.hears() == asked


async def test_the_door_that_is_meant_is_one_that_opens(
    stage: Stage, organizer: Organizer, dora: Person
) -> None:
    """Staff of an event that was cancelled and of another tonight ask for that other."""
    await opens_soon(organizer)
    await opens_soon(organizer, title="Porto Night", d="porto")
    await works(organizer, dora)
    await works(organizer, dora, "porto")
    await organizer.announces(status="cancelled", at=int(stage.clock()) + 2)
    await organizer.hears("is off sale")
    await dora.says("door")
    assert (await dora.hears()).startswith("Porto Night: ")
