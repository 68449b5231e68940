"""What attendees ask for, and what anybody says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ticketbot.domain.command.nature import OnlyAsked

Standing = Literal["open", "held", "invoiced", "paid", "released", "closed"]
"""How an order stands; `open` is held or invoiced: it waits for its money."""


@dataclass(frozen=True, slots=True)
class Hello(OnlyAsked):
    """A greeting."""


@dataclass(frozen=True, slots=True)
class Help(OnlyAsked):
    """What can I do here? `topic`: as an organizer, at the door, as operator; else as anybody."""

    topic: Literal["", "organizer", "door", "operator"] = ""


@dataclass(frozen=True, slots=True)
class Thanks(OnlyAsked):
    """Kind words, and nothing to do."""


@dataclass(frozen=True, slots=True)
class ListEvents(OnlyAsked):
    """What is on sale. `after` is the cursor of an earlier answer.

    Programs may ask for a category, for events with a ticket of a price between two (msat), and
    for those that start between two times (unix seconds), ends included.
    """

    words: tuple[str, ...] = ()
    limit: int | None = None
    after: str | None = None
    category: str | None = None
    price_from: int | None = None
    price_to: int | None = None
    starts_from: int | None = None
    starts_to: int | None = None


@dataclass(frozen=True, slots=True)
class ShowEvent(OnlyAsked):
    """One event: its code or words of it in small letters, or its event_id."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Buy:
    """Tickets. `words` name the event and, from people, the tier and a code, in small letters.

    `whole`: the first word is a complete event_id. `tier` is what a program asked for, and so is
    `code`. `answers` are (question, answer) pairs; `of_age`: the age notice was accepted.
    """

    words: tuple[str, ...]
    quantity: int = 1
    tier: str | None = None
    whole: bool = False
    code: str | None = None
    answers: tuple[tuple[str, str], ...] = ()
    of_age: bool = False


@dataclass(frozen=True, slots=True)
class ShowTickets(OnlyAsked):
    """What do I hold? From the n-th on; `after` is the cursor of an earlier answer.

    Programs may ask for one ticket only, or for those of one order.
    """

    first: int = 1
    after: str | None = None
    ticket_id: str | None = None
    order_id: str | None = None


@dataclass(frozen=True, slots=True)
class Resend(OnlyAsked):
    """My tickets once more, from the n-th on."""

    first: int = 1


@dataclass(frozen=True, slots=True)
class ShowStatus(OnlyAsked):
    """Where an order stands; None = the newest ones."""

    order_id: str | None = None


@dataclass(frozen=True, slots=True)
class ListOrders(OnlyAsked):
    """My orders, newest first: of one event, or in one state, where they are named.

    People go on from the n-th; programs behind `after`, the cursor of an earlier answer.
    """

    words: tuple[str, ...] = ()
    state: Standing | None = None
    first: int = 1
    limit: int | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Give an unpaid order back; None = the open one. An organizer names an event's code."""

    order_id: str | None = None


@dataclass(frozen=True, slots=True)
class ShowLink(OnlyAsked):
    """The open invoice as a `lightning:` link."""


@dataclass(frozen=True, slots=True)
class Refund:
    """Where owed money shall go: a bolt11, a Lightning address or an lnurl, as it was written.

    From an operator, with the order: that, or `sent` when they have paid it by hand. From who
    holds tickets, with an order, a ticket's code or an event's, and nothing or `yes`: they are
    to be given back.
    """

    words: tuple[str, ...]
    order_id: str | None = None


@dataclass(frozen=True, slots=True)
class Validate(OnlyAsked):
    """Is this a ticket that admits? `text`: its token, link or JWT; `event_id`: to this event."""

    text: str
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class ForgetMe:
    """Know nothing of me any more; `sure`: it was said twice."""

    sure: bool = False


@dataclass(frozen=True, slots=True)
class Unknown(OnlyAsked):
    """Not understood. `guesses` are whole commands to offer, likeliest first."""

    text: str
    guesses: tuple[str, ...] = ()


Attending = (
    Hello
    | Help
    | Thanks
    | ListEvents
    | ShowEvent
    | Buy
    | ShowTickets
    | Resend
    | ShowStatus
    | ListOrders
    | CancelOrder
    | ShowLink
    | Refund
    | Validate
    | ForgetMe
    | Unknown
)
