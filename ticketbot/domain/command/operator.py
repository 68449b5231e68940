"""What operators ask for."""

from __future__ import annotations

from dataclasses import dataclass

from ticketbot.domain.command.nature import NeverAgain, OnlyAsked


@dataclass(frozen=True, slots=True)
class StopSales:
    """The operator stops all sales."""


@dataclass(frozen=True, slots=True)
class ResumeSales:
    """The operator opens them again."""


@dataclass(frozen=True, slots=True)
class ListRefunds(OnlyAsked):
    """The operator asks what is owed."""


@dataclass(frozen=True, slots=True)
class ListOrphans(OnlyAsked):
    """The operator asks which money came for orders that nobody knows."""


@dataclass(frozen=True, slots=True)
class ResumeRefunds(NeverAgain):
    """The operator has seen that what is due was not sent before a restore."""


@dataclass(frozen=True, slots=True)
class CloseOrphan:
    """The operator has seen to such money by hand. `order` is the whole id, or its end."""

    order: str


@dataclass(frozen=True, slots=True)
class ListPending(OnlyAsked):
    """The operator asks which orders wait for money. `after` is the cursor of an earlier answer."""

    limit: int = 50
    after: str | None = None


@dataclass(frozen=True, slots=True)
class ListStuck(OnlyAsked):
    """The operator asks what was put aside, and what has been tried in vain."""


@dataclass(frozen=True, slots=True)
class RetryStuck(NeverAgain):
    """The operator wants it tried again: one of what is stuck by its name, or all of it."""

    name: str | None = None


Operating = (
    StopSales
    | ResumeSales
    | ListRefunds
    | ListOrphans
    | ResumeRefunds
    | CloseOrphan
    | ListPending
    | ListStuck
    | RetryStuck
)
