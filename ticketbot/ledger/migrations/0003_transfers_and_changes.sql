-- A ticket that its holder offers to somebody else. The row is there as long as that is open:
-- whoever takes it away has decided.
CREATE TABLE transfer (
    code       TEXT PRIMARY KEY,
    ticket_id  TEXT NOT NULL UNIQUE REFERENCES ticket (id),
    sender     INTEGER NOT NULL REFERENCES person (id),
    recipient  INTEGER NOT NULL REFERENCES person (id),
    made_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    CHECK (sender <> recipient)
) STRICT, WITHOUT ROWID;
CREATE INDEX transfer_by_recipient ON transfer (recipient);
CREATE INDEX transfer_by_sender ON transfer (sender);

-- What the organizer keeps of the price of a ticket that was given back.
ALTER TABLE ticket ADD COLUMN kept_msat INTEGER NOT NULL DEFAULT 0
    CHECK (kept_msat BETWEEN 0 AND price_msat AND (kept_msat = 0 OR state = 'void'));
CREATE INDEX ticket_by_event_and_holder ON ticket (event_id, holder);

-- When an event was last moved to another time or place. Whoever had ordered by then may give
-- tickets back for their whole price until `until`.
CREATE TABLE moved (
    event_id TEXT PRIMARY KEY REFERENCES listing (event_id),
    at       INTEGER NOT NULL,
    until    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
