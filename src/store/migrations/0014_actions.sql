-- Remediation: what is proposed, approved, done and taken back. Times are microseconds since the epoch.

CREATE TABLE actions (
    id           TEXT PRIMARY KEY NOT NULL,
    alert_id     TEXT NOT NULL,
    transition   BIGINT NOT NULL,
    playbook     TEXT NOT NULL,
    -- Which step of the playbook, the narrowest first.
    step         BIGINT NOT NULL,
    kind         TEXT NOT NULL,
    state        TEXT NOT NULL,
    title        TEXT NOT NULL,
    level        TEXT NOT NULL,
    receiver     TEXT NOT NULL,
    key_id       TEXT,
    catalog_id   TEXT,
    principal    TEXT,
    owner        TEXT,
    -- The account or namespace: what bounds count by.
    scope        TEXT NOT NULL,
    -- Whom and what it is about, as JSON, as are what the playbook adds, what it would break, and who approved.
    subject      TEXT NOT NULL,
    parameters   TEXT NOT NULL,
    impact       TEXT NOT NULL,
    approvals    TEXT NOT NULL,
    needs        BIGINT NOT NULL,
    -- How long later events are watched for its effect.
    verify_for   BIGINT NOT NULL,
    -- Why it stands where it stands.
    reason       TEXT,
    -- The receiver's last.
    answer       TEXT,
    -- Grows with every change.
    revision     BIGINT NOT NULL,
    attempts     BIGINT NOT NULL,
    next_attempt BIGINT NOT NULL,
    proposed_at  BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    intent_at    BIGINT,
    done_at      BIGINT,
    settled_at   BIGINT,
    undone_at    BIGINT
);
CREATE INDEX actions_by_state ON actions (state, next_attempt);
CREATE INDEX actions_by_alert ON actions (alert_id, playbook, step);
CREATE INDEX actions_by_intent ON actions (intent_at);

-- Every transition, once, in the order it happened; rows are added and never changed.
CREATE TABLE action_journal (
    seq       BIGINT PRIMARY KEY NOT NULL,
    action_id TEXT NOT NULL,
    done_at   BIGINT NOT NULL,
    actor     TEXT NOT NULL,
    state     TEXT NOT NULL,
    reason    TEXT
);
CREATE INDEX action_journal_by_action ON action_journal (action_id, seq);
