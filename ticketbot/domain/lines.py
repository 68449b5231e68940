"""Lines of an ordinary note that say several things at once, as the tags that say the same.

    Tier: VIP, 20000 sats, 10 seats, 2 per buyer, until 2027-03-01 18:00
    Early bird: VIP, 15000 sats, first 5
    Question: Which wine? Red / White

Parts stand between commas (or `·`, `|`, `;`), in any order behind a tier's name. What a part
says is judged by who reads the tag.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

from ticketbot.domain.naming import FieldProblem, quote, show
from ticketbot.domain.when import read_local

LONGEST_TIER = 40  # characters of its name

_BETWEEN = re.compile(r"\s*[·|;]\s*|,\s+")
_BEFORE = re.compile(
    r"(?<!\bsold)(?<!\bfor)(?<!\bthe)\s+(?=(?:(?:sold )?(?:until|from)|(?:for )?(?:the )?first)\s)",
    re.IGNORECASE,
)
_BETWEEN_CHOICES = re.compile(r"\s*[·|;/]\s*|,\s+")
_PRICE = re.compile(r"(?P<sign>[$€£¥₿]?)\s*(?P<number>.*?)\s*(?P<unit>[^\W\d_]*|[$€£¥₿])")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.A)
_OPTIONAL = re.compile(r"\s*\(optional\)\s*$", re.IGNORECASE)

_PARTS = {
    "most": r"(?:max(?:imum)?\.? |at most )?(\S+) (?:per|a|each) (?:buyer|person|head)",
    "stock": r"(\S+) (?:seats?|tickets?|places?)",
    "first": r"(?:for )?(?:the )?first (\S+)(?: seats?| tickets?| places?)?",
    "from": r"(?:sold )?from (.+)",
    "until": r"(?:sold )?until (.+)",
    "price": r"((?:free|[-−–.\d$€£¥₿]).*)",
}
_KINDS = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in _PARTS.items()}


def price_row(value: str) -> list[str]:
    """`5000 sats` as number and currency."""
    price = _PRICE.fullmatch(value)
    if price is None:
        return [value]
    if not price["number"]:
        return [price["unit"]]
    return [price["number"], price["sign"] or price["unit"]]


def tier_row(text: str, zone: str) -> list[str]:
    """Name, number, currency, stock, start and end of its sales, maximum per buyer."""
    name, *parts = _split(text)
    said = _sorted(_apart(parts), ("price", "stock", "most", "from", "until"))
    if "rest" in said:
        raise FieldProblem("line-part", text=quote(said["rest"]))
    number, currency = _price(said)
    times = (_moment(said.get(which, ""), zone, last=which == "until") for which in _TIMES)
    return [name, number, currency, said.get("stock", ""), *times, said.get("most", "")]


def name_in(text: str) -> str:
    """Which tier a line is about."""
    return show(_split(text)[0], LONGEST_TIER)


def early_bird_row(text: str, zone: str) -> list[str]:
    """Number, currency, `until` or `first`, its value, and the tier where one is named."""
    said = _sorted(_apart(_split(text)), ("price", "first", "until"))
    how = [which for which in ("until", "first") if which in said]
    if len(how) != 1:
        raise FieldProblem("line-early-bird")
    value = said[how[0]] if how == ["first"] else _moment(said["until"], zone, last=True)
    return [*_price(said), how[0], value, said.get("rest", "")]


def question_row(text: str, zone: str) -> list[str]:
    """What is asked, and what stands behind the question mark to choose from."""
    asked, mark, choices = text.rpartition("?")
    if not mark:
        return [text]
    optional = _OPTIONAL.search(choices)
    found = _BETWEEN_CHOICES.split(_OPTIONAL.sub("", choices).strip())
    return [f"{asked}?{' (optional)' if optional else ''}", *filter(None, found)]


ROWS: dict[str, Callable[[str, str], list[str]]] = {
    "tier": tier_row,
    "early_bird": early_bird_row,
    "question": question_row,
}
"""The tag → how its line is read, with the time zone of the note."""

_TIMES = ("from", "until")


def _split(text: str) -> list[str]:
    return [part for part in map(str.strip, _BETWEEN.split(text)) if part] or [""]


def _apart(parts: list[str]) -> list[str]:
    """`3000 sats until 2027-02-01` needs no comma."""
    return [one for part in parts for one in _BEFORE.split(part)]


def _sorted(parts: list[str], known: tuple[str, ...]) -> dict[str, str]:
    """What each part says, by its kind; `rest` is what is none of the known ones."""
    said: dict[str, str] = {}
    for part in parts:
        kind, value = "rest", part
        for name in (name for name in _KINDS if name in known):
            if found := _KINDS[name].fullmatch(part):
                kind, value = name, found[1]
                break
        if kind in said:
            raise FieldProblem("line-part" if kind == "rest" else "given-twice", text=quote(part))
        said[kind] = value
    return said


def _price(said: dict[str, str]) -> tuple[str, str]:
    if "price" not in said:
        raise FieldProblem("line-price")
    number, currency = (*price_row(said["price"]), "")[:2]
    return number, currency


def _moment(text: str, zone: str, *, last: bool) -> str:
    """Unix seconds; of a day its first second, or as the `last` one that counts the next one's."""
    if _DAY.fullmatch(text):
        try:
            day = date.fromisoformat(text) + timedelta(days=last)
        except (ValueError, OverflowError):
            raise FieldProblem("time-day", text=quote(text)) from None
        text = f"{day} 00:00"
    return str(read_local(text, zone)[0]) if text else ""
