-- Channels and routes: which route sent what to whom, what is told together with other pages, every answer
-- of a receiver, and what is told again when nobody acknowledges.

-- Whom of a channel, where it is not all of it.
ALTER TABLE deliveries ADD COLUMN target TEXT;
-- When what is told again was due, 0 for a page itself; orders the deliveries of one page.
ALTER TABLE deliveries ADD COLUMN step BIGINT NOT NULL DEFAULT 0;
-- What it has to say, in the words of pages.
ALTER TABLE deliveries ADD COLUMN news TEXT;
ALTER TABLE deliveries ADD COLUMN level TEXT;
ALTER TABLE deliveries ADD COLUMN route TEXT;
-- The summary that says it.
ALTER TABLE deliveries ADD COLUMN folded_into TEXT;
-- The receiver's last.
ALTER TABLE deliveries ADD COLUMN answer TEXT;
CREATE INDEX deliveries_by_time ON deliveries (channel, created_at);
CREATE INDEX deliveries_by_state ON deliveries (state, next_attempt);
CREATE INDEX deliveries_folded ON deliveries (folded_into);

-- Every different answer to a delivery.
CREATE TABLE delivery_answers (
    delivery_id TEXT NOT NULL,
    answer      TEXT NOT NULL,
    first_at    BIGINT NOT NULL,
    last_at     BIGINT NOT NULL,
    times       BIGINT NOT NULL,
    PRIMARY KEY (delivery_id, answer)
);

-- What is told again, or to others, unless somebody acknowledges.
CREATE TABLE reminders (
    id         TEXT PRIMARY KEY NOT NULL,
    alert_id   TEXT NOT NULL,
    transition BIGINT NOT NULL,
    route      TEXT NOT NULL,
    -- Which escalation is next; beyond them, and for a repetition, how often it was told.
    stage      BIGINT NOT NULL,
    repeats    BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    due_at     BIGINT NOT NULL,
    page       TEXT NOT NULL
);
CREATE INDEX reminders_due ON reminders (due_at);
CREATE INDEX reminders_by_alert ON reminders (alert_id);
