//! Findings as Arrow, for history and SQL.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    Array, ArrayRef, AsArray, Int8Array, Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType};
use arrow::error::ArrowError;

use crate::domain::event::Outcome;
use crate::domain::finding::{Counted, Finding};
use crate::domain::function::Function;
use crate::domain::level::Level;
use crate::domain::time::{format_rfc3339, parse_rfc3339};
use crate::domain::verdict::{Aspect, Verdict};
use crate::table::columns::described;

/// Name, type, whether it may be null, and a sentence.
const COLUMNS: &[(&str, Shape, bool, &str)] = &[
    ("id", Shape::Text, false, "Derived from detector, event and key: a replay gives the same."),
    ("detector", Shape::Text, false, "The detector's id."),
    ("level", Shape::Text, false, "informational, low, medium, high or critical."),
    ("level_code", Shape::Code, false, "The level as a number from 0 to 4, to sort and compare by."),
    ("title", Shape::Text, false, "What the detector finds."),
    ("event_id", Shape::Text, false, "The event that was found."),
    ("event_time", Shape::Time, false, "When the call completed, by the log's own clock."),
    ("provider", Shape::Text, true, "aws or vault."),
    ("key_id", Shape::Text, true, "The key's canonical name."),
    ("catalog_id", Shape::Text, true, "The catalog entry that declares the key."),
    ("principal", Shape::Text, true, "Who called."),
    ("session_name", Shape::Text, true, "The name of the role session, or the token's display name."),
    ("function", Shape::Text, true, "What was done with the key."),
    ("action", Shape::Text, true, "The operation, in the provider's word."),
    ("outcome", Shape::Text, true, "What became of the call."),
    ("verdict", Shape::Text, false, "What the catalog says of it."),
    ("violations", Shape::List, false, "The aspects that do not fit the declaration."),
    ("message", Shape::Text, false, "One sentence that lets a person decide."),
    ("tags", Shape::List, false, "Techniques and controls."),
    ("source", Shape::Text, true, "The file, topic or endpoint that the record came from."),
    ("position", Shape::Integer, true, "Where in its source the record begins."),
    (
        "window_from",
        Shape::Time,
        true,
        "With a window: where the span of event time begins that it is about.",
    ),
    ("window_to", Shape::Time, true, "Where that span ends."),
    ("window_count", Shape::Integer, true, "How many rows, values or steps it counted."),
    ("window_events", Shape::List, true, "Ids of some of the events that it is made of."),
];

#[derive(Debug, Clone, Copy)]
enum Shape {
    Text,
    Code,
    Integer,
    Time,
    List,
}

impl Shape {
    fn data_type(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Code => DataType::Int8,
            Self::Integer => DataType::Int64,
            Self::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::List => DataType::List(Arc::new(list_item())),
        }
    }
}

fn list_item() -> Field {
    Field::new("item", DataType::Utf8, false)
}

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let fields = COLUMNS
        .iter()
        .map(|(name, shape, nullable, about)| described(name, &shape.data_type(), *nullable, about));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
});

/// The schema of the table `findings`.
pub fn findings_schema() -> SchemaRef {
    SCHEMA.clone()
}

