"""What programs ask for in JSON, in kind 24133 (docs/protocol.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson

from ticketbot.domain.admission import Kind
from ticketbot.domain.command import (
    LONGEST_TEXT,
    MOST_TICKETS,
    Accept,
    AddStaff,
    Announce,
    AskPayout,
    Buy,
    CancelOrder,
    ChooseLanguage,
    Command,
    Comp,
    CountDoor,
    Decline,
    Find,
    GiveBack,
    ListAttendees,
    ListEvents,
    ListOrphans,
    ListOwnEvents,
    ListPending,
    ListPromos,
    ListRefunds,
    ListStaff,
    ListStuck,
    MakePromo,
    MakeToken,
    PauseEvent,
    PayOutTo,
    Refund,
    Rehearse,
    RemoveStaff,
    ResendOrder,
    ResumeEvent,
    ResumeSales,
    RetryStuck,
    ScanTicket,
    ShowAttendance,
    ShowBalance,
    ShowCalendar,
    ShowEvent,
    ShowOrder,
    ShowPdf,
    ShowStatement,
    ShowStats,
    ShowStatus,
    ShowTickets,
    StopPromo,
    StopSales,
    Transfer,
    Validate,
    WishBadge,
)
from ticketbot.domain.money import HIGHEST_PRICE, SAT
from ticketbot.domain.nip19 import read_pubkey
from ticketbot.domain.offer import LONGEST_ANSWER, MOST_QUESTIONS
from ticketbot.domain.sheet import MOST_SEATS
from ticketbot.domain.wanted import read_wanted
from ticketbot.domain.when import LATEST
from ticketbot.errors import Malformed, RefusalCode, Refused

LONGEST_JSON = 64 * 1024  # all that NIP-44 takes: what is too long for a field is told so
MOST_HOURS = 24 * 31


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
_REPORTED = "order-story stats attendees find pause resume announce comp resend rehearse"
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
    "promo": {"message"},
    "promos": {"promos"},
    "transfer": {"state"},
    "give-back": {"amount_msat"},
    **{kind: {"message"} for kind in _REPORTED.split()},
    "lang": {"message"},
    "calendar": {"files"},
    "badge": {"message"},
    "attendance": {"message"},
    "pdf": {"files"},
    "balance": {"balance_msat"},
    "payout": {"payout_id"},
    "payout-to": {"amount_msat"},
    "statement": {"events"},
}


class _Fields:
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

    def amount(self, name: str, most: int = _FARTHEST) -> int | None:
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
        return (self.text("event_id", _LONGEST_EVENT_ID),)

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


def _machine_scan(kind: Kind) -> Callable[[_Fields], Command]:
    def read(fields: _Fields) -> Command:
        gate = fields.maybe("gate", _LONGEST_ID) or ""
        return ScanTicket(kind, fields.text("ticket", LONGEST_TEXT), gate, fields.request_id)

    return read


def _machine_remove(fields: _Fields) -> Command:
    number = fields.number("number", 0, 2**31)
    return RemoveStaff(fields.event(), number or fields.person("pubkey"))


def _machine_refund(fields: _Fields) -> Command:
    """With `to` where money shall go; without it what is held is given back."""
    ticket = fields.maybe("ticket_id", _LONGEST_ID)
    what = ticket or fields.text("order_id", _LONGEST_ID)
    if to := fields.maybe("to", LONGEST_TEXT):
        return Refund((to,), what)
    return Refund(("yes",) if fields.flag("sure") else (), what)


def _machine_transfer(fields: _Fields) -> Command:
    words = (fields.text("ticket_id", _LONGEST_ID),)
    if fields.flag("cancel"):
        return Transfer(words, cancel=True)
    return Transfer(words, fields.text("to", LONGEST_TEXT))


def _machine_give_back(fields: _Fields) -> Command:
    event_id = fields.text("event_id", _LONGEST_EVENT_ID)
    ticket = fields.maybe("ticket_id", _LONGEST_ID)
    what = ticket or fields.text("order_id", _LONGEST_ID)
    number = fields.number("quantity", MOST_TICKETS, MOST_TICKETS)
    return GiveBack((event_id, what), number, fields.flag("sure"))


def _machine_find(fields: _Fields) -> Command:
    text = fields.text("words", 200)
    try:
        return Find(fields.event(), read_wanted(text) or text.strip().lower())
    except Refused as refused:
        raise fields.wrong(refused.sentence) from None


def _machine_comp(fields: _Fields) -> Command:
    quantity, tier = fields.number("quantity", 1, MOST_TICKETS), fields.maybe("tier", 100)
    return Comp(fields.event(), fields.person("to"), quantity, tier)


def _machine_announce(fields: _Fields) -> Command:
    text = fields.maybe("text", LONGEST_JSON)
    return Announce(fields.event(), text, fields.flag("confirm") or text is None)


def _event(fields: _Fields) -> tuple[str, ...]:
    """An event_id, where one is given."""
    named = fields.maybe("event_id", _LONGEST_EVENT_ID)
    return () if named is None else (named,)


def _machine_attendance(fields: _Fields) -> Command:
    first = fields.number("first", 1, MOST_SEATS)
    named = (fields.text("event_id", _LONGEST_EVENT_ID),)
    return ShowAttendance(named, fields.flag("list"), first)


def _machine_words(fields: _Fields) -> tuple[str, ...]:
    event_id = fields.maybe("event_id", _LONGEST_EVENT_ID)
    return () if event_id is None else (event_id,)


_REQUESTS: Mapping[str, Callable[[_Fields], Command]] = {
    "events": _machine_events,
    "event": lambda f: ShowEvent((f.text("event_id", _LONGEST_EVENT_ID),)),
    "buy": _machine_buy,
    "tickets": _machine_tickets,
    "status": lambda f: ShowStatus(f.text("order_id", _LONGEST_ID)),
    "cancel": lambda f: CancelOrder(f.text("order_id", _LONGEST_ID)),
    "badge": lambda f: WishBadge(_event(f), f.maybe_flag("wanted")),
    "attendance": _machine_attendance,
    "stats": lambda f: ShowStats(f.event()),
    "attendees": lambda f: ListAttendees(f.event(), after=f.maybe("after", 100)),
    "find": _machine_find,
    "pause": lambda f: PauseEvent(f.event()),
    "resume": lambda f: ResumeEvent(f.event()),
    "announce": _machine_announce,
    "comp": _machine_comp,
    "order-story": lambda f: ShowOrder(f.event(), f.text("order_id", _LONGEST_ID)),
    "resend": lambda f: ResendOrder(f.event(), f.text("order_id", _LONGEST_ID)),
    "rehearse": lambda f: Rehearse(f.event()),
    "calendar": lambda f: ShowCalendar(_event(f)),
    "pdf": lambda f: ShowPdf(_event(f), f.number("first", 1, 1_000_000)),
    "lang": lambda f: ChooseLanguage(f.text("language", 40).lower()),
    "promo": _machine_promo,
    "promos": _machine_promos,
    "own-events": lambda f: ListOwnEvents(f.number("limit", 20, 100), f.maybe("after", 400)),
    "validate": lambda f: Validate(f.text("ticket", LONGEST_TEXT), f.maybe("event_id", 300)),
    "pending": lambda f: ListPending(f.number("limit", 50, 200), f.maybe("after", 100)),
    "stuck": lambda f: ListStuck(),
    "retry": lambda f: RetryStuck(f.maybe("name", 100)),
    "refunds": lambda f: ListRefunds(),
    "orphans": lambda f: ListOrphans(),
    "sales": lambda f: ResumeSales() if f.decision("open") else StopSales(),
    "checkin": _machine_scan(Kind.CHECK_IN),
    "checkout": _machine_scan(Kind.CHECKOUT),
    "undo": _machine_scan(Kind.UNDO),
    "door": lambda f: CountDoor(f.event()),
    "door-add": lambda f: AddStaff(f.event(), f.person("pubkey"), f.hours()),
    "door-list": lambda f: ListStaff(f.event()),
    "door-remove": _machine_remove,
    "door-token": lambda f: MakeToken(f.event(), f.hours(), f.maybe("gate", _LONGEST_ID) or ""),
    "refund": _machine_refund,
    "transfer": _machine_transfer,
    "accept": lambda f: Accept(f.text("code", _LONGEST_ID)),
    "decline": lambda f: Decline(f.text("code", _LONGEST_ID)),
    "give-back": _machine_give_back,
    "balance": lambda f: ShowBalance(),
    "payout": lambda f: AskPayout(_machine_words(f), f.maybe("to", 400)),
    "payout-to": lambda f: PayOutTo(f.text("to", 400)),
    "statement": lambda f: ShowStatement(_machine_words(f)),
}
