//! The whole documents of a record, for changes of keys, access and logging.
//!
//! In: a record that was parsed already. Out: `requestParameters` and what the call answered as JSON
//! values, and as compact text with secrets redacted and bounded in size.

use std::marker::PhantomData;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::Arena;
use super::super::json::{self, Doubt};
use super::field::wrong_type;
use super::parse::reject;
use super::redaction::redact;
use crate::domain::reject::Reject;

/// The longest text of a request or response, in bytes. The longest document that must fit whole is a
/// KMS key policy, at most 32 KiB.
const MAX_TEXT: usize = 48 * 1024;

/// The documents of one record.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Documents {
    pub request_parameters: Value,
    pub response_elements: Value,
    additional_event_data: Value,
    service_event_details: Value,
}

impl Documents {
    /// Reads the documents of a record.
    ///
    /// # Errors
    /// Where the record is no JSON after all.
    pub fn of(text: &str) -> Result<Self, Reject> {
        json::read(PhantomData, text)
            .or_else(|Doubt| serde_json::from_str(text))
            .map_err(|error| reject(&error))
    }

    /// A text of the request.
    ///
    /// # Errors
    /// Where it is there and no text.
    pub fn request_text(&self, name: &str) -> Result<Option<&str>, Reject> {
        match self.request_parameters.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(_) => Err(wrong_type(&format!("requestParameters.{name}"))),
        }
    }

    /// The first text found in what the call answered, at one of these paths.
    pub fn answered(&self, paths: &[&str]) -> Option<&str> {
        let answers = [&self.response_elements, &self.additional_event_data, &self.service_event_details];
        let found = |path: &&str| answers.iter().find_map(|answer| answer.pointer(path)?.as_str());
        paths.iter().find_map(found).filter(|text| !text.is_empty())
    }

    /// The texts of a list of the request.
    pub fn request_list(&self, name: &str) -> impl Iterator<Item = &str> {
        self.request_parameters
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
    }

    /// Whether the request has one of these members, with a value.
    pub fn request_has(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.request_parameters.get(name).is_some_and(|value| !value.is_null()))
    }

    /// The request as the text of one JSON object, secrets redacted.
    pub fn request<'a>(&self, arena: &'a Arena) -> Option<&'a str> {
        written([&self.request_parameters], arena)
    }

    /// What the call answered as the text of one JSON object, secrets redacted; with what the service
    /// adds (`additionalEventData`, `serviceEventDetails`) where `added`.
    pub fn response<'a>(&self, added: bool, arena: &'a Arena) -> Option<&'a str> {
        if !added {
            return written([&self.response_elements], arena);
        }
        let answers = [&self.response_elements, &self.additional_event_data, &self.service_event_details];
        written(answers, arena)
    }
}

/// The members of all these documents as one object; of members with one name the first counts.
fn written<'a, const N: usize>(documents: [&Value; N], arena: &'a Arena) -> Option<&'a str> {
    let mut members = Map::new();
    for document in documents {
        match document {
            Value::Null => {}
            Value::Object(object) => {
                for (name, value) in object {
                    members.entry(name.clone()).or_insert_with(|| value.clone());
                }
            }
            _ => {
                members.entry("unreadable").or_insert(Value::Bool(true));
            }
        }
    }
    if members.is_empty() {
        return None;
    }
    let mut document = Value::Object(members);
    redact(&mut document);
    Some(bounded(&document, arena))
}

/// Writes the members until the bound; what does not fit is replaced by how long it was.
fn bounded<'a>(document: &Value, arena: &'a Arena) -> &'a str {
    let mut text = document.to_string();
    if let (true, Some(members)) = (text.len() > MAX_TEXT, document.as_object()) {
        let mut room = MAX_TEXT;
        let mut kept = Map::new();
        for (name, value) in members {
            let length = value.to_string().len() + name.len();
            let fits = length <= room;
            room = if fits { room - length } else { room };
            let value = if fits { value.clone() } else { Value::String(format!("left out: {length} bytes")) };
            kept.insert(name.clone(), value);
        }
        text = Value::Object(kept).to_string();
    }
    arena.alloc_str(&text)
}
