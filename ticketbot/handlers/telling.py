"""Who hears what is decided: the order's buyer, in the way they asked; operators, by DM."""

from __future__ import annotations

from typing import cast

from ticketbot.domain.order import Order
from ticketbot.handlers.context import Context
from ticketbot.ledger import people
from ticketbot.ledger.people import Person
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Addressee, Outcome, Said, Told, Via


def tell(tx: Tx, order: Order, what: str, outcome: Outcome) -> Told:
    """An outcome for the order's buyer, the way they asked."""
    return tell_buyer(order, people.person(tx, order.person), what, outcome)


def tell_buyer(order: Order, buyer: Person, what: str, outcome: Outcome) -> Told:
    """As `tell`, with the buyer's row at hand."""
    via = cast(Via, order.via)
    to = Addressee(buyer.pubkey, via, order.request_id, buyer.id)
    return Told(to, outcome, f"{order.id}:{what}")


def tell_holder(tx: Tx, order: Order, person: int, what: str, outcome: Outcome) -> Told:
    """An outcome for somebody who has to do with an order: its buyer, or who holds a ticket."""
    if person == order.person:
        return tell(tx, order, what, outcome)
    someone = people.person(tx, person)
    to = Addressee(someone.pubkey, "auto", None, someone.id)
    return Told(to, outcome, f"{order.id}:{what}")


def alert(ctx: Context, said: Said, key: str) -> list[Outcome | Told]:
    """The same sentence for every operator, under a key that makes it one message each."""
    return [
        Told(Addressee(operator, "auto"), said, f"{key}:{operator[:8]}")
        for operator in sorted(ctx.settings.operators)
    ]
