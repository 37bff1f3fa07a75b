//! Playbooks: which alerts call for which steps, and who carries them out.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::patterns::Patterns;
use super::subject::got_through;
use crate::config::{Receiver, Span};
use crate::domain::action::ActionKind;
use crate::domain::event::Provider;
use crate::domain::level::Level;
use crate::domain::problem::Problem;

/// The most people that a step may ask for: more than two are never awake.
const MOST_PEOPLE: u8 = 2;

/// What a file of `playbooks` holds.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    /// Unique among all playbooks; part of the ids of its actions.
    id: String,
    title: String,
    /// Which alerts it is for. All of it has to hold.
    when: When,
    /// The name of one of `respond: receivers:`.
    receiver: String,
    /// What can be done. Whatever their order here: what can be taken back and stops least is proposed first, the
    /// next only when the one before failed or did not help.
    steps: Vec<Step>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct When {
    /// Ids of detectors, with `*`.
    detectors: Vec<String>,
    /// The quietest finding that counts.
    #[serde(default = "high")]
    level: Level,
    provider: Option<Provider>,
    /// Keys or ids of catalog entries, with `*`; any where it is empty.
    #[serde(default)]
    keys: Vec<String>,
    /// Principals, with `*`; any where it is empty.
    #[serde(default)]
    principals: Vec<String>,
    /// Whether calls that were stopped count too. Never for what touches a key.
    #[serde(default)]
    on_attempts: bool,
}

/// One thing that can be done.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    pub action: ActionKind,
    pub title: String,
    /// How many different people have to approve, 1 or 2. Some actions, and some impacts, ask for two anyway.
    #[serde(default = "one")]
    pub approvals: u8,
    /// Whether it may run by itself in the mode `automatic`: where history covers the time looked back at and shows
    /// no conforming use that it would break.
    #[serde(default)]
    pub automatic: bool,
    /// What the receiver is given beside whom and what it is about.
    #[serde(default)]
    pub parameters: Map<String, Value>,
    /// How long later events are watched for its effect.
    pub verify_within: Option<Span>,
}

const fn high() -> Level {
    Level::High
}

const fn one() -> u8 {
    1
}

/// A playbook, checked.
#[derive(Debug, Clone)]
pub struct Playbook {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) receiver: String,
    /// The narrowest first.
    pub(super) steps: Vec<Step>,
    detectors: Patterns,
    level: Level,
    provider: Option<Provider>,
    keys: Patterns,
    principals: Patterns,
    on_attempts: bool,
}

/// A finding as far as playbooks look at it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Hit {
    pub detector: String,
    pub level: Level,
    pub event_id: String,
    pub event_time: String,
    pub provider: Option<String>,
    pub key_id: Option<String>,
    pub catalog_id: Option<String>,
    pub principal: Option<String>,
    pub outcome: Option<String>,
}

impl Hit {
    /// Whether the call got through, as far as the log says.
    pub fn succeeded(&self) -> bool {
        got_through(self.outcome.as_deref())
    }
}

impl Playbook {
    fn fits(&self, hit: &Hit) -> bool {
        let any = |patterns: &Patterns, texts: [Option<&str>; 2]| {
            patterns.is_empty() || patterns.first(texts).is_some()
        };
        self.detectors.fit(&hit.detector)
            && hit.level >= self.level
            && self.provider.is_none_or(|provider| hit.provider.as_deref() == Some(provider.as_str()))
            && any(&self.keys, [hit.key_id.as_deref(), hit.catalog_id.as_deref()])
            && any(&self.principals, [hit.principal.as_deref(), None])
    }

