"""Events on sale, and their seats."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import NamedTuple

import orjson

from ticketbot.domain.listing import Listing
from ticketbot.domain.naming import typed
from ticketbot.errors import Refused
from ticketbot.ledger import marks
from ticketbot.ledger.store import Row, Tx

COLUMNS = "event_id, code, state, body"


class Listed(NamedTuple):
    """A listing as the ledger has it.

    `state`: on-sale; cancelled, while tickets of it live; closed, when none does any more.
    """

    listing: Listing
    code: str
    state: str


class Seats(NamedTuple):
    """Seats of an event (tier '') or of one tier; capacity None = unlimited."""

    tier: str
    capacity: int | None
    held: int
    sold: int

    @property
    def available(self) -> int | None:
        """How many can still be held; None = as many as you like."""
        return None if self.capacity is None else self.capacity - self.held - self.sold


def by_id(tx: Tx, event_id: str) -> Listed | None:
    """The listing at this address."""
    row = tx.row(f"SELECT {COLUMNS} FROM listing WHERE event_id = ?", (event_id,))
    return None if row is None else listed(row)


def by_note(tx: Tx, note_id: str) -> Listed | None:
    """The listing whose newest note has this id (kind 5 may name it so)."""
    row = tx.row(f"SELECT {COLUMNS} FROM listing WHERE note_id = ?", (note_id,))
    return None if row is None else listed(row)


def by_code(tx: Tx, code: str) -> list[Listed]:
    """The listing with this code, or else all whose code begins so."""
    code = code.upper()
    row = tx.row(f"SELECT {COLUMNS} FROM listing WHERE code = ?", (code,))
    if row is not None:
        return [listed(row)]
    rows = tx.rows(
        f"SELECT {COLUMNS} FROM listing WHERE code >= ? AND code < ? ORDER BY code LIMIT 10",
        (code, code + "\x7f"),
    )
    return [listed(row) for row in rows]


def upcoming(tx: Tx, now: int, after: tuple[int, str] = (0, ""), most: int = 20) -> list[Listed]:
    """What is on sale and not over, by start, after the cursor (start, event_id)."""
    rows = tx.rows(
        f"SELECT {COLUMNS} FROM listing WHERE state = 'on-sale' AND ends > ? "
        "AND (starts, event_id) > (?, ?) ORDER BY starts, event_id LIMIT ?",
        (now, *after, most),
    )
    return [listed(row) for row in rows]


def next_with_seats(tx: Tx, now: int) -> Listed | None:
    """The first that is on sale, not over and not sold out."""
    row = tx.row(
        f"SELECT {COLUMNS} FROM listing WHERE state = 'on-sale' AND ends > ? AND EXISTS "
        "(SELECT 1 FROM seats WHERE seats.event_id = listing.event_id AND tier = '' "
        "AND (capacity IS NULL OR held + sold < capacity)) ORDER BY starts, event_id LIMIT 1",
        (now,),
    )
    return None if row is None else listed(row)


def of_organizer(tx: Tx, organizer: str, after: tuple[int, str], most: int) -> list[Listed]:
    """All of an organizer's events, by start, after the cursor (start, event_id)."""
    rows = tx.rows(
        f"SELECT {COLUMNS} FROM listing WHERE organizer = ? AND (starts, event_id) > (?, ?)"
        " ORDER BY starts, event_id LIMIT ?",
        (organizer, *after, most),
    )
    return [listed(row) for row in rows]


def codes(tx: Tx, now: int) -> list[str]:
    """The codes people can still type."""
    return [row[0] for row in tx.rows("SELECT code FROM listing WHERE ends > ?", (now,))]


def taken(tx: Tx) -> set[str]:
    """Every code ever given: an old one is never given to another event."""
    return {row[0] for row in tx.rows("SELECT code FROM listing")}


def organizers(tx: Tx, now: int) -> list[str]:
    """Keys of those whose events are not over."""
    return [r[0] for r in tx.rows("SELECT DISTINCT +organizer FROM listing WHERE ends > ?", (now,))]


def coming_of(tx: Tx, organizer: str, now: int) -> list[Listed]:
    """An organizer's events that are not over."""
    rows = tx.rows(
        f"SELECT {COLUMNS} FROM listing WHERE organizer = ? AND ends > ?", (organizer, now)
    )
    return [listed(row) for row in rows]


def save(tx: Tx, listing: Listing, code: str) -> None:
    """Put a listing on sale or bring it up to date, its seats with it."""
    tx.change(
        "INSERT INTO listing (event_id, code, organizer, note_id, created_at, starts, ends, state,"
        " body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (event_id) DO UPDATE SET"
        " note_id = excluded.note_id, created_at = excluded.created_at, starts = excluded.starts,"
        " ends = excluded.ends, state = excluded.state, body = excluded.body",
        (
            listing.event_id,
            code,
            listing.organizer,
            listing.note_id,
            listing.created_at,
            listing.start,
            listing.end,
            "cancelled" if listing.cancelled else "on-sale",
            orjson.dumps(listing.to_json()).decode(),
        ),
    )
    fit(tx, listing)


