-- Rejects whose record was read again and understood. Their rows in history stay as they are.

CREATE TABLE replayed_rejects (
    id          TEXT PRIMARY KEY NOT NULL,
    reason      TEXT NOT NULL,
    came_to     TEXT NOT NULL,
    seal_id     TEXT NOT NULL REFERENCES seals (id),
    replayed_at BIGINT NOT NULL
);
