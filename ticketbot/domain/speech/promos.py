"""What organizers say about their codes: `promo lisbon FRIENDS 20% max 50 until 2027-02-01`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ticketbot.domain.command import Command, ListPromos, MakePromo, StopPromo
from ticketbot.domain.money import PriceProblem, read_price
from ticketbot.domain.naming import FieldProblem, quote
from ticketbot.domain.promo import spelled
from ticketbot.domain.sheet import read_count
from ticketbot.domain.speech.words import POLITE, Reader, event_words, read_from, without
from ticketbot.errors import Refused

_KEYWORDS = frozenset({"max", "until", "tier"})
_SMALL = frozenset({"off", "a", "per", "each", "ticket", "for"})
_PERCENT = re.compile(r"([0-9]{1,6})(?:%|percent)")
_AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?)([a-z]*)")


def _promo(rest: Sequence[str]) -> Command | None:
    words, _ = event_words(rest[:1])
    if len(rest) < 2:
        return ListPromos(words)
    code = rest[1].upper()
    if [word.lower() for word in rest[2:]] == ["stop"]:
        return StopPromo(words, code)
    if not spelled(code):
        raise Refused("bad-request", "promo-code", text=quote(rest[1]))
    parts = _parts(rest[2:])
    percent, off_msat = _worth(parts[""])
    until, tier = " ".join(parts.get("until", [])), " ".join(parts.get("tier", []))
    return MakePromo(
        words, code, percent, off_msat, _most(parts.get("max")), until or None, tier or None
    )


def _promos(rest: Sequence[str]) -> Command:
    first = read_from(rest[-2:])
    words, _ = event_words(without(POLITE, rest[:-2] if first else rest)[:1])
    return ListPromos(words, first or 1)


def _parts(tokens: Sequence[str]) -> dict[str, list[str]]:
    """The words behind each keyword, and under '' those before the first."""
    parts: dict[str, list[str]] = {"": []}
    last = ""
    for token in tokens:
        if token.lower() in _KEYWORDS:
            last = token.lower()
            if last in parts:
                raise Refused("bad-request", "promo-how")
            parts[last] = []
        else:
            parts[last].append(token)
    if not all(words for name, words in parts.items() if name):
        raise Refused("bad-request", "promo-how")
    return parts


def _worth(words: Sequence[str]) -> tuple[int, int]:
    """(percent, msat) off a ticket, one of them 0."""
    said = [word.lower() for word in words if word.lower() not in _SMALL]
    if percent := _PERCENT.fullmatch("".join(said)):
        if not 1 <= int(percent[1]) <= 100:
            raise Refused("bad-request", "promo-percent-range", text=quote(percent[1]))
        return int(percent[1]), 0
    amount = _AMOUNT.fullmatch("".join(said)) if 1 <= len(said) <= 2 else None
    if amount is None or "off" not in map(str.lower, words):
        raise Refused("bad-request", "promo-how")
    try:
        off_msat = read_price(amount[1], amount[2])
    except PriceProblem:
        raise Refused("bad-request", "promo-amount", text=quote(" ".join(said))) from None
    if not off_msat:
        raise Refused("bad-request", "promo-amount", text=quote(" ".join(said)))
    return 0, off_msat


def _most(words: Sequence[str] | None) -> int | None:
    if words is None:
        return None
    try:
        return read_count(" ".join(words), 1)
    except FieldProblem:
        raise Refused("bad-request", "promo-max", text=quote(" ".join(words))) from None


READERS: Mapping[str, Reader] = {"promo": _promo, "promos": _promos}
