"""What concerns the caller alone: the queues they wait in, their language, their badges."""

from __future__ import annotations

from ticketbot.web.api.asking import Route, show_facts

QUEUE = "/events/{event_id}/queue"

ROUTES = (
    Route("POST", QUEUE, "join", show_facts),
    Route("DELETE", QUEUE, "leave", show_facts),
    Route("GET", "/queue", "waiting", show_facts),
    Route("PUT", "/language", "lang", show_facts),
    Route("PUT", "/badge", "badge", show_facts),
)
