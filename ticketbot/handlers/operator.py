"""The operator's few commands by DM."""

from __future__ import annotations

from ticketbot.handlers.checkout import SALES_STOPPED
from ticketbot.handlers.context import Context, Request
from ticketbot.handlers.organizer import IGNORED
from ticketbot.ledger import listings, marks, outbox, refunds
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Reply, Said


def status(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Sales, outbox, money owed, relays and wallet, in a few lines."""
    beat = marks.heartbeat(tx) or {}
    values = {
        "sales": "stopped" if marks.get(tx, SALES_STOPPED) else "open",
        "events": len(listings.upcoming(tx, ctx.now, most=1000)),
        "pending": outbox.pending(tx),
        "owed": refunds.owed_total(tx),
        "ignored": marks.number(tx, IGNORED),
        "relays": beat.get("relays", "?"),
        "wallet": beat.get("wallet", "?"),
    }
    return [Said("operator-status", values)]


def stop_sales(request: Request, tx: Tx, ctx: Context) -> Reply:
    """No new orders; open ones can still be paid."""
    marks.put(tx, SALES_STOPPED, str(ctx.now))
    return [Said("operator-stopped")]


def resume_sales(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Sell again."""
    marks.drop(tx, SALES_STOPPED)
    return [Said("operator-resumed")]
