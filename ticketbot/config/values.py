"""What a configuration says, as values. Paths are absolute, people are hex public keys."""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, NoReturn

from ticketbot.config.people import secret_hex

ANYONE: Final = None
"""`Bot.organizers` when the notes of anyone who names the bot are sold."""

LONGEST_SOCKET = 107
"""Bytes of a Unix socket's path (unix(7): 108 with the zero at its end)."""


class Secret:
    """Text that nothing prints: `repr`, `str` and formatting are empty, `reveal()` gives it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return ""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not copied into files or other processes")


@dataclass(frozen=True, slots=True)
class Bot:
    """`ticket_key` is 64 hex digits; None means that `ticket_key_file` is still to be made."""

    name: str
    about: str
    nsec: Secret
    ticket_key: Secret | None
    ticket_key_file: Path
    operators: frozenset[str]
    organizers: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Nostr:
    """`proxy` is a SOCKS URL; private relays are those that attendees name, not our own."""

    relays: tuple[str, ...]
    ephemeral_tickets: Literal["always", "when-asked", "never"]
    proxy: str | None
    allow_private_relays: bool


@dataclass(frozen=True, slots=True)
class Lightning:
    """`allow_private_lnurl`: Lightning addresses that buyers name may be on private hosts."""

    wallet: Literal["lnbits", "fake"]
    allow_private_lnurl: bool = False


@dataclass(frozen=True, slots=True)
class Lnbits:
    """`url` has no slash at its end; without `admin_key` nothing is sent by itself."""

    url: str
    invoice_key: Secret
    admin_key: Secret | None
    requests_per_minute: int


@dataclass(frozen=True, slots=True)
class Ledger:
    url: str
    path: Path

    @property
    def socket(self) -> Path | None:
        """Where the running bot listens to its operator; None: too long for a Unix socket."""
        path = self.path.with_suffix(".sock")
        return path if len(os.fsencode(path)) <= LONGEST_SOCKET else None


@dataclass(frozen=True, slots=True)
class Web:
    """Where HTTP listens; `public_url` is how people reach it, without a slash at its end.

    `requests_per_minute`: what one key may ask of the API, and a fifth of one address's share.
    """

    host: str
    port: int
    public_url: str | None
    api: bool = True
    requests_per_minute: int = 120


@dataclass(frozen=True, slots=True)
class Sales:
    hold_seconds: int
    max_holds_per_buyer: int
    max_tickets_per_order: int


@dataclass(frozen=True, slots=True)
class Commission:
    """What the operator keeps of sales, in millionths; organizers (hex) with another rate."""

    ppm: int = 0
    organizers: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Payouts:
    """`delay_hours` after an event's end its money may be paid out, not less than a minimum."""

    delay_hours: int = 24
    minimum_sats: int = 1000
    schedule: Literal["on-request", "daily", "weekly"] = "on-request"


@dataclass(frozen=True, slots=True)
class Limits:
    messages_per_minute: int
    newcomers_per_minute: int = 2000
    proof_of_work_bits: int = 20


@dataclass(frozen=True, slots=True)
class Privacy:
    """`purge_days`: how long after an event's end its buyers are known."""

    purge_days: int


@dataclass(frozen=True, slots=True)
class Door:
    """`open_hours`: how long before an event's start people are let in."""

    open_hours: int = 6


@dataclass(frozen=True, slots=True)
class Performance:
    """`crypto_workers`: processes that open and seal letters under load; 0: none."""

    crypto_workers: int = 0


@dataclass(frozen=True, slots=True)
class After:
    """`attendance`: what organizers may know of visits; `thanks`: visitors are thanked."""

    attendance: Literal["off", "anonymous", "full"] = "anonymous"
    thanks: bool = True


@dataclass(frozen=True, slots=True)
class Changes:
    """`refund_hours`: how long tickets of an event that was moved go back in full."""

    refund_hours: int = 72


@dataclass(frozen=True, slots=True)
class Reminders:
    """Hours before an event's start; who ordered within `quiet_hours` of the first gets none."""

    hours_before: int = 24
    last_call_hours: int = 3
    quiet_hours: int = 12


@dataclass(frozen=True, slots=True)
class Config:
    """All of it. `lnbits` is None with another wallet, `web` is None where nothing listens.

    `warnings` are sentences for the operator about what works and should not stay so.
    """

    file: Path
    bot: Bot
    nostr: Nostr
    lightning: Lightning
    lnbits: Lnbits | None
    ledger: Ledger
    web: Web | None
    sales: Sales
    limits: Limits
    privacy: Privacy
    warnings: tuple[str, ...]
    performance: Performance = Performance()
    door: Door = Door()
    after: After = After()
    changes: Changes = Changes()
    reminders: Reminders = Reminders()
    commission: Commission = field(default_factory=Commission)
    payouts: Payouts = Payouts()

    def secrets(self) -> tuple[Secret, ...]:
        """Every secret in it, for the logs to leave out; the nsec also in hex."""
        nsec = self.bot.nsec
        keys = [nsec, Secret(secret_hex(nsec.reveal())), self.bot.ticket_key]
        if self.lnbits is not None:
            keys += [self.lnbits.invoice_key, self.lnbits.admin_key]
        return tuple(key for key in keys if key is not None)
