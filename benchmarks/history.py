"""A ledger with a past: so many tickets sold, each with all the rows that a sale leaves behind.

SQL makes the rows, as the ledger's own functions would take minutes for a million. Keys that
are random in life are random here, and inserted in no order, so that the B-trees are as loose
as they become in life; the invariants of `ticketbot audit` hold.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

from benchmarks.bot import ORGANIZER, PRICE_MSAT, on_sale, vault_of
from ticketbot.ledger import listings
from ticketbot.ledger.schema import migrate
from ticketbot.ledger.store import Tx, check_owner, connect

SEATS = 500  # of each event
ORDERS_EACH = 3  # of each person
DAY = 86_400

# Nothing in the file is worth anything before it is whole.
_HASTE = """
PRAGMA journal_mode=OFF;
PRAGMA synchronous=OFF;
PRAGMA secure_delete=OFF;
PRAGMA foreign_keys=OFF;
PRAGMA cache_size=-2000000;
"""

# A second of the past per sale; ids begin with it, as those of the bot do.
_SALES = """
CREATE TEMP TABLE sale AS
WITH RECURSIVE number (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n + 1 < :sales)
SELECT
    n,
    :began + n AS at,
    printf('%08x', :began + n) || lower(hex(randomblob(2))) AS order_id,
    printf('%08x', :began + n) || lower(hex(randomblob(4))) AS ticket_id,
    lower(hex(randomblob(32))) AS hash,
    n / :orders_each + 1 AS person,
    :event || (n / :seats) AS event_id
FROM number
"""

_ROWS = (
    """
INSERT INTO person (id, lookup, sealed, via, last_stamp)
SELECT person, randomblob(16), randomblob(60), 'nip17', max(at) FROM sale GROUP BY person
""",
    "INSERT INTO inbox (key, at) SELECT randomblob(16), at FROM sale",
    """
INSERT INTO orders (id, person, event_id, tier, quantity, unit_msat, amount_msat, state, via,
    placed_at, hold_until)
SELECT order_id, person, event_id, '', 1, :price, :price, 'paid', 'nip17', at, at + 600 FROM sale
""",
    """
INSERT INTO invoice (external_id, order_id, asked_at, payment_hash, bolt11, amount_msat, expires_at)
SELECT order_id || '-1', order_id, at, hash, 'lnbcrt21u1' || lower(hex(randomblob(150))), :price,
    at + 660 FROM sale
""",
    "INSERT INTO payment_hash (hash, use, ref) SELECT hash, 'invoice', order_id || '-1' FROM sale",
    """
INSERT INTO payment (payment_hash, order_id, amount_msat, credited_at, fate)
SELECT hash, order_id, :price, at + 5, 'tickets' FROM sale
""",
    """
INSERT INTO entry (ref, account, amount_msat, at)
SELECT 'payment:' || hash, account, sign * :price, at + 5 FROM sale
JOIN (SELECT 'wallet' AS account, 1 AS sign UNION ALL SELECT 'organizer:' || :organizer, -1)
""",
    """
INSERT INTO ticket (id, order_id, event_id, tier, holder, payment_hash, price_msat, state,
    issued_at, expires_at, nonce, token_hash)
SELECT ticket_id, order_id, event_id, '', person, hash, :price, 'valid', at + 5,
    at + 30 * 86400, randomblob(8), randomblob(32) FROM sale
""",
    """
INSERT INTO share (event_id, organizer, ends, gross_msat)
SELECT event_id, :organizer, max(ends), count(*) * :price FROM sale JOIN listing USING (event_id)
GROUP BY event_id
""",
    """
UPDATE seats SET sold = sales FROM (SELECT event_id, count(*) AS sales FROM sale GROUP BY event_id)
AS whole WHERE whole.event_id = seats.event_id
""",
)


def fill(folder: Path, sales: int, now: int) -> None:
    """Make a ledger in `folder` in which `sales` tickets were sold, the last one a day ago."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "ledger.db"
    db = connect(path)
    try:
        migrate(db, path)
        vault = vault_of(folder)
        check_owner(db, vault)
        db.executescript(_HASTE)
        _write(db, Tx(db, vault), sales, now - DAY - sales)
    finally:
        db.close()


def _write(db: sqlite3.Connection, tx: Tx, sales: int, began: int) -> None:
    values = {
        "sales": sales,
        "began": began,
        "seats": SEATS,
        "orders_each": ORDERS_EACH,
        "event": f"31923:{ORGANIZER}:evening-",
        "organizer": ORGANIZER,
        "price": PRICE_MSAT,
    }
    db.execute("BEGIN")
    for number in range(-(-sales // SEATS)):
        _announce(tx, number, began + number * SEATS)
    for sql in (_SALES, *_ROWS):
        db.execute(sql, values)
    db.execute("COMMIT")


def _announce(tx: Tx, number: int, start: int) -> None:
    """An event of the past, sold out or nearly."""
    listing = replace(
        on_sale(ORGANIZER, start - DAY),
        event_id=f"31923:{ORGANIZER}:evening-{number}",
        title=f"Evening {number}",
        start=start,
        end=start + 3 * 3600,
        stock=SEATS,
    )
    listings.save(tx, listing, f"EVENING{number}")