def fit(tx: Tx, listing: Listing) -> None:
    """The capacity that the note asks for, as far as what is held and sold allows it."""
    rows = {"": listing.stock} | {tier.name: tier.stock for tier in listing.tiers}
    for tier in {seats.tier for seats in seats_of(tx, listing.event_id)} - rows.keys():
        rows[tier] = 0  # a tier that is gone sells no more
    for tier, capacity in rows.items():
        _set_capacity(tx, listing.event_id, tier, capacity)


def cancel(tx: Tx, event_id: str) -> None:
    """Off sale at once."""
    tx.change("UPDATE listing SET state = 'cancelled' WHERE event_id = ?", (event_id,))


def close(tx: Tx, event_id: str) -> None:
    """Cancelled, and nobody holds a ticket of it any more."""
    tx.change("UPDATE listing SET state = 'closed' WHERE event_id = ?", (event_id,))


def seats_of(tx: Tx, event_id: str) -> list[Seats]:
    """Every row of seats of an event, the whole event ('') first."""
    rows = tx.rows(
        "SELECT tier, capacity, held, sold FROM seats WHERE event_id = ? ORDER BY tier", (event_id,)
    )
    return [Seats(*row) for row in rows]


def available(seats: Iterable[Seats], tier: str) -> int | None:
    """What can be had of a tier: no more than the tier has, nor than the event has."""
    free = [s.available for s in seats if s.tier in ("", tier) and s.available is not None]
    return min(free) if free else None


def pause(tx: Tx, event_id: str, now: int) -> None:
    """No new orders, whatever its note says from now on."""
    marks.put(tx, f"paused:{event_id}", str(now))


def resume(tx: Tx, event_id: str) -> None:
    """Sold again, as its note says."""
    marks.drop(tx, f"paused:{event_id}")


def paused(tx: Tx, event_id: str) -> bool:
    """Whether its organizer has paused its sales."""
    return marks.get(tx, f"paused:{event_id}") is not None


def seats_taken(seats: Iterable[Seats], tier: str) -> int:
    """Seats of a kind that are held or sold; '' are those without a tier."""
    by_tier = {one.tier: one.held + one.sold for one in seats}
    if tier:
        return by_tier.get(tier, 0)
    return 2 * by_tier.get("", 0) - sum(by_tier.values())


def hold(tx: Tx, event_id: str, tier: str, quantity: int) -> None:
    """Hold seats, of the event and of the tier; `Refused("sold-out")` when they are not there."""
    touched = tx.change(
        "UPDATE seats SET held = held + ?1 WHERE event_id = ?2 AND tier IN ('', ?3)"
        " AND (SELECT min(s.capacity IS NULL OR s.held + s.sold + ?1 <= s.capacity)"
        " FROM seats AS s WHERE s.event_id = ?2 AND s.tier IN ('', ?3))",
        (quantity, event_id, tier),
    )
    if touched != _rows_of(tier):
        raise short_of(tx, event_id, tier, quantity)


def short_of(tx: Tx, event_id: str, tier: str, quantity: int) -> Refused:
    """Why so many seats cannot be had: there is none, or there are fewer."""
    free = available(seats_of(tx, event_id), tier)
    row = tx.row("SELECT code FROM listing WHERE event_id = ?", (event_id,))
    wish = typed(row[0] if row else "", quantity, tier)
    if free:
        return Refused("sold-out", "fewer-left", n=free, wish=wish)
    return Refused("sold-out", "sold-out", wish=wish)


def free_held(tx: Tx, event_id: str, tier: str, quantity: int) -> None:
    """Give held seats back."""
    _move(tx, event_id, tier, "held = held - ?1", quantity)


def sell_held(tx: Tx, event_id: str, tier: str, quantity: int) -> None:
    """Held seats become sold ones."""
    _move(tx, event_id, tier, "held = held - ?1, sold = sold + ?1", quantity)


def sell_free(tx: Tx, event_id: str, tier: str, quantity: int) -> None:
    """Free seats become sold ones; the CHECK of the table refuses to oversell."""
    _move(tx, event_id, tier, "sold = sold + ?1", quantity)


def free_sold(tx: Tx, event_id: str, tier: str, quantity: int) -> None:
    """Seats of tickets that are void can be had again."""
    _move(tx, event_id, tier, "sold = sold - ?1", quantity)


def _move(tx: Tx, event_id: str, tier: str, what: str, quantity: int) -> None:
    touched = tx.change(
        f"UPDATE seats SET {what} WHERE event_id = ?2 AND tier IN ('', ?3)",
        (quantity, event_id, tier),
    )
    if touched != _rows_of(tier):
        raise LookupError(f"seats of {event_id} {tier!r}")


def _rows_of(tier: str) -> int:
    return 2 if tier else 1


def _set_capacity(tx: Tx, event_id: str, tier: str, capacity: int | None) -> None:
    """What is held or sold already stays so: capacity never falls below it."""
    tx.change(
        "INSERT INTO seats (event_id, tier, capacity) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET"
        " capacity = CASE WHEN ?3 IS NULL THEN NULL ELSE max(?3, held + sold) END",
        (event_id, tier, capacity),
    )


def listed(row: Row) -> Listed:
    """The listing in a row of `COLUMNS`."""
    _, code, state, body = row
    return Listed(_read(body), code, state)


@functools.lru_cache(maxsize=512)
def _read(body: str) -> Listing:
    """A listing is a value, so one reading of it serves every purchase."""
    return Listing.from_json(orjson.loads(body))
