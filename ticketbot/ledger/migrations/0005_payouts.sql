-- What of a payment was kept as commission at the sale; how much of it went back since, and how
-- much of the commission with it.
ALTER TABLE payment ADD COLUMN commission_msat INTEGER NOT NULL DEFAULT 0
    CHECK (commission_msat BETWEEN 0 AND amount_msat);
ALTER TABLE payment ADD COLUMN back_msat INTEGER NOT NULL DEFAULT 0
    CHECK (back_msat BETWEEN 0 AND amount_msat);
ALTER TABLE payment ADD COLUMN returned_msat INTEGER NOT NULL DEFAULT 0
    CHECK (returned_msat BETWEEN 0 AND commission_msat);

-- An organizer's account, event by event: sums of the book, kept beside it.
CREATE TABLE share (
    event_id        TEXT PRIMARY KEY REFERENCES listing (event_id),
    organizer       TEXT NOT NULL,
    ends            INTEGER NOT NULL,  -- the latest end that a ticket was sold for
    gross_msat      INTEGER NOT NULL DEFAULT 0 CHECK (gross_msat >= 0),
    commission_msat INTEGER NOT NULL DEFAULT 0 CHECK (commission_msat >= 0),
    refunded_msat   INTEGER NOT NULL DEFAULT 0 CHECK (refunded_msat BETWEEN 0 AND gross_msat),
    paid_msat       INTEGER NOT NULL DEFAULT 0 CHECK (paid_msat >= 0),
    fees_msat       INTEGER NOT NULL DEFAULT 0 CHECK (fees_msat >= 0)
) STRICT, WITHOUT ROWID;
CREATE INDEX share_by_organizer ON share (organizer);

INSERT INTO share (event_id, organizer, ends, gross_msat, refunded_msat)
SELECT event_id, organizer, ends, sum(payment.amount_msat), sum((
    SELECT coalesce(sum(refund.amount_msat), 0) FROM refund
    WHERE refund.order_id = payment.order_id AND refund.payment_hash = payment.payment_hash))
FROM payment JOIN orders ON orders.id = payment.order_id JOIN listing USING (event_id)
WHERE fate = 'tickets' GROUP BY event_id;
UPDATE payment SET back_msat = (
    SELECT coalesce(sum(refund.amount_msat), 0) FROM refund
    WHERE refund.order_id = payment.order_id AND refund.payment_hash = payment.payment_hash)
WHERE fate = 'tickets';

-- Money that goes to an organizer: set aside from their account when it is decided.
CREATE TABLE payout (
    id          TEXT PRIMARY KEY,
    organizer   TEXT NOT NULL,
    amount_msat INTEGER NOT NULL CHECK (amount_msat > 0),
    state       TEXT NOT NULL CHECK (state IN ('due', 'sending', 'sent')),
    decided_at  INTEGER NOT NULL,
    destination BLOB,  -- sealed
    sent_at     INTEGER,
    CHECK ((state = 'sent') = (sent_at IS NOT NULL))
) STRICT;
CREATE INDEX payout_by_organizer ON payout (organizer, decided_at);
CREATE INDEX payout_open ON payout (decided_at) WHERE state <> 'sent';

-- Of which events a payout is made, and what its way cost each of them.
CREATE TABLE payout_part (
    payout_id   TEXT NOT NULL REFERENCES payout (id),
    event_id    TEXT NOT NULL REFERENCES share (event_id),
    amount_msat INTEGER NOT NULL CHECK (amount_msat > 0),
    fee_msat    INTEGER NOT NULL DEFAULT 0 CHECK (fee_msat >= 0),
    PRIMARY KEY (payout_id, event_id)
) STRICT, WITHOUT ROWID;

-- Where an organizer wants payouts to go, from now on.
CREATE TABLE payee (
    organizer   TEXT PRIMARY KEY,
    destination BLOB NOT NULL,  -- sealed
    since       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
