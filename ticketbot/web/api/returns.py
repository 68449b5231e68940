"""Giving back, and where the money shall go: one machine request, two addresses.

`return` without `sure` says what would come back; with it, it is done. `refund` names where money
goes that is owed already.
"""

from __future__ import annotations

from ticketbot.domain.command import LONGEST_TEXT, Command
from ticketbot.domain.requests import read_request
from ticketbot.errors import Refused
from ticketbot.web.api.asking import Fields


def read_return(fields: Fields) -> Command:
    """The holder gives a ticket, or those of an order, back."""
    return read_request("refund", {**fields, "to": None})


def read_destination(fields: Fields) -> Command:
    """Where owed money shall go; `Refused` when no place is named."""
    if fields.get("to") in (None, ""):
        raise Refused("bad-request", "field-text", field="to", most=LONGEST_TEXT)
    return read_request("refund", fields)
