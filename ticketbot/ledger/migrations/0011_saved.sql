-- What a code took off its order, in msat: the price without it may be another one by now.
ALTER TABLE promo_use ADD COLUMN saved_msat INTEGER NOT NULL DEFAULT 0 CHECK (saved_msat >= 0);
