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
    """An outcome of the order's own course for its buyer, the way they asked."""
    return tell_buyer(order, people.person(tx, order.person), what, outcome)


def tell_buyer(order: Order, buyer: Person, what: str, outcome: Outcome) -> Told:
    """As `tell`, with the buyer's row at hand."""
    asked = None if order.via == "api" else order.request_id
    to = Addressee(buyer.pubkey, cast(Via, order.via), asked, buyer.id)
    return Told(to, outcome, f"{order.id}:{what}")


def tell_holder(tx: Tx, order: Order, person: int, what: str, outcome: Outcome) -> Told:
    """An outcome for somebody who has to do with an order: its buyer, or who holds a ticket.

    Who bought over HTTP reads there how an order goes on, and is sent the rest as a DM.
    """
    someone = people.person(tx, person)
    via: Via = someone.via if someone.via in ("nip17", "nip04") else "auto"
    to = Addressee(someone.pubkey, via, None, someone.id)
    if person == order.person and order.via != "api":
        to = to._replace(via=order.via, request_id=order.request_id)  # type: ignore[arg-type]
    return Told(to, outcome, f"{order.id}:{what}")


def tell_person(tx: Tx, person: int, key: str, outcome: Outcome) -> list[Outcome | Told]:
    """An outcome for somebody, whatever they ordered: by DM, and as JSON if they are a program."""
    someone = people.person(tx, person)
    to = Addressee(someone.pubkey, someone.via, None, someone.id)
    if someone.via != "24133":
        return [Told(to, outcome, key)]
    return [Told(to._replace(via="auto"), outcome, key), Told(to, outcome, f"{key}:program")]


def alert(ctx: Context, said: Said, key: str) -> list[Outcome | Told]:
    """The same sentence for every operator, under a key that makes it one message each."""
    return [
        Told(Addressee(operator, "auto"), said, f"{key}:{operator[:8]}")
        for operator in sorted(ctx.settings.operators)
    ]
