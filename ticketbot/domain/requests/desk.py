"""What organizers' programs ask of their own events."""

from __future__ import annotations

from collections.abc import Mapping

from ticketbot.domain.command import (
    Announce,
    Command,
    Comp,
    Find,
    ListAttendees,
    ListOwnEvents,
    NoteOrder,
    PauseEvent,
    Rehearse,
    ResendOrder,
    ResumeEvent,
    ShowOrder,
    ShowStats,
)
from ticketbot.domain.requests.fields import LONGEST_CURSOR, Asked, Fields
from ticketbot.domain.wanted import read_wanted
from ticketbot.errors import Refused

LONGEST_WORDS = 60_000  # who writes too long a text is told so by who reads it


def _find(fields: Fields) -> Command:
    text = fields.text("words", 200)
    try:
        return Find(fields.event(), read_wanted(text) or text.strip().lower())
    except Refused as refused:
        raise fields.wrong(refused.sentence) from None


def _comp(fields: Fields) -> Command:
    quantity, tier = fields.quantity(), fields.tier()
    return Comp(fields.event(), fields.person("to"), quantity, tier)


def _announce(fields: Fields) -> Command:
    text = fields.maybe("text", LONGEST_WORDS)
    return Announce(fields.event(), text, fields.flag("confirm") or text is None)


def _note(fields: Fields) -> Command:
    """Without an event only operators know which order is meant."""
    text = None if fields.flag("remove") else fields.text("text", LONGEST_WORDS)
    return NoteOrder(fields.maybe_event(), fields.order(), text)


REQUESTS: Mapping[str, Asked] = {
    "own-events": lambda f: ListOwnEvents(
        f.number("limit", 20, 100), f.maybe("after", LONGEST_CURSOR)
    ),
    "stats": lambda f: ShowStats(f.event()),
    "attendees": lambda f: ListAttendees(f.event(), after=f.maybe("after", 100)),
    "find": _find,
    "pause": lambda f: PauseEvent(f.event()),
    "resume": lambda f: ResumeEvent(f.event()),
    "announce": _announce,
    "comp": _comp,
    "order-story": lambda f: ShowOrder(f.event(), f.order()),
    "note": _note,
    "resend": lambda f: ResendOrder(f.event(), f.order()),
    "rehearse": lambda f: Rehearse(f.event()),
}