    /// The finding that calls for it, calls that got through first; the findings come in that order.
    pub(super) fn called_for<'h>(&self, hits: &'h [Hit]) -> Option<&'h Hit> {
        hits.iter().find(|hit| self.fits(hit) && (hit.succeeded() || self.on_attempts))
    }

    fn of(document: Document) -> Result<Self, String> {
        let Document { id, title, when, receiver, mut steps } = document;
        // Stable: of equals the one that is written first.
        steps.sort_by_key(|step| (!step.action.is_reversible(), step.action.breadth()));
        Ok(Self {
            id,
            title,
            receiver,
            steps,
            detectors: Patterns::parse(&when.detectors)?,
            level: when.level,
            provider: when.provider,
            keys: Patterns::parse(&when.keys)?,
            principals: Patterns::parse(&when.principals)?,
            on_attempts: when.on_attempts,
        })
    }
}

/// What is wrong with a playbook by itself, or with its receiver.
fn mistake(document: &Document, receivers: &[Receiver]) -> Option<String> {
    let Some(receiver) = receivers.iter().find(|receiver| receiver.name == document.receiver) else {
        return Some(format!("`respond: receivers:` has no `{}`", document.receiver));
    };
    if document.steps.is_empty() {
        return Some("`steps` is empty".to_owned());
    }
    if document.when.detectors.is_empty() {
        return Some("`when: detectors:` is empty: name ids, or '*'".to_owned());
    }
    document.steps.iter().find_map(|step| {
        let action = step.action;
        let is_known = receiver.actions.is_empty() || receiver.actions.contains(&action);
        if !is_known {
            Some(format!("the receiver `{}` is not asked for `{action}`", receiver.name))
        } else if !(1..=MOST_PEOPLE).contains(&step.approvals) {
            Some(format!("`approvals` of `{action}` is 1 or 2"))
        } else if step.automatic && (!action.is_reversible() || action.least_people() > 1) {
            Some(format!("`{action}` is never `automatic`"))
        } else {
            None
        }
    })
}

/// Reads playbooks: files, or the `*.yaml` of folders.
///
/// # Errors
/// Every mistake, with its place where it has one.
pub fn load(paths: &[PathBuf], receivers: &[Receiver]) -> Result<Vec<Playbook>, Vec<Problem>> {
    let (mut playbooks, mut problems, mut ids) = (Vec::new(), Vec::new(), BTreeSet::new());
    for path in files(paths, &mut problems) {
        match read(&path, receivers) {
            Ok(playbook) if ids.insert(playbook.id.clone()) => playbooks.push(playbook),
            Ok(playbook) => {
                problems.push(Problem::error(
                    path,
                    0,
                    0,
                    format!("two playbooks are called `{}`", playbook.id),
                ));
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(playbooks) } else { Err(problems) }
}

fn files(paths: &[PathBuf], problems: &mut Vec<Problem>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        match std::fs::read_dir(path) {
            Ok(entries) => {
                let found = entries.filter_map(|entry| Some(entry.ok()?.path()));
                files.extend(found.filter(|file| file.extension().is_some_and(|ending| ending == "yaml")));
            }
            Err(error) => problems.push(Problem::error(path, 0, 0, format!("could not read it: {error}"))),
        }
    }
    files.sort();
    files
}

fn read(path: &Path, receivers: &[Receiver]) -> Result<Playbook, Problem> {
    let whole = |told: String| Problem::error(path, 0, 0, told);
    let text = std::fs::read_to_string(path).map_err(|error| whole(format!("could not read it: {error}")))?;
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
    let document: Document = serde_saphyr::from_str_with_options(&text, options).map_err(|error| {
        let (line, column) =
            error.location().map_or((0, 0), |place| (place.line() as usize, place.column() as usize));
        Problem::error(path, line, column, error.to_string())
    })?;
    match mistake(&document, receivers) {
        Some(told) => Err(whole(told)),
        None => Playbook::of(document).map_err(whole),
    }
}

/// The JSON schema of a playbook, indented, ending with a line break.
pub fn json_schema() -> String {
    // A schema is plain JSON data; serializing it cannot fail.
    let mut text = serde_json::to_string_pretty(&schemars::schema_for!(Document)).unwrap_or_default();
    text.push('\n');
    text
}
