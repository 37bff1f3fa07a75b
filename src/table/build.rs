//! Builds one Arrow batch from normalized events.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, BooleanBuilder, Int64Builder, RecordBatch, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::error::ArrowError;

use super::columns::unjudged_schema;
use super::dictionary::{WordBuilder, room_after};
pub use super::mark::RowMark;
use super::tags::{self, LearntTag};
use crate::domain::event::{AliasFact, CallerKind, Category, KeyEvent, Outcome, Provider};

/// Where a record was read.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The file, topic or endpoint.
    pub source: &'a str,
    /// The audit device or trail, where the source names it.
    pub device: Option<&'a str>,
    /// Byte in the decompressed stream.
    pub position: i64,
    /// When it was read, microseconds since the epoch.
    pub ingested_at: i64,
}

/// A batch of events before joining and judging.
#[derive(Debug)]
pub struct Built {
    pub batch: RecordBatch,
    /// One mark a row.
    pub marks: Vec<RowMark>,
    /// Alias facts with their event time, in row order.
    pub aliases: Vec<LearntAlias>,
    /// Facts about tags, in row order.
    pub tags: Vec<LearntTag>,
}

/// An alias fact that has left its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LearntAlias {
    pub at: i64,
    pub alias: String,
    pub key: Option<String>,
}

macro_rules! builders {
    ($( $field:ident : $builder:ty ),+ $(,)?) => {
        /// One builder a column, in table order.
        #[derive(Default)]
        struct Builders { $( $field: $builder ),+ }

        impl Builders {
            fn finish(&mut self) -> Result<Vec<ArrayRef>, ArrowError> {
                Ok(vec![ $( Finish::finish_array(&mut self.$field)? ),+ ])
            }
        }
    };
}

builders! {
    event_id: StringBuilder, event_time: TimestampMicrosecondBuilder, ingested_at: TimestampMicrosecondBuilder,
    ordinal: Int64Builder, provider: WordBuilder, source: WordBuilder, position: Int64Builder, device: WordBuilder,
    shared_event_id: StringBuilder, request_id: StringBuilder, corrects: StringBuilder, addendum: WordBuilder, conflicts: BooleanBuilder,
    service: WordBuilder, action: WordBuilder, category: WordBuilder, function: WordBuilder, outcome: WordBuilder,
    error_code: WordBuilder, error_message: StringBuilder,
    key_id: WordBuilder, key_alias: WordBuilder, key_by_alias: BooleanBuilder, key_account: WordBuilder,
    key_region: WordBuilder, key_version: Int64Builder, key_material: WordBuilder, other_key_id: WordBuilder,
    algorithm: WordBuilder, context: StringBuilder, context_keys: WordBuilder, attestation: WordBuilder,
    wrap_plaintext: BooleanBuilder, batch_size: Int64Builder,
    principal: WordBuilder, principal_type: WordBuilder, principal_account: WordBuilder, session_name: StringBuilder,
    source_identity: WordBuilder, mfa: BooleanBuilder, credential_kind: WordBuilder, credential_id: StringBuilder,
    caller_kind: WordBuilder, caller_rule: WordBuilder, entity_id: WordBuilder, via: WordBuilder,
    account: WordBuilder, region: WordBuilder, namespace: WordBuilder, source_ip: WordBuilder,
    vpc_endpoint: WordBuilder, user_agent: WordBuilder, tls_version: WordBuilder, tls_key_exchange: WordBuilder,
    request: StringBuilder, response: StringBuilder, record: StringBuilder,
}

/// Collects events and turns them into Arrow batches.
#[derive(Default)]
pub struct TableBuilder {
    columns: Builders,
    marks: Vec<RowMark>,
    aliases: Vec<LearntAlias>,
    tags: Vec<LearntTag>,
    /// As in [`RowMark::record`].
    record: u32,
    /// Scratch for the context columns.
    context: String,
    context_names: String,
}

impl TableBuilder {
    /// Rows appended since the last [`Self::finish`].
    pub fn len(&self) -> usize {
        self.marks.len()
    }

