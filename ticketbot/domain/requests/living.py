"""What programs ask that hand tickets on, and those of organizers that give them back."""

from __future__ import annotations

from collections.abc import Mapping

from ticketbot.domain.command import (
    LONGEST_TEXT,
    MOST_TICKETS,
    Accept,
    Command,
    Decline,
    GiveBack,
    Transfer,
)
from ticketbot.domain.requests.fields import LONGEST_ID, Asked, Fields


def _transfer(fields: Fields) -> Command:
    words = (fields.text("ticket_id", LONGEST_ID),)
    if fields.flag("cancel"):
        return Transfer(words, cancel=True)
    return Transfer(words, fields.text("to", LONGEST_TEXT))


def _give_back(fields: Fields) -> Command:
    words = (*fields.event(), fields.ticket_or_order())
    number = fields.number("quantity", MOST_TICKETS, MOST_TICKETS)
    return GiveBack(words, number, fields.flag("sure"))


def _code(fields: Fields) -> str:
    return fields.text("code", LONGEST_ID).lower()


REQUESTS: Mapping[str, Asked] = {
    "transfer": _transfer,
    "accept": lambda f: Accept(_code(f)),
    "decline": lambda f: Decline(_code(f)),
    "give-back": _give_back,
}
