"""The tags of one note, read field by field: what is wrong with one does not hide another."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from ticketbot.domain.naming import FieldProblem, quote
from ticketbot.domain.nostr import Tags
from ticketbot.domain.note import DAY_EVENT, SHOWN, TEXT_NOTE

MOST_SEATS = 1_000_000

T = TypeVar("T")

_EXAMPLES = {
    "title": '["title","Lisbon Meetup"]',
    "d": '["d","lisbon-meetup-2027-03"]',
    "start": '["start","1804186800"]',
    "end": '["end","1804197600"]',
    "start_tzid": '["start_tzid","Europe/Lisbon"]',
    "end_tzid": '["end_tzid","Europe/Lisbon"]',
    "price": '["price","5000","SAT"]',
    "stock": '["stock","100"]',
    "tier": '["tier","VIP","20000","SAT","10"]',
    "sales_start": '["sales_start","1803900000"]',
    "sales_end": '["sales_end","1804186800"]',
    "max_per_buyer": '["max_per_buyer","4"]',
    "doors": '["doors","1804181400"]',
    "ephemeral": '["ephemeral","never"]',
    "early_bird": '["early_bird","3000","SAT","until","1803900000"]',
    "question": '["question","Size of your T-shirt?","S","M","L"]',
    "age": '["age","18"]',
    "badge": '["badge","never"]',
    "transfer": '["transfer","never"]',
    "refund_until": '["refund_until","48h"]',
    "refund_fee": '["refund_fee","10%"]',
}
_DAY_EXAMPLES = {"start": '["start","2027-03-04"]', "end": '["end","2027-03-05"]'}
_LINE_EXAMPLES = {
    "title": "Title: Lisbon Meetup",
    "when": "When: 2027-03-04 19:00 Europe/Lisbon",
    "until": "Until: 22:00",
    "price": "Price: 5000 sats",
    "stock": "Seats: 100",
    "tier": "Tier: VIP, 20000 sats, 10 seats, 2 per buyer, until 2027-03-01 18:00",
    "early_bird": "Early bird: VIP, 15000 sats, until 2027-02-01",
    "question": "Question: Size of your T-shirt? S / M / L",
    "age": "Age: 18",
    "max_per_buyer": "Per buyer: 4",
}


class Problem(NamedTuple):
    """What is wrong with one field: the key of a sentence in `locales/` and its values.

    `values` always has `field`, as the organizer knows it, and `example`, how it should look.
    """

    field: str
    sentence: str
    values: dict[str, object]


class Sheet:
    """The tags of a note by name; `problems` gathers what has been found wrong, by field."""

    def __init__(self, tags: Tags, kind: int) -> None:
        self.problems: dict[str, Problem] = {}
        self._rows: dict[str, list[list[str]]] = {}
        self._shown = SHOWN if kind == TEXT_NOTE else {}
        special = {TEXT_NOTE: _LINE_EXAMPLES, DAY_EVENT: _DAY_EXAMPLES}.get(kind, {})
        self._examples = _EXAMPLES | special
        for tag in tags:
            if tag:
                self._rows.setdefault(tag[0], []).append(tag[1:])

    def padded(self, name: str, width: int) -> list[list[str]]:
        """The values of every tag of this name, `width` of them, missing ones empty."""
        return [(row + [""] * width)[:width] for row in self._rows.get(name, [])]

    def texts(self, name: str) -> list[str]:
        """The first value of every tag of this name that has one."""
        return [text for (text,) in self.padded(name, 1) if text.strip()]

    def one(self, name: str) -> str | None:
        """The value that all tags of this name agree on; FieldProblem if they differ."""
        found = list(dict.fromkeys(text.strip() for text in self.texts(name)))
        if len(found) > 1:
            raise FieldProblem("given-twice")
        return found[0] if found else None

    def needed(self, name: str) -> str:
        """Like `one`; FieldProblem if there is none."""
        found = self.one(name)
        if found is None:
            raise FieldProblem("time-missing")
        return found

    def maybe(self, name: str, read: Callable[[str], T]) -> T | None:
        """What `read` makes of `one`; None where there is none or it is wrong."""

        def reading() -> T | None:
            found = self.one(name)
            return None if found is None else read(found)

        return self.read(name, None, reading)

    def read(self, name: str, otherwise: T, read: Callable[[], T]) -> T:
        """What `read` gives; its FieldProblem is noted under `name`, and the rest goes on."""
        try:
            return read()
        except FieldProblem as wrong:
            self.blame(name, wrong)
            return otherwise

    def blame(self, name: str, wrong: FieldProblem, like: str = "") -> None:
        """Note the first problem of a field; its example is that of `like`, or its own."""
        kind, space, which = name.partition(" ")
        field = self._shown.get(kind, kind) + space + which
        values = {"field": field, "example": self._examples.get(like or name, "")}
        self.problems.setdefault(field, Problem(field, wrong.sentence, values | wrong.values))


def read_count(text: str, least: int) -> int:
    """A number of seats from `least` to a million; FieldProblem for anything else."""
    word = text.strip()
    whole = word.isascii() and word.isdigit() and len(word) <= 9
    if not whole or not least <= int(word) <= MOST_SEATS:
        raise FieldProblem("count", text=quote(text), least=least, most=f"{MOST_SEATS:,}")
    return int(word)
