"""People: the only rows that know whose key it is, and they are sealed."""

from __future__ import annotations

from typing import NamedTuple, cast

from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Via

FARTHEST_AHEAD = 600  # relays refuse events from a later future
NOBODY = 0  # whoever was forgotten; what is said to them goes nowhere


class Person(NamedTuple):
    """`id` is what the rest of the ledger knows; `pubkey` is hex, and empty for nobody.

    `language` is '' where they have not said a word of any; `chosen`: they asked for it.
    """

    id: int
    pubkey: str
    via: Via
    language: str = ""
    chosen: bool = False


def meet(tx: Tx, pubkey: str, via: Via | None = None) -> Person:
    """The person with this key, made when new; `via` is how they wrote, when they did."""
    found = known(tx, pubkey)
    if found is None:
        return welcome(tx, pubkey, via or "auto")
    return found if via is None else wrote(tx, found, via)


def known(tx: Tx, pubkey: str) -> Person | None:
    """The person with this key, if they were met before."""
    lookup = tx.vault.tag(b"person", bytes.fromhex(pubkey))
    row = tx.row("SELECT id, via, language, chosen FROM person WHERE lookup = ?", (lookup,))
    return None if row is None else Person(row[0], pubkey, row[1], row[2], bool(row[3]))


def welcome(tx: Tx, pubkey: str, via: Via) -> Person:
    """Somebody new."""
    key = bytes.fromhex(pubkey)
    number = tx.insert(
        "INSERT INTO person (lookup, sealed, via) VALUES (?, ?, ?)",
        (tx.vault.tag(b"person", key), tx.vault.seal(key, b"person"), via),
    )
    return Person(number, pubkey, via)


def wrote(tx: Tx, person: Person, via: Via) -> Person:
    """Somebody known writes, this way."""
    if person.via != via:
        tx.change("UPDATE person SET via = ? WHERE id = ?", (via, person.id))
    return person._replace(via=via)


def person(tx: Tx, number: int) -> Person:
    """The person with this number, or nobody."""
    if number == NOBODY:
        return Person(NOBODY, "", "auto")
    row = tx.row("SELECT sealed, via, language, chosen FROM person WHERE id = ?", (number,))
    if row is None:
        raise LookupError(f"person {number}")
    key = tx.vault.open(row[0], b"person").hex()
    return Person(number, key, cast(Via, row[1]), row[2], bool(row[3]))


def speaks(tx: Tx, person: Person, language: str, *, chosen: bool) -> Person:
    """They are written to in this language from now on; a choice is not undone by a guess."""
    if (person.chosen and not chosen) or (language, chosen) == (person.language, person.chosen):
        return person
    tx.change(
        "UPDATE person SET language = ?, chosen = ? WHERE id = ?", (language, chosen, person.id)
    )
    return person._replace(language=language, chosen=chosen)


def language_of(tx: Tx, number: int) -> tuple[str, bool]:
    """Which language a person is written to in, and whether they chose it."""
    row = tx.row("SELECT language, chosen FROM person WHERE id = ?", (number,))
    return ("", False) if row is None else (row[0], bool(row[1]))


def next_stamp(tx: Tx, number: int, now: int, messages: int = 1) -> int:
    """A `created_at` later than any this person was sent: clients sort by the second.

    It is that of the first of so many `messages`, each a second after the one before. Of
    somebody who has just been forgotten nothing earlier is known any more.
    """
    row = tx.row(
        "UPDATE person SET last_stamp = max(?1, min(last_stamp + 1, ?1 + ?2)) + ?4 WHERE id = ?3"
        " RETURNING last_stamp",
        (now, FARTHEST_AHEAD, number, messages - 1),
    )
    return now if row is None else int(row[0]) - messages + 1