/// Findings as one batch.
///
/// # Errors
/// When a finding's time is not RFC 3339, which those that we make are.
pub fn to_batch(findings: &[Finding]) -> Result<RecordBatch, ArrowError> {
    let text = |read: fn(&Finding) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(findings.iter().map(read)))
    };
    let maybe = |read: fn(&Finding) -> Option<&str>| -> ArrayRef {
        Arc::new(findings.iter().map(read).collect::<StringArray>())
    };
    let columns: Vec<ArrayRef> = vec![
        text(|finding| &finding.id),
        text(|finding| &finding.detector),
        text(|finding| finding.level.as_str()),
        Arc::new(Int8Array::from_iter_values(findings.iter().map(|finding| finding.level.code() as i8))),
        text(|finding| &finding.title),
        text(|finding| &finding.event_id),
        Arc::new(times(findings)?),
        maybe(|finding| finding.provider.as_deref()),
        maybe(|finding| finding.key_id.as_deref()),
        maybe(|finding| finding.catalog_id.as_deref()),
        maybe(|finding| finding.principal.as_deref()),
        maybe(|finding| finding.session_name.as_deref()),
        maybe(|finding| finding.function.map(Function::as_str)),
        maybe(|finding| finding.action.as_deref()),
        maybe(|finding| finding.outcome.map(Outcome::as_str)),
        text(|finding| finding.verdict.as_str()),
        lists(findings.iter().map(|finding| finding.violations.iter().map(|aspect| aspect.as_str()))),
        text(|finding| &finding.message),
        lists(findings.iter().map(|finding| finding.tags.iter().map(String::as_str))),
        maybe(|finding| finding.source.as_deref()),
        Arc::new(findings.iter().map(|finding| finding.position).collect::<Int64Array>()),
        Arc::new(window_times(findings, |counted| &counted.from)?),
        Arc::new(window_times(findings, |counted| &counted.to)?),
        Arc::new(
            windows(findings)
                .map(|of| of.and_then(|of| i64::try_from(of.count).ok()))
                .collect::<Int64Array>(),
        ),
        optional_lists(windows(findings).map(|of| of.map(|of| of.events.iter().map(String::as_str)))),
    ];
    RecordBatch::try_new(findings_schema(), columns)
}

fn times(findings: &[Finding]) -> Result<TimestampMicrosecondArray, ArrowError> {
    let times = findings.iter().map(|finding| time_of(&finding.event_time));
    let times = times.collect::<Result<Vec<_>, _>>()?;
    Ok(TimestampMicrosecondArray::from(times).with_timezone("UTC"))
}

/// What each finding counted, where it did.
fn windows(findings: &[Finding]) -> impl Iterator<Item = Option<&Counted>> {
    findings.iter().map(|finding| finding.window.as_ref())
}

fn window_times(
    findings: &[Finding],
    read: fn(&Counted) -> &str,
) -> Result<TimestampMicrosecondArray, ArrowError> {
    let times = windows(findings).map(|counted| counted.map(|counted| time_of(read(counted))).transpose());
    Ok(times.collect::<Result<TimestampMicrosecondArray, _>>()?.with_timezone("UTC"))
}

fn time_of(text: &str) -> Result<i64, ArrowError> {
    parse_rfc3339(text).ok_or_else(|| ArrowError::ParseError("a finding has no readable time".to_owned()))
}

fn lists<'f>(rows: impl Iterator<Item = impl Iterator<Item = &'f str>>) -> ArrayRef {
    optional_lists(rows.map(Some))
}

fn optional_lists<'f>(rows: impl Iterator<Item = Option<impl Iterator<Item = &'f str>>>) -> ArrayRef {
    let mut builder = ListBuilder::new(StringBuilder::new()).with_field(list_item());
    for words in rows {
        let has = words.is_some();
        words.into_iter().flatten().for_each(|word| builder.values().append_value(word));
        builder.append(has);
    }
    Arc::new(builder.finish())
}

/// The findings of a batch of [`findings_schema`].
///
/// # Errors
/// When a column is absent or of another type, or holds a word that no vocabulary knows.
pub fn from_batch(batch: &RecordBatch) -> Result<Vec<Finding>, ArrowError> {
    let read = Reading { batch };
    (0..batch.num_rows()).map(|row| read.finding(row)).collect()
}

struct Reading<'a> {
    batch: &'a RecordBatch,
}

