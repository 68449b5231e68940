"""An event written as an ordinary note (kind 1): lines with labels, and text around them.

    Title: Lisbon Meetup
    When: 2027-03-01 19:00 Europe/Lisbon
    Until: 23:00
    Where: Rua do Ouro 1
    Price: 5000 sats
    Seats: 100
    Per buyer: 4
    Age: 18
    Tier, Early bird, Question: as in lines.py

The lines become tags like those of a calendar event, so that one reader serves both.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ticketbot.domain.lines import ROWS, name_in, price_row
from ticketbot.domain.naming import FieldProblem, clean
from ticketbot.domain.nip19 import read_pubkey
from ticketbot.domain.nostr import Event, Tags
from ticketbot.domain.when import read_local
from ticketbot.errors import Malformed

TEXT_NOTE, DAY_EVENT, TIME_EVENT = 1, 31922, 31923

LABELS = {
    "title": "title",
    "when": "when",
    "until": "until",
    "ends": "until",
    "where": "location",
    "price": "price",
    "seats": "stock",
    "tier": "tier",
    "early bird": "early_bird",
    "question": "question",
    "age": "age",
    "max per buyer": "max_per_buyer",
    "per buyer": "max_per_buyer",
    "per person": "max_per_buyer",
}
"""What people write before the colon → the tag it becomes."""

SHOWN = {
    "title": "Title",
    "when": "When",
    "until": "Until",
    "location": "Where",
    "price": "Price",
    "stock": "Seats",
    "tier": "Tier",
    "early_bird": "Early bird",
    "question": "Question",
    "age": "Age",
    "max_per_buyer": "Per buyer",
}
"""The tag → what it is called when the organizer is told about a mistake in it."""

_WORDS = "|".join(label.replace(" ", "[- ]+") for label in LABELS)
_LINE = re.compile(rf"[\W_]*({_WORDS})[*_ \t]*[:：](.*)", re.IGNORECASE)
_SEATS = re.compile(r"(?P<number>\S+)\s+(?:seats|tickets|places)", re.IGNORECASE)
_MENTION = re.compile(r"(?:nostr:)?((?:npub|nprofile)1[02-9ac-hj-np-z]{50,4000})")
_LONGEST_NOTE = 20_000
_LONGEST_VALUE, _LONGEST_QUESTION = 200, 800
_MOST_PARTED = 50  # of the lines that say several things
_TELLING = {"title", "when", "price", "stock"}


class Wrong(NamedTuple):
    """A line that cannot be read: the tag it was to become, which one of them, and why."""

    name: str
    which: str
    problem: FieldProblem


class Note(NamedTuple):
    """The labelled lines of a note as tags, those that cannot be read, and all other lines."""

    tags: Tags
    wrong: tuple[Wrong, ...]
    rest: str


def read_note(content: str) -> Note:
    """Tell the labelled lines from the text around them."""
    said: list[tuple[str, str]] = []
    rest = []
    for line in content[:_LONGEST_NOTE].splitlines():
        if found := _LINE.fullmatch(line):
            name = LABELS[" ".join(found[1].lower().replace("-", " ").split())]
            longest = _LONGEST_QUESTION if name == "question" else _LONGEST_VALUE
            said.append((name, clean(found[2].strip("*_ \t"), longest)))
        else:
            rest.append(line)
    tags = [_tag(name, value) for name, value in said if name not in ROWS]
    parted, wrong = _parted([one for one in said if one[0] in ROWS], _zone_of(said))
    return Note(tags + parted, wrong, "\n".join(rest))


def looks_like_listing(event: Event) -> bool:
    """Whether this was meant as an event for sale; chatter that mentions the bot is not.

    A calendar event always was; a kind-1 note where two of its lines are labelled Title,
    When, Price or Seats.
    """
    if event.kind in (DAY_EVENT, TIME_EVENT):
        return True
    if event.kind != TEXT_NOTE:
        return False
    return len({tag[0] for tag in read_note(event.content).tags} & _TELLING) >= 2


def mentions(content: str, pubkey: str) -> bool:
    """Whether the text names this key as `nostr:npub1…` or `nostr:nprofile1…` (NIP-27)."""
    return any(_names(found[1], pubkey) for found in _MENTION.finditer(content[:_LONGEST_NOTE]))


def without_mentions(content: str, pubkey: str) -> str:
    """The text without the words that name this key."""
    return _MENTION.sub(lambda m: "" if _names(m[1], pubkey) else m[0], content[:_LONGEST_NOTE])


def _names(mention: str, pubkey: str) -> bool:
    try:
        return read_pubkey(mention) == pubkey
    except Malformed:
        return False


def _parted(said: list[tuple[str, str]], zone: str) -> tuple[Tags, tuple[Wrong, ...]]:
    tags: Tags = []
    wrong = []
    for name, row in ROWS.items():
        lines = [value for label, value in said[:_MOST_PARTED] if label == name]
        for number, value in enumerate(lines, start=1):
            try:
                tags.append([name, *row(value, zone)])
            except FieldProblem as problem:
                which = str(number) if len(lines) > 1 else ""
                wrong.append(Wrong(name, name_in(value) if name == "tier" else which, problem))
    unread = {one.name for one in wrong} - {"tier"}  # the others of them would be counted wrongly
    return [tag for tag in tags if tag[0] not in unread], tuple(wrong)


def _zone_of(said: list[tuple[str, str]]) -> str:
    """The time zone that the note names; what is wrong with it is told elsewhere."""
    try:
        return read_local(next(value for name, value in said if name == "when"))[1]
    except (StopIteration, FieldProblem):
        return "UTC"


def _tag(name: str, value: str) -> list[str]:
    if name == "price":
        return [name, *price_row(value)]
    if name == "stock" and (seats := _SEATS.fullmatch(value)):
        return [name, seats["number"]]
    return [name, value]
