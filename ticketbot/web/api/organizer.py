"""What organizers see of their own events. Whose an event is, the handlers know."""

from __future__ import annotations

from ticketbot.web.api.asking import Route, show_facts

ROUTES = (Route("GET", "/organizer/events", "own-events", show_facts),)
