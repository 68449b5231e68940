"""An event written as an ordinary note (kind 1): lines with labels, and text around them.

    Title: Lisbon Meetup
    When: 2027-03-01 19:00 Europe/Lisbon
    Until: 23:00
    Where: Rua do Ouro 1
    Price: 5000 sats
    Seats: 100

The lines become tags like those of a calendar event, so that one reader serves both.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ticketbot.domain.naming import clean
from ticketbot.domain.nip19 import read_pubkey
from ticketbot.domain.nostr import Event, Tags
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
}
"""What people write before the colon → the tag it becomes."""

SHOWN = {"title": "Title", "when": "When", "until": "Until", "location": "Where"} | {
    "price": "Price",
    "stock": "Seats",
}
"""The tag → what it is called when the organizer is told about a mistake in it."""

_LINE = re.compile(rf"[\W_]*({'|'.join(LABELS)})[*_ \t]*[:：](.*)", re.IGNORECASE)
_PRICE = re.compile(r"(?P<sign>[$€£¥₿]?)\s*(?P<number>.*?)\s*(?P<unit>[^\W\d_]*|[$€£¥₿])")
_SEATS = re.compile(r"(?P<number>\S+)\s+(?:seats|tickets|places)", re.IGNORECASE)
_MENTION = re.compile(r"(?:nostr:)?((?:npub|nprofile)1[02-9ac-hj-np-z]{50,4000})")
_LONGEST_NOTE = 20_000
_LONGEST_VALUE = 200
_TELLING = {"title", "when", "price", "stock"}


class Note(NamedTuple):
    """The labelled lines of a note as tags, and all other lines."""

    tags: Tags
    rest: str


def read_note(content: str) -> Note:
    """Tell the labelled lines from the text around them."""
    tags: Tags = []
    rest = []
    for line in content[:_LONGEST_NOTE].splitlines():
        if found := _LINE.fullmatch(line):
            tags.append(
                _tag(LABELS[found[1].lower()], clean(found[2].strip("*_ \t"), _LONGEST_VALUE))
            )
        else:
            rest.append(line)
    return Note(tags, "\n".join(rest))


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


def _tag(name: str, value: str) -> list[str]:
    if name == "price" and (price := _PRICE.fullmatch(value)):
        if not price["number"]:
            return [name, price["unit"]]
        return [name, price["number"], price["sign"] or price["unit"]]
    if name == "stock" and (seats := _SEATS.fullmatch(value)):
        return [name, seats["number"]]
    return [name, value]
