-- Time: unix seconds. Money: msat. Ids: text made in Python. People: only `person` knows a key,
-- looked up by HMAC and sealed; everything else points to the person's number.

CREATE TABLE mark (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE person (
    id         INTEGER PRIMARY KEY,
    lookup     BLOB NOT NULL UNIQUE,
    sealed     BLOB NOT NULL,
    via        TEXT NOT NULL CHECK (via IN ('nip17', 'nip04', '24133', 'auto')),
    last_stamp INTEGER NOT NULL DEFAULT 0
) STRICT;
-- Nobody: whoever was forgotten. What is kept of their orders points here.
INSERT INTO person (id, lookup, sealed, via) VALUES (0, x'', x'', 'auto');

CREATE TABLE inbox (
    key BLOB PRIMARY KEY,
    at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX inbox_by_age ON inbox (at);

CREATE TABLE listing (
    event_id   TEXT PRIMARY KEY,
    code       TEXT NOT NULL UNIQUE,
    organizer  TEXT NOT NULL,
    note_id    TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    starts     INTEGER NOT NULL,
    ends       INTEGER NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('on-sale', 'cancelled', 'closed')),
    body       TEXT NOT NULL
) STRICT;
CREATE INDEX listing_by_note ON listing (note_id);
CREATE INDEX listing_by_start ON listing (ends, starts);

-- The row with tier '' is the whole event; a tier has a row of its own inside it.
CREATE TABLE seats (
    event_id TEXT NOT NULL REFERENCES listing (event_id),
    tier     TEXT NOT NULL,
    capacity INTEGER CHECK (capacity >= 0),
    held     INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0),
    sold     INTEGER NOT NULL DEFAULT 0 CHECK (sold >= 0),
    -- Of the whole event only: its last holds as bits, the newest lowest, 1 = left unpaid.
    fates     INTEGER NOT NULL DEFAULT 0,
    lapsed_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (event_id, tier),
    CHECK (capacity IS NULL OR held + sold <= capacity)
) STRICT, WITHOUT ROWID;

CREATE TABLE orders (
    id          TEXT PRIMARY KEY,
    person      INTEGER NOT NULL REFERENCES person (id),
    event_id    TEXT NOT NULL REFERENCES listing (event_id),
    tier        TEXT NOT NULL,
    quantity    INTEGER NOT NULL CHECK (quantity > 0),
    unit_msat   INTEGER NOT NULL CHECK (unit_msat >= 0),
    amount_msat INTEGER NOT NULL CHECK (amount_msat = unit_msat * quantity),
    state       TEXT NOT NULL CHECK (state IN ('held', 'invoiced', 'released', 'paid', 'closed')),
    via         TEXT NOT NULL,
    request_id  BLOB,  -- sealed: programs put into it what they like
    placed_at   INTEGER NOT NULL,
    hold_until  INTEGER NOT NULL
) STRICT;
CREATE INDEX orders_open ON orders (hold_until) WHERE state IN ('held', 'invoiced');
CREATE INDEX orders_by_person ON orders (person);
CREATE INDEX orders_open_by_event ON orders (event_id, person) WHERE state IN ('held', 'invoiced');

