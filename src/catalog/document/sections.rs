//! The sections of a catalog beside keys and classes.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::declaration::{ClassDocument, KeyDocument};
use super::scalars::{Functions, Moment, Pattern, Slug};
use crate::domain::purpose::Mode;
use crate::domain::verdict::Aspect;
use crate::domain::vocabulary::vocabulary;

/// What each key is for, and who may use it, through what, for what, when.
// Only the schema for editors is made from this type: files are read section by section, so that a large
// one is never in memory as a whole.
#[derive(Debug, JsonSchema)]
#[schemars(title = "keyward catalog", deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are read by the schema generator only")]
pub struct CatalogDocument {
    /// The version of this format: 1.
    version: u32,
    /// What entries and classes say where they do not say it themselves.
    #[schemars(default)]
    defaults: Option<Defaults>,
    /// Principals under one name, used as `@name`.
    #[schemars(default)]
    groups: Option<BTreeMap<String, Box<[Pattern]>>>,
    /// The declared keys.
    #[schemars(default)]
    keys: Option<Vec<KeyDocument>>,
    /// Declarations by rule instead of by name.
    #[schemars(default)]
    classes: Option<Vec<ClassDocument>>,
    /// Where callers come from; the first that matches decides.
    #[schemars(default)]
    callers: Option<Vec<CallerPlace>>,
    /// Where callers of an AWS account or Vault namespace come from.
    #[schemars(default)]
    accounts: Option<BTreeMap<String, Belonging>>,
    /// Who changes keys, policies and tags by right.
    #[schemars(default)]
    pipelines: Option<Vec<Pattern>>,
    /// Posture scanners, who read everything by trade.
    #[schemars(default)]
    scanners: Option<Vec<Pattern>>,
    /// Deviations that somebody has approved, for a time.
    #[schemars(default)]
    exceptions: Option<Vec<ExceptionDocument>>,
    /// What is known not to be watched, for a time.
    #[schemars(default)]
    blind_spots: Option<Vec<BlindSpot>>,
}

/// What holds where an entry does not say otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Defaults {
    /// The environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<Slug>,
    /// Whether misuse is told to people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
}

/// Where callers belong.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Belonging {
    /// To this tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Slug>,
    /// To this environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<Slug>,
}

/// Where the callers that match belong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallerPlace {
    /// A principal, a glob, or `@group`.
    #[serde(rename = "match")]
    pub principal: Pattern,
    /// To this tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Slug>,
    /// To this environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Slug>,
}

vocabulary! {
    /// The kind of an exception.
    pub enum ExceptionKind as "kind of exception" {
        /// A deviation that was planned and approved.
        Approved = "approved",
        /// Access in an emergency: short, by named sessions, reviewed afterwards.
        BreakGlass = "break-glass",
    }
}

/// An exception as written. What it must have is checked afterwards, so that one load names all that
/// is missing.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExceptionDocument {
    /// Its stable name, unique among exceptions.
    pub id: Pattern,
    /// `approved`, or `break-glass`: needs sessions, and lasts at most 24 h before `until`.
    pub kind: Option<ExceptionKind>,
    /// The id of the entry or class.
    #[schemars(required)]
    pub key: Option<Pattern>,
    /// What it lifts.
    #[schemars(required)]
    pub aspects: Option<Box<[Aspect]>>,
    /// For which functions; absent is all. Never export and backup.
    pub functions: Option<Functions>,
    /// For whom; never everybody.
    #[schemars(required)]
    pub principals: Option<Box<[Pattern]>>,
    /// Globs of which the session's name must match one.
    pub sessions: Option<Box<[Pattern]>>,
    /// From when; absent is since ever, for break-glass 24 h before `until`.
    pub from: Option<Moment>,
    /// Until when, this moment not included.
    #[schemars(required)]
    pub until: Option<Moment>,
    /// Why.
    #[schemars(required)]
    pub reason: Option<Arc<str>>,
    /// The ticket that it was approved in.
    #[schemars(required)]
    pub ticket: Option<Arc<str>>,
    /// Who asked for it.
    pub requester: Option<Arc<str>>,
    /// Who approved it; somebody else.
    #[schemars(required)]
    pub approver: Option<Pattern>,
}

/// Something that is known not to be watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BlindSpot {
    /// The source.
    pub source: Arc<str>,
    /// What is missing of it.
    pub what: Arc<str>,
    /// Until when that is accepted.
    pub until: Moment,
    /// Who accepted it.
    pub approver: Arc<str>,
}
