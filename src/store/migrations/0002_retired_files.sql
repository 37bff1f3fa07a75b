-- Files whose rows stand in other files now. They stay until nobody reads an older manifest.

CREATE TABLE retired_files (
    file         TEXT PRIMARY KEY NOT NULL,
    remove_after BIGINT NOT NULL
);
