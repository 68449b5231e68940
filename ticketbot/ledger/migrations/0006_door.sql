-- The door. Who may let people in: a person (`lookup` by HMAC, `sealed` key) or whoever has a secret
-- (`lookup` is its HMAC, and nothing is sealed). Both are forgotten some time after the event.
CREATE TABLE door_pass (
    id         INTEGER PRIMARY KEY,
    event_id   TEXT NOT NULL REFERENCES listing (event_id),
    kind       TEXT NOT NULL CHECK (kind IN ('person', 'token')),
    lookup     BLOB,
    sealed     BLOB,
    gate       TEXT NOT NULL DEFAULT '',
    made_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    removed_at INTEGER
) STRICT;
CREATE UNIQUE INDEX door_pass_in_force ON door_pass (lookup, event_id)
    WHERE removed_at IS NULL AND lookup IS NOT NULL;
CREATE INDEX door_pass_of_somebody ON door_pass (lookup) WHERE lookup IS NOT NULL;
CREATE INDEX door_pass_by_event ON door_pass (event_id);
CREATE INDEX door_pass_known ON door_pass (expires_at) WHERE lookup IS NOT NULL;
CREATE INDEX listing_at_door ON listing (organizer, ends);

-- Whatever was shown at a door, and what came of it. Nobody edits it.
CREATE TABLE scan (
    id        INTEGER PRIMARY KEY,
    nonce     BLOB,  -- HMAC of what the scanner calls it, so that telling it twice is once
    event_id  TEXT NOT NULL REFERENCES listing (event_id),
    ticket    TEXT REFERENCES ticket (id),
    kind      TEXT NOT NULL CHECK (kind IN ('check-in', 'checkout', 'undo')),
    outcome   TEXT NOT NULL,
    counts    INTEGER NOT NULL CHECK (counts IN (0, 1)),  -- 1: it belongs to the ticket's story
    at        INTEGER NOT NULL,
    device_at INTEGER,  -- when it happened, where that was told later
    gate      TEXT NOT NULL,
    pass      INTEGER REFERENCES door_pass (id)  -- by whom; NULL: the organizer
) STRICT;
CREATE INDEX scan_story ON scan (ticket, id) WHERE counts = 1;
CREATE INDEX scan_by_event ON scan (event_id, id) WHERE counts = 1;
CREATE UNIQUE INDEX scan_told_once ON scan (nonce) WHERE nonce IS NOT NULL;
CREATE TRIGGER scan_is_never_changed BEFORE UPDATE ON scan
BEGIN SELECT RAISE(ABORT, 'scans are append-only'); END;
CREATE TRIGGER scan_is_never_deleted BEFORE DELETE ON scan
BEGIN SELECT RAISE(ABORT, 'scans are append-only'); END;

-- How many came in, came back and went, by tier and gate: the sum of what scans say.
CREATE TABLE door_count (
    event_id TEXT NOT NULL REFERENCES listing (event_id),
    tier     TEXT NOT NULL,
    gate     TEXT NOT NULL,
    entries  INTEGER NOT NULL DEFAULT 0,
    returns  INTEGER NOT NULL DEFAULT 0,
    exits    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (event_id, tier, gate)
) STRICT, WITHOUT ROWID;
