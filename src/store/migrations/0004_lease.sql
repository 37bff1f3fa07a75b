-- Whose lease it is and until when, by the database's clock. The embedded store has a file lock instead.

ALTER TABLE lease ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE lease ADD COLUMN expires_at BIGINT NOT NULL DEFAULT 0;
