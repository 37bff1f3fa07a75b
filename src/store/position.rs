//! How far each source has been read. A position moves only in the transaction of a seal, and only
//! from where that seal began.

use super::Store;
use super::database::{Row, Transaction, query};
use super::error::StoreError;
use super::statements::{ALL_POSITIONS, FIND_POSITION, MOVE_POSITION, START_POSITION};

/// A place in a source: everything before it is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    /// Files: the byte of the decompressed stream where the next record begins, or the enclosing
    /// document of an array. Kafka: the next offset.
    pub offset: i64,
    /// The next record inside the enclosing document; 0 where records stand alone.
    pub index: i64,
}

/// A source as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPosition {
    /// Identity that survives renaming: (device, inode, hash of the first KiB), or cluster, topic, partition.
    pub source: String,
    /// Its name for people, as last seen: a path, a topic.
    pub label: String,
    pub next: Position,
    /// Microseconds since the epoch: no event of this source is awaited before it.
    pub watermark: Option<i64>,
}

impl StoredPosition {
    /// Whether the record that begins at `position` is in history already.
    pub fn covers(&self, position: Position) -> bool {
        position < self.next
    }
}

/// A position that a seal moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PositionMove {
    /// As in [`StoredPosition::source`].
    pub source: String,
    /// As in [`StoredPosition::label`].
    pub label: String,
    /// Where reading began; nothing for a source that was never sealed.
    pub from: Option<Position>,
    /// Where reading goes on.
    pub to: Position,
    /// As in [`StoredPosition::watermark`].
    pub watermark: Option<i64>,
}

impl Store {
    /// How far this source has been sealed; nothing for one that was never sealed.
    ///
    /// A reader skips the records before it: they are in history already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn position_of(&self, source: &str) -> Result<Option<StoredPosition>, StoreError> {
        let row = query(FIND_POSITION).bind(source).fetch_optional(&self.database).await?;
        row.as_ref().map(stored).transpose()
    }

    /// All sources, sorted by identity.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn positions(&self) -> Result<Vec<StoredPosition>, StoreError> {
        let rows = query(ALL_POSITIONS).fetch_all(&self.database).await?;
        rows.iter().map(stored).collect()
    }
}

fn stored(row: &Row) -> Result<StoredPosition, StoreError> {
    Ok(StoredPosition {
        source: row.try_get("source")?,
        label: row.try_get("label")?,
        next: Position { offset: row.try_get("next_offset")?, index: row.try_get("next_index")? },
        watermark: row.try_get("watermark")?,
    })
}

/// Moves one position, compare-and-set, inside the transaction of a seal.
pub(super) async fn advance(
    transaction: &mut Transaction,
    step: &PositionMove,
    at: i64,
) -> Result<(), StoreError> {
    let statement = if step.from.is_some() { MOVE_POSITION } else { START_POSITION };
    let mut moving = query(statement)
        .bind(&step.source)
        .bind(&step.label)
        .bind(step.to.offset)
        .bind(step.to.index)
        .bind(step.watermark)
        .bind(at);
    if let Some(from) = step.from {
        moving = moving.bind(from.offset).bind(from.index);
    }
    match moving.execute(transaction).await? {
        1 => Ok(()),
        _ => Err(StoreError::PositionMoved { label: step.label.clone() }),
    }
}
