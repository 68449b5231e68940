"""The words that the relay room shares: values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Hearing = Literal["heard", "unknown", "deaf"]
"""What the watchdog knows of a relay: our echo came back, cannot be told, did not come back."""


class Caught(NamedTuple):
    """Everything that `relay` stored up to `at` (unix seconds) lies before this in the queue."""

    relay: str
    at: int


class Ok(NamedTuple):
    """A relay's answer to one event (NIP-01), in its own words; `duplicate:` counts as accepted."""

    accepted: bool
    text: str


@dataclass(frozen=True, slots=True)
class Timing:
    """Every waiting time of the room, in seconds."""

    dial: float = 15.0
    close: float = 1.0
    backoff_floor: float = 0.5
    backoff_cap: float = 60.0
    stable: float = 60.0
    """A connection or subscription that lasted this long starts its backoff anew."""
    ping_every: float = 25.0
    ping_patience: float = 20.0
    eose_patience: float = 30.0
    """How long a relay may keep silent before its stored events have ended."""
    echo_every: float = 60.0
    echo_patience: float = 15.0
    caught_every: float = 300.0
    poll_every: float = 1800.0
    """Where no echo proves that the relay delivers, ask again for what it has stored."""
    idle: float = 60.0
    """A stranger's connection that nobody used for so long is closed."""
    limits_every: float = 86_400.0
    """How long a relay's NIP-11 document is believed."""


@dataclass(slots=True)
class Counts:
    """What one relay has sent us since the start."""

    events: int = 0
    duplicates: int = 0
    forged: int = 0
    malformed: int = 0
    unasked: int = 0
    oversized: int = 0
    connects: int = 0


@dataclass(frozen=True, slots=True)
class RelayStatus:
    """How one of our own relays is doing, for `status`, `doctor`, metrics and alerts."""

    connected: bool
    """The subscribing connection is up."""
    publishing: bool
    """The publishing connection is up."""
    live: bool
    """Its stored events are all in; what comes now is new."""
    hearing: Hearing
    last_error: str
    eose_at: int | None
    """Unix seconds up to which everything it stored has come."""
    latency: float | None
    """Seconds from publishing our last echo to its return."""
    warnings: tuple[str, ...]
    """What its NIP-11 document says that hampers us."""
    counts: Counts

    @property
    def deaf(self) -> bool:
        """It takes our events and does not give them back."""
        return self.hearing == "deaf"