-- What a machine asked for under a request_id, so that asking twice buys once.
CREATE TABLE request (
    key      BLOB PRIMARY KEY,
    content  BLOB NOT NULL,
    order_id TEXT NOT NULL REFERENCES orders (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX request_by_order ON request (order_id);

CREATE TABLE invoice (
    external_id  TEXT PRIMARY KEY,
    order_id     TEXT NOT NULL REFERENCES orders (id),
    asked_at     INTEGER NOT NULL,
    payment_hash TEXT,
    bolt11       TEXT,
    amount_msat  INTEGER,
    expires_at   INTEGER
) STRICT;
CREATE INDEX invoice_by_order ON invoice (order_id);

-- One payment_hash, one use: over invoices, refunds and payouts together.
CREATE TABLE payment_hash (
    hash TEXT PRIMARY KEY,
    use  TEXT NOT NULL CHECK (use IN ('invoice', 'refund', 'payout')),
    ref  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE payment (
    payment_hash TEXT PRIMARY KEY REFERENCES payment_hash (hash),
    order_id     TEXT NOT NULL REFERENCES orders (id),
    amount_msat  INTEGER NOT NULL CHECK (amount_msat > 0),
    credited_at  INTEGER NOT NULL,
    fate         TEXT NOT NULL CHECK (fate IN ('tickets', 'refund'))
) STRICT, WITHOUT ROWID;
CREATE INDEX payment_by_order ON payment (order_id);

-- Money for an order that this ledger does not know: it was made with one that is lost.
CREATE TABLE orphan (
    payment_hash TEXT PRIMARY KEY,
    external_id  TEXT NOT NULL,
    tag          TEXT NOT NULL,
    amount_msat  INTEGER NOT NULL CHECK (amount_msat > 0),
    settled_at   INTEGER,
    found_at     INTEGER NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('open', 'closed'))
) STRICT, WITHOUT ROWID;
CREATE INDEX orphan_open ON orphan (tag) WHERE state = 'open';

CREATE TABLE ticket (
    id           TEXT PRIMARY KEY,
    order_id     TEXT NOT NULL REFERENCES orders (id),
    event_id     TEXT NOT NULL REFERENCES listing (event_id),
    tier         TEXT NOT NULL,
    holder       INTEGER NOT NULL REFERENCES person (id),
    payment_hash TEXT REFERENCES payment (payment_hash),
    price_msat   INTEGER NOT NULL CHECK (price_msat >= 0),
    state        TEXT NOT NULL CHECK (state IN ('valid', 'admitted', 'out', 'void')),
    version      INTEGER NOT NULL DEFAULT 1 CHECK (version > 0),
    issued_at    INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    nonce        BLOB NOT NULL,
    token_hash   BLOB NOT NULL,
    refund_id    TEXT REFERENCES refund (id)  -- which refund gives its price back, once it is void
) STRICT;
CREATE INDEX ticket_by_order ON ticket (order_id);
CREATE INDEX ticket_by_event ON ticket (event_id);
CREATE INDEX ticket_by_holder ON ticket (holder, event_id);

-- Money that goes back: what it gives back of which payment, and to whom it is owed now.
CREATE TABLE refund (
    id           TEXT PRIMARY KEY,
    order_id     TEXT NOT NULL REFERENCES orders (id),
    person       INTEGER NOT NULL REFERENCES person (id),
    payment_hash TEXT NOT NULL REFERENCES payment (payment_hash),
    amount_msat  INTEGER NOT NULL CHECK (amount_msat > 0),
    reason       TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('due', 'sending', 'sent')),
    decided_at   INTEGER NOT NULL,
    destination  BLOB,
    sent_at      INTEGER,
    CHECK ((state = 'sent') = (sent_at IS NOT NULL))
) STRICT;
CREATE INDEX refund_by_order ON refund (order_id);
CREATE INDEX refund_by_person ON refund (person, state);
CREATE INDEX refund_open ON refund (decided_at) WHERE state <> 'sent';

-- A bolt11 of somebody else that the wallet was asked to pay, stored before it was asked.
CREATE TABLE spend (
    payment_hash TEXT PRIMARY KEY REFERENCES payment_hash (hash),
    purpose      TEXT NOT NULL CHECK (purpose IN ('refund', 'payout')),
    ref          TEXT NOT NULL,
    amount_msat  INTEGER NOT NULL CHECK (amount_msat > 0),
    fee_msat     INTEGER NOT NULL DEFAULT 0 CHECK (fee_msat >= 0),
    state        TEXT NOT NULL CHECK (state IN ('open', 'paid', 'failed')),
    made_at      INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    bolt11       BLOB,  -- sealed; forgotten with the person whose it was
    CHECK (bolt11 IS NOT NULL OR state <> 'open')
) STRICT, WITHOUT ROWID;
CREATE INDEX spend_by_ref ON spend (purpose, ref);
CREATE UNIQUE INDEX spend_once ON spend (purpose, ref) WHERE state <> 'failed';

-- Why everything that concerns money or entry is as it is. Names nobody; nobody edits it.
CREATE TABLE decision (
    id      INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    subject TEXT NOT NULL,
    what    TEXT NOT NULL,
    detail  TEXT NOT NULL
) STRICT;
CREATE INDEX decision_by_subject ON decision (subject);
CREATE TRIGGER decision_is_never_changed BEFORE UPDATE ON decision
BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END;
CREATE TRIGGER decision_is_never_deleted BEFORE DELETE ON decision
BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END;

-- Double entry: the rows of one `ref` sum to zero, and nobody edits the past.
CREATE TABLE entry (
    id          INTEGER PRIMARY KEY,
    ref         TEXT NOT NULL,
    account     TEXT NOT NULL,
    amount_msat INTEGER NOT NULL,
    at          INTEGER NOT NULL
) STRICT;
CREATE TRIGGER entry_is_never_changed BEFORE UPDATE ON entry
BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END;
CREATE TRIGGER entry_is_never_deleted BEFORE DELETE ON entry
BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END;

-- What must still happen outside; a row is deleted when it is done.
CREATE TABLE outbox (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,  -- an id is never used twice
    key      TEXT NOT NULL UNIQUE,
    kind     TEXT NOT NULL CHECK (kind IN ('invoice', 'message', 'note', 'refund', 'closing', 'payout',
        'errand')),
    put_at   INTEGER NOT NULL,
    due      INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    body     BLOB NOT NULL
) STRICT;
CREATE INDEX outbox_due ON outbox (kind, due, id);

-- Which relays took a message that others have not taken yet.
CREATE TABLE accepted (
    id    INTEGER NOT NULL REFERENCES outbox (id) ON DELETE CASCADE,
    relay TEXT NOT NULL,
    PRIMARY KEY (id, relay)
) STRICT, WITHOUT ROWID;

-- Poison: what failed three times for a reason of its own, kept for the operator.
CREATE TABLE quarantine (
    id    INTEGER PRIMARY KEY,
    at    INTEGER NOT NULL,
    room  TEXT NOT NULL,
    key   TEXT NOT NULL,
    error BLOB NOT NULL,  -- sealed like the body: it may quote it
    body  BLOB NOT NULL
) STRICT;
