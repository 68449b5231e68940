"""Whether a ticket admits: for whoever has it. Of its holder nothing is said."""

from __future__ import annotations

from ticketbot.web.api.asking import Route, show_facts

ROUTES = (Route("POST", "/validate", "validate", show_facts, "anybody"),)
