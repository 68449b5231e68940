"""What programs ask for in JSON, in kind 24133 (docs/protocol.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson

from ticketbot.domain.command import (
    LONGEST_TEXT,
    MOST_TICKETS,
    AskPayout,
    Buy,
    CancelOrder,
    Command,
    ListEvents,
    PayOutTo,
    Refund,
    ShowBalance,
    ShowStatement,
    ShowStatus,
    ShowTickets,
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
    request_id = body.get("request_id")
    if not isinstance(request_id, str) or not 0 < len(request_id) <= _LONGEST_ID:
        raise BadRequest("bad-request", "request-id", most=_LONGEST_ID)
    return MachineRequest(request_id, _REQUESTS[kind](_Fields(body, request_id)))


_LONGEST_ID, _LONGEST_EVENT_ID = 64, 300
_NIP46 = frozenset({"method", "result"})
_ANSWERED = {  # keys that only answers have
    "events": {"events", "next"},
    "tickets": {"count"},
    "balance": {"balance_msat"},
    "payout": {"payout_id"},
    "payout-to": {"amount_msat"},
    "statement": {"events"},
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

    def _wrong(self, sentence: str, name: str, most: int) -> BadRequest:
        return BadRequest("bad-request", sentence, self._request_id, field=name, most=most)


def _machine_buy(fields: _Fields) -> Command:
    event_id = fields.text("event_id", _LONGEST_EVENT_ID)
    quantity = fields.number("quantity", 1, MOST_TICKETS)
    return Buy((event_id,), quantity, fields.maybe("tier", 100), whole=True)


def _machine_words(fields: _Fields) -> tuple[str, ...]:
    event_id = fields.maybe("event_id", _LONGEST_EVENT_ID)
    return () if event_id is None else (event_id,)


_REQUESTS: Mapping[str, Callable[[_Fields], Command]] = {
    "events": lambda f: ListEvents((), f.number("limit", 20, 100), f.maybe("after", 400)),
    "buy": _machine_buy,
    "tickets": lambda f: ShowTickets(after=f.maybe("after", 100)),
    "status": lambda f: ShowStatus(f.text("order_id", _LONGEST_ID)),
    "cancel": lambda f: CancelOrder(f.text("order_id", _LONGEST_ID)),
    "balance": lambda f: ShowBalance(),
    "payout": lambda f: AskPayout(_machine_words(f), f.maybe("to", 400)),
    "payout-to": lambda f: PayOutTo(f.text("to", 400)),
    "statement": lambda f: ShowStatement(_machine_words(f)),
    "refund": lambda f: Refund((f.text("to", LONGEST_TEXT),), f.text("order_id", _LONGEST_ID)),
}
