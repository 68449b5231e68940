"""What organizers say of their own events: the verb, the event's code, and the rest."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from ticketbot.domain.command import (
    Announce,
    Command,
    Comp,
    Find,
    ListAttendees,
    ListEvents,
    NoteOrder,
    PauseEvent,
    Rehearse,
    Resend,
    ResendOrder,
    ResumeEvent,
    ShowOrder,
    ShowStats,
    ShowStatus,
    Unknown,
)
from ticketbot.domain.naming import quote
from ticketbot.domain.speech import attendee
from ticketbot.domain.speech.words import (
    CODE,
    INTEGER,
    NOISE,
    ORDER_NOISE,
    POLITE,
    Reader,
    event_words,
    offer,
    read_from,
    read_quantity,
    without,
)
from ticketbot.domain.wanted import keys_in, read_ending, read_key, read_wanted
from ticketbot.errors import Refused

_SMALL = POLITE | {"for", "of", "the", "event", "sales"}
_AGAIN = NOISE | ORDER_NOISE | {"all", "again", "them"}
_NOTED = re.compile(r"((?:\S+\s+){1,2})note\b[\s:,]*(.*)", re.IGNORECASE | re.DOTALL)
_NO_NOTE = frozenset({"none", "-"})
_SURE = frozenset({"yes", "yes.", "yes!"})


def _stats(rest: Sequence[str]) -> Command:
    return ShowStats(_event(rest))


def _attendees(rest: Sequence[str]) -> Command:
    words = without(_SMALL, rest)
    at = next((n for n, word in enumerate(words) if word.lower() == "from"), len(words))
    first = read_from(words[at:]) if at < len(words) else 1
    if first is None:
        raise Refused("bad-request", "attendees-from")
    return ListAttendees(_event(words[:at]), first)


def _find(rest: Sequence[str]) -> Command:
    """Somebody or something among an organizer's attendees; else what anybody looks for."""
    words = without(_SMALL, rest)
    named = without(NOISE | {"events"}, words)
    wanted = read_wanted(words[-1]) if words else None
    if wanted is None and len(named) > 1:
        wanted = read_ending(words[-1])
    if wanted is None:
        return ListEvents(tuple(word.lower() for word in named))
    return Find(_event(words[:-1]), wanted)


def _pause(rest: Sequence[str]) -> Command:
    return PauseEvent(_event(rest))


def _resume(rest: Sequence[str]) -> Command:
    return ResumeEvent(_event(rest))


def _rehearse(rest: Sequence[str]) -> Command:
    return Rehearse(_event(rest))


def _comp(rest: Sequence[str]) -> Command | None:
    """The event, a key, and in any order how many and which tier."""
    keys = keys_in(rest)
    quantity, words = 1, []
    for word in without(NOISE | {"to"}, [word for word in rest if word not in keys]):
        number = INTEGER.fullmatch(word)
        if number:
            quantity = read_quantity(number[1] or number[2])
        else:
            words.append(word)
    to = read_key(keys[0]) if len(keys) == 1 else None
    return Comp(event_words(words)[0], to, quantity)


def _order(rest: Sequence[str]) -> Command:
    """An organizer's `order CODE ID`; `order ID` is one's own, `order CODE 2` means to buy."""
    words = without(_SMALL, rest)
    wanted = read_wanted(words[-1]) if words else None
    short = wanted is not None and len(wanted) in (4, 12)
    if short and len(words) == 2:
        return ShowOrder(_event(words[:1]), words[-1].lower())
    if not words:
        return ShowStatus()
    if short and len(words) == 1 and any(letter.isdigit() for letter in words[0]):
        return ShowStatus(words[0])
    return Unknown(
        quote(" ".join(("order", *rest))), (offer("buy", rest),) if rest else ("status",)
    )


def _resend(rest: Sequence[str]) -> Command:
    """An organizer's `resend CODE ORDER`; anybody's own tickets for all else."""
    words = without(_AGAIN, rest)
    if read_from(rest) is None and len(words) == 2 and CODE.fullmatch(words[0]):
        wanted = read_wanted(words[1])
        if wanted is not None and len(wanted) in (4, 12):
            return ResendOrder(_event(words[:1]), wanted)
    own = attendee.READERS["resend"](rest)
    return own or Resend()


def _event(words: Sequence[str]) -> tuple[str, ...]:
    return event_words(without(_SMALL, words))[0]


def read_announcement_text(rest: str) -> Command:
    """The event's code, and behind it the words as they were written; or `yes`, or nothing."""
    code = (rest.split(None, 1) or [""])[0]
    text = rest.strip()[len(code) :].strip()
    words, _ = event_words([code.strip(".,:;!?")] if code else [])
    if text.lower() in _SURE:
        return Announce(words, None, sure=True)
    return Announce(words, text or None)


def read_order_note(rest: str) -> Command | None:
    """`CODE ID note` and the words as they were written, or `none`; None where it is no note."""
    found = _NOTED.match(rest.strip())
    if found is None:
        return None
    *event, order = (word.strip("#.,:;!?\"'") for word in found[1].split())
    wanted, text = read_wanted(order), found[2].strip()
    if wanted is None or len(wanted) not in (4, 12):
        return None
    return NoteOrder(_event(event), wanted, None if text.lower() in _NO_NOTE else text)


READERS: Mapping[str, Reader] = {
    "stats": _stats,
    "attendees": _attendees,
    "find": _find,
    "pause": _pause,
    "resume": _resume,
    "comp": _comp,
    "order": _order,
    "rehearse": _rehearse,
    "resend": _resend,
    "announce": lambda rest: read_announcement_text(" ".join(rest)),
}

WHOLE: Mapping[str, Callable[[str], Command | None]] = {
    "announce": read_announcement_text,
    "order": read_order_note,
}
"""Verbs behind which every character may count, and more of them than in a short command."""
