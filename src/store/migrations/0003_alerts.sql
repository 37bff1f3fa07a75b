-- Findings, the alerts that they fold into, and what people are told. Times are microseconds since the epoch.

-- One row for a finding in an alert: copies of one call may fold differently.
CREATE TABLE findings (
    id         TEXT NOT NULL,
    alert_id   TEXT NOT NULL,
    event_time BIGINT NOT NULL,
    level      TEXT NOT NULL,
    outcome    TEXT,
    -- 1: the call was stopped, 2: it succeeded, 0: neither is known.
    standing   BIGINT NOT NULL,
    detector   TEXT NOT NULL,
    key_id     TEXT,
    principal  TEXT,
    json       TEXT NOT NULL,
    PRIMARY KEY (id, alert_id)
);
CREATE INDEX findings_by_alert ON findings (alert_id, standing, event_time);

CREATE TABLE alerts (
    id          TEXT PRIMARY KEY NOT NULL,
    kind        TEXT NOT NULL,
    state       TEXT NOT NULL,
    level       TEXT NOT NULL,
    title       TEXT NOT NULL,
    key_id      TEXT,
    principal   TEXT,
    findings    BIGINT NOT NULL,
    first_time  BIGINT NOT NULL,
    last_time   BIGINT NOT NULL,
    -- How often it was opened, and how many pages it had since.
    transition  BIGINT NOT NULL,
    pages       BIGINT NOT NULL,
    -- What the last page said, as JSON.
    paged       TEXT,
    folded_into TEXT,
    folded_pane BIGINT,
    digest_day  BIGINT,
    alert_by    TEXT NOT NULL,
    facts       TEXT NOT NULL,
    opened_at   BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE INDEX alerts_by_update ON alerts (updated_at);
CREATE INDEX alerts_by_digest ON alerts (digest_day);

-- Many keys of one principal, or many principals of one key, in one pane of event time.
CREATE TABLE campaigns (
    id        TEXT PRIMARY KEY NOT NULL,
    is_raised BIGINT NOT NULL,
    facts     TEXT NOT NULL
);
CREATE TABLE campaign_parts (
    campaign_id TEXT NOT NULL,
    other       TEXT NOT NULL,
    alert_id    TEXT NOT NULL,
    PRIMARY KEY (campaign_id, other, alert_id)
);

-- The outbox: what is to be told, rendered once.
CREATE TABLE deliveries (
    id            TEXT PRIMARY KEY NOT NULL,
    alert_id      TEXT NOT NULL,
    channel       TEXT NOT NULL,
    transition    BIGINT NOT NULL,
    repeat        BIGINT NOT NULL,
    payload       TEXT NOT NULL,
    state         TEXT NOT NULL,
    attempts      BIGINT NOT NULL,
    first_attempt BIGINT,
    next_attempt  BIGINT NOT NULL,
    last_error    TEXT,
    created_at    BIGINT NOT NULL,
    delivered_at  BIGINT
);
CREATE INDEX deliveries_due ON deliveries (channel, state, next_attempt);
CREATE INDEX deliveries_by_age ON deliveries (channel, state, created_at);
CREATE INDEX deliveries_by_alert ON deliveries (alert_id, channel, state);

-- Pages that were not sent, and why.
CREATE TABLE suppressed (
    alert_id TEXT NOT NULL,
    reason   TEXT NOT NULL,
    pages    BIGINT NOT NULL,
    PRIMARY KEY (alert_id, reason)
);
