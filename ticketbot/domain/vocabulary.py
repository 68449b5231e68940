"""The words that people type for each command, and those that can never name an event."""

from __future__ import annotations

PHRASES = ("forget me", "stop sales", "resume sales", "resume refunds", "resume payouts")
VERBS: dict[str, str] = {
    **dict.fromkeys(("hi", "hello", "hey", "hola", "ola", "olá", "hallo", "salut"), "hello"),
    **dict.fromkeys(("gm", "yo", "howdy", "bonjour", "start"), "hello"),
    **dict.fromkeys(("thanks", "thank", "thx", "ty", "cheers", "merci", "danke"), "thanks"),
    **dict.fromkeys(("gracias", "obrigado", "obrigada", "ok", "okay", "great"), "thanks"),
    **dict.fromkeys(("cool", "nice", "perfect", "awesome", "👍", "🙏"), "thanks"),
    **dict.fromkeys(("help", "commands"), "help"),
    **dict.fromkeys(("events", "list"), "events"),
    **dict.fromkeys(("event", "details"), "event"),
    **dict.fromkeys(("buy", "purchase", "book"), "buy"),
    **dict.fromkeys(("tickets", "ticket"), "tickets"),
    **dict.fromkeys(("link", "pay", "invoice"), "link"),
    **{
        verb: verb
        for verb in ("resend", "status", "cancel", "refund", "refunds", "orphans", "retry")
    },
    **{verb: verb for verb in ("balance", "payout", "payouts", "statement")},
    **{phrase: phrase for phrase in PHRASES},
}
"""What people may type for each command."""

HARMLESS = (
    *("events", "event", "tickets", "status", "help", "resend", "link"),
    *("balance", "statement"),
)
WEIGHTY = (
    "buy",
    "cancel",
    "refund",
    "refunds",
    "orphans",
    "retry",
    "payout",
    "payouts",
    "forget me",
    "stop sales",
    "resume sales",
    "resume refunds",
    "resume payouts",
)

_COUNTING = "one two three four five six seven eight nine ten eleven twelve"
NUMBER_WORDS = {word: number for number, word in enumerate(_COUNTING.split(), start=1)}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


RESERVED = (
    _words(" ".join((*VERBS, *NUMBER_WORDS)))
    | _words("order orders sale seat seats all vip please me mine my none free sats yes no not")
    | _words("transfer accept lang human stats attendees checkin undo find pause announce comp")
    | _words("door confirm what when where who why how join leave decline waitlist offer offers")
    | _words("promo promos payout payouts balance statement checkout gate rehearse scan badge")
    | _words("calendar pdf attendance language english spanish change code codes api token")
)
"""Words that are never an event's code: commands of today and of tomorrow, and small talk."""
