"""What organizers and door staff say."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ticketbot.domain.admission import Kind
from ticketbot.domain.command import (
    AddStaff,
    Command,
    CountDoor,
    ListConflicts,
    ListStaff,
    MakeToken,
    PresentTicket,
    RemoveStaff,
    ScanTicket,
    Validate,
)
from ticketbot.domain.nip19 import read_pubkey
from ticketbot.domain.speech.words import NOISE, Reader, event_words, read_from, without
from ticketbot.errors import Malformed, Refused

MOST_HOURS = 24 * 31

_PERSON = re.compile(r"(?:nostr:)?(?:npub|nprofile|nsec)1\w+", re.IGNORECASE)
_WHOLE = re.compile(r"TKT[0-9]+:\w{60,}|[a-z0-9]{4}(?:-[a-z0-9]{4}){3}|https?://.+|eyJ.+", re.I)
_CODE_ALONE = re.compile(r"[a-z0-9]{4}(?:-[a-z0-9]{4}){3}", re.IGNORECASE)
_JWT_ALONE = re.compile(r"eyJ[\w-]+(?:\.[\w-]+){2}")
_HOURS = re.compile(r"([0-9]{1,9})h?|([0-9]{1,9})hours?", re.IGNORECASE)
_UNITS = frozenset({"h", "hour", "hours"})


def _scan(kind: Kind) -> Reader:
    def read(rest: Sequence[str]) -> Command:
        return ScanTicket(kind, *_apart([word for word in rest if word.lower() != "ticket"]))

    return read


def read_alone(tokens: Sequence[str]) -> PresentTicket | None:
    """The ticket that somebody sent without a word; clients may have broken a long one."""
    shown = re.sub("^nostr:", "", "".join(tokens), flags=re.IGNORECASE)
    if _CODE_ALONE.fullmatch(shown) and len(tokens) == 1:
        return PresentTicket(shown, f"checkin {shown.upper()}")
    if "tkt1:" in tokens[0].lower() and (len(tokens) == 1 or _WHOLE.fullmatch(shown)):
        return PresentTicket(shown, "checkin")
    if _JWT_ALONE.fullmatch(shown) and len(tokens) == 1:
        return PresentTicket(shown)
    return None


def _apart(words: Sequence[str]) -> tuple[str, str]:
    """The ticket, and the gate: behind the word `gate`, or behind a ticket that is whole."""
    if len([word for word in words if _WHOLE.fullmatch(word)]) > 1:
        raise Refused("bad-request", "scan-one")
    lower = [word.lower() for word in words]
    if "gate" in lower:
        at = lower.index("gate")
        return " ".join(words[:at]), " ".join(words[at + 1 :])
    if words and _WHOLE.fullmatch(words[0]):
        return words[0], " ".join(words[1:])
    return " ".join(words), ""


def _add(rest: Sequence[str]) -> Command:
    person, others = _person(rest)
    hours, words = _hours(others)
    return AddStaff(event_words(words)[0], person, hours)


def _remove(rest: Sequence[str]) -> Command:
    person, others = _person(rest)
    if person is not None:
        return RemoveStaff(event_words(without(NOISE, others))[0], person)
    named = without(NOISE | {"token"}, others)
    numbers = [word for word in named if word.isascii() and word.isdigit() and len(word) < 10]
    words = [word for word in named if word not in numbers]
    return RemoveStaff(event_words(words)[0], int(numbers[0]) if len(numbers) == 1 else None)


def _token(rest: Sequence[str]) -> Command:
    lower = [word.lower() for word in rest]
    at = lower.index("gate") if "gate" in lower else len(rest)
    hours, words = _hours(rest[:at])
    return MakeToken(event_words(words)[0], hours, " ".join(rest[at + 1 :]))


def _person(rest: Sequence[str]) -> tuple[str | None, list[str]]:
    named = [word for word in rest if _PERSON.fullmatch(word)]
    others = [word for word in rest if word not in named]
    if len(named) != 1:
        return None, others
    try:
        return read_pubkey(named[0]), others
    except Malformed:
        raise Refused("bad-request", "door-npub") from None


def _hours(rest: Sequence[str]) -> tuple[int | None, list[str]]:
    """The number of hours, and the other words. Refused: none, or more than a month."""
    said = [word for word in without(NOISE, rest) if word.lower() not in _UNITS]
    found = [match for word in said if (match := _HOURS.fullmatch(word))]
    words = [word for word in said if not _HOURS.fullmatch(word)]
    if not found:
        return None, words
    hours = int(found[0][1] or found[0][2])
    if len(found) > 1 or not 1 <= hours <= MOST_HOURS:
        raise Refused("bad-request", "door-hours", most=MOST_HOURS)
    return hours, words


def _named(rest: Sequence[str]) -> tuple[str, ...]:
    return event_words(without(NOISE, rest))[0]


def _validate(rest: Sequence[str]) -> Command:
    """A ticket as it was copied: clients may have broken its line."""
    return Validate("".join(rest))


def _conflicts(rest: Sequence[str]) -> Command:
    first = read_from(rest[-2:])
    return ListConflicts(_named(rest[:-2] if first else rest), first or 1)


READERS: Mapping[str, Reader] = {
    "validate": _validate,
    "checkin": _scan(Kind.CHECK_IN),
    "checkout": _scan(Kind.CHECKOUT),
    "undo": _scan(Kind.UNDO),
    "door": lambda rest: CountDoor(_named(rest)),
    "door add": _add,
    "door conflicts": _conflicts,
    "door list": lambda rest: ListStaff(_named(rest)),
    "door remove": _remove,
    "door token": _token,
}
