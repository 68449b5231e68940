-- A note that an organizer or an operator keeps with an order; gone with its people.
CREATE TABLE remark (
    order_id TEXT PRIMARY KEY REFERENCES orders (id),
    said     BLOB NOT NULL,  -- sealed
    at       INTEGER NOT NULL,
    by       TEXT NOT NULL CHECK (by IN ('organizer', 'operator'))
) STRICT, WITHOUT ROWID;

-- All scans of a ticket, those too that did not let it in: somebody asks why.
DROP INDEX scan_story;
CREATE INDEX scan_by_ticket ON scan (ticket, counts, id);
