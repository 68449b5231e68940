"""What people ask for in their own words: by who asks, one file each.

Nothing in here knows which events exist: words stay words, and handlers look them up.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from ticketbot.domain.command import LONGEST_TEXT, Command, Help, ShowEvent, Unknown
from ticketbot.domain.naming import clean, near_verbs, nearest, quote
from ticketbot.domain.speech import (
    after,
    attendee,
    desk,
    door,
    language,
    living,
    operator,
    payouts,
    promos,
    queue,
)
from ticketbot.domain.speech.words import (
    CODE,
    DESTINATION,
    INTEGER,
    POLITE,
    Reader,
    event_words,
    offer,
)
from ticketbot.domain.vocabulary import DOUBTFUL, HARMLESS, RESERVED, VERBS, WEIGHTY
from ticketbot.errors import Refused

READERS: Mapping[str, Reader] = {
    **attendee.READERS,
    **operator.READERS,
    **language.READERS,
    **after.READERS,
    **promos.READERS,
    **door.READERS,
    **living.READERS,
    **payouts.READERS,
    **queue.READERS,
    **desk.READERS,
}
LONGEST_WHOLE = 70_000  # characters: more than any letter holds
SURE = 0.8  # difflib's ratio, where a word may as well be small talk
ARTICLES = frozenset({"a", "an", "the"})
SHORT_TALK = 4  # words: in a longer text a slip is more likely to be just another word

_ASKING = (*HARMLESS, *WEIGHTY)
_CLIENT_PREFIX = re.compile(r"\[//\]: # \(nip[0-9]+\) ?")
_MISSES_ONE = re.compile(r"\b(?:paid|my ticket|pagué|pagado|mi entrada)\b", re.IGNORECASE)
_LEADING, _TRAILING = "/!#\"'“”‘’«»([{<*~`¿¡", ".,;:!?\"'“”‘’«»)]}>*~`…"
_DASHES = frozenset("-–—+&·")


def read_text(text: str) -> Command:
    """What a person's message asks for; case, slash and the order of words do not matter.

    A slip in a harmless verb is mended; one in a verb that holds seats, moves money or
    cannot be undone is only offered (`Unknown.guesses`). Refused: a text over 2,000
    characters, a quantity that is none, an naddr with a typing error.
    """
    head, _, told = text.lstrip(_LEADING + " \n")[:LONGEST_WHOLE].partition(" ")
    whole = desk.WHOLE.get(VERBS.get(head.rstrip(_TRAILING).lower(), ""))
    if whole is not None and (said := whole(told)) is not None:
        return said
    if len(text) > LONGEST_TEXT:
        raise Refused("bad-request", "text-long", most=LONGEST_TEXT)
    line = one_line(text)
    tokens = _tokens(line)
    while len(tokens) > 1 and tokens[0].lower() in POLITE:
        tokens = tokens[1:]
    if not tokens:
        return Help() if "?" in line else Unknown(quote(line))
    verb, rest = _verb(tokens)
    if verb == "hello" and rest and _verb(rest)[0] in _ASKING:
        verb, rest = _verb(rest)
    if verb is None:
        return _guess(tokens, line)
    return READERS[verb](rest) or Unknown(quote(line), (verb,))


def one_line(text: str) -> str:
    """What somebody wrote, in one line, without what their client put in front."""
    line = clean(unicodedata.normalize("NFKC", text), LONGEST_TEXT)
    return _CLIENT_PREFIX.sub("", line)


def is_command(text: str) -> bool:
    """Whether this is a command even from somebody who was asked something.

    That is one with a slash in front, a word that is nothing else, and whatever begins with a
    verb that weighs something. `event in Porto` may well be an answer.
    """
    line = one_line(text)
    tokens = _tokens(line)
    if not tokens or line[0] in "/!":
        return bool(tokens)
    verb, rest = _verb(tokens)
    return verb in WEIGHTY or (not rest and verb is not None and verb not in ("hello", "thanks"))


def has_verb(text: str) -> bool:
    """Whether it begins like a command, whatever may follow."""
    tokens = _tokens(one_line(text))
    return bool(tokens) and _verb(tokens)[0] is not None


def _tokens(line: str) -> list[str]:
    return [token for token in map(_trim, line.split()) if token]


def _trim(raw: str) -> str:
    token = raw.lstrip(_LEADING).rstrip(_TRAILING)
    return "" if token in _DASHES else token


def _verb(tokens: Sequence[str]) -> tuple[str | None, list[str]]:
    phrase = " ".join(tokens[:2]).lower()
    if len(tokens) > 1 and phrase in VERBS:
        return VERBS[phrase], list(tokens[2:])
    return VERBS.get(tokens[0].lower()), list(tokens[1:])


def _guess(tokens: Sequence[str], line: str) -> Command:
    first, rest = tokens[0].lower(), tokens[1:]
    near = [verb for verb in WEIGHTY if verb.startswith(f"{first} ")]
    near += nearest(" ".join(tokens[:2]), [verb for verb in WEIGHTY if " " in verb])
    near += near_verbs(first)
    if near and near[0] in HARMLESS and len(tokens) <= SHORT_TALK:
        return READERS[near[0]](rest) or Unknown(quote(line), (near[0],))
    if near:
        return Unknown(quote(line), tuple(dict.fromkeys(offer(verb, rest) for verb in near)))
    if len(tokens) == 1 and first not in RESERVED:
        words, whole = event_words(tokens)
        if whole or CODE.fullmatch(first):
            return ShowEvent(words)
    if (ticket := door.read_alone(tokens)) is not None:
        return ticket
    if len(tokens) == 1 and DESTINATION.fullmatch(first):
        return Unknown(quote(line), (offer("refund", tokens),))
    for at, token in enumerate(tokens):
        verb = VERBS.get(token.lower())
        if verb in _ASKING and verb is not None and verb != "tickets":
            named = [word for word in tokens[at + 1 :] if word.lower() not in ARTICLES]
            return Unknown(quote(line), (offer(verb, named if verb == "buy" else []),))
    if len(tokens) <= SHORT_TALK and any(map(INTEGER.fullmatch, tokens)):
        return Unknown(quote(line), (offer("buy", tokens),) if len(tokens) > 1 else ())
    if 1 < len(tokens) <= SHORT_TALK and (near := nearest(first, DOUBTFUL, SURE)):
        return Unknown(quote(line), (f"{near[0]} {tokens[1].lower()}",))
    if _MISSES_ONE.search(line):
        return Unknown(quote(line), ("resend",))
    return Unknown(quote(line), ("tickets",) if "tickets" in line.lower() else ())
