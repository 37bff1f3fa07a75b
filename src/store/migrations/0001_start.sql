-- The embedded store. Times are microseconds since the epoch, days are days since the epoch.
-- Statements and types stay in what SQLite and PostgreSQL share, but for BLOB.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
);

-- Who may seal: every seal checks that its epoch is still the one here.
CREATE TABLE lease (
    name     TEXT PRIMARY KEY NOT NULL,
    epoch    BIGINT NOT NULL,
    taken_at BIGINT NOT NULL
);
INSERT INTO lease (name, epoch, taken_at) VALUES ('writer', 0, 0);

CREATE TABLE seals (
    id        TEXT PRIMARY KEY NOT NULL,
    epoch     BIGINT NOT NULL,
    sequence  BIGINT NOT NULL,
    account   TEXT NOT NULL,
    sealed_at BIGINT NOT NULL
);

CREATE TABLE manifest (
    file       TEXT PRIMARY KEY NOT NULL,
    kind       TEXT NOT NULL,
    day        BIGINT NOT NULL,
    row_count  BIGINT NOT NULL,
    byte_count BIGINT NOT NULL,
    sha256     TEXT NOT NULL,
    min_time   BIGINT NOT NULL,
    max_time   BIGINT NOT NULL,
    key_filter BLOB NOT NULL,
    seal_id    TEXT NOT NULL REFERENCES seals (id),
    created_at BIGINT NOT NULL
);
CREATE INDEX manifest_by_day ON manifest (kind, day);

CREATE TABLE positions (
    source      TEXT PRIMARY KEY NOT NULL,
    label       TEXT NOT NULL,
    next_offset BIGINT NOT NULL,
    next_index  BIGINT NOT NULL,
    watermark   BIGINT,
    moved_at    BIGINT NOT NULL
);

CREATE TABLE catalog_versions (
    effective_from BIGINT PRIMARY KEY NOT NULL,
    hash           TEXT NOT NULL,
    recorded_at    BIGINT NOT NULL,
    text           TEXT NOT NULL
);
