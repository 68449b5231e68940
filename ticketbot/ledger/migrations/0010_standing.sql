-- What somebody had shown when they joined a queue: 0 nothing, 1 proof of work, 2 they had paid
-- here before. And what became of each event's last offers to those who had not (bits, the newest
-- lowest, 1 = let go), with the orders that came of them.
ALTER TABLE place ADD COLUMN standing INTEGER NOT NULL DEFAULT 0 CHECK (standing BETWEEN 0 AND 2);
CREATE INDEX place_by_standing ON place (event_id, tier, standing DESC, id) WHERE kept = 0;

CREATE TABLE turns (
    event_id TEXT PRIMARY KEY REFERENCES listing (event_id),
    fates    INTEGER NOT NULL,
    passed   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE turn_taken (
    order_id TEXT PRIMARY KEY REFERENCES orders (id)
) STRICT, WITHOUT ROWID;
