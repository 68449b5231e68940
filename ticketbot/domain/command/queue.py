"""What people ask for who wait until a seat comes free."""

from __future__ import annotations

from dataclasses import dataclass

from ticketbot.domain.command.nature import OnlyAsked


@dataclass(frozen=True, slots=True)
class JoinQueue:
    """Wait for seats. `words` name the event and, from people, the tier, as in `Buy`."""

    words: tuple[str, ...]
    quantity: int = 1
    tier: str | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True)
class LeaveQueue:
    """Wait no longer, and give back what is kept. `words` name the event."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShowQueue(OnlyAsked):
    """Where do I wait, and who is before me?"""


Queueing = JoinQueue | LeaveQueue | ShowQueue
