-- Vault requests whose response had not come when their record was sealed: rows that no file holds yet.

CREATE TABLE open_requests (
    name    TEXT PRIMARY KEY NOT NULL,
    content BLOB NOT NULL
);
