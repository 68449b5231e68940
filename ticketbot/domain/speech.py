"""What people ask for in their own words.

Nothing in here knows which events exist: words stay words, and handlers look them up.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence

from ticketbot.domain.command import (
    LONGEST_TEXT,
    MOST_TICKETS,
    Buy,
    CancelOrder,
    CloseOrphan,
    Command,
    ForgetMe,
    Hello,
    Help,
    ListEvents,
    ListOrphans,
    ListRefunds,
    Refund,
    Resend,
    ResumeRefunds,
    ResumeSales,
    ShowEvent,
    ShowLink,
    ShowStatus,
    ShowTickets,
    StopSales,
    Thanks,
    Unknown,
)
from ticketbot.domain.naming import (
    HARMLESS,
    RESERVED,
    VERBS,
    WEIGHTY,
    clean,
    near_verbs,
    nearest,
    quote,
)
from ticketbot.domain.nip19 import read_event_id
from ticketbot.errors import Malformed, Refused


def read_text(text: str) -> Command:
    """What a person's message asks for; case, slash and the order of words do not matter.

    A slip in a harmless verb is mended; one in a verb that holds seats, moves money or
    cannot be undone is only offered (`Unknown.guesses`). Refused: a text over 2,000
    characters, a quantity that is none, an naddr with a typing error.
    """
    if len(text) > LONGEST_TEXT:
        raise Refused("bad-request", "text-long", most=LONGEST_TEXT)
    line = clean(unicodedata.normalize("NFKC", text), LONGEST_TEXT)
    line = _CLIENT_PREFIX.sub("", line)
    tokens = [token for token in map(_trim, line.split()) if token]
    while len(tokens) > 1 and tokens[0].lower() in _POLITE:
        tokens = tokens[1:]
    if not tokens:
        return Help() if "?" in line else Unknown(quote(line))
    verb, rest = _verb(tokens)
    if verb == "hello" and rest and _verb(rest)[0] in _ASKING:
        verb, rest = _verb(rest)
    if verb is None:
        return _guess(tokens, line)
    return _READERS[verb](rest) or Unknown(quote(line), (verb,))


_ASKING = (*HARMLESS, *WEIGHTY)
_CLIENT_PREFIX = re.compile(r"\[//\]: # \(nip[0-9]+\) ?")
_POLITE = frozenset({"please", "pls", "my"})
_NOISE = _POLITE | {"for", "me", "ticket", "tickets", "seat", "seats"}
_ORDER_NOISE = _POLITE | {"the", "order", "orders", "of", "it", "this", "that", "to"}
_NOT_ORDERS = frozenset({"event", "events", "sales"})  # "cancel" must not cost them an order
_LEADING, _TRAILING = "/!#\"'“”‘’«»([{<*~`¿¡", ".,;:!?\"'“”‘’«»)]}>*~`…"
_DASHES = frozenset("-–—+&·")

_INTEGER = re.compile(r"[x×]?([0-9]+)|([0-9]+)[x×]", re.IGNORECASE)
_NUMBERISH = re.compile(
    r"[-+−–]?(?:[0-9]+(?:[.,'][0-9]+)*|[.,][0-9]+)(?:(?:e|\^|\*\*|/|⁄)[-+]?[0-9]+)?%?[x×]?", re.I
)
_EVENT_ID = re.compile(r"3192[23]:[0-9a-f]{64}:.+|[0-9a-fA-F]{64}")
_POINTER = re.compile(r"(?:naddr|nevent|note)1[02-9ac-hj-np-z]{20,}", re.IGNORECASE)
_CODE = re.compile(r"(?=.*[^\W\d_])[^\W_]{2,12}")
_EVENT_CODE = re.compile(r"[a-z][a-z0-9]{1,9}", re.IGNORECASE)
_DESTINATION = re.compile(r".+@.+|ln[a-z0-9]{20,}", re.IGNORECASE)
_ORDER_ID = re.compile(r"[a-z0-9]{4,64}", re.IGNORECASE)
_SHORT_TALK = 4  # words: in a longer text a slip is more likely to be just another word
_LONGEST_OFFER = 80


def _trim(raw: str) -> str:
    token = raw.lstrip(_LEADING).rstrip(_TRAILING)
    return "" if token in _DASHES else token


def _verb(tokens: Sequence[str]) -> tuple[str | None, list[str]]:
    phrase = " ".join(tokens[:2]).lower()
    if len(tokens) > 1 and phrase in VERBS:
        return VERBS[phrase], list(tokens[2:])
    return VERBS.get(tokens[0].lower()), list(tokens[1:])


def _without(noise: frozenset[str], tokens: Sequence[str]) -> list[str]:
    return [token for token in tokens if token.lower() not in noise]


def _guess(tokens: Sequence[str], line: str) -> Command:
    first, rest = tokens[0].lower(), tokens[1:]
    near = [verb for verb in WEIGHTY if verb.startswith(f"{first} ")]
    near += nearest(" ".join(tokens[:2]), [verb for verb in WEIGHTY if " " in verb])
    near += near_verbs(first)
    if near and near[0] in HARMLESS and len(tokens) <= _SHORT_TALK:
        return _READERS[near[0]](rest) or Unknown(quote(line), (near[0],))
    if near:
        return Unknown(quote(line), tuple(dict.fromkeys(_offer(verb, rest) for verb in near)))
    if len(tokens) == 1 and first not in RESERVED:
        words, whole = _event_words(tokens)
        if whole or _CODE.fullmatch(first):
            return ShowEvent(words)
    if len(tokens) == 1 and _DESTINATION.fullmatch(first):
        return Unknown(quote(line), (_offer("refund", tokens),))
    for at, token in enumerate(tokens):
        verb = VERBS.get(token.lower())
        if verb in _ASKING and verb is not None and verb != "tickets":
            after = tokens[at + 1 :] if verb == "buy" else []
            return Unknown(quote(line), (_offer(verb, after),))
    if len(tokens) <= _SHORT_TALK and any(map(_INTEGER.fullmatch, tokens)):
        return Unknown(quote(line), (_offer("buy", tokens),) if len(tokens) > 1 else ())
    return Unknown(quote(line), ("tickets",) if "tickets" in line.lower() else ())


def _offer(verb: str, rest: Sequence[str]) -> str:
    whole = " ".join((verb, *_without(_NOISE, rest))).lower()
    takes_words = verb in ("buy", "event", "events", "refund")
    return whole if takes_words and len(whole) <= _LONGEST_OFFER else verb


def _events(rest: Sequence[str]) -> Command:
    words = _without(_NOISE | {"the", "all", "event", "events"}, rest)
    return ListEvents(tuple(word.lower() for word in words))


def _event(rest: Sequence[str]) -> Command:
    words, _ = _event_words(_without(_POLITE, rest))
    return ShowEvent(words) if words else ListEvents()


def _buy(rest: Sequence[str]) -> Command:
    quantity, kept = None, []
    for token in _without(_NOISE, rest):
        number = _INTEGER.fullmatch(token)
        if number and quantity is None:
            quantity = _quantity(number[1] or number[2])
        elif not number and _NUMBERISH.fullmatch(token):
            raise Refused("bad-request", "quantity-whole", text=quote(token))
        else:
            kept.append(token)
    words, whole = _event_words(kept)
    return Buy(words, 1 if quantity is None else quantity, None, whole)


def _quantity(digits: str) -> int:
    quantity = int(digits)
    if quantity < 1:
        raise Refused("bad-request", "quantity-whole", text=quote(digits))
    if quantity > MOST_TICKETS:
        raise Refused("too-many", "quantity-many", text=quote(digits))
    return quantity


def _tickets(rest: Sequence[str]) -> Command:
    if first := _from(rest):
        return ShowTickets(first)
    if any(map(_INTEGER.fullmatch, rest)):
        return Unknown(quote(" ".join(("tickets", *rest))), (_offer("buy", rest),))
    return ShowTickets()


def _from(rest: Sequence[str]) -> int | None:
    """The number in `from 51`, where a list goes on."""
    found = re.fullmatch(r"from ([0-9]{1,6})", " ".join(rest).lower())
    return max(1, int(found[1])) if found else None


def _status(rest: Sequence[str]) -> Command:
    named = [word for word in _without(_ORDER_NOISE, rest) if _ORDER_ID.fullmatch(word)]
    return ShowStatus(named[0] if named else None)


def _cancel(rest: Sequence[str]) -> Command | None:
    named = _without(_ORDER_NOISE, rest)
    if not named:
        return CancelOrder(None)
    if not _NOT_ORDERS.isdisjoint(word.lower() for word in named):
        return Unknown(quote(" ".join(("cancel", *rest))))
    if len(named) > 1 or named[0].lower() in RESERVED:
        return None
    if _ORDER_ID.fullmatch(named[0]) or _EVENT_CODE.fullmatch(named[0]):
        return CancelOrder(named[0])
    return None


def _refund(rest: Sequence[str]) -> Command:
    named = _without(_ORDER_NOISE, rest)
    words = [re.sub("^lightning:", "", word, flags=re.IGNORECASE) for word in named]
    if words and _ORDER_ID.fullmatch(words[0]) and not _DESTINATION.fullmatch(words[0]):
        return Refund(tuple(words[1:]), words[0])
    return Refund(tuple(words))


def _orphans(rest: Sequence[str]) -> Command | None:
    if not rest:
        return ListOrphans()
    named = [word for word in rest if word.lower() != "done"]
    if len(rest) == 2 and len(named) == 1 and _ORDER_ID.fullmatch(named[0]):
        return CloseOrphan(named[0].lower())
    return None


def _forget_me(rest: Sequence[str]) -> Command | None:
    words = [word.lower() for word in _without(_POLITE, rest)]
    return ForgetMe(sure=words == ["yes"]) if words in ([], ["yes"]) else None


def _event_words(tokens: Sequence[str]) -> tuple[tuple[str, ...], bool]:
    """The words in small letters; a complete event_id first, and whether there is one."""
    ids = [_event_id(token) for token in tokens]
    words = [token.lower() for token, one in zip(tokens, ids, strict=True) if one is None]
    whole = [one for one in ids if one is not None]
    return (*whole, *words), bool(whole)


def _event_id(token: str) -> str | None:
    if _EVENT_ID.fullmatch(token):
        return token if ":" in token else token.lower()
    pointer = _POINTER.search(token)
    if pointer is None:
        return None
    try:
        return read_event_id(pointer[0])
    except Malformed:
        raise Refused("bad-request", "event-pointer", text=quote(token)) from None


_READERS: Mapping[str, Callable[[Sequence[str]], Command | None]] = {
    "hello": lambda rest: Hello(),
    "thanks": lambda rest: Thanks(),
    "help": lambda rest: Help(),
    "events": _events,
    "event": _event,
    "buy": _buy,
    "tickets": _tickets,
    "resend": lambda rest: Resend(_from(rest) or 1),
    "status": _status,
    "cancel": _cancel,
    "link": lambda rest: ShowLink(),
    "refund": _refund,
    "refunds": lambda rest: ListRefunds(),
    "orphans": _orphans,
    "forget me": _forget_me,
    "stop sales": lambda rest: None if rest else StopSales(),
    "resume refunds": lambda rest: None if rest else ResumeRefunds(),
    "resume sales": lambda rest: None if rest else ResumeSales(),
}
