-- Who waits for seats of an event that is sold out, in turn. `kept` seats are held for them
-- until `until`. Whoever takes the row away has decided what becomes of the place.
CREATE TABLE place (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id  TEXT NOT NULL REFERENCES listing (event_id),
    tier      TEXT NOT NULL,
    person    INTEGER NOT NULL REFERENCES person (id),
    quantity  INTEGER NOT NULL CHECK (quantity > 0),
    joined_at INTEGER NOT NULL,
    kept      INTEGER NOT NULL DEFAULT 0 CHECK (kept BETWEEN 0 AND quantity),
    until     INTEGER,
    CHECK ((kept > 0) = (until IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX place_by_person ON place (person, event_id, tier);
CREATE INDEX place_waiting ON place (event_id, tier, id) WHERE kept = 0;
CREATE INDEX place_kept ON place (until) WHERE kept > 0;
CREATE INDEX place_by_event ON place (event_id, id);
