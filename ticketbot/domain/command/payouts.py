"""What organizers ask about their money, and operators about what leaves for them."""

from __future__ import annotations

from dataclasses import dataclass

from ticketbot.domain.command.nature import NeverAgain, OnlyAsked


@dataclass(frozen=True, slots=True)
class ShowBalance(OnlyAsked):
    """What have I earned, and what of it can be paid out?"""


@dataclass(frozen=True, slots=True)
class AskPayout:
    """Pay out what is payable: of the event that the words name, or of all of them.

    `to`: a Lightning address or lnurl for this time; None: where payouts go.
    """

    words: tuple[str, ...] = ()
    to: str | None = None


@dataclass(frozen=True, slots=True)
class PayOutTo:
    """From now on payouts go there."""

    to: str


@dataclass(frozen=True, slots=True)
class ShowStatement(OnlyAsked):
    """Event by event: of the one that the words name, or of all. `csv`: as a table."""

    words: tuple[str, ...] = ()
    csv: bool = False


@dataclass(frozen=True, slots=True)
class ListPayouts(OnlyAsked):
    """The operator asks what is on its way to organizers."""


@dataclass(frozen=True, slots=True)
class PayoutDone:
    """The operator has paid a payout by hand, or so many sats of an event without one."""

    name: str
    sats: int | None = None


@dataclass(frozen=True, slots=True)
class ResumePayouts(NeverAgain):
    """The operator has seen that what is payable was not paid out before a restore."""


Earning = (
    ShowBalance | AskPayout | PayOutTo | ShowStatement | ListPayouts | PayoutDone | ResumePayouts
)
