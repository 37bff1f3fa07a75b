//! One rule: its condition, and its words as those of a detector.

use rsigma_parser::{Level, RelationType, SigmaRule, Status};
use serde_json::{Map, Value, json};

use super::condition::{self, Condition, Trouble};
use super::logsource;
use super::outline::Outline;
use crate::domain::event::Provider;
use crate::domain::identity::hex_id;

/// A rule that was understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Compiled {
    pub provider: Provider,
    pub condition: Condition,
}

/// The condition of a rule.
///
/// # Errors
/// What is wrong with it, or cannot be evaluated.
pub fn compile(rule: &SigmaRule, outline: &Outline) -> Result<Compiled, Trouble> {
    // What is wrong with a rule is told even where its log is none of ours.
    let condition = condition::condition(&rule.detection, outline, "detection");
    if let Err(trouble) = &condition
        && trouble.is_mistake
    {
        return Err(trouble.clone());
    }
    let provider = logsource::provider(&rule.logsource).map_err(|trouble| trouble.below(&["logsource"]))?;
    if rule.status == Some(Status::Unsupported) {
        return Err(Trouble::unsupported("the rule says of itself that it is unsupported").below(&["status"]));
    }
    Ok(Compiled { provider, condition: condition? })
}

/// What rules and correlations tell people.
#[derive(Debug)]
pub struct Words<'r> {
    pub id: Option<&'r str>,
    pub name: Option<&'r str>,
    pub title: &'r str,
    pub level: Option<Level>,
    pub status: Option<Status>,
    pub description: Option<&'r str>,
    pub author: Option<&'r str>,
    pub tags: &'r [String],
    pub falsepositives: &'r [String],
    pub references: &'r [String],
    pub related: Vec<&'r str>,
}

impl<'r> Words<'r> {
    /// Those of a rule.
    pub fn of_rule(rule: &'r SigmaRule) -> Self {
        let is_other = |kind: RelationType| kind != RelationType::Obsolete;
        let related = rule.related.iter().filter(|other| is_other(other.relation_type));
        Self {
            id: rule.id.as_deref(),
            name: rule.name.as_deref(),
            title: &rule.title,
            level: rule.level,
            status: rule.status,
            description: rule.description.as_deref(),
            author: rule.author.as_deref(),
            tags: &rule.tags,
            falsepositives: &rule.falsepositives,
            references: &rule.references,
            related: related.map(|other| other.id.as_str()).collect(),
        }
    }

    /// The id of the detector: the rule's, else its name, else a hash of its title.
    pub fn detector_id(&self) -> String {
        let plain = |word: &&str| {
            !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        };
        let named = self.id.filter(plain).or(self.name.filter(plain)).map(str::to_owned);
        named.unwrap_or_else(|| format!("sigma-{}", hex_id(&[self.title.as_bytes()])))
    }

    /// The fields of a detector's file, as JSON, which is YAML. A rule without a level is medium, one
    /// without a status is on test.
    pub fn document(&self) -> Map<String, Value> {
        let level = self.level.map_or("medium", |level| level.as_str());
        let status = match self.status {
            Some(Status::Stable) => "stable",
            Some(Status::Experimental) => "experimental",
            Some(Status::Deprecated | Status::Unsupported) => "deprecated",
            Some(Status::Test) | None => "test",
        };
        let document = json!({
            "id": self.detector_id(),
            "title": self.title,
            "level": level,
            "status": status,
            "description": self.description.unwrap_or_default(),
            "tags": self.tags,
            "false_positives": self.falsepositives,
            "references": self.references,
            "author": self.author,
            "related": self.related,
        });
        match document {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }
}
