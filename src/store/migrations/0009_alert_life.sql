-- What becomes of alerts once people look at them. Times are microseconds since the epoch.

-- Every change, once, in the order it happened; rows are added and never changed. `alert_id` is an alert's or a silence's.
CREATE TABLE journal (
    seq        BIGINT PRIMARY KEY NOT NULL,
    alert_id   TEXT NOT NULL,
    transition BIGINT NOT NULL,
    done_at    BIGINT NOT NULL,
    actor      TEXT NOT NULL,
    action     TEXT NOT NULL,
    reason     TEXT,
    -- The rest of the action, as JSON.
    detail     TEXT NOT NULL
);
CREATE INDEX journal_by_alert ON journal (alert_id, seq);

-- How an alert stands beside its findings: what its part of the journal comes to. An alert that nobody touched has no row.
CREATE TABLE alert_lives (
    alert_id        TEXT PRIMARY KEY NOT NULL,
    assignee        TEXT,
    disposition     TEXT,
    verdict_reason  TEXT,
    -- Set by a person; without one the findings' counts.
    set_level       TEXT,
    merged_into     TEXT,
    -- Ids of other alerts, as a JSON list.
    links           TEXT NOT NULL,
    notes           BIGINT NOT NULL,
    acknowledged_at BIGINT,
    acknowledged_by TEXT,
    -- What the acknowledgement, or the set level, is about, as JSON.
    scope           TEXT,
    resolved_at     BIGINT,
    resolved_by     TEXT
);
CREATE INDEX alert_lives_by_merge ON alert_lives (merged_into);

CREATE TABLE silences (
    id         TEXT PRIMARY KEY NOT NULL,
    -- What it mutes, as JSON.
    matcher    TEXT NOT NULL,
    author     TEXT NOT NULL,
    reason     TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    starts_at  BIGINT NOT NULL,
    ends_at    BIGINT NOT NULL,
    ended_by   TEXT
);
CREATE INDEX silences_by_end ON silences (ends_at);

-- Whether a loud alert on the same key is open.
CREATE INDEX alerts_by_key ON alerts (key_id, state);

UPDATE alerts SET state = 'reopened' WHERE state = 'open' AND transition > 1;
INSERT INTO journal (seq, alert_id, transition, done_at, actor, action, detail)
    SELECT ROW_NUMBER() OVER (ORDER BY opened_at, id), id, transition, opened_at, 'keyward', 'opened',
        '{"action":"opened","level":"' || level || '"}' FROM alerts;
