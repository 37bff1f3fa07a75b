-- Which spans of which source were read, and which were not. Times are microseconds since the epoch.

CREATE TABLE coverage (
    source        TEXT NOT NULL,
    -- Of the partition, as in positions.
    identity      TEXT NOT NULL,
    label         TEXT NOT NULL,
    kind          TEXT NOT NULL,
    -- Which span of its kind: what was read is one row for each day of event time.
    span          TEXT NOT NULL,
    from_time     BIGINT,
    to_time       BIGINT,
    from_position BIGINT,
    to_position   BIGINT,
    events        BIGINT NOT NULL,
    reason        TEXT,
    noted_at      BIGINT NOT NULL,
    PRIMARY KEY (identity, kind, span)
);
CREATE INDEX coverage_by_source ON coverage (source, label, kind, span);
