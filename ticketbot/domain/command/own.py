"""What organizers ask of all that is theirs."""

from __future__ import annotations

from dataclasses import dataclass

from ticketbot.domain.command.nature import OnlyAsked


@dataclass(frozen=True, slots=True)
class ListOwnEvents(OnlyAsked):
    """What have I sold and am I selling? `after` is the cursor of an earlier answer."""

    limit: int = 20
    after: str | None = None


Owning = ListOwnEvents
