-- An organizer's own events, by start.
CREATE INDEX listing_by_organizer ON listing (organizer, starts, event_id);
