"""Places in the queue of an event that is sold out, as long as somebody waits in them."""

from __future__ import annotations

from typing import NamedTuple

from ticketbot.ledger.store import Tx

COLUMNS = "id, event_id, tier, person, quantity, joined_at, kept, until, standing"
MOST = 50  # places of one person that are looked at


class Place(NamedTuple):
    """Somebody (a person's number) waits for `quantity` seats; `kept` of them are held for them.

    `until`: unix seconds until which they are, None while none is. `standing`: what they have
    shown, as in domain/waiting.py.
    """

    id: int
    event_id: str
    tier: str
    person: int
    quantity: int
    joined_at: int
    kept: int = 0
    until: int | None = None
    standing: int = 0


def join(
    tx: Tx, event_id: str, tier: str, person: int, quantity: int, now: int, standing: int = 0
) -> Place:
    """A new place, behind all others."""
    number = tx.insert(
        "INSERT INTO place (event_id, tier, person, quantity, joined_at, standing)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (event_id, tier, person, quantity, now, standing),
    )
    return Place(number, event_id, tier, person, quantity, now, standing=standing)


def raise_to(tx: Tx, place: Place, standing: int) -> Place:
    """Who waits there has shown more since they joined."""
    tx.change("UPDATE place SET standing = ? WHERE id = ?", (standing, place.id))
    return place._replace(standing=standing)


def change(tx: Tx, place: Place, quantity: int) -> Place:
    """The same turn for another number of seats."""
    tx.change("UPDATE place SET quantity = ? WHERE id = ?", (quantity, place.id))
    return place._replace(quantity=quantity)


def keep(tx: Tx, place: Place, seats: int, until: int | None) -> Place:
    """It is their turn: so many seats are theirs to take until then. With none they wait again."""
    tx.change("UPDATE place SET kept = ?, until = ? WHERE id = ?", (seats, until, place.id))
    return place._replace(kept=seats, until=until)


def leave(tx: Tx, place: Place) -> None:
    """Nobody waits there any more."""
    tx.change("DELETE FROM place WHERE id = ?", (place.id,))


def of(tx: Tx, person: int, event_id: str, tier: str) -> Place | None:
    """Where somebody waits for one kind of seat."""
    return _first(tx, "person = ? AND event_id = ? AND tier = ?", person, event_id, tier)


def of_person(tx: Tx, person: int, event_id: str | None = None) -> list[Place]:
    """Where somebody waits, in all or for one event; the oldest place first."""
    if event_id is None:
        return _all(tx, "person = ? ORDER BY id LIMIT ?", person, MOST)
    return _all(tx, "person = ? AND event_id = ? ORDER BY id", person, event_id)


def ahead(tx: Tx, place: Place, *, favoured: bool = False) -> int:
    """How many wait for the same before them; `favoured`: by their standing first."""
    before = "(standing > ?3 OR (standing = ?3 AND id < ?4))" if favoured else "?3 >= 0 AND id < ?4"
    row = tx.row(
        "SELECT count(*) FROM place WHERE event_id = ?1 AND tier = ?2 AND kept = 0 AND " + before,
        (place.event_id, place.tier, place.standing, place.id),
    )
    return int(row[0]) if row else 0


def kept_besides(tx: Tx, person: int, event_id: str, tier: str) -> int:
    """How many seats of other kinds are kept for somebody."""
    row = tx.row(
        "SELECT coalesce(sum(kept), 0) FROM place WHERE person = ? AND event_id = ? AND tier <> ?",
        (person, event_id, tier),
    )
    return int(row[0]) if row else 0


def waiting(tx: Tx, event_id: str) -> int:
    """How many places an event's queue has, whatever the tier."""
    row = tx.row("SELECT count(*) FROM place WHERE event_id = ?", (event_id,))
    return int(row[0]) if row else 0


def wanted(tx: Tx, event_id: str) -> dict[str, int]:
    """How many seats are waited for, by tier."""
    rows = tx.rows(
        "SELECT tier, sum(quantity) FROM place WHERE event_id = ? AND kept = 0 GROUP BY tier",
        (event_id,),
    )
    return {tier: int(seats) for tier, seats in rows}


def first(tx: Tx, event_id: str, tier: str) -> Place | None:
    """Whose turn it is for one kind of seat."""
    return _first(tx, "event_id = ? AND tier = ? AND kept = 0 ORDER BY id LIMIT 1", event_id, tier)


def favoured(tx: Tx, event_id: str, tier: str) -> Place | None:
    """Whose turn it is where who has shown more comes first."""
    order = "standing DESC, id LIMIT 1"
    where = f"event_id = ? AND tier = ? AND kept = 0 ORDER BY {order}"
    return _first(tx, where, event_id, tier)


def over(tx: Tx, now: int, most: int) -> list[Place]:
    """Whose seats were kept long enough."""
    return _all(tx, "kept > 0 AND until <= ? ORDER BY until LIMIT ?", now, most)


def events(tx: Tx) -> list[str]:
    """Events that anybody waits for, or that seats are kept of."""
    return [row[0] for row in tx.rows("SELECT DISTINCT event_id FROM place")]


def of_event(tx: Tx, event_id: str, most: int) -> list[Place]:
    """The first who wait for an event, whatever the tier."""
    return _all(tx, "event_id = ? ORDER BY id LIMIT ?", event_id, most)


def _first(tx: Tx, where: str, *values: object) -> Place | None:
    row = tx.row(f"SELECT {COLUMNS} FROM place WHERE {where}", values)
    return None if row is None else Place(*row)


def _all(tx: Tx, where: str, *values: object) -> list[Place]:
    return [Place(*row) for row in tx.rows(f"SELECT {COLUMNS} FROM place WHERE {where}", values)]
