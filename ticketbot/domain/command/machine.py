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
    ListOrphans,
    ListOwnEvents,
    ListPending,
    ListRefunds,
    ListStuck,
    Refund,
    ResumeSales,
    RetryStuck,
    ShowEvent,
    ShowStatus,
    ShowTickets,
    StopSales,
    Validate,
)
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
    request_id = read_request_id(body)
    return MachineRequest(request_id, read_request(kind, body, request_id))


def read_request(kind: str, body: dict[str, Any], request_id: str = "") -> Command:
    """The command in the fields of a request of a known type; BadRequest names a wrong one."""
    return _REQUESTS[kind](_Fields(body, request_id))


def read_request_id(body: dict[str, Any]) -> str:
    """What the program calls its request; BadRequest when it does not, or too lengthily."""
    request_id = body.get("request_id")
    if not isinstance(request_id, str) or not 0 < len(request_id) <= _LONGEST_ID:
        raise BadRequest("bad-request", "request-id", most=_LONGEST_ID)
    return request_id


_LONGEST_ID, _LONGEST_EVENT_ID = 64, 300
_NIP46 = frozenset({"method", "result"})
_FARTHEST = 2**40  # msat and seconds that nobody means
# keys that only answers have
_ANSWERED = {
    "events": {"events", "next"},
    "event": {"events", "next"},
    "tickets": {"count"},
    "validate": {"valid"},
    "own-events": {"message"},
    "pending": {"message"},
    "stuck": {"message"},
    "refunds": {"message"},
    "orphans": {"message"},
    "sales": {"message"},
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

    def amount(self, name: str, most: int = _FARTHEST) -> int | None:
        """A number that may be zero, or may not be there."""
        found = self._body.get(name)
        if found is None:
            return None
        if type(found) is not int or not 0 <= found <= most:
            raise self._wrong("field-amount", name, most)
        return found

    def flag(self, name: str) -> bool:
        found = self._body.get(name)
        if type(found) is not bool:
            raise BadRequest("bad-request", "field-flag", self._request_id, field=name)
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

    def _wrong(self, sentence: str, name: str, most: int) -> BadRequest:
        return BadRequest("bad-request", sentence, self._request_id, field=name, most=most)


def _machine_buy(fields: _Fields) -> Command:
    event_id = fields.text("event_id", _LONGEST_EVENT_ID)
    quantity = fields.number("quantity", 1, MOST_TICKETS)
    return Buy((event_id,), quantity, fields.maybe("tier", 100), whole=True)


def _machine_events(fields: _Fields) -> Command:
    words = (fields.maybe("words", 200) or "").lower().split()
    return ListEvents(
        tuple(words),
        fields.number("limit", 20, 100),
        fields.maybe("after", 400),
        category=fields.maybe("category", 100),
        price_from=fields.amount("min_price_msat"),
        price_to=fields.amount("max_price_msat"),
        starts_from=fields.amount("from"),
        starts_to=fields.amount("to"),
    )


def _machine_tickets(fields: _Fields) -> Command:
    return ShowTickets(
        after=fields.maybe("after", 100),
        ticket_id=fields.maybe("ticket_id", _LONGEST_ID),
        order_id=fields.maybe("order_id", _LONGEST_ID),
    )


_REQUESTS: Mapping[str, Callable[[_Fields], Command]] = {
    "events": _machine_events,
    "event": lambda f: ShowEvent((f.text("event_id", _LONGEST_EVENT_ID),)),
    "buy": _machine_buy,
    "tickets": _machine_tickets,
    "status": lambda f: ShowStatus(f.text("order_id", _LONGEST_ID)),
    "cancel": lambda f: CancelOrder(f.text("order_id", _LONGEST_ID)),
    "refund": lambda f: Refund((f.text("to", LONGEST_TEXT),), f.text("order_id", _LONGEST_ID)),
    "own-events": lambda f: ListOwnEvents(f.number("limit", 20, 100), f.maybe("after", 400)),
    "validate": lambda f: Validate(f.text("ticket", LONGEST_TEXT), f.maybe("event_id", 300)),
    "pending": lambda f: ListPending(f.number("limit", 50, 200), f.maybe("after", 100)),
    "stuck": lambda f: ListStuck(),
    "retry": lambda f: RetryStuck(f.maybe("name", 100)),
    "refunds": lambda f: ListRefunds(),
    "orphans": lambda f: ListOrphans(),
    "sales": lambda f: ResumeSales() if f.flag("open") else StopSales(),
}
