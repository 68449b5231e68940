"""Tickets that people hold: kept, passed on, given back; and what is owed for them."""
