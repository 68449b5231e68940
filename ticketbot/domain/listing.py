"""What is for sale: an event as the ledger keeps it and everybody else reads it."""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass, field, fields
from typing import Any, Literal

from ticketbot.domain.lines import LONGEST_TIER
from ticketbot.domain.naming import show
from ticketbot.domain.offer import EarlyBird, Question, Tier
from ticketbot.domain.terms import Terms
from ticketbot.domain.when import (
    DAY,
    LAST_DAY_LAG,
)

LONGEST_TITLE, LONGEST_PLACE, LONGEST_SUMMARY = 120, 200, 500
Offer = Literal["asked", "offered", "never"]


@dataclass(frozen=True, slots=True)
class Listing:
    """An event on sale. Times are unix seconds, `end` is exclusive, keys and ids hex.

    `event_id` is `kind:pubkey:d`, of a kind-1 note its id. `stock` None = unlimited.
    `ephemeral` False forbids kind 24133. `general`: tickets are sold without a tier too, at
    `price_msat`; where they are not, `price_msat` is the cheapest tier's. `doors`: from when on
    people are let in, where the organizer says so. `age`: from so many years on, which buyers
    confirm. `thanks`: what visitors are told afterwards. `badge`: given to who asks for it, offered
    to every visitor, or never.
    """

    event_id: str
    organizer: str
    kind: int
    note_id: str
    created_at: int
    title: str
    summary: str
    place: str
    start: int
    end: int
    timezone: str
    all_day: bool
    price_msat: int
    stock: int | None
    tiers: tuple[Tier, ...]
    sales_start: int | None
    sales_end: int | None
    max_per_buyer: int | None
    ephemeral: bool
    categories: tuple[str, ...]
    cancelled: bool
    image: str | None
    general: bool = True
    doors: int | None = None
    early_birds: tuple[EarlyBird, ...] = ()
    questions: tuple[Question, ...] = ()
    age: int | None = None
    thanks: str = ""
    badge: Offer = "asked"
    terms: Terms = field(default_factory=Terms)

    def tier(self, name: str) -> Tier | None:
        """The tier of this name, case ignored."""
        wanted = show(name, LONGEST_TIER).casefold()
        return next((tier for tier in self.tiers if tier.name.casefold() == wanted), None)

    def sells(self, tier: str) -> bool:
        """Whether there is such a kind of ticket ('': the general one)."""
        return self.general if not tier else self.tier(tier) is not None

    @property
    def prices(self) -> tuple[int, ...]:
        """Every price a ticket can have, in msat, ascending."""
        general = {self.price_msat} if self.general else set()
        return tuple(sorted({tier.price_msat for tier in self.tiers} | general))

    @property
    def last_day(self) -> int:
        """Midnight UTC of the last day of an all-day event."""
        return self.end - LAST_DAY_LAG - DAY

    def to_json(self) -> dict[str, Any]:
        """A plain dict; `from_json` is its inverse."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        rows = {name: [astuple(row) for row in plain[name]] for name in _PARTS}
        rest = {"categories": list(self.categories), "terms": asdict(self.terms)}
        return plain | rows | rest

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Listing:
        """The listing that `to_json` wrote."""
        parts = {
            name: tuple(kind(*map(_frozen, row)) for row in plain.get(name, ()))
            for name, kind in _PARTS.items()
        }
        rest = {
            "categories": tuple(plain["categories"]),
            "terms": Terms(**plain.get("terms", {})),
        }
        return cls(**plain | parts | rest)


_PARTS: dict[str, Any] = {"tiers": Tier, "early_birds": EarlyBird, "questions": Question}


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
