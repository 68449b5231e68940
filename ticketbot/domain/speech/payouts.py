"""What organizers say about their money, and operators about payouts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ticketbot.domain.command import (
    AskPayout,
    Command,
    ListPayouts,
    PayoutDone,
    PayOutTo,
    ResumePayouts,
    ShowBalance,
    ShowStatement,
)
from ticketbot.domain.speech.words import DESTINATION, POLITE, Reader, event_words, without

_NOISE = POLITE | {"to", "all", "everything", "of", "for", "the", "me", "money"}
_NAME = re.compile(r"[a-z0-9]{2,64}", re.IGNORECASE)
_SATS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,13}")


def _payout(rest: Sequence[str]) -> Command | None:
    plain = [re.sub("^lightning:", "", word, flags=re.IGNORECASE) for word in rest]
    places = [word for word in plain if DESTINATION.fullmatch(word)]
    named = without(_NOISE, [word for word in plain if word not in places])
    if len(places) > 1:
        return None
    says_to = [word.lower() for word in plain][:1] == ["to"]
    if says_to and not (named and places):
        return PayOutTo(places[0] if places else " ".join(plain[1:]))
    words, _ = event_words(named)
    return AskPayout(words, places[0] if places else None)


def _statement(rest: Sequence[str]) -> Command:
    words, _ = event_words(without(_NOISE | {"csv"}, rest))
    return ShowStatement(words, "csv" in [word.lower() for word in rest])


def _payouts(rest: Sequence[str]) -> Command | None:
    if not rest:
        return ListPayouts()
    words = [word for word in rest if word.lower() not in ("sat", "sats")]
    if words[0].lower() != "done" or not 2 <= len(words) <= 3 or not _NAME.fullmatch(words[1]):
        return None
    if len(words) == 2:
        return PayoutDone(words[1].lower())
    if not _SATS.fullmatch(words[2]):
        return None
    return PayoutDone(words[1].lower(), int(words[2].replace(",", "")))


READERS: Mapping[str, Reader] = {
    "balance": lambda rest: ShowBalance(),
    "payout": _payout,
    "payouts": _payouts,
    "statement": _statement,
    "resume payouts": lambda rest: None if rest else ResumePayouts(),
}
