"""The words people type and read: cleaned, compared, made into short codes.

No event is ever given a code that would be read as a command.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Sequence
from difflib import get_close_matches

from ticketbot.domain.vocabulary import HARMLESS, RESERVED, WEIGHTY
from ticketbot.errors import TicketbotError

TYPO = 0.72  # difflib's ratio: finds real slips, and leaves hi, gm and thanks alone

_ARTICLES = (
    "the an of and or in on at to for with by from de da do das dos del la el los las le les un "
    "une una uno um uma du des et en em na der die und im am den dem il lo gli di al och het een "
    "van met"
)
_SKIPPED = frozenset(_ARTICLES.split())
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


def typed(code: str, quantity: int, tier: str) -> str:
    """What stands behind `buy` or `join` for so many tickets: `lisbon 2 vip`."""
    return f"{code.lower()} {quantity} {tier.lower()}".rstrip()


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
