"""What can be asked of the bot, and how programs ask it in JSON (docs/protocol.md).

People's words become the same values in speech.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from ticketbot.domain.naming import NUMBER_WORDS as NUMBER_WORDS
from ticketbot.errors import RefusalCode, Refused

LONGEST_TEXT = 2_000
LONGEST_JSON = 16 * 1024
MOST_TICKETS = 10_000  # beyond any order: handlers know the operator's own maximum


@dataclass(frozen=True, slots=True)
class Hello:
    """A greeting."""


@dataclass(frozen=True, slots=True)
class Help:
    """What can I do here?"""


@dataclass(frozen=True, slots=True)
class Thanks:
    """Kind words, and nothing to do."""


@dataclass(frozen=True, slots=True)
class ListEvents:
    """What is on sale. `after` is the cursor of an earlier answer."""

    words: tuple[str, ...] = ()
    limit: int | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class ShowEvent:
    """One event: its code or words of it in small letters, or its event_id."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Buy:
    """Tickets. `words` name the event and, from people, the tier, in small letters.

    `whole`: the first word is a complete event_id. `tier` is what a program asked for.
    """

    words: tuple[str, ...]
    quantity: int = 1
    tier: str | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True)
class ShowTickets:
    """What do I hold? From the n-th on; `after` is the cursor of an earlier answer."""

    first: int = 1
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Resend:
    """My tickets once more, from the n-th on."""

    first: int = 1


@dataclass(frozen=True, slots=True)
class ShowStatus:
    """Where an order stands; None = the newest ones."""

    order_id: str | None = None


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Give an unpaid order back; None = the open one. An organizer names an event's code."""

    order_id: str | None = None


@dataclass(frozen=True, slots=True)
class ShowLink:
    """The open invoice as a `lightning:` link."""


@dataclass(frozen=True, slots=True)
class Refund:
    """Where owed money shall go: a bolt11, a Lightning address or an lnurl, as it was written.

    From an operator, with the order: that, or `sent` when they have paid it by hand.
    """

    words: tuple[str, ...]
    order_id: str | None = None


@dataclass(frozen=True, slots=True)
class ForgetMe:
    """Know nothing of me any more; `sure`: it was said twice."""

    sure: bool = False


@dataclass(frozen=True, slots=True)
class StopSales:
    """The operator stops all sales."""


@dataclass(frozen=True, slots=True)
class ResumeSales:
    """The operator opens them again."""


@dataclass(frozen=True, slots=True)
class ListRefunds:
    """The operator asks what is owed."""


@dataclass(frozen=True, slots=True)
class ListOrphans:
    """The operator asks which money came for orders that nobody knows."""


@dataclass(frozen=True, slots=True)
class ResumeRefunds:
    """The operator has seen that what is due was not sent before a restore."""


@dataclass(frozen=True, slots=True)
class CloseOrphan:
    """The operator has seen to such money by hand. `order` is the whole id, or its end."""

    order: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Not understood. `guesses` are whole commands to offer, likeliest first."""

    text: str
    guesses: tuple[str, ...] = ()


Command = (
    Hello
    | Help
    | Thanks
    | ListEvents
    | ShowEvent
    | Buy
    | ShowTickets
    | Resend
    | ShowStatus
    | CancelOrder
    | ShowLink
    | Refund
    | ForgetMe
    | StopSales
    | ResumeSales
    | ListRefunds
    | ListOrphans
    | CloseOrphan
    | ResumeRefunds
    | Unknown
)


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
_ANSWERED = {"events": {"events", "next"}, "tickets": {"count"}}  # keys that only answers have


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


_REQUESTS: Mapping[str, Callable[[_Fields], Command]] = {
    "events": lambda f: ListEvents((), f.number("limit", 20, 100), f.maybe("after", 400)),
    "buy": _machine_buy,
    "tickets": lambda f: ShowTickets(after=f.maybe("after", 100)),
    "status": lambda f: ShowStatus(f.text("order_id", _LONGEST_ID)),
    "cancel": lambda f: CancelOrder(f.text("order_id", _LONGEST_ID)),
    "refund": lambda f: Refund((f.text("to", LONGEST_TEXT),), f.text("order_id", _LONGEST_ID)),
}
