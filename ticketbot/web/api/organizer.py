"""What organizers see and do with their own events. Whose an event is, the handlers know."""

from __future__ import annotations

from aiohttp import web

from ticketbot.domain.command import Command
from ticketbot.domain.csvtext import write_csv
from ticketbot.domain.requests import read_request
from ticketbot.web.api.asking import (
    Asked,
    Fields,
    Route,
    ask,
    bare,
    command_of,
    read,
    show,
    show_facts,
)
from ticketbot.web.api.port import Message

EVENT = "/organizer/events/{event_id}"
COLUMNS = ("ticket_id", "holder", "tier", "state", "order_id", "price_msat", "bought_at", "note")


def _stop(fields: Fields) -> Command:
    return read_request("promo", fields | {"stop": True})


def read_no_note(fields: Fields) -> Command:
    """The same address, when its note is to go."""
    return read_request("note", fields | {"remove": True})


def show_rehearsal(_request: web.Request, messages: list[Message]) -> web.Response:
    """What was played through, and the pretend ticket for the scanner."""
    played, *shown = messages
    return show(bare(played) | {"ticket": bare(shown[0]) if shown else None})


ROUTES = (
    Route("GET", "/organizer/events", "own-events", show_facts),
    Route("GET", f"{EVENT}/stats", "stats", show_facts),
    Route("GET", f"{EVENT}/attendees", "attendees", show_facts),
    Route("GET", f"{EVENT}/attendance", "attendance", show_facts),
    Route("GET", f"{EVENT}/find", "find", show_facts),
    Route("POST", f"{EVENT}/pause", "pause", show_facts),
    Route("POST", f"{EVENT}/resume", "resume", show_facts),
    Route("POST", f"{EVENT}/announcements", "announce", show_facts),
    Route("POST", f"{EVENT}/comp", "comp", show_facts),
    Route("POST", f"{EVENT}/rehearse", "rehearse", show_rehearsal),
    Route("GET", f"{EVENT}/orders/{{order_id}}", "order-story", show_facts),
    Route("PUT", f"{EVENT}/orders/{{order_id}}/note", "note", show_facts),
    Route("DELETE", f"{EVENT}/orders/{{order_id}}/note", read_no_note, show_facts),
    Route("POST", f"{EVENT}/orders/{{order_id}}/resend", "resend", show_facts),
    Route("POST", f"{EVENT}/give-back", "give-back", show_facts),
    Route("GET", f"{EVENT}/promos", "promos", show_facts),
    Route("POST", f"{EVENT}/promos", "promo", show_facts),
    Route("DELETE", f"{EVENT}/promos/{{code}}", _stop, show_facts),
    Route("GET", f"{EVENT}/door", "door", show_facts),
    Route("GET", f"{EVENT}/door/staff", "door-list", show_facts),
    Route("POST", f"{EVENT}/door/staff", "door-add", show_facts),
    Route("DELETE", f"{EVENT}/door/staff/{{pubkey}}", "door-remove", show_facts),
    Route("POST", f"{EVENT}/door/tokens", "door-token", show_facts),
    Route("DELETE", f"{EVENT}/door/tokens/{{number}}", "door-remove", show_facts),
    Route("GET", f"{EVENT}/statement", "statement", show_facts),
    Route("GET", "/organizer/balance", "balance", show_facts),
    Route("PUT", "/organizer/payout-to", "payout-to", show_facts),
    Route("POST", "/organizer/payouts", "payout", show_facts),
)


def add_table(app: web.Application) -> None:
    """The whole list of attendees as one table."""
    app.router.add_get(f"{EVENT}/attendees.csv", show_table)


async def show_table(request: web.Request) -> web.Response:
    """Every live ticket, as CSV; nothing in it is computed by a spreadsheet."""
    asked = await read(request, "signed")
    people = await _everybody(request, asked)
    questions = list(dict.fromkeys(one["question"] for row in people for one in row["answers"]))
    table: list[tuple[object, ...]] = [(*COLUMNS, *questions)]
    for row in people:
        said = {one["question"]: one["answer"] for one in row["answers"]}
        cells = (row[name] for name in COLUMNS)
        table.append((*cells, *(said.get(name, "") for name in questions)))
    headers = {"Content-Disposition": 'attachment; filename="attendees.csv"'}
    return web.Response(text=write_csv(table), content_type="text/csv", headers=headers)


async def _everybody(request: web.Request, asked: Asked) -> list[Message]:
    people: list[Message] = []
    fields = asked.fields
    while True:
        page, *_ = await ask(request, asked, command_of("attendees", fields))
        people += page["attendees"]
        if page["next"] is None:
            return people
        fields = fields | {"after": page["next"]}
