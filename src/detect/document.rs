//! A detector as it is written: the form of the YAML file, with the place of what is checked later.
//!
//! Unknown fields are mistakes. What the fields mean together is [`super::detectors`]' matter.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use serde_saphyr::Spanned;

use super::window::document::WindowDocument;
use crate::domain::alert::Notice;
use crate::domain::level::Level;
use crate::domain::vocabulary::vocabulary;

vocabulary! {
    /// How far a detector is to be trusted, in Sigma's words.
    pub enum Status as "status" {
        Stable = "stable",
        Test = "test",
        Experimental = "experimental",
        /// Kept for reference, not evaluated.
        Deprecated = "deprecated",
    }
}

/// One detector file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Unique among all detectors, such as KP-001.
    #[schemars(with = "String")]
    pub id: Spanned<String>,
    /// What it finds, in a few words.
    pub title: String,
    /// How loud a finding is before the key's criticality, environment and the outcome are weighed.
    pub level: Level,
    pub status: Status,
    /// What it finds, why that matters, and what it does not see.
    #[serde(default)]
    pub description: String,
    /// A SQL expression over the columns of the event table, true for a finding.
    #[serde(rename = "match")]
    #[schemars(with = "String")]
    pub expression: Spanned<String>,
    /// The columns whose values fold findings into one alert; by default key_id and principal.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub alert_by: Vec<Spanned<String>>,
    /// How long one alert spans, in event time: 24h, 30d. Findings within it are one alert. By default 24h.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub alert_span: Option<Spanned<String>>,
    /// When people are told of its alerts: at_once, or daily, all of a day together. By default at_once.
    #[serde(default)]
    #[schemars(with = "Option<Notice>")]
    pub notice: Option<Notice>,
    /// What it depends on: catalog, aws, vault, service:NAME, column:NAME, field:NAME. Without it the
    /// detector is shown as blind.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub requires: Vec<Spanned<String>>,
    /// Techniques and controls, such as attack.t1552.004 or ccm.cek-11.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What else looks like this.
    #[serde(default)]
    pub false_positives: Lines,
    /// What to do when it fires.
    #[serde(default)]
    pub runbook: String,
    #[serde(default)]
    pub references: Vec<String>,
    pub author: Option<String>,
    /// Ids of detectors that see the same from another side.
    #[serde(default)]
    pub related: Vec<String>,
    /// For detectors that need memory: what they remember.
    #[schemars(with = "Option<WindowDocument>")]
    pub window: Option<Spanned<WindowDocument>>,
    /// Its proof: at least one case that fires and one that stays silent.
    #[serde(default)]
    #[schemars(with = "Vec<CaseDocument>")]
    pub cases: Vec<Spanned<CaseDocument>>,
}

/// One case of a detector.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseDocument {
    /// What happens in it.
    pub name: String,
    /// A catalog, written out or as the path of a file; none where no key is declared.
    #[serde(default)]
    pub catalog: Option<Value>,
    /// Log records as the provider writes them, or `{ file: path }`.
    pub events: Vec<Value>,
    /// The findings, each by some of its event's columns; empty where the detector stays silent.
    pub expect: Vec<Map<String, Value>>,
}

/// One line of text or several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines(pub Vec<String>);

impl<'de> Deserialize<'de> for Lines {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LinesVisitor)
    }
}

struct LinesVisitor;

impl<'de> Visitor<'de> for LinesVisitor {
    type Value = Lines;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text or a list of texts")
    }

    fn visit_str<E>(self, text: &str) -> Result<Lines, E> {
        Ok(Lines(vec![text.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Lines, A::Error> {
        let mut lines = Vec::new();
        while let Some(line) = sequence.next_element()? {
            lines.push(line);
        }
        Ok(Lines(lines))
    }
}

impl JsonSchema for Lines {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Lines".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string" },
            { "type": "array", "items": { "type": "string" } },
        ] })
    }
}

/// The JSON schema of a detector file, for editors: `detectors.schema.json`.
///
/// # Errors
/// Never in practice: the schema is made of plain maps.
pub fn json_schema_text() -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&schemars::schema_for!(Document))
}
