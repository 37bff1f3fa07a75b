//! Which spans of which source were read, and which were not: over what "nothing was found" holds.
//!
//! What was read comes with the seal that moves the positions, so both say the same, and a gap with the seal that
//! makes its finding history. What cannot be noticed again is written at once: what found no room, and when
//! nobody read.

use super::Store;
use super::alerts::word;
use super::database::{Row, Transaction, query};
use super::error::StoreError;
use crate::domain::vocabulary::vocabulary;

vocabulary! {
    /// What is said of a span of a source.
    pub enum CoverageKind as "kind of coverage" {
        /// It was read, judged and sealed.
        Read = "read",
        /// It was gone before it was read.
        Gap = "gap",
        /// It was refused room in the spool.
        Dropped = "dropped",
        /// Nobody read: no instance ran, or it waited for another's lease to end.
        StandBy = "stand-by",
    }
}

/// One span of one partition of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoverageRow {
    /// The configured name of the source; of a scan, the name of the input.
    pub source: String,
    /// As in [`super::PositionMove::source`].
    pub identity: String,
    /// Its name for people: `cloudtrail/0`, a path.
    pub partition: String,
    pub kind: CoverageKind,
    /// Which span of its kind it is; what comes under one name is one row.
    pub span: String,
    /// Microseconds since the epoch, as is the next: of what was read event times, of everything else times of
    /// the clock or the last event before.
    pub from_time: Option<i64>,
    pub to_time: Option<i64>,
    /// In what the partition counts by: offsets of records, or bytes.
    pub from_position: Option<i64>,
    /// The first that is no part of it any more.
    pub to_position: Option<i64>,
    /// Key events that were read, records or entries that were lost where that is known.
    pub events: i64,
    pub reason: Option<String>,
    /// When it was last written, microseconds since the epoch.
    pub noted_at: i64,
}

/// The migration that made the table.
const MIGRATION: i64 = 13;

const COLUMNS: &str = "source, identity, label, kind, span, from_time, to_time, from_position, to_position, \
    events, reason, noted_at";

/// A row that grows: its span becomes what both say, and counts add up.
const ADD: &str = "INSERT INTO coverage (source, identity, label, kind, span, from_time, to_time, \
    from_position, to_position, events, reason, noted_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
    ON CONFLICT (identity, kind, span) DO UPDATE SET label = excluded.label, \
    from_time = CASE WHEN coverage.from_time IS NULL OR excluded.from_time < coverage.from_time \
        THEN excluded.from_time ELSE coverage.from_time END, \
    to_time = CASE WHEN coverage.to_time IS NULL OR excluded.to_time > coverage.to_time \
        THEN excluded.to_time ELSE coverage.to_time END, \
    from_position = CASE WHEN coverage.from_position IS NULL OR excluded.from_position < coverage.from_position \
        THEN excluded.from_position ELSE coverage.from_position END, \
    to_position = CASE WHEN coverage.to_position IS NULL OR excluded.to_position > coverage.to_position \
        THEN excluded.to_position ELSE coverage.to_position END, \
    events = coverage.events + excluded.events, noted_at = excluded.noted_at";
/// A row that is known stays as it is.
const KEEP: &str = "INSERT INTO coverage (source, identity, label, kind, span, from_time, to_time, \
    from_position, to_position, events, reason, noted_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
    ON CONFLICT (identity, kind, span) DO NOTHING";

impl Store {
    /// Notes what was not read; says whether that is new. Of a span that is known [`CoverageKind::Dropped`]
    /// adds up, everything else stays as it is.
    ///
    /// # Errors
    /// As every write: see [`Store::set_meta`].
    pub async fn note_coverage(&self, row: &CoverageRow) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let changed = write(&mut transaction, row).await?;
        transaction.commit().await?;
        Ok(changed > 0)
    }

    /// Whether this span of its kind is known.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn knows_coverage(&self, row: &CoverageRow) -> Result<bool, StoreError> {
        let known = query("SELECT 1 AS known FROM coverage WHERE identity = $1 AND kind = $2 AND span = $3")
            .bind(&row.identity)
            .bind(row.kind.as_str())
            .bind(&row.span)
            .fetch_optional(&self.database)
            .await?;
        Ok(known.is_some())
    }

    /// Everything that is known, by source, partition and time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn coverage(&self) -> Result<Vec<CoverageRow>, StoreError> {
        if !self.has_migration(MIGRATION).await? {
            return Ok(Vec::new());
        }
        let statement = format!("SELECT {COLUMNS} FROM coverage ORDER BY source, label, kind, span");
        let rows = super::database::query_made(statement).fetch_all(&self.database).await?;
        rows.iter().map(row_of).collect()
    }
}

/// Adds what was read or is gone, inside the transaction of its seal.
pub(super) async fn add(transaction: &mut Transaction, row: &CoverageRow) -> Result<(), StoreError> {
    write(transaction, row).await?;
    Ok(())
}

/// How many rows that changed. What was read and what was dropped grows; a known gap stays as it is.
async fn write(transaction: &mut Transaction, row: &CoverageRow) -> Result<u64, StoreError> {
    let statement = match row.kind {
        CoverageKind::Read | CoverageKind::Dropped => ADD,
        CoverageKind::Gap | CoverageKind::StandBy => KEEP,
    };
    let changed = query(statement)
        .bind(&row.source)
        .bind(&row.identity)
        .bind(&row.partition)
        .bind(row.kind.as_str())
        .bind(&row.span)
        .bind(row.from_time)
        .bind(row.to_time)
        .bind(row.from_position)
        .bind(row.to_position)
        .bind(row.events)
        .bind(row.reason.as_deref())
        .bind(row.noted_at)
        .execute(transaction)
        .await?;
    Ok(changed)
}

fn row_of(row: &Row) -> Result<CoverageRow, StoreError> {
    Ok(CoverageRow {
        source: row.try_get("source")?,
        identity: row.try_get("identity")?,
        partition: row.try_get("label")?,
        kind: word(row, "kind", CoverageKind::from_word)?,
        span: row.try_get("span")?,
        from_time: row.try_get("from_time")?,
        to_time: row.try_get("to_time")?,
        from_position: row.try_get("from_position")?,
        to_position: row.try_get("to_position")?,
        events: row.try_get("events")?,
        reason: row.try_get("reason")?,
        noted_at: row.try_get("noted_at")?,
    })
}