    /// Whether nothing was appended since the last [`Self::finish`].
    pub fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    /// The events that follow are of the `record`-th record of the chunk; without this, of the first.
    pub fn begin_record(&mut self, record: u32) {
        self.record = record;
    }

    /// Appends one event.
    pub fn push(&mut self, event: &KeyEvent<'_>, origin: Origin<'_>) {
        self.push_with(event, origin, None);
    }

    /// Appends one event with what detectors read of its record: the `record` column.
    pub fn push_with(&mut self, event: &KeyEvent<'_>, origin: Origin<'_>, record: Option<&str>) {
        self.push_record(event, origin);
        self.columns.record.append_option(record);
        self.push_key(event);
        self.push_caller(event);
        self.marks.push(RowMark::of(event, self.record));
        if event.category == Some(Category::Key) {
            tags::learn(event, &mut self.tags);
        }
        if let Some(AliasFact { alias, key }) = event.alias_fact {
            self.aliases.push(LearntAlias {
                at: event.event_time,
                alias: alias.to_owned(),
                key: key.map(str::to_owned),
            });
        }
    }

    fn push_record(&mut self, event: &KeyEvent<'_>, origin: Origin<'_>) {
        let to = &mut self.columns;
        to.event_id.append_value(event.event_id);
        to.event_time.append_value(event.event_time);
        to.ingested_at.append_value(origin.ingested_at);
        to.ordinal.append_value(i64::from(event.ordinal));
        to.provider.push(event.provider.map(Provider::as_str));
        to.source.push(Some(origin.source));
        to.position.append_value(origin.position);
        to.device.push(event.device.or(origin.device));
        to.shared_event_id.append_option(event.shared_event_id);
        to.request_id.append_option(event.request_id);
        to.corrects.append_option(event.corrects);
        to.addendum.push(event.addendum);
        to.conflicts.append_value(false);
        to.service.push(Some(event.service.unwrap_or_default()));
        to.action.push(Some(event.action.unwrap_or_default()));
        to.category.push(Some(event.category.unwrap_or(Category::Read).as_str()));
        to.function.push(event.function.map(|function| function.as_str()));
        to.outcome.push(Some(event.outcome.unwrap_or(Outcome::Unknown).as_str()));
        to.error_code.push(event.error_code);
        to.error_message.append_option(event.error_message);
        to.account.push(event.account);
        to.region.push(event.region);
        to.namespace.push(event.namespace);
        to.request.append_option(event.request);
        to.response.append_option(event.response);
    }

    fn push_key(&mut self, event: &KeyEvent<'_>) {
        write_context(event.context, &mut self.context, &mut self.context_names);
        let context = event.context.map(|_| self.context.as_str());
        let names = event.context.map(|_| self.context_names.as_str());
        let to = &mut self.columns;
        to.key_id.push(event.key_id);
        to.key_alias.push(event.key_alias);
        to.key_by_alias.append_value(event.key_by_alias);
        to.key_account.push(event.key_account);
        to.key_region.push(event.key_region);
        to.key_version.append_option(event.key_version);
        to.key_material.push(event.key_material);
        to.other_key_id.push(event.other_key_id);
        to.algorithm.push(event.algorithm);
        to.context.append_option(context);
        to.context_keys.push(names);
        to.attestation.push(event.attestation);
        to.wrap_plaintext.append_option(event.wrap_plaintext);
        to.batch_size.append_option(event.batch_size);
    }

    fn push_caller(&mut self, event: &KeyEvent<'_>) {
        let to = &mut self.columns;
        to.principal.push(event.principal);
        to.principal_type.push(event.principal_type);
        to.principal_account.push(event.principal_account);
        to.session_name.append_option(event.session_name);
        to.source_identity.push(event.source_identity);
        to.mfa.append_option(event.mfa);
        to.credential_kind.push(event.credential_kind.map(|kind| kind.as_str()));
        to.credential_id.append_option(event.credential_id);
        to.caller_kind.push(Some(event.caller_kind.unwrap_or(CallerKind::Unknown).as_str()));
        to.caller_rule.push(event.caller_rule);
        to.entity_id.push(event.entity_id);
        to.via.push(event.via);
        to.source_ip.push(event.source_ip);
        to.vpc_endpoint.push(event.vpc_endpoint);
        to.user_agent.push(event.user_agent);
        to.tls_version.push(event.tls_version);
        to.tls_key_exchange.push(event.tls_key_exchange);
    }

