"""What is on sale: for everybody, unsigned, and kept by browsers for a moment."""

from __future__ import annotations

from aiohttp import web

from ticketbot.web.api.asking import Route, bare, show_public
from ticketbot.web.api.port import Message

FRESH = 10  # seconds that a list may be kept: seats come and go


def show_list(request: web.Request, messages: list[Message]) -> web.Response:
    """A page of events, and the cursor of the next one."""
    return show_public(request, bare(messages[0]), FRESH)


def show_one(request: web.Request, messages: list[Message]) -> web.Response:
    """One event in full."""
    return show_public(request, messages[0]["events"][0], FRESH)


ROUTES = (
    Route("GET", "/events", "events", show_list, "anybody"),
    Route("GET", "/events/{event_id}", "event", show_one, "anybody"),
)
