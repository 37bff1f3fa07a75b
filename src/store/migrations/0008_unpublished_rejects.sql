-- Files of rejects that the topic of rejects does not have yet. A seal marks its own; they stay as they are
-- until their mark goes.

CREATE TABLE unpublished_rejects (
    file TEXT PRIMARY KEY NOT NULL
);
