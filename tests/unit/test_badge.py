"""Badges as other programs read them (NIP-58)."""

from __future__ import annotations

import os
from dataclasses import replace

import nostr_sdk
import orjson

from tests.unit.test_texts import listing
from ticketbot.domain.badge import award, badge_name, define
from ticketbot.keys import Keys, event_json

ONE = replace(listing("W"), title="Lisbon Meetup", place="Lisbon", image=None)


def test_the_definition_names_its_event() -> None:
    note = define(ONE, "Thu 4 Mar 2027")
    assert note.kind == 30009 and note.content == ""
    assert note.tags == [
        ["d", badge_name(ONE.event_id)],
        ["name", "Lisbon Meetup"],
        ["description", "Thu 4 Mar 2027 · Lisbon"],
        ["a", ONE.event_id],
    ]
    by_note = define(replace(ONE, kind=1, event_id="e" * 64, image="https://x.example/a.png"), "")
    assert by_note.tags[-2:] == [["image", "https://x.example/a.png"], ["e", "e" * 64]]


def test_an_award_names_people_in_no_order_of_theirs() -> None:
    note = award(ONE.event_id, "b" * 64, ["f" * 64, "a" * 64])
    badge = f"30009:{'b' * 64}:{badge_name(ONE.event_id)}"
    assert note.kind == 8
    assert note.tags == [["a", badge], ["p", "a" * 64], ["p", "f" * 64]]


def test_another_program_finds_the_definition_by_the_award() -> None:
    keys, guest = Keys(os.urandom(32)), Keys(os.urandom(32))
    made = [define(ONE, "x"), award(ONE.event_id, keys.pubkey, [guest.pubkey])]
    definition, given = (
        nostr_sdk.Event.from_json(
            event_json(keys.sign_event(1_800_000_000, one.kind, one.tags, one.content)).decode()
        )
        for one in made
    )
    assert definition.verify() and given.verify()
    raw = orjson.loads(given.as_json())
    coordinate = nostr_sdk.Coordinate.parse(raw["tags"][0][1])
    assert coordinate.identifier() == orjson.loads(definition.as_json())["tags"][0][1]
    assert coordinate.public_key().to_hex() == keys.pubkey
