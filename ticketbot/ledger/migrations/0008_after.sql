-- The language somebody is written to in: '' until they said a word of one. `chosen`: by `lang`,
-- and no greeting changes it any more.
ALTER TABLE person ADD COLUMN language TEXT NOT NULL DEFAULT '';
ALTER TABLE person ADD COLUMN chosen INTEGER NOT NULL DEFAULT 0 CHECK (chosen IN (0, 1));

-- After an event: how far its visitors were thanked (the ticket's row number), and when that was
-- done. `thanked` is only as long as that goes on: whoever has two tickets is thanked once.
CREATE TABLE thanks (
    event_id TEXT PRIMARY KEY REFERENCES listing (event_id),
    after    INTEGER NOT NULL,
    done_at  INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE thanked (
    event_id TEXT NOT NULL REFERENCES listing (event_id),
    person   INTEGER NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    PRIMARY KEY (event_id, person)
) STRICT, WITHOUT ROWID;
CREATE INDEX thanked_by_person ON thanked (person);

-- Who asked for a badge of an event (NIP-58), which is public; and which badges were defined.
CREATE TABLE badge_wish (
    event_id   TEXT NOT NULL REFERENCES listing (event_id),
    person     INTEGER NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    awarded_at INTEGER,
    PRIMARY KEY (event_id, person)
) STRICT, WITHOUT ROWID;
CREATE INDEX badge_wish_by_person ON badge_wish (person);
CREATE INDEX badge_wish_open ON badge_wish (event_id) WHERE awarded_at IS NULL;
CREATE TABLE badge (
    event_id TEXT PRIMARY KEY REFERENCES listing (event_id),
    made_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
