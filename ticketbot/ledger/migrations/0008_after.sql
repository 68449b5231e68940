-- The language somebody is written to in: '' until they said a word of one. `chosen`: by `lang`,
-- and no greeting changes it any more.
ALTER TABLE person ADD COLUMN language TEXT NOT NULL DEFAULT '';
ALTER TABLE person ADD COLUMN chosen INTEGER NOT NULL DEFAULT 0 CHECK (chosen IN (0, 1));
