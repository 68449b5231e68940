"""The words that people type for each command, and those that can never name an event."""

from __future__ import annotations

from enum import Enum
from typing import Literal, NamedTuple

from ticketbot.domain.tongues import (
    NAMES,
    SPANISH,
    SPANISH_NOISE,
    SPANISH_NUMBERS,
    SPANISH_POLITE,
)


class Slip(Enum):
    """What becomes of a word that is nearly a verb."""

    MENDED = "it is taken for the verb, which changes nothing"
    OFFERED = "the verb is offered: it holds seats, moves money or cannot be undone"
    DOUBTED = "the verb is offered where the rest looks like it: it could be small talk"
    LEFT = "nothing: the verb is not thought of"


class Verb(NamedTuple):
    """What people type to be read by one reader of `domain/speech/`: its name, or another word."""

    name: str
    slip: Slip
    words: tuple[str, ...] = ()


def _verb(name: str, slip: Slip, words: str = "") -> Verb:
    return Verb(name, slip, tuple(filter(None, words.split(", "))))


_TALK = (
    _verb(
        "hello", Slip.LEFT, "hi, hey, hola, ola, olá, hallo, salut, gm, yo, howdy, bonjour, start"
    ),
    _verb(
        "thanks",
        Slip.LEFT,
        "thank, thx, ty, cheers, merci, danke, gracias, obrigado, obrigada, ok, okay, great, "
        "cool, nice, perfect, awesome, 👍, 🙏",
    ),
    _verb("help", Slip.MENDED, "commands, menu"),
    _verb("lang", Slip.LEFT, "language"),
    _verb("forget me", Slip.OFFERED),
)
_ATTENDING = (
    _verb("events", Slip.MENDED, "list"),
    _verb("event", Slip.MENDED, "details"),
    _verb("buy", Slip.OFFERED, "purchase, book"),
    _verb("link", Slip.MENDED, "pay, invoice"),
    _verb("tickets", Slip.MENDED, "ticket"),
    _verb("resend", Slip.MENDED),
    _verb("status", Slip.MENDED),
    _verb("orders", Slip.MENDED),
    _verb("cancel", Slip.OFFERED),
    _verb("refund", Slip.OFFERED),
    _verb("calendar", Slip.LEFT, "ics"),
    _verb("pdf", Slip.LEFT),
    _verb("badge", Slip.LEFT),
)
_LIVING = (
    _verb("transfer", Slip.OFFERED),
    _verb("accept", Slip.OFFERED),
    _verb("decline", Slip.OFFERED),
    _verb("give back", Slip.OFFERED),
)
_WAITING = (
    _verb("join", Slip.OFFERED, "waitlist, queue"),
    _verb("leave", Slip.OFFERED),
    _verb("waiting", Slip.MENDED),
)
_SELLING = (
    _verb("stats", Slip.DOUBTED),
    _verb("attendees", Slip.DOUBTED),
    _verb("find", Slip.DOUBTED),
    _verb("order", Slip.DOUBTED),
    _verb("pause", Slip.DOUBTED),
    _verb("resume", Slip.DOUBTED),
    _verb("announce", Slip.DOUBTED),
    _verb("comp", Slip.DOUBTED),
    _verb("rehearse", Slip.DOUBTED),
    _verb("attendance", Slip.LEFT),
    _verb("promo", Slip.OFFERED),
    _verb("promos", Slip.MENDED),
    _verb("balance", Slip.MENDED),
    _verb("payout", Slip.OFFERED),
    _verb("statement", Slip.MENDED),
)
_DOOR = (
    _verb("validate", Slip.OFFERED, "verify"),
    _verb("checkin", Slip.OFFERED, "check-in, check in, admit"),
    _verb("checkout", Slip.OFFERED, "check-out, check out"),
    _verb("undo", Slip.OFFERED),
    _verb("door", Slip.OFFERED),
    _verb("door add", Slip.OFFERED),
    _verb("door list", Slip.OFFERED),
    _verb("door remove", Slip.OFFERED),
    _verb("door token", Slip.OFFERED),
)
_OPERATING = (
    _verb("stop sales", Slip.OFFERED),
    _verb("resume sales", Slip.OFFERED),
    _verb("refunds", Slip.OFFERED),
    _verb("resume refunds", Slip.OFFERED),
    _verb("payouts", Slip.OFFERED),
    _verb("resume payouts", Slip.OFFERED),
    _verb("orphans", Slip.OFFERED),
    _verb("pending", Slip.LEFT),
    _verb("stuck", Slip.LEFT),
    _verb("retry", Slip.OFFERED),
)
VOCABULARY = (*_TALK, *_ATTENDING, *_LIVING, *_WAITING, *_SELLING, *_DOOR, *_OPERATING)

VERBS: dict[str, str] = {
    **{word: verb.name for verb in VOCABULARY for word in (verb.name, *verb.words)},
    **SPANISH,
}
"""What people may type for each command."""

HARMLESS = tuple(verb.name for verb in VOCABULARY if verb.slip is Slip.MENDED)
WEIGHTY = tuple(verb.name for verb in VOCABULARY if verb.slip is Slip.OFFERED)
DOUBTFUL = tuple(verb.name for verb in VOCABULARY if verb.slip is Slip.DOUBTED)

HELP_TOPICS: dict[str, Literal["organizer", "door", "operator"]] = {
    **dict.fromkeys(("organizer", "organizers", "organiser", "organisers"), "organizer"),
    **dict.fromkeys(("organize", "organizing", "sell", "selling", "stats"), "organizer"),
    **dict.fromkeys(("organizador", "organizadora", "organizar", "vender"), "organizer"),
    **dict.fromkeys(("door", "staff", "checkin", "puerta"), "door"),
    **dict.fromkeys(("operator", "operators", "operador", "operadora"), "operator"),
}
"""What somebody may want help with, beside what everybody does."""

_COUNTING = "one two three four five six seven eight nine ten eleven twelve"
NUMBER_WORDS = {
    word: number
    for words in (_COUNTING.split(), SPANISH_NUMBERS)
    for number, word in enumerate(words, start=1)
}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


RESERVED = (
    _words(" ".join((*VERBS, *NUMBER_WORDS, *NAMES, *SPANISH_NOISE, *SPANISH_POLITE)))
    | _words("orders sale seat seats all vip please me mine my none free sats yes no not human")
    | _words("confirm what when where who why how offer offers gate scan change code codes api")
    | _words("token english spanish")
)
"""Words that are never an event's code: commands of today and of tomorrow, and small talk."""
