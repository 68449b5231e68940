-- Entries that a door told later and that should not have been: how many of an event there are, and of how many
-- its organizer was told. The entries themselves are scans.
CREATE TABLE door_conflict (
    event_id TEXT PRIMARY KEY REFERENCES listing (event_id),
    found    INTEGER NOT NULL,
    told     INTEGER NOT NULL DEFAULT 0 CHECK (told <= found),
    told_at  INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX door_conflict_untold ON door_conflict (told_at) WHERE told < found;
CREATE INDEX scan_in_conflict ON scan (event_id, id) WHERE device_at IS NOT NULL
    AND kind = 'check-in' AND outcome NOT IN ('admitted', 'readmitted');
INSERT INTO door_conflict (event_id, found, told)
    SELECT event_id, count(*), count(*) FROM scan WHERE device_at IS NOT NULL
    AND kind = 'check-in' AND outcome NOT IN ('admitted', 'readmitted') GROUP BY event_id;
