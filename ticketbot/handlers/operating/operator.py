"""The operator's few commands by DM."""

from __future__ import annotations

from ticketbot.domain.command import (
    CloseOrphan,
    ListOrphans,
    ResumeRefunds,
    ResumeSales,
    ShowStatus,
    StopSales,
)
from ticketbot.domain.decision import What
from ticketbot.domain.money import Sum
from ticketbot.domain.naming import quote
from ticketbot.errors import Refused
from ticketbot.handlers.buying.conditions import SALES_STOPPED
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.handlers.events.notes import IGNORED
from ticketbot.ledger import (
    journal,
    listings,
    marks,
    orphans,
    outbox,
    payouts,
    refunds,
    restored,
    verdicts,
)
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Reply, Report, Said

SHORTEST = 4  # letters that name an order
REFUNDS = "refunds"
SALES = "sales"
"""What the journal calls the whole shop, and what had failed."""


def status(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Sales, outbox, money owed, relays and wallet, in a few lines."""
    beat = marks.heartbeat(tx) or {}
    values: dict[str, object] = {
        "sales": "stopped" if marks.get(tx, SALES_STOPPED) else "open",
        "events": len(listings.upcoming(tx, ctx.now, most=1000)),
        "pending": outbox.pending(tx),
        "owed": refunds.owed_total(tx),
        "payable": Sum(payouts.waiting(tx).msat),
        "ignored": marks.number(tx, IGNORED),
        "relays": beat.get("relays", "?"),
        "wallet": beat.get("wallet", "?"),
        "audit": _audited(tx),
    }
    troubles = beat.get("troubles") or []
    in_msat = {"owed": "owed_msat", "payable": "payouts_msat"}
    facts = {in_msat.get(name, name): value for name, value in values.items()}
    facts["troubles"] = troubles
    said: Reply = [Report("operator-status", facts, "operator-status", values)]
    if isinstance(troubles, list) and troubles:
        said = [*said, Said("operator-troubles", {"words": ", ".join(troubles)})]
    return said


def stop_sales(request: Request, tx: Tx, ctx: Context) -> Reply:
    """No new orders; open ones can still be paid."""
    marks.put(tx, SALES_STOPPED, str(ctx.now))
    journal.note(tx, ctx.now, SALES, "stopped", by=_way(request))
    return [Report("sales", {"open": False}, "operator-stopped")]


def resume_sales(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Sell again."""
    marks.drop(tx, SALES_STOPPED)
    journal.note(tx, ctx.now, SALES, "resumed", by=_way(request))
    return [Report("sales", {"open": True}, "operator-resumed")]


def list_orphans(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Money for orders that this ledger does not know: after a restore nobody has claimed it."""
    found = orphans.unclaimed(tx)
    facts: dict[str, object] = {
        "payments": [
            {
                "order_id": one.order_id,
                "payment_hash": one.payment_hash,
                "amount_msat": one.amount_msat,
                "settled_at": one.settled_at,
            }
            for one in found
        ]
    }
    if not found:
        return [Report("orphans", facts, "operator-orphans-none")]
    rows = tuple((one.order_id, one.amount_msat, "") for one in found[:15])
    values = {"n": len(found), "owed": orphans.total(tx)[1], "rows": rows}
    return [Report("orphans", facts, "operator-orphans", values)]


def close_orphan(request: Request, tx: Tx, ctx: Context) -> Reply:
    """The operator has given it back, or a ticket for it, by hand."""
    wish = request.command
    assert isinstance(wish, CloseOrphan)
    found = [one for one in orphans.unclaimed(tx) if one.order_id.endswith(wish.order)]
    if len(wish.order) < SHORTEST or len({one.order_id for one in found}) != 1:
        raise Refused("bad-request", "orphan-unknown", order=quote(wish.order))
    for one in found:
        orphans.close(tx, one.payment_hash)
        what: What = "seen to by hand"
        by, payment = _way(request), one.payment_hash
        journal.note(tx, ctx.now, one.order_id, what, payment=payment, by=by)
    amount = sum(one.amount_msat for one in found)
    return [Said("operator-orphan-closed", {"order": found[0].order_id, "amount": amount})]


def resume_refunds(request: Request, tx: Tx, ctx: Context) -> Reply:
    """The operator has compared what is due with what the wallet sent before a restore."""
    restored.refunds_go_on(tx)
    journal.note(tx, ctx.now, REFUNDS, "resumed", by=_way(request))
    return [Said("operator-refunds-resumed")]


def _audited(tx: Tx) -> int | None:
    """How many differences the last audit found; None before the first."""
    verdict = verdicts.last(tx)
    return None if verdict is None else verdict.total


def _way(request: Request) -> str:
    """How an operator said so: a DM, or the command line."""
    return "command line" if request.console else "DM"


OPERATOR_COMMANDS: Commands = {
    ShowStatus: status,
    StopSales: stop_sales,
    ResumeSales: resume_sales,
    ListOrphans: list_orphans,
    CloseOrphan: close_orphan,
    ResumeRefunds: resume_refunds,
}
