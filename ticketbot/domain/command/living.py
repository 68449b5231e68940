"""What holders ask for whose plans change, and organizers who let them go."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Transfer:
    """Hand a ticket on. `words` name it; `to` is a key as it was written.

    `cancel`: take the offer back.
    """

    words: tuple[str, ...]
    to: str | None = None
    cancel: bool = False


@dataclass(frozen=True, slots=True)
class Accept:
    """Take a ticket that somebody offers; without a code the only one."""

    code: str | None = None


@dataclass(frozen=True, slots=True)
class Decline:
    """Leave it to them."""

    code: str | None = None


@dataclass(frozen=True, slots=True)
class GiveBack:
    """An organizer gives an order back, or a ticket. `words` name the event and either.

    `number`: no more than so many tickets; `sure`: it was said twice.
    """

    words: tuple[str, ...]
    number: int | None = None
    sure: bool = False


Living = Transfer | Accept | Decline | GiveBack
