"""A second opinion on the books, which shares no code with the program.

It reads the ledger's tables with SQL of its own, and is told what the wallet has and which
tokens people were sent. Its answer is a list of sentences; an empty one is what we want.
"""

from __future__ import annotations

import base64
import hashlib
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Taken(NamedTuple):
    """An invoice as the wallet itself lists it."""

    payment_hash: str
    msat: int
    external_id: str | None
    paid: bool


class Books(NamedTuple):
    """The ledger's rows that money and seats hang on."""

    invoices: dict[str, tuple[str, str | None]]  # external_id → order, payment hash
    payments: dict[str, tuple[str, int]]  # payment hash → order, msat
    orders: dict[str, tuple[str, int]]  # id → state, quantity
    tickets: list[tuple[str, str, str | None, int, str, bytes]]
    refunds: list[tuple[str, int]]  # payment hash, msat
    spends: list[tuple[str, str, str, int]]  # payment hash, refund or payout, its state, msat
    signed: dict[bytes, str]  # hash of every token there is → ticket
    versions: dict[bytes, int]  # id of a ticket, as its token has it → its version now
    kept: dict[str, int]  # payment hash → msat that organizers keep of tickets given back
    gone: Counter[str]  # order → tickets of it that are void
    seats: list[tuple[str, str, int | None, int, int]]
    held: Counter[str]


def read(ledger: Path) -> Books:
    """The rows as they are on disk now."""
    with closing(sqlite3.connect(f"{ledger.absolute().as_uri()}?mode=ro", uri=True)) as db:

        def rows(sql: str) -> list[tuple]:  # type: ignore[type-arg]
            return db.execute(sql).fetchall()

        held: Counter[str] = Counter()
        for event, quantity in rows(
            "SELECT event_id, quantity FROM orders WHERE state IN ('held', 'invoiced')"
        ):
            held[event] += quantity
        return Books(
            {
                e: (o, h)
                for e, o, h in rows("SELECT external_id, order_id, payment_hash FROM invoice")
            },
            {
                h: (o, m)
                for h, o, m in rows("SELECT payment_hash, order_id, amount_msat FROM payment")
            },
            {i: (s, q) for i, s, q in rows("SELECT id, state, quantity FROM orders")},
            rows(
                "SELECT id, order_id, payment_hash, price_msat, event_id, token_hash FROM ticket"
                " WHERE state <> 'void'"
            ),
            rows("SELECT payment_hash, amount_msat FROM refund"),
            rows(
                "SELECT spend.payment_hash, refund.id, refund.state, refund.amount_msat"
                " FROM spend JOIN (SELECT id, state, amount_msat FROM refund"
                " UNION ALL SELECT id, state, amount_msat FROM payout) AS refund"
                " ON refund.id = ref"
            ),
            {bytes(h): i for h, i in rows("SELECT token_hash, id FROM ticket")},
            {base64.b32decode(i.upper()): v for i, v in rows("SELECT id, version FROM ticket")},
            dict(
                rows(
                    "SELECT payment_hash, sum(kept_msat) FROM ticket"
                    " WHERE state = 'void' GROUP BY payment_hash"
                )
            ),
            Counter(
                dict(rows("SELECT order_id, count(*) FROM ticket WHERE state='void' GROUP BY 1"))
            ),
            rows("SELECT event_id, tier, capacity, held, sold FROM seats"),
            held,
        )


class Given(NamedTuple):
    """A payment that left the wallet, as the wallet itself lists it."""

    payment_hash: str
    msat: int


def check(
    ledger: Path,
    wallet: Sequence[Taken],
    tokens: Iterable[str],
    key: bytes,
    given: Sequence[Given] = (),
) -> list[str]:
    """Everything that is wrong. `tokens`: every ticket that anybody was sent."""
    books = read(ledger)
    return [
        *_wallet(books, wallet),
        *_given(books, given),
        *_fates(books),
        *_seats(books),
        *_tokens(books, set(tokens), key),
    ]


def _wallet(books: Books, wallet: Sequence[Taken]) -> Iterator[str]:
    paid = {one.payment_hash: one for one in wallet if one.paid and one.external_id}
    for payment_hash, one in paid.items():
        if books.payments.get(payment_hash, ("", 0))[1] != one.msat:
            yield f"the wallet took {one.msat} msat for {one.external_id}, the ledger did not"
    for payment_hash in books.payments.keys() - paid.keys():
        yield f"the ledger credits {payment_hash}, which the wallet never took"
    known = {payment_hash for _, payment_hash in books.invoices.values()}
    for one in wallet:
        if one.external_id and one.payment_hash not in known and not _in_doubt(books, one):
            yield f"an invoice for {one.external_id} is at the wallet, and nobody watches it"


def _given(books: Books, given: Sequence[Given]) -> Iterator[str]:
    """What left the wallet paid one refund or payout each, and none twice."""
    refund_of = {payment_hash: rest for payment_hash, *rest in books.spends}
    times: Counter[str] = Counter()
    for one in given:
        refund, state, msat = refund_of.get(one.payment_hash, ("nobody", "sent", 0))
        times[refund] += 1
        if (state, msat) != ("sent", one.msat):
            yield f"{one.msat} msat left the wallet for {refund}, which is {state} of {msat} msat"
    yield from (f"{refund} was paid {n} times" for refund, n in times.items() if n > 1)


def _in_doubt(books: Books, one: Taken) -> bool:
    """Asked for, and the answer not yet recorded: the outbox still works on it."""
    return books.invoices.get(one.external_id or "", ("", "known"))[1] is None


def _fates(books: Books) -> Iterator[str]:
    worth: dict[str, int] = defaultdict(int)
    number: Counter[str] = Counter()
    for _, order, payment_hash, msat, _, _ in books.tickets:
        number[order] += 1
        if payment_hash:
            worth[payment_hash] += msat
    for payment_hash, msat in books.refunds:
        worth[payment_hash] += msat
    for payment_hash, msat in books.kept.items():
        worth[payment_hash] += msat
    for payment_hash, (order, msat) in books.payments.items():
        if worth[payment_hash] != msat:
            yield f"{msat} msat came for order {order}, {worth[payment_hash]} msat have a fate"
    for order, (state, quantity) in books.orders.items():
        expected = quantity - books.gone[order] if state == "paid" else 0
        if number[order] != expected:
            yield f"order {order} is {state} and has {number[order]} of {quantity} tickets"


def _seats(books: Books) -> Iterator[str]:
    sold = Counter(ticket[4] for ticket in books.tickets)
    for event, tier, capacity, held, taken in books.seats:
        if tier:
            continue
        if capacity is not None and held + taken > capacity:
            yield f"{event} is oversold: {held} + {taken} of {capacity}"
        if (held, taken) != (books.held[event], sold[event]):
            yield f"{event}: seats say {held} + {taken}, rows {books.held[event]} + {sold[event]}"


def _tokens(books: Books, tokens: set[str], key: bytes) -> Iterator[str]:
    verifier = Ed25519PublicKey.from_public_bytes(key)
    for token in tokens:
        text = token.removeprefix("TKT1:")
        raw = base64.b32decode(text + "=" * (-len(text) % 8))
        try:
            verifier.verify(raw[-64:], raw[:-64])
        except InvalidSignature:
            yield f"a token was sent that nobody can verify: {token}"
        older = int.from_bytes(raw[51:53], "big") < books.versions.get(raw[1:11], 0)
        if hashlib.sha256(token.encode()).digest() not in books.signed and not older:
            yield f"a token was sent that the ledger does not know: {token}"
