"""What a handler answers: values that know nothing of sentences, JSON or protocols.

`dm.py` says them to people, `machine.py` to programs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from ticketbot.domain.listing import Listing
from ticketbot.domain.order import Order
from ticketbot.errors import Refused

Via = Literal["nip17", "nip04", "24133", "auto", "api"]
"""`auto`: NIP-17 where there is a 10050, else NIP-04. `api`: asked over HTTP, where who asked
comes back for the rest; what they must have goes out as with `auto`."""


class Addressee(NamedTuple):
    """Whom an answer goes to, and how. `person` is the ledger's number when it is known."""

    pubkey: str
    via: Via
    request_id: str | None = None
    person: int | None = None


class Early(NamedTuple):
    """A lower price that is in force, in msat, and the one without it.

    It ends at `until` (unix seconds), or when `left` more seats are taken.
    """

    tier: str
    price_msat: int
    regular_msat: int
    until: int | None
    left: int | None


@dataclass(frozen=True, slots=True)
class Card:
    """An event as a buyer sees it now. `available` is None where seats are unlimited."""

    listing: Listing
    code: str
    available: int | None
    tiers: tuple[tuple[str, int, int | None], ...] = ()  # name, price now in msat, available
    early: tuple[Early, ...] = ()
    paused: bool = False  # by its organizer

    @property
    def price_msat(self) -> int:
        """What a ticket without a tier costs now; where there is none, the cheapest."""
        if not self.listing.general:
            return min((price for _, price, _ in self.tiers), default=self.listing.price_msat)
        early = self.early_of("")
        return early.price_msat if early else self.listing.price_msat

    def early_of(self, tier: str) -> Early | None:
        """The early bird that is in force for this kind of ticket."""
        return next((one for one in self.early if one.tier == tier), None)


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence of `locales/`, for people only."""

    sentence: str
    values: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """What was done or found out: the sentence goes to people, the facts to programs.

    `kind` is the `type` that programs read; the facts are plain JSON.
    """

    kind: str
    facts: dict[str, object]
    sentence: str
    values: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failed:
    """A refusal: a sentence to people, `{"type":"error"}` to programs."""

    refused: Refused


@dataclass(frozen=True, slots=True)
class EventsFound:
    """A page of events; `after` is the cursor of the next one."""

    cards: tuple[Card, ...]
    after: str | None
    words: str = ""


@dataclass(frozen=True, slots=True)
class EventShown:
    """One event in full."""

    card: Card


@dataclass(frozen=True, slots=True)
class InvoiceShown:
    """An order that waits for its payment. `code` made it cheaper, by so many msat in all."""

    order: Order
    listing: Listing
    bolt11: str
    payment_hash: str
    expires_at: int
    code: str = ""
    saved_msat: int = 0
    link_only: bool = False  # `link`: the bolt11 as a lightning: URI


@dataclass(frozen=True, slots=True)
class TicketShown:
    """One ticket with its token. `everywhere`: by DM and in kind 24133."""

    order_id: str
    listing: Listing
    tier: str
    ticket_id: str
    version: int
    token: str
    salt: bytes
    capability: str
    everywhere: bool
    calendar: str = ""  # the capability of its calendar file


@dataclass(frozen=True, slots=True)
class TicketsCounted:
    """Closes a list of tickets: how many there are, and which of them these were."""

    count: int
    rows: tuple[tuple[Listing, str, str], ...] = ()  # listing, tier, ticket id
    first: int = 1  # the number of the first row
    after: str | None = None  # the cursor of the next page, for programs


@dataclass(frozen=True, slots=True)
class OrderShown:
    """Where an order stands; refunds are (amount in msat, state).

    `placed`: which of them have somewhere to go, by their place in `refunds`.
    """

    order: Order
    listing: Listing
    tickets: int
    refunds: tuple[tuple[int, str], ...] = ()
    released: str | None = None  # why its hold is over, as the journal has it
    waiting: InvoiceShown | None = None  # the invoice that it waits for
    placed: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class RefundOwed:
    """Money that goes back, and waits for a place to go to."""

    order_id: str
    title: str
    amount_msat: int
    reason: str  # a key of `locales/`: refund-late, refund-double, refund-reminder, …
    values: dict[str, object] = field(default_factory=dict)  # what that sentence wants besides


@dataclass(frozen=True, slots=True)
class RefundSent:
    """Money that went back: nothing is left to do. Programs are shown the order."""

    order_id: str
    amount_msat: int


Outcome = (
    Said
    | Report
    | Failed
    | EventsFound
    | EventShown
    | InvoiceShown
    | TicketShown
    | TicketsCounted
    | OrderShown
    | RefundOwed
    | RefundSent
)


class Told(NamedTuple):
    """An outcome for somebody other than who asked; `key` makes it one message for ever."""

    to: Addressee
    outcome: Outcome
    key: str


Reply = list[Outcome | Told]
