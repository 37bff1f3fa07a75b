//! Every SQL statement of the store, in what SQLite and PostgreSQL share.

/// PostgreSQL's clock, in microseconds since the epoch.
macro_rules! clock {
    () => {
        "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"
    };
}

pub(super) const TAKE_LEASE: &str = "UPDATE lease SET epoch = epoch + 1, taken_at = $1 WHERE name = 'writer'";
/// For PostgreSQL alone, by its clock. Changes no row while somebody else's lease lasts.
pub(super) const TAKE_SHARED_LEASE: &str = concat!(
    "UPDATE lease SET epoch = epoch + 1, owner = $1, taken_at = $2, expires_at = $3 + ",
    clock!(),
    " WHERE name = 'writer' AND expires_at < ",
    clock!()
);
/// Changes no row when another instance has taken the lease.
pub(super) const RENEW_LEASE: &str =
    concat!("UPDATE lease SET expires_at = $2 + ", clock!(), " WHERE name = 'writer' AND epoch = $1");
pub(super) const RELEASE_LEASE: &str = "UPDATE lease SET expires_at = 0 WHERE name = 'writer' AND epoch = $1";
pub(super) const READ_EPOCH: &str = "SELECT epoch FROM lease WHERE name = 'writer'";
pub(super) const READ_OWNER: &str = "SELECT owner FROM lease WHERE name = 'writer'";
/// Changes no row when another instance has taken the lease; in PostgreSQL it also locks the row.
pub(super) const HOLD_LEASE: &str = "UPDATE lease SET epoch = $1 WHERE name = 'writer' AND epoch = $1";

pub(super) const INSERT_SEAL: &str =
    "INSERT INTO seals (id, epoch, sequence, account, sealed_at) VALUES ($1, $2, $3, $4, $5)";
pub(super) const FIND_SEAL: &str = "SELECT COUNT(*) FROM seals WHERE id = $1";
pub(super) const LAST_SEAL: &str = "SELECT MAX(sealed_at) FROM seals";
pub(super) const ALL_ACCOUNTS: &str = "SELECT account FROM seals ORDER BY epoch, sequence";

pub(super) const INSERT_FILE: &str = "INSERT INTO manifest \
    (file, kind, day, row_count, byte_count, sha256, min_time, max_time, key_filter, seal_id, created_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
pub(super) const FILES_OF_KIND: &str = "SELECT file, day, row_count, byte_count, sha256, min_time, max_time, \
    key_filter, created_at FROM manifest WHERE kind = $1 ORDER BY day, file";
pub(super) const ALL_FILE_NAMES: &str = "SELECT file FROM manifest ORDER BY file";

pub(super) const DELETE_FILE: &str = "DELETE FROM manifest WHERE file = $1";
pub(super) const INSERT_RETIRED: &str = "INSERT INTO retired_files (file, remove_after) VALUES ($1, $2)";
pub(super) const RETIRED_FILES: &str = "SELECT file, remove_after FROM retired_files ORDER BY file";
pub(super) const DELETE_RETIRED: &str = "DELETE FROM retired_files WHERE file = $1";

pub(super) const FIND_POSITION: &str =
    "SELECT source, label, next_offset, next_index, watermark FROM positions WHERE source = $1";
pub(super) const ALL_POSITIONS: &str =
    "SELECT source, label, next_offset, next_index, watermark FROM positions ORDER BY source";
/// Changes no row when the source is already known.
pub(super) const START_POSITION: &str = "INSERT INTO positions \
    (source, label, next_offset, next_index, watermark, moved_at) VALUES ($1, $2, $3, $4, $5, $6) \
    ON CONFLICT (source) DO NOTHING";
/// Changes no row when the source is not where the seal began to read.
pub(super) const MOVE_POSITION: &str = "UPDATE positions \
    SET label = $2, next_offset = $3, next_index = $4, watermark = $5, moved_at = $6 \
    WHERE source = $1 AND next_offset = $7 AND next_index = $8";

pub(super) const INSERT_CATALOG_VERSION: &str =
    "INSERT INTO catalog_versions (effective_from, hash, recorded_at, text) VALUES ($1, $2, $3, $4)";
pub(super) const ALL_CATALOG_VERSIONS: &str =
    "SELECT effective_from, hash, recorded_at, text FROM catalog_versions ORDER BY effective_from";

pub(super) const HAS_MIGRATION: &str = "SELECT COUNT(*) FROM _sqlx_migrations WHERE version = $1";

pub(super) const READ_META: &str = "SELECT value FROM meta WHERE name = $1";
pub(super) const WRITE_META: &str = "INSERT INTO meta (name, value) VALUES ($1, $2) \
    ON CONFLICT (name) DO UPDATE SET value = excluded.value";

pub(super) const READ_OPEN_REQUESTS: &str = "SELECT content FROM open_requests WHERE name = $1";
pub(super) const WRITE_OPEN_REQUESTS: &str = "INSERT INTO open_requests (name, content) VALUES ($1, $2) \
    ON CONFLICT (name) DO UPDATE SET content = excluded.content";

pub(super) const ALL_REPLAYED: &str = "SELECT id, reason, came_to FROM replayed_rejects ORDER BY id";
pub(super) const INSERT_REPLAYED: &str = "INSERT INTO replayed_rejects \
    (id, reason, came_to, seal_id, replayed_at) VALUES ($1, $2, $3, $4, $5)";
