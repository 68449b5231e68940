"""What a handler is given. Nothing in here has a socket, a clock, or chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from ticketbot.domain.attendance import Mode
from ticketbot.domain.command import Command
from ticketbot.domain.ticket import TicketKey
from ticketbot.domain.when import DAY
from ticketbot.ledger.people import Person
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Reply, Via

Ephemeral = Literal["always", "when-asked", "never"]


@dataclass(frozen=True, slots=True)
class Settings:
    """The operator's choices that handlers decide by. Keys are hex.

    `refunds_by_hand`: the bot's wallet may not spend, so the operator is told of each refund and
    each payout. `commissions`: organizers with a rate of their own, in millionths.
    `payout_delay`: seconds after an event's end; `payout_minimum`: msat.
    """

    bot: str
    name: str
    relays: tuple[str, ...]
    operators: frozenset[str]
    organizers: frozenset[str] | None  # None: anyone whose note names the bot
    public_url: str | None = None
    ephemeral: Ephemeral = "always"
    hold_seconds: int = 600
    max_holds_per_buyer: int = 2
    max_tickets_per_order: int = 10
    messages_per_minute: int = 60
    newcomers_per_minute: int = 2000
    proof_of_work_bits: int = 20  # of newcomers, where many orders are left unpaid; 0: never
    refunds_by_hand: bool = True
    doors_open_hours: int = 6  # before the start, where the note does not say
    keep_seconds: int = 7200  # a seat that came free, for whose turn it is
    attendance: Mode = "anonymous"
    thanks: bool = True  # to who was let in, when the event is over
    remind_hours: int = 24  # before the start; 0: no reminder
    last_call_hours: int = 3  # before the start, to who was not reached; 0: none
    quiet_hours: int = 12  # who has ordered so shortly before a reminder gets none
    change_refund_hours: int = 72  # after an event was moved tickets go back in full; 0: never
    commission_ppm: int = 0
    commissions: Mapping[str, int] = field(default_factory=dict)
    payout_delay: int = DAY
    payout_minimum: int = 1_000_000

    def commission(self, organizer: str) -> int:
        """What is kept of this organizer's sales, in millionths."""
        return self.commissions.get(organizer, self.commission_ppm)


@dataclass(frozen=True, slots=True)
class Context:
    """`now` in unix seconds, `moment` the same with its fraction; `dice(n)` gives n random bytes.

    `paused` is the sentence that says why nothing new is sold just now (a full disk), or None.
    """

    now: int
    settings: Settings
    signer: TicketKey
    dice: Callable[[int], bytes]
    moment: float
    paused: str | None = None


class Request(NamedTuple):
    """One message of one person. `request_id` only where a program asked.

    `work`: the bits of proof of work that its event carried (NIP-13).
    `console`: typed on the bot's own machine, by whoever may reach its ledger. That is an
    operator, and `person` is the bot itself, who holds and owes nothing.
    `text` is what a person wrote, as it came. `key` is the letter's, the same however often it
    comes; `sent_at` (unix seconds) is what its sender says. `again`: it may have been answered by
    a ledger that was lost.
    """

    person: Person
    via: Via
    command: Command
    request_id: str | None = None
    work: int = 0
    console: bool = False
    key: bytes = b""
    sent_at: int = 0
    again: bool = False
    text: str = ""

    @property
    def sender(self) -> str:
        """Who asked, as hex."""
        return self.person.pubkey


Handler = Callable[[Request, Tx, Context], Reply]
Commands = Mapping[type[Command], Handler]
"""Which function answers which command: each file of handlers says so at its end."""
