"""Everything that moves an order lives here, in one table.

`step(state, event)` answers with the next state and the effects that the same
transaction must carry out. A replay is a line of the table like any other: same
state, no effect. The diagram in docs/architecture.md is drawn by `diagram()`.
"""

from __future__ import annotations

import base64
from enum import StrEnum
from typing import NamedTuple


class State(StrEnum):
    """Where an order stands."""

    HELD = "held"  # seats are held, no invoice yet
    INVOICED = "invoiced"  # the buyer was shown a bolt11
    RELEASED = "released"  # the hold is over; late money is still watched for
    PAID = "paid"  # at least one ticket lives
    CLOSED = "closed"  # no ticket lives; its money went back or is due back


OPEN = (State.HELD, State.INVOICED)


class Order(NamedTuple):
    """One purchase. Price and tier are the snapshot taken when it was placed."""

    id: str
    person: int
    event_id: str
    tier: str
    quantity: int
    unit_msat: int
    amount_msat: int
    state: State
    via: str
    request_id: str | None
    placed_at: int
    hold_until: int

    @property
    def short(self) -> str:
        """What people read: the last four letters of the id."""
        return self.id[-4:].upper()


TAG_BITS = 28


def order_id(asked_at: int, tag: bytes) -> str:
    """12 letters of base32hex: 32 bits of the time at which it was asked for, 28 of a tag.

    Ids sort by that time (unix seconds). Of `tag` the first 4 bytes count, less 4 bits.
    """
    stamp = (asked_at & 0xFFFFFFFF).to_bytes(4, "big") + tag[:4]
    return base64.b32hexencode(stamp).decode().lower()[:12]


def asked_at(order_id: str) -> int:
    """The time in an order's id, in unix seconds."""
    return int(order_id, 32) >> TAG_BITS


def tag_of(order_id: str) -> str:
    """The tag in an order's id, as hex: what is left of it without the time."""
    return f"{int(order_id, 32) & ((1 << TAG_BITS) - 1):07x}"


class Happening(StrEnum):
    """What can happen to an order."""

    INVOICE_MADE = "invoice made"
    HOLD_OVER = "hold over"  # lapsed and the wallet says unpaid, cancelled, or event cancelled
    SETTLED_FIT = "settled, can be honoured"
    SETTLED_UNFIT = "settled, cannot be honoured"
    GIVEN = "free or comp"
    EMPTIED = "last ticket void"


class Effect(StrEnum):
    """What the deciding transaction must do."""

    SHOW_INVOICE = "show the invoice"
    FREE_HELD_SEATS = "free the held seats"
    SELL_HELD_SEATS = "sell the held seats"
    SELL_FREE_SEATS = "sell free seats"
    ISSUE_TICKETS = "issue tickets"
    OWE_REFUND = "owe a refund of this payment"


class Step(NamedTuple):
    """The next state and the effects, in the order they are carried out."""

    state: State
    effects: tuple[Effect, ...] = ()


S, H, E = State, Happening, Effect

TABLE: dict[tuple[State, Happening], Step] = {
    (S.HELD, H.INVOICE_MADE): Step(S.INVOICED, (E.SHOW_INVOICE,)),
    (S.INVOICED, H.INVOICE_MADE): Step(S.INVOICED),  # a second one, adopted: watched, not shown
    (S.RELEASED, H.INVOICE_MADE): Step(S.RELEASED),  # too late to show: watched
    (S.PAID, H.INVOICE_MADE): Step(S.PAID),
    (S.CLOSED, H.INVOICE_MADE): Step(S.CLOSED),
    (S.HELD, H.HOLD_OVER): Step(S.RELEASED, (E.FREE_HELD_SEATS,)),
    (S.INVOICED, H.HOLD_OVER): Step(S.RELEASED, (E.FREE_HELD_SEATS,)),
    (S.RELEASED, H.HOLD_OVER): Step(S.RELEASED),
    (S.PAID, H.HOLD_OVER): Step(S.PAID),
    (S.CLOSED, H.HOLD_OVER): Step(S.CLOSED),
    (S.HELD, H.SETTLED_FIT): Step(S.PAID, (E.SELL_HELD_SEATS, E.ISSUE_TICKETS)),
    (S.INVOICED, H.SETTLED_FIT): Step(S.PAID, (E.SELL_HELD_SEATS, E.ISSUE_TICKETS)),
    (S.RELEASED, H.SETTLED_FIT): Step(S.PAID, (E.SELL_FREE_SEATS, E.ISSUE_TICKETS)),
    (S.PAID, H.SETTLED_FIT): Step(S.PAID, (E.OWE_REFUND,)),
    (S.CLOSED, H.SETTLED_FIT): Step(S.CLOSED, (E.OWE_REFUND,)),
    (S.HELD, H.SETTLED_UNFIT): Step(S.CLOSED, (E.FREE_HELD_SEATS, E.OWE_REFUND)),
    (S.INVOICED, H.SETTLED_UNFIT): Step(S.CLOSED, (E.FREE_HELD_SEATS, E.OWE_REFUND)),
    (S.RELEASED, H.SETTLED_UNFIT): Step(S.CLOSED, (E.OWE_REFUND,)),
    (S.PAID, H.SETTLED_UNFIT): Step(S.PAID, (E.OWE_REFUND,)),
    (S.CLOSED, H.SETTLED_UNFIT): Step(S.CLOSED, (E.OWE_REFUND,)),
    (S.HELD, H.GIVEN): Step(S.PAID, (E.SELL_HELD_SEATS, E.ISSUE_TICKETS)),
    (S.PAID, H.EMPTIED): Step(S.CLOSED),
}


class IllegalStep(AssertionError):
    """The table has no line for this: a bug, never a user's mistake."""


def step(state: State, happening: Happening) -> Step:
    """The line of the table; `IllegalStep` where there is none."""
    try:
        return TABLE[state, happening]
    except KeyError:
        raise IllegalStep(f"an order that is {state} cannot have: {happening}") from None


def diagram() -> str:
    """The table as a Mermaid state diagram (docs/architecture.md shows it)."""
    again = "    [*] --> released : buy, heard again after a restore"
    lines = ["stateDiagram-v2", "    [*] --> held : buy", again]
    for (before, happening), (after, effects) in TABLE.items():
        if before == after and not effects:
            continue
        does = f" / {', '.join(effects)}" if effects else ""
        lines.append(f"    {before} --> {after} : {happening}{does}")
    return "\n".join(lines)