impl<'a> Reading<'a> {
    fn finding(&self, row: usize) -> Result<Finding, ArrowError> {
        Ok(Finding {
            id: self.required("id", row)?.to_owned(),
            detector: self.required("detector", row)?.to_owned(),
            level: word(self.required("level", row)?, Level::from_word)?,
            title: self.required("title", row)?.to_owned(),
            event_id: self.required("event_id", row)?.to_owned(),
            event_time: format_rfc3339(self.time(row)?),
            provider: self.owned("provider", row)?,
            key_id: self.owned("key_id", row)?,
            catalog_id: self.owned("catalog_id", row)?,
            principal: self.owned("principal", row)?,
            session_name: self.owned("session_name", row)?,
            function: self.text("function", row)?.map(|text| word(text, Function::from_word)).transpose()?,
            action: self.owned("action", row)?,
            outcome: self.text("outcome", row)?.map(|text| word(text, Outcome::from_word)).transpose()?,
            verdict: word(self.required("verdict", row)?, Verdict::from_word)?,
            violations: self
                .list("violations", row)?
                .into_iter()
                .map(|text| word(&text, Aspect::from_word))
                .collect::<Result<_, _>>()?,
            message: self.required("message", row)?.to_owned(),
            tags: self.list("tags", row)?,
            source: self.owned("source", row)?,
            position: self.integer("position", row)?,
            window: self.counted(row)?,
        })
    }

    fn counted(&self, row: usize) -> Result<Option<Counted>, ArrowError> {
        let (from, to) = (self.maybe_time("window_from", row)?, self.maybe_time("window_to", row)?);
        let (Some(from), Some(to)) = (from, to) else { return Ok(None) };
        let count = self.integer("window_count", row)?.unwrap_or_default();
        Ok(Some(Counted {
            from: format_rfc3339(from),
            to: format_rfc3339(to),
            count: u64::try_from(count).unwrap_or_default(),
            events: self.list("window_events", row)?,
        }))
    }

    fn column(&self, name: &str) -> Result<&'a ArrayRef, ArrowError> {
        self.batch.column_by_name(name).ok_or_else(|| wrong(name))
    }

    fn text(&self, name: &str, row: usize) -> Result<Option<&'a str>, ArrowError> {
        let texts = self.column(name)?.as_string_opt::<i32>().ok_or_else(|| wrong(name))?;
        Ok(texts.is_valid(row).then(|| texts.value(row)))
    }

    fn owned(&self, name: &str, row: usize) -> Result<Option<String>, ArrowError> {
        Ok(self.text(name, row)?.map(str::to_owned))
    }

    fn required(&self, name: &str, row: usize) -> Result<&'a str, ArrowError> {
        self.text(name, row)?.ok_or_else(|| wrong(name))
    }

    fn time(&self, row: usize) -> Result<i64, ArrowError> {
        self.maybe_time("event_time", row)?.ok_or_else(|| wrong("event_time"))
    }

    fn maybe_time(&self, name: &str, row: usize) -> Result<Option<i64>, ArrowError> {
        let times = self.column(name)?.as_primitive_opt::<TimestampMicrosecondType>();
        let times = times.ok_or_else(|| wrong(name))?;
        Ok(times.is_valid(row).then(|| times.value(row)))
    }

    fn integer(&self, name: &str, row: usize) -> Result<Option<i64>, ArrowError> {
        let numbers = self.column(name)?.as_primitive_opt::<Int64Type>().ok_or_else(|| wrong(name))?;
        Ok(numbers.is_valid(row).then(|| numbers.value(row)))
    }

    fn list(&self, name: &str, row: usize) -> Result<Vec<String>, ArrowError> {
        let words = self.column(name)?.as_list_opt::<i32>().ok_or_else(|| wrong(name))?.value(row);
        let words = words.as_string_opt::<i32>().ok_or_else(|| wrong(name))?;
        Ok(words.iter().flatten().map(str::to_owned).collect())
    }
}

fn wrong(name: &str) -> ArrowError {
    ArrowError::SchemaError(format!("findings have no such column `{name}` of the right type"))
}

fn word<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> Result<T, ArrowError> {
    read(text).ok_or_else(|| ArrowError::ParseError(format!("`{text}` is not a word that findings use")))
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
