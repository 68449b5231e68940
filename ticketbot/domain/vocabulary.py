"""The words that people type for each command, and those that can never name an event."""

from __future__ import annotations

from typing import Literal

from ticketbot.domain.tongues import (
    NAMES,
    SPANISH,
    SPANISH_NOISE,
    SPANISH_NUMBERS,
    SPANISH_POLITE,
)

DOOR = ("door add", "door list", "door remove", "door token")
ORGANIZING = (
    *("stats", "attendees", "find", "order"),
    *("pause", "resume", "announce", "comp", "rehearse"),
)
"""What only organizers ask; a slip in one is offered, never guessed in small talk."""
PHRASES = (
    "forget me",
    "stop sales",
    "resume sales",
    "resume refunds",
    "resume payouts",
    "give back",
    *DOOR,
)
VERBS: dict[str, str] = {
    **dict.fromkeys(("hi", "hello", "hey", "hola", "ola", "olá", "hallo", "salut"), "hello"),
    **dict.fromkeys(("gm", "yo", "howdy", "bonjour", "start"), "hello"),
    **dict.fromkeys(("thanks", "thank", "thx", "ty", "cheers", "merci", "danke"), "thanks"),
    **dict.fromkeys(("gracias", "obrigado", "obrigada", "ok", "okay", "great"), "thanks"),
    **dict.fromkeys(("cool", "nice", "perfect", "awesome", "👍", "🙏"), "thanks"),
    **dict.fromkeys(("help", "commands", "menu"), "help"),
    **dict.fromkeys(("events", "list"), "events"),
    **dict.fromkeys(("event", "details"), "event"),
    **dict.fromkeys(("buy", "purchase", "book"), "buy"),
    **dict.fromkeys(("tickets", "ticket"), "tickets"),
    **dict.fromkeys(("link", "pay", "invoice"), "link"),
    **dict.fromkeys(("lang", "language"), "lang"),
    **dict.fromkeys(("calendar", "ics"), "calendar"),
    "pdf": "pdf",
    **{verb: verb for verb in ("badge", "attendance")},
    **{verb: verb for verb in ("undo", "door")},
    **dict.fromkeys(("checkin", "check-in", "check in", "admit"), "checkin"),
    **dict.fromkeys(("checkout", "check-out", "check out"), "checkout"),
    **{verb: verb for verb in ("promo", "promos")},
    **dict.fromkeys(("join", "waitlist", "queue"), "join"),
    **{verb: verb for verb in ("leave", "waiting")},
    **{verb: verb for verb in ("transfer", "accept", "decline")},
    **{verb: verb for verb in ORGANIZING},
    **{
        verb: verb
        for verb in ("resend", "status", "cancel", "refund", "refunds", "orphans", "retry")
    },
    **{verb: verb for verb in ("balance", "payout", "payouts", "statement")},
    **{phrase: phrase for phrase in PHRASES},
    **SPANISH,
}
"""What people may type for each command."""

HARMLESS = (
    *("events", "event", "tickets", "status", "help", "resend", "link"),
    *("promos", "balance", "statement", "waiting"),
)
WEIGHTY = (
    "buy",
    "cancel",
    "refund",
    "refunds",
    "orphans",
    "promo",
    "join",
    "leave",
    "retry",
    "payout",
    "payouts",
    "forget me",
    "stop sales",
    "resume sales",
    "resume refunds",
    "checkin",
    "checkout",
    "undo",
    "door",
    *DOOR,
    "transfer",
    "accept",
    "decline",
    "give back",
    "resume payouts",
)

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
    | _words("order orders sale seat seats all vip please me mine my none free sats yes no not")
    | _words("transfer accept lang human stats attendees checkin undo find pause announce comp")
    | _words("door confirm what when where who why how join leave decline waitlist offer offers")
    | _words("promo promos payout payouts balance statement checkout gate rehearse scan badge")
    | _words("calendar pdf attendance language english spanish change code codes api token")
)
"""Words that are never an event's code: commands of today and of tomorrow, and small talk."""
