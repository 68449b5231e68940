"""The fields of a program's request, read one by one: what is wrong is said by the field's name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ticketbot.domain.command import MOST_TICKETS, Command
from ticketbot.domain.nip19 import read_pubkey
from ticketbot.errors import Malformed, RefusalCode, Refused

T = TypeVar("T")

LONGEST_EVENT_ID = 300
LONGEST_ID = 64  # of requests, orders, tickets, codes
LONGEST_TIER = 100
LONGEST_CURSOR = 400
FARTHEST = 2**40  # msat and seconds that nobody means
MOST_HOURS = 24 * 31


class BadRequest(Refused):
    """A request of a known type with a wrong field; `request_id` where it could be read."""

    def __init__(
        self,
        code: RefusalCode,
        sentence: str,
        request_id: str | None = None,
        **values: object,
    ) -> None:
        super().__init__(code, sentence, **values)
        self.request_id = request_id


class Fields:
    """The fields of one request; null counts as absent."""

    def __init__(self, body: dict[str, Any], request_id: str) -> None:
        self._body = body
        self.request_id = request_id

    def text(self, name: str, most: int) -> str:
        found = self.maybe(name, most)
        if found is None:
            raise self._wrong("field-text", name, most)
        return found

    def maybe(self, name: str, most: int) -> str | None:
        found = self._body.get(name)
        if found is None or found == "":
            return None
        if not isinstance(found, str) or len(found) > most or not found.strip():
            raise self._wrong("field-text", name, most)
        return found

    def one_of(self, name: str, known: Sequence[T]) -> T | None:
        """One of a few words, or none."""
        found = self._body.get(name)
        if found is None or found == "":
            return None
        if found not in known:
            words = ", ".join(map(str, known))
            raise BadRequest(
                "bad-request", "field-one-of", self.request_id, field=name, choice=words
            )
        return known[known.index(found)]

    def amount(self, name: str, most: int = FARTHEST) -> int | None:
        """A number that may be zero, or may not be there."""
        found = self._body.get(name)
        if found is None:
            return None
        if type(found) is not int or not 0 <= found <= most:
            raise self._wrong("field-amount", name, most)
        return found

    def number(self, name: str, otherwise: int, most: int) -> int:
        found = self._body.get(name)
        if found is None:
            return otherwise
        if type(found) is not int or found < 1:  # True is an int to isinstance
            raise self._wrong("field-number", name, most)
        if found > most:
            if name == "quantity":
                raise BadRequest("too-many", "quantity-many", self.request_id, text=str(found))
            raise self._wrong("field-number", name, most)
        return found

    def event(self) -> tuple[str, ...]:
        """The one event that is meant, as handlers are told it."""
        return (self.text("event_id", LONGEST_EVENT_ID),)

    def maybe_event(self) -> tuple[str, ...]:
        """The same, where none may be named."""
        named = self.maybe("event_id", LONGEST_EVENT_ID)
        return () if named is None else (named,)

    def order(self) -> str:
        return self.text("order_id", LONGEST_ID)

    def ticket_or_order(self) -> str:
        """The id of one ticket, where one is named, else of a whole order."""
        return self.maybe("ticket_id", LONGEST_ID) or self.order()

    def tier(self) -> str | None:
        return self.maybe("tier", LONGEST_TIER)

    def quantity(self) -> int:
        return self.number("quantity", 1, MOST_TICKETS)

    def hours(self) -> int | None:
        """For how long; None where it is not said."""
        return self.number("hours", 0, MOST_HOURS) or None

    def person(self, name: str) -> str:
        """A public key, as hex; npubs are taken too."""
        try:
            return read_pubkey(self.text(name, 200))
        except Malformed:
            raise self._wrong("field-person", name, 64) from None

    def maybe_number(self, name: str, most: int) -> int | None:
        return None if self._body.get(name) is None else self.number(name, 0, most)

    def flag(self, name: str) -> bool:
        return self.maybe_flag(name) is True

    def maybe_flag(self, name: str) -> bool | None:
        found = self._body.get(name)
        if not (found is None or isinstance(found, bool)):
            raise BadRequest("bad-request", "field-flag", self.request_id, field=name)
        return found

    def decision(self, name: str) -> bool:
        """As `flag`, where not to say so is no answer."""
        if self._body.get(name) is None:
            raise BadRequest("bad-request", "field-flag", self.request_id, field=name)
        return self.flag(name)

    def pairs(self, name: str, most: int, longest: int) -> tuple[tuple[str, str], ...]:
        found = self._body.get(name)
        if found is None:
            return ()
        if not (
            isinstance(found, dict)
            and len(found) <= most
            and all(isinstance(one, str) and len(one) <= longest for one in found.values())
        ):
            raise self._wrong("field-pairs", name, longest)
        return tuple((str(key), one) for key, one in found.items())

    def wrong(self, sentence: str) -> BadRequest:
        return BadRequest("bad-request", sentence, self.request_id)

    def _wrong(self, sentence: str, name: str, most: int) -> BadRequest:
        return BadRequest("bad-request", sentence, self.request_id, field=name, most=most)


Asked = Callable[[Fields], Command]
"""What the fields of a request of one type ask for; BadRequest names a wrong one."""
