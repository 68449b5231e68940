"""What organizers see and do with their own events. Whose an event is, the handlers know."""

from __future__ import annotations

from ticketbot.domain.command import Command
from ticketbot.domain.command.machine import read_request
from ticketbot.web.api.asking import Fields, Route, show_facts

EVENT = "/organizer/events/{event_id}"


def _stop(fields: Fields) -> Command:
    return read_request("promo", fields | {"stop": True})


ROUTES = (
    Route("GET", "/organizer/events", "own-events", show_facts),
    Route("GET", f"{EVENT}/promos", "promos", show_facts),
    Route("POST", f"{EVENT}/promos", "promo", show_facts),
    Route("DELETE", f"{EVENT}/promos/{{code}}", _stop, show_facts),
    Route("POST", f"{EVENT}/give-back", "give-back", show_facts),
    Route("GET", f"{EVENT}/door", "door", show_facts),
    Route("GET", f"{EVENT}/door/staff", "door-list", show_facts),
    Route("POST", f"{EVENT}/door/staff", "door-add", show_facts),
    Route("DELETE", f"{EVENT}/door/staff/{{pubkey}}", "door-remove", show_facts),
    Route("POST", f"{EVENT}/door/tokens", "door-token", show_facts),
    Route("DELETE", f"{EVENT}/door/tokens/{{number}}", "door-remove", show_facts),
)
