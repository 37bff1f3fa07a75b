//! Hides what must not be kept as it came: after judging and detecting, before anything is stored or said.
//!
//! In: a judged batch. Out: the same rows with values hashed under a key, or dropped. What is hashed looks as
//! audit devices hash: who judges history again sees that it is hidden, and accuses nobody by it. The same
//! value gives the same hash, so that counting and grouping by it still works.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, RecordBatch, StringArray, new_null_array};
use arrow::datatypes::Int32Type;
use arrow::error::ArrowError;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::columns::Column;
use crate::config::{Privacy, PrivateColumn, SecretError, SecretFile, Treatment};
use crate::domain::event::HASHED_PREFIX;
use crate::domain::keyed::hmac_sha256;

/// Hex digits of a hash that are kept: 128 bits.
const DIGITS: usize = 32;

/// What stands for a dropped value where its absence would say something else.
const DROPPED: &str = "hmac-sha256:dropped";

/// Columns and what becomes of each.
#[derive(Clone, Default)]
pub struct Hiding {
    key: Option<SecretString>,
    columns: Vec<(PrivateColumn, Treatment)>,
}

/// Without the key.
impl fmt::Debug for Hiding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hiding").field("columns", &self.columns).finish_non_exhaustive()
    }
}

impl Hiding {
    /// What a configuration asks for, with the key as it is now.
    ///
    /// # Errors
    /// Where the key's file cannot be read.
    pub fn of(privacy: &Privacy) -> Result<Self, SecretError> {
        let treated = privacy.columns.iter().map(|(column, treatment)| (*column, *treatment));
        let columns: Vec<_> = treated.filter(|(_, treatment)| *treatment != Treatment::Keep).collect();
        let key = privacy.key.as_ref().filter(|_| !columns.is_empty());
        Ok(Self { key: key.map(SecretFile::read).transpose()?, columns })
    }

    /// Whether nothing is hidden.
    pub fn is_nothing(&self) -> bool {
        self.columns.is_empty()
    }

    /// The batch without what is hidden.
    ///
    /// # Errors
    /// Never in practice: a hidden column has the type of the one it replaces.
    pub fn hide(&self, batch: RecordBatch) -> Result<RecordBatch, ArrowError> {
        if self.is_nothing() {
            return Ok(batch);
        }
        let mut columns = batch.columns().to_vec();
        for (column, treatment) in &self.columns {
            if let Some(values) = columns.get_mut(table_column(*column) as usize) {
                *values = self.hidden(*column, *treatment, values)?;
            }
        }
        RecordBatch::try_new(batch.schema(), columns)
    }

    fn hidden(
        &self,
        column: PrivateColumn,
        treatment: Treatment,
        values: &ArrayRef,
    ) -> Result<ArrayRef, ArrowError> {
        let hide = |text: &str| self.value(column, treatment, text);
        if let Some(dictionary) = values.as_dictionary_opt::<Int32Type>() {
            let Some(words) = dictionary.values().as_string_opt::<i32>() else { return Ok(values.clone()) };
            let hidden: StringArray = words.iter().map(|word| word.and_then(hide)).collect();
            if hidden.null_count() == 0 {
                let keys = dictionary.keys().clone();
                return Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, Arc::new(hidden))?));
            }
            // The words of a dictionary are not null: its keys are the place for that.
            let rows = dictionary.keys().iter().map(|key| {
                let word = key.and_then(|key| usize::try_from(key).ok());
                word.filter(|word| *word < hidden.len() && hidden.is_valid(*word))
                    .map(|word| hidden.value(word))
            });
            return Ok(Arc::new(rows.collect::<DictionaryArray<Int32Type>>()));
        }
        match values.as_string_opt::<i32>() {
            Some(texts) => {
                Ok(Arc::new(texts.iter().map(|text| text.and_then(hide)).collect::<StringArray>()))
            }
            None => Ok(new_null_array(values.data_type(), values.len())),
        }
    }

    /// What is kept of one value.
    fn value(&self, column: PrivateColumn, treatment: Treatment, text: &str) -> Option<String> {
        match (column, treatment) {
            (_, Treatment::Keep) => Some(text.to_owned()),
            // Hidden by the audit device already.
            _ if text.starts_with(HASHED_PREFIX) => Some(text.to_owned()),
            (PrivateColumn::Context, _) => Some(self.context(treatment, text)),
            // The name of a service says what stands behind a call, and names nobody.
            (PrivateColumn::SourceIp, _) if text.parse::<IpAddr>().is_err() => Some(text.to_owned()),
            (PrivateColumn::SourceIdentity, Treatment::Drop) => Some(DROPPED.to_owned()),
            (_, Treatment::Drop) => None,
            (_, Treatment::Hash) => Some(self.hash(text)),
        }
    }

    /// The names of a context, with hidden values. One that is no object is hidden as a whole.
    fn context(&self, treatment: Treatment, text: &str) -> String {
        let hide = |value: &str| match treatment {
            Treatment::Drop => DROPPED.to_owned(),
            _ if value.starts_with(HASHED_PREFIX) => value.to_owned(),
            _ => self.hash(value),
        };
        let Ok(pairs) = serde_json::from_str::<Map<String, Value>>(text) else { return hide(text) };
        let hidden = pairs.into_iter().map(|(name, value)| {
            let value = value.as_str().map_or_else(|| hide(&value.to_string()), hide);
            (name, Value::String(value))
        });
        Value::Object(hidden.collect()).to_string()
    }

    fn hash(&self, text: &str) -> String {
        let key = self.key.as_ref().map_or("", |key| key.expose_secret());
        let digits: String = hmac_sha256(key.as_bytes(), &[text.as_bytes()])
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("{HASHED_PREFIX}{}", digits.get(..DIGITS).unwrap_or(&digits))
    }
}

const fn table_column(column: PrivateColumn) -> Column {
    match column {
        PrivateColumn::Context => Column::Context,
        PrivateColumn::SourceIp => Column::SourceIp,
        PrivateColumn::SessionName => Column::SessionName,
        PrivateColumn::SourceIdentity => Column::SourceIdentity,
        PrivateColumn::CredentialId => Column::CredentialId,
        PrivateColumn::EntityId => Column::EntityId,
        PrivateColumn::UserAgent => Column::UserAgent,
        PrivateColumn::ErrorMessage => Column::ErrorMessage,
        PrivateColumn::Request => Column::Request,
        PrivateColumn::Response => Column::Response,
        PrivateColumn::Record => Column::Record,
    }
}
