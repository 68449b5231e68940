"""The words people type and read: cleaned, compared, made into short codes.

It owns the bot's vocabulary too, so that no event is ever given a code that would be
read as a command.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Sequence
from difflib import get_close_matches

from ticketbot.errors import TicketbotError

TYPO = 0.72  # difflib's ratio: finds real slips, and leaves hi, gm and thanks alone

PHRASES = ("forget me", "stop sales", "resume sales", "resume refunds")
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
    **{verb: verb for verb in ("resend", "status", "cancel", "refund", "refunds", "orphans")},
    **{phrase: phrase for phrase in PHRASES},
}
"""What people may type for each command."""

HARMLESS = ("events", "event", "tickets", "status", "help", "resend", "link")
WEIGHTY = (
    "buy",
    "cancel",
    "refund",
    "refunds",
    "orphans",
    "forget me",
    "stop sales",
    "resume sales",
    "resume refunds",
)

_COUNTING = "one two three four five six seven eight nine ten eleven twelve"
NUMBER_WORDS = {word: number for number, word in enumerate(_COUNTING.split(), start=1)}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


RESERVED = (
    _words(" ".join((*VERBS, *NUMBER_WORDS)))
    | _words("order orders sale seat seats all vip please me mine my none free sats yes no not")
    | _words("transfer accept lang human stats attendees checkin undo find pause announce comp")
    | _words("door confirm what when where who why how")
)
"""Words that are never an event's code: commands of today and of tomorrow, and small talk."""

_SKIPPED = _words(
    "the an of and or in on at to for with by from de da do das dos del la el los las le les un "
    "une una uno um uma du des et en em na der die und im am den dem il lo gli di al och het een "
    "van met"
)
_LONGEST_CODE = 10
_FALLBACK_CODE = "GIG"  # for titles that leave no Latin word
_READ_AS_QUANTITY = re.compile(r"X[0-9]+")

_SPELLED = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
)
_BLANKS = dict.fromkeys(map(ord, "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"))
_LONGEST_WORD = 64
_ACTED_ON = re.compile(
    r"""\b(?: (?:https?|wss?)://\S*
    | (?:nostr|lightning):(?=n|ln)\S*
    | (?:lnbcrt|lnbc|lntbs|lntb|lnurl1|cashu[ab]|nsec1|npub1|naddr1|nevent1|note1)[0-9a-z]{6,} )""",
    re.IGNORECASE | re.VERBOSE,
)


class FieldProblem(TicketbotError):
    """One value that an organizer wrote cannot be understood.

    `sentence` is the key of a text in `locales/`, filled with `values`.
    """

    def __init__(self, sentence: str, **values: object) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.values = values


def clean(text: str, longest: int) -> str:
    """One line of at most `longest` characters, without anything that cannot be seen.

    Control, bidirectional and zero-width characters go; every white space is one space.
    """
    text = text[: longest * 16]
    seen = "".join(c if c.isprintable() else " " if c.isspace() else "" for c in text)
    line = " ".join(unicodedata.normalize("NFC", seen.translate(_BLANKS)).split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def show(text: str, longest: int) -> str:
    """Somebody's words as the bot may repeat them: clean, and without what clients act on.

    An invoice, a link or a key in an event's title would look like the bot's own: a client
    would draw a Pay button under it.
    """
    return clean(_ACTED_ON.sub("…", clean(text, longest)), longest)


def quote(text: str) -> str:
    """What somebody wrote, short and clean enough to be repeated in a sentence."""
    return show(text, 40)


def nearest(word: str, known: Sequence[str], cutoff: float = TYPO, most: int = 3) -> list[str]:
    """The `most` words of `known` that are likest to `word`, best first; case is ignored."""
    as_known: dict[str, str] = {}
    for one in known:
        as_known.setdefault(one.lower(), one)
    close = get_close_matches(word[:_LONGEST_WORD].lower(), list(as_known), n=most, cutoff=cutoff)
    return [as_known[one] for one in close]


def near_verbs(word: str) -> list[str]:
    """The commands that this word may be a slip of, likeliest first.

    Short words are all alike: of those, two swapped letters or one that is missing.
    """
    verbs = (*HARMLESS, *WEIGHTY)
    swapped = [verb for verb in verbs if sorted(verb) == sorted(word.lower())]
    close = nearest(word, verbs, TYPO if len(word) > 4 else 0.8)
    return list(dict.fromkeys(swapped + close))


def short_code(title: str, taken: Container[str]) -> str:
    """A code for an event, from its title: `LISBON`, then `LISBON2`, `LISBON3`, …

    At most 10 characters A–Z and 0–9, beginning with a letter; never a command, nor what
    could be taken for one or for a quantity.
    """
    base = next(filter(_is_code, _latin_words(title)), _FALLBACK_CODE)
    code, number = base, 1
    while code in taken:
        number += 1
        code = base[: _LONGEST_CODE - len(str(number))] + str(number)
    return code


def _latin_words(title: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", title.lower().translate(_SPELLED))
    plain = "".join(c for c in plain if not unicodedata.combining(c) and c not in "'’`´")
    return [word[:_LONGEST_CODE].upper() for word in re.findall(r"[a-z0-9]+", plain)]


def _is_code(word: str) -> bool:
    lower = word.lower()
    return (
        len(word) > 1
        and word[0].isalpha()
        and lower not in _SKIPPED
        and lower not in RESERVED
        and not _READ_AS_QUANTITY.fullmatch(word)
        and not near_verbs(word)
    )
