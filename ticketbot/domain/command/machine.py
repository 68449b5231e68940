"""What programs ask for in JSON, in kind 24133 (docs/protocol.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson

from ticketbot.domain.command import (
    LONGEST_TEXT,
    MOST_TICKETS,
    Buy,
    CancelOrder,
    Command,
    ListEvents,
    ListPromos,
    MakePromo,
    Refund,
    ShowStatus,
    ShowTickets,
    StopPromo,
)
from ticketbot.domain.money import HIGHEST_PRICE, SAT
from ticketbot.domain.offer import LONGEST_ANSWER, MOST_QUESTIONS
from ticketbot.domain.sheet import MOST_SEATS
from ticketbot.domain.when import LATEST
from ticketbot.errors import RefusalCode, Refused

LONGEST_JSON = 16 * 1024


class MachineRequest(NamedTuple):
    """A program's request (kind 24133)."""

    request_id: str
    command: Command


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


def read_machine(text: str) -> MachineRequest | None:
    """A program's request, or None for what is never answered.

    That is rubbish, NIP-46 traffic (`method` or `result`), unknown types, and answers like
    our own: two bots must not talk to each other for ever. BadRequest: a field is wrong.
    """
    if len(text) > LONGEST_JSON or len(text.encode(errors="replace")) > LONGEST_JSON:
        return None
    try:
        body = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(body, dict) or not body.keys().isdisjoint(_NIP46):
        return None
    kind = body.get("type")
    if not isinstance(kind, str) or kind not in _REQUESTS or body.keys() & _ANSWERED.get(kind, ()):
        return None
    request_id = body.get("request_id")
    if not isinstance(request_id, str) or not 0 < len(request_id) <= _LONGEST_ID:
        raise BadRequest("bad-request", "request-id", most=_LONGEST_ID)
    return MachineRequest(request_id, _REQUESTS[kind](_Fields(body, request_id)))


_LONGEST_ID, _LONGEST_EVENT_ID = 64, 300
_NIP46 = frozenset({"method", "result"})
_ANSWERED = {  # keys that only answers have
    "events": {"events", "next"},
    "tickets": {"count"},
    "promo": {"message"},
    "promos": {"promos"},
}


class _Fields:
    """The fields of one request; null counts as absent."""

    def __init__(self, body: dict[str, Any], request_id: str) -> None:
        self._body = body
        self._request_id = request_id

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

    def number(self, name: str, otherwise: int, most: int) -> int:
        found = self._body.get(name)
        if found is None:
            return otherwise
        if type(found) is not int or found < 1:  # True is an int to isinstance
            raise self._wrong("field-number", name, most)
        if found > most:
            if name == "quantity":
                raise BadRequest("too-many", "quantity-many", self._request_id, text=str(found))
            raise self._wrong("field-number", name, most)
        return found

    def maybe_number(self, name: str, most: int) -> int | None:
        return None if self._body.get(name) is None else self.number(name, 0, most)

    def flag(self, name: str) -> bool:
        found = self._body.get(name)
        if not (found is None or isinstance(found, bool)):
            raise BadRequest("bad-request", "field-flag", self._request_id, field=name)
        return found is True

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
        return BadRequest("bad-request", sentence, self._request_id)

    def _wrong(self, sentence: str, name: str, most: int) -> BadRequest:
        return BadRequest("bad-request", sentence, self._request_id, field=name, most=most)


def _machine_buy(fields: _Fields) -> Command:
    return Buy(
        (fields.text("event_id", _LONGEST_EVENT_ID),),
        fields.number("quantity", 1, MOST_TICKETS),
        fields.maybe("tier", 100),
        whole=True,
        code=fields.maybe("code", _LONGEST_ID),
        answers=fields.pairs("answers", MOST_QUESTIONS, LONGEST_ANSWER),
        of_age=fields.flag("accept_age"),
    )


def _machine_promo(fields: _Fields) -> Command:
    words = (fields.text("event_id", _LONGEST_EVENT_ID),)
    code = fields.text("code", _LONGEST_ID)
    if fields.flag("stop"):
        return StopPromo(words, code)
    percent = fields.maybe_number("percent", 100)
    off_msat = fields.maybe_number("off_msat", HIGHEST_PRICE)
    if (percent is None) == (off_msat is None) or (off_msat or 0) % SAT:
        raise fields.wrong("promo-fields")
    most, until = fields.maybe_number("max", MOST_SEATS), fields.maybe_number("until", LATEST)
    tier = fields.maybe("tier", 100)
    return MakePromo(words, code, percent or 0, off_msat or 0, most, until, tier)


def _machine_promos(fields: _Fields) -> Command:
    first = fields.number("first", 1, MOST_SEATS)
    return ListPromos((fields.text("event_id", _LONGEST_EVENT_ID),), first)


_REQUESTS: Mapping[str, Callable[[_Fields], Command]] = {
    "events": lambda f: ListEvents((), f.number("limit", 20, 100), f.maybe("after", 400)),
    "buy": _machine_buy,
    "tickets": lambda f: ShowTickets(after=f.maybe("after", 100)),
    "status": lambda f: ShowStatus(f.text("order_id", _LONGEST_ID)),
    "cancel": lambda f: CancelOrder(f.text("order_id", _LONGEST_ID)),
    "promo": _machine_promo,
    "promos": _machine_promos,
    "refund": lambda f: Refund((f.text("to", LONGEST_TEXT),), f.text("order_id", _LONGEST_ID)),
}
