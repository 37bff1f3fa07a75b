//! What was read of each source, gathered for a seal; and the table `coverage` that SQL sees.
//!
//! In: for each arrival its partition, positions and events. Out: a row for each partition and day of event
//! time, to be added up in the store by the seal that makes the events history.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringViewArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;

use super::order;
use crate::store::{CoverageKind, CoverageRow, Position};
use crate::table::columns::described;

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let (text, number) = (DataType::Utf8View, DataType::Int64);
    Arc::new(Schema::new(vec![
        described("source", &text, false, "The configured name of the source; of a scan, the input."),
        described("partition", &text, false, "The part of it that is read in order: topic/number, a file."),
        described("kind", &text, false, "read, gap, dropped or stand-by."),
        described("day", &time, true, "Of what was read, the day of event time that the row is about."),
        described(
            "from_time",
            &time,
            true,
            "The first event read; of a gap, the last event before it; else by the clock.",
        ),
        described("to_time", &time, true, "The last event read; else by the clock."),
        described(
            "from_position",
            &number,
            true,
            "Where the span begins: an offset of records, or of bytes.",
        ),
        described("to_position", &number, true, "The first position that is no part of it any more."),
        described("events", &number, false, "Key events that were read; records or entries that were lost."),
        described("reason", &text, true, "Why it was not read."),
        described("noted_at", &time, false, "When the row was last written."),
    ]))
});

/// The columns of the table.
pub fn schema() -> SchemaRef {
    SCHEMA.clone()
}

/// What was read of one partition since its last arrival.
#[derive(Debug, Clone, Copy)]
pub struct Covered<'c> {
    /// The configured name of the source.
    pub source: &'c str,
    /// As in [`crate::store::PositionMove::source`].
    pub identity: &'c str,
    /// As in [`crate::store::PositionMove::label`].
    pub partition: &'c str,
    pub from: Option<Position>,
    pub to: Position,
    /// Where there was no event: a time of the day that the row is put to, in microseconds since the epoch.
    pub otherwise: i64,
}

/// Rows being gathered, by partition and day.
#[derive(Debug, Default)]
pub(super) struct Coverage(BTreeMap<(String, i64), CoverageRow>);

impl Coverage {
    /// Adds what was read: the events of these times.
    pub fn add(&mut self, covered: &Covered<'_>, times: impl Iterator<Item = i64>) {
        let mut days: BTreeMap<i64, (i64, i64, i64)> = BTreeMap::new();
        for time in times {
            let day = days.entry(order::day_of(time)).or_insert((time, time, 0));
            *day = (day.0.min(time), day.1.max(time), day.2 + 1);
        }
        if days.is_empty() {
            self.grow(covered, order::day_of(covered.otherwise), None, 0);
        }
        for (day, (first, last, events)) in days {
            self.grow(covered, day, Some((first, last)), events);
        }
    }

    fn grow(&mut self, covered: &Covered<'_>, day: i64, times: Option<(i64, i64)>, events: i64) {
        let from = covered.from.map_or(0, |from| from.offset);
        let row = self.0.entry((covered.identity.to_owned(), day)).or_insert_with(|| CoverageRow {
            source: covered.source.to_owned(),
            identity: covered.identity.to_owned(),
            partition: covered.partition.to_owned(),
            kind: CoverageKind::Read,
            span: span_of(day),
            from_time: None,
            to_time: None,
            from_position: Some(from),
            to_position: Some(covered.to.offset),
            events: 0,
            reason: None,
            noted_at: 0,
        });
        if let Some((first, last)) = times {
            row.from_time = Some(row.from_time.map_or(first, |known| known.min(first)));
            row.to_time = row.to_time.max(Some(last));
        }
        row.from_position = row.from_position.min(Some(from));
        row.to_position = row.to_position.max(Some(covered.to.offset));
        row.events += events;
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The rows, written at `at`.
    pub fn rows(self, at: i64) -> Vec<CoverageRow> {
        self.0.into_values().map(|row| CoverageRow { noted_at: at, ..row }).collect()
    }
}

/// What a day of reading is called among the spans.
fn span_of(day: i64) -> String {
    format!("day:{day}")
}

/// The day of a span of reading, microseconds since the epoch.
fn day_of(row: &CoverageRow) -> Option<i64> {
    let day: i64 = row.span.strip_prefix("day:")?.parse().ok()?;
    day.checked_mul(order::DAY)
}

/// The table, as it is in the store.
///
/// # Errors
/// Never in practice: schema and columns stand side by side.
pub(super) fn batch(rows: &[CoverageRow]) -> Result<RecordBatch, ArrowError> {
    let text = |value: fn(&CoverageRow) -> Option<&str>| -> ArrayRef {
        Arc::new(rows.iter().map(value).collect::<StringViewArray>())
    };
    let number = |value: fn(&CoverageRow) -> Option<i64>| -> ArrayRef {
        Arc::new(rows.iter().map(value).collect::<Int64Array>())
    };
    let time = |value: fn(&CoverageRow) -> Option<i64>| -> ArrayRef {
        Arc::new(rows.iter().map(value).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
    };
    let columns = vec![
        text(|row| Some(&row.source)),
        text(|row| Some(&row.partition)),
        text(|row| Some(row.kind.as_str())),
        time(day_of),
        time(|row| row.from_time),
        time(|row| row.to_time),
        number(|row| row.from_position),
        number(|row| row.to_position),
        number(|row| Some(row.events)),
        text(|row| row.reason.as_deref()),
        time(|row| Some(row.noted_at)),
    ];
    RecordBatch::try_new(schema(), columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(from: Option<i64>, to: i64) -> Covered<'static> {
        let position = |offset| Position { offset, index: 0 };
        let (from, to) = (from.map(position), position(to));
        Covered { source: "trail", identity: "kafka:x", partition: "trail/0", from, to, otherwise: 5 }
    }

    #[test]
    fn each_day_of_events_is_one_row_and_what_gave_none_goes_to_the_day_named() {
        let mut coverage = Coverage::default();
        coverage.add(&covered(None, 10), [order::DAY + 7, order::DAY + 2, 2 * order::DAY].into_iter());
        coverage.add(&covered(Some(10), 20), [order::DAY + 1].into_iter());
        coverage.add(&covered(Some(20), 30), std::iter::empty());
        let rows = coverage.rows(99);
        let told: Vec<_> = rows
            .iter()
            .map(|row| {
                (
                    row.span.as_str(),
                    row.from_time,
                    row.to_time,
                    row.from_position,
                    row.to_position,
                    row.events,
                )
            })
            .collect();
        let day = order::DAY;
        assert_eq!(
            told,
            [
                ("day:0", None, None, Some(20), Some(30), 0),
                ("day:1", Some(day + 1), Some(day + 7), Some(0), Some(20), 3),
                ("day:2", Some(2 * day), Some(2 * day), Some(0), Some(10), 1),
            ]
        );
        let table = batch(&rows).unwrap();
        assert_eq!((table.num_rows(), table.schema()), (3, schema()));
    }
}
