"""What operators ask for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StopSales:
    """The operator stops all sales."""


@dataclass(frozen=True, slots=True)
class ResumeSales:
    """The operator opens them again."""


@dataclass(frozen=True, slots=True)
class ListRefunds:
    """The operator asks what is owed."""


@dataclass(frozen=True, slots=True)
class ListOrphans:
    """The operator asks which money came for orders that nobody knows."""


@dataclass(frozen=True, slots=True)
class ResumeRefunds:
    """The operator has seen that what is due was not sent before a restore."""


@dataclass(frozen=True, slots=True)
class CloseOrphan:
    """The operator has seen to such money by hand. `order` is the whole id, or its end."""

    order: str


@dataclass(frozen=True, slots=True)
class RetryJobs:
    """What failed three times: shown, or all of it put back to be tried again."""

    all: bool = False


Operating = (
    StopSales | ResumeSales | ListRefunds | ListOrphans | ResumeRefunds | CloseOrphan | RetryJobs
)
