-- The organizer's desk: gifts, announcements, and what they are looked up by.

-- Orders that an organizer gave away; they cost nothing and never did.
CREATE TABLE gift (
    order_id TEXT PRIMARY KEY REFERENCES orders (id),
    event_id TEXT NOT NULL REFERENCES listing (event_id),
    tickets  INTEGER NOT NULL CHECK (tickets > 0),
    given_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX gift_by_event ON gift (event_id, given_at);

-- What an organizer says to everybody who holds a ticket. The words go when all have been told.
CREATE TABLE announcement (
    id       TEXT PRIMARY KEY,
    event_id TEXT NOT NULL REFERENCES listing (event_id),
    state    TEXT NOT NULL CHECK (state IN ('draft', 'sending', 'sent')),
    words    BLOB,  -- sealed
    made_at  INTEGER NOT NULL,
    begun_at INTEGER,
    told     INTEGER NOT NULL DEFAULT 0,  -- people, once it was sent
    CHECK ((state = 'draft') = (begun_at IS NULL)),
    CHECK ((state = 'sent') = (words IS NULL))
) STRICT;
CREATE UNIQUE INDEX announcement_draft ON announcement (event_id) WHERE state = 'draft';
CREATE INDEX announcement_by_event ON announcement (event_id, begun_at);

-- An organizer names an order by the end of its id. Those with tickets are found by their tickets.
CREATE INDEX orders_left_by_event ON orders (event_id) WHERE state IN ('released', 'closed');

-- What the operator keeps of a payment, by the payment.
CREATE INDEX entry_commission ON entry (ref) WHERE account = 'commission';