    /// The batch of all events appended since the last call, leaving the builder empty.
    ///
    /// # Errors
    /// Never in practice: builders and schema come from one list, and a test compares them.
    pub fn finish(&mut self) -> Result<Built, ArrowError> {
        let arrays = self.columns.finish()?;
        self.record = 0;
        let room = room_after(self.marks.len());
        Ok(Built {
            batch: RecordBatch::try_new(unjudged_schema(), arrays)?,
            marks: std::mem::replace(&mut self.marks, Vec::with_capacity(room)),
            aliases: std::mem::take(&mut self.aliases),
            tags: std::mem::take(&mut self.tags),
        })
    }
}

/// Writes the context as a JSON object with sorted names, and the names alone.
fn write_context(context: Option<&[(&str, &str)]>, json: &mut String, names: &mut String) {
    json.clear();
    names.clear();
    let Some(pairs) = context else { return };
    let mut pairs = Cow::Borrowed(pairs);
    // Most contexts are one pair, or come in order.
    if !pairs.is_sorted() {
        pairs.to_mut().sort_unstable();
    }
    json.push('{');
    for (place, (name, value)) in pairs.iter().enumerate() {
        if place > 0 {
            json.push(',');
            names.push(',');
        }
        names.push_str(name);
        push_json_string(json, name);
        json.push(':');
        push_json_string(json, value);
    }
    json.push('}');
}

/// Appends `text` as a JSON string.
pub fn push_json_string(json: &mut String, text: &str) {
    json.push('"');
    let mut rest = text;
    while let Some(place) = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1F)) {
        let (plain, after) = rest.split_at_checked(place).unwrap_or((rest, ""));
        json.push_str(plain);
        let mut after = after.chars();
        match after.next() {
            Some('\n') => json.push_str("\\n"),
            Some('\r') => json.push_str("\\r"),
            Some('\t') => json.push_str("\\t"),
            Some(quoted @ ('"' | '\\')) => json.extend(['\\', quoted]),
            Some(control) => json.push_str(&format!("\\u{:04x}", u32::from(control))),
            None => {}
        }
        rest = after.as_str();
    }
    json.push_str(rest);
    json.push('"');
}

/// Ends a column and leaves an empty one with room for as much; one way for the builders of arrow and ours.
trait Finish {
    fn finish_array(&mut self) -> Result<ArrayRef, ArrowError>;
}

impl Finish for WordBuilder {
    fn finish_array(&mut self) -> Result<ArrayRef, ArrowError> {
        self.finish()
    }
}

impl Finish for StringBuilder {
    fn finish_array(&mut self) -> Result<ArrayRef, ArrowError> {
        let next = Self::with_capacity(room_after(self.len()), room_after(self.values_slice().len()));
        Ok(Arc::new(std::mem::replace(self, next).finish()))
    }
}

impl Finish for Int64Builder {
    fn finish_array(&mut self) -> Result<ArrayRef, ArrowError> {
        let next = Self::with_capacity(room_after(self.len()));
        Ok(Arc::new(std::mem::replace(self, next).finish()))
    }
}

impl Finish for BooleanBuilder {
    fn finish_array(&mut self) -> Result<ArrayRef, ArrowError> {
        let next = Self::with_capacity(room_after(self.len()));
        Ok(Arc::new(std::mem::replace(self, next).finish()))
    }
}

impl Finish for TimestampMicrosecondBuilder {
    fn finish_array(&mut self) -> Result<ArrayRef, ArrowError> {
        let next = Self::with_capacity(room_after(self.len()));
        Ok(Arc::new(std::mem::replace(self, next).finish().with_timezone("UTC")))
    }
}

#[cfg(test)]
#[path = "build_tests.rs"]
mod tests;
