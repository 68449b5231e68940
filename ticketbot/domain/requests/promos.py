"""What organizers' programs say about their codes."""

from __future__ import annotations

from collections.abc import Mapping

from ticketbot.domain.command import Command, ListPromos, MakePromo, StopPromo
from ticketbot.domain.money import HIGHEST_PRICE, SAT
from ticketbot.domain.requests.fields import LONGEST_ID, Asked, Fields
from ticketbot.domain.sheet import MOST_SEATS
from ticketbot.domain.when import LATEST


def _promo(fields: Fields) -> Command:
    words, code = fields.event(), fields.text("code", LONGEST_ID)
    if fields.flag("stop"):
        return StopPromo(words, code)
    percent = fields.maybe_number("percent", 100)
    off_msat = fields.maybe_number("off_msat", HIGHEST_PRICE)
    if (percent is None) == (off_msat is None) or (off_msat or 0) % SAT:
        raise fields.wrong("promo-fields")
    most, until = fields.maybe_number("max", MOST_SEATS), fields.maybe_number("until", LATEST)
    return MakePromo(words, code, percent or 0, off_msat or 0, most, until, fields.tier())


def _promos(fields: Fields) -> Command:
    first = fields.number("first", 1, MOST_SEATS)
    return ListPromos(fields.event(), first)


REQUESTS: Mapping[str, Asked] = {"promo": _promo, "promos": _promos}
