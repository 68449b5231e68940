"""What was decided about an order, in the order in which it was: for operators and organizers."""

from __future__ import annotations

from itertools import dropwhile

from ticketbot.domain.order import Order
from ticketbot.ledger import journal
from ticketbot.ledger.journal import Decision
from ticketbot.ledger.store import Tx


def decisions_of(tx: Tx, order: Order) -> list[Decision]:
    """The order's own, and what was decided about its event meanwhile."""
    both = journal.of(tx, order.id, order.event_id)
    since = dropwhile(lambda one: one.subject != order.id, both)
    return [
        one if one.subject == order.id else one._replace(what=f"event: {one.what}") for one in since
    ]


def amount_of(one: Decision) -> int | None:
    """The msat that a decision was about, or None."""
    msat = one.detail.get("msat")
    return None if msat is None else int(msat)


def details_of(one: Decision, longest: int | None = None) -> str:
    """The rest of what a decision says, in a few words; `longest` leaves out hashes."""
    rest = {name: value for name, value in one.detail.items() if name not in ("msat", "event")}
    return ", ".join(
        f"{name} {value}"
        for name, value in rest.items()
        if value not in ("", None) and (longest is None or len(str(value)) <= longest)
    )
