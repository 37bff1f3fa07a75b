//! Judged batches for tests, row by row, with every column that a test does not name left plain.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder,
    TimestampMicrosecondArray, new_null_array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field};

use crate::table::columns::{COLUMNS, Kind, Spec, events_schema};

/// What tests say about a row.
#[derive(Debug, Clone)]
pub struct Row {
    pub action: &'static str,
    pub key_id: Option<&'static str>,
    pub principal: Option<&'static str>,
    pub outcome: &'static str,
    pub verdict: &'static str,
    pub environment: Option<&'static str>,
    pub error_message: Option<&'static str>,
    pub key_account: Option<&'static str>,
    pub principal_account: Option<&'static str>,
    pub mfa: Option<bool>,
    pub by_pipeline: bool,
    pub batch_size: Option<i64>,
    pub violations: &'static [&'static str],
    pub request: Option<&'static str>,
}

impl Default for Row {
    fn default() -> Self {
        Self {
            action: "Encrypt",
            key_id: Some("k1"),
            principal: Some("approle:ci"),
            outcome: "success",
            verdict: "conforming",
            environment: None,
            error_message: None,
            key_account: None,
            principal_account: None,
            mfa: None,
            by_pipeline: false,
            batch_size: None,
            violations: &[],
            request: None,
        }
    }
}

impl Row {
    fn text(&self, column: &str) -> Option<&'static str> {
        match column {
            "event_id" => Some("e-1"),
            "provider" => Some("aws"),
            "service" => Some("kms"),
            "category" => Some("use"),
            "source" => Some("a.json"),
            "caller_kind" => Some("workload"),
            "action" => Some(self.action),
            "key_id" => self.key_id,
            "principal" => self.principal,
            "outcome" => Some(self.outcome),
            "verdict" => Some(self.verdict),
            "environment" => self.environment,
            "error_message" => self.error_message,
            "key_account" => self.key_account,
            "principal_account" => self.principal_account,
            "request" => self.request,
            _ => None,
        }
    }
}

/// The judged batch of these rows.
pub fn batch_of(rows: &[Row]) -> RecordBatch {
    let columns = COLUMNS.iter().map(|spec| column_of(spec, rows)).collect();
    RecordBatch::try_new(events_schema(), columns).unwrap()
}

/// `batch` with one text column holding `value` in every row.
pub fn with_text(batch: &RecordBatch, column: &str, value: &str) -> RecordBatch {
    let place = batch.schema().index_of(column).unwrap();
    let mut columns = batch.columns().to_vec();
    let texts: ArrayRef = Arc::new(StringArray::from(vec![value; batch.num_rows()]));
    columns[place] = cast(&texts, batch.schema().field(place).data_type()).unwrap();
    RecordBatch::try_new(batch.schema(), columns).unwrap()
}

fn column_of(spec: &Spec, rows: &[Row]) -> ArrayRef {
    match spec.kind {
        Kind::Word | Kind::Text => {
            let texts: ArrayRef =
                Arc::new(rows.iter().map(|row| row.text(spec.name)).collect::<StringArray>());
            cast(&texts, &spec.kind.data_type()).unwrap()
        }
        Kind::Words => words_of(spec, rows),
        Kind::Time => Arc::new(
            TimestampMicrosecondArray::from(vec![1_794_290_402_000_000; rows.len()]).with_timezone("UTC"),
        ),
        Kind::Integer if spec.name == "batch_size" => {
            Arc::new(rows.iter().map(|row| row.batch_size).collect::<Int64Array>())
        }
        Kind::Integer if !spec.nullable => Arc::new(Int64Array::from(vec![0; rows.len()])),
        Kind::Flag if spec.name == "mfa" => {
            Arc::new(rows.iter().map(|row| row.mfa).collect::<BooleanArray>())
        }
        Kind::Flag if spec.name == "by_pipeline" => {
            Arc::new(rows.iter().map(|row| Some(row.by_pipeline)).collect::<BooleanArray>())
        }
        Kind::Flag if !spec.nullable => Arc::new(BooleanArray::from(vec![false; rows.len()])),
        Kind::Integer | Kind::Flag => new_null_array(&spec.kind.data_type(), rows.len()),
    }
}

fn words_of(spec: &Spec, rows: &[Row]) -> ArrayRef {
    let item = Field::new("item", DataType::Utf8, false);
    let mut builder = ListBuilder::new(StringBuilder::new()).with_field(item);
    for row in rows {
        if spec.name == "violations" {
            row.violations.iter().for_each(|word| builder.values().append_value(word));
        }
        builder.append(true);
    }
    Arc::new(builder.finish())
}
