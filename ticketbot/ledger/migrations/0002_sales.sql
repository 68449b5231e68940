-- Codes that make tickets cheaper. Their words are the organizer's and their friends' alone:
-- looked up by HMAC, sealed for the organizer's own list, and gone with the people of the event.
CREATE TABLE promo (
    id       INTEGER PRIMARY KEY,
    event_id TEXT NOT NULL REFERENCES listing (event_id),
    lookup   BLOB NOT NULL UNIQUE,
    code     BLOB,
    percent  INTEGER NOT NULL CHECK (percent BETWEEN 0 AND 100),
    off_msat INTEGER NOT NULL CHECK (off_msat >= 0),
    tier     TEXT,              -- NULL: every kind of ticket
    most     INTEGER,           -- tickets; NULL: any number
    until    INTEGER,
    used     INTEGER NOT NULL DEFAULT 0 CHECK (used >= 0),
    stopped  INTEGER NOT NULL DEFAULT 0 CHECK (stopped IN (0, 1)),
    CHECK ((percent = 0) <> (off_msat = 0)),
    CHECK (most IS NULL OR used <= most)
) STRICT;
CREATE INDEX promo_by_event ON promo (event_id, id);

-- Which order was placed with which code; `counts` while its tickets are held or once paid for.
CREATE TABLE promo_use (
    order_id TEXT PRIMARY KEY REFERENCES orders (id),
    promo    INTEGER NOT NULL REFERENCES promo (id),
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    counts   INTEGER NOT NULL CHECK (counts IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE INDEX promo_use_by_promo ON promo_use (promo);

-- Codes that were none, so that nobody tries many.
CREATE TABLE promo_guess (
    id     INTEGER PRIMARY KEY,
    person INTEGER NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    at     INTEGER NOT NULL
) STRICT;
CREATE INDEX promo_guess_by_person ON promo_guess (person, at);
CREATE INDEX promo_guess_by_age ON promo_guess (at);

-- A purchase whose buyer is still being asked something. It holds no seat.
CREATE TABLE checkout (
    person INTEGER PRIMARY KEY REFERENCES person (id) ON DELETE CASCADE,
    at     INTEGER NOT NULL,
    wish   BLOB NOT NULL  -- sealed: what they want, and what they have answered so far
) STRICT;
CREATE INDEX checkout_by_age ON checkout (at);

-- What the buyer of an order answered; gone with the person.
CREATE TABLE answer (
    order_id TEXT PRIMARY KEY REFERENCES orders (id),
    said     BLOB NOT NULL  -- sealed
) STRICT, WITHOUT ROWID;
