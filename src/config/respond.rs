//! What may be done about an alert, by whom, how often, and what never.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::alerts::{Retry, default_timeout};
use super::quantity::Span;
use super::secret::SecretFile;
use crate::domain::action::ActionKind;

/// Remediation: playbooks propose actions for alerts, receivers that hold the rights carry them out.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Respond {
    pub mode: RespondMode,
    /// Playbooks: files, or folders of them. Without any nothing is proposed.
    pub playbooks: Vec<PathBuf>,
    /// Who carries actions out; each has a name of its own.
    pub receivers: Vec<Receiver>,
    /// The receivers' own identities in the logs, with `*`: what they do while an action is under way is
    /// recognised as part of it, and neither alerts nor proposes. At other times it is anybody's.
    pub actors: Vec<String>,
    /// Keys (or ids of catalog entries) and principals, with `*`, that no action ever touches.
    pub protected: Vec<String>,
    pub limits: Bounds,
    /// A proposal that nobody approved for so long has expired.
    pub expires: Span,
    /// How far back history is looked at for what an action would break.
    pub look_back: Span,
    /// How long later events are watched for an action's effect, unless its step says otherwise.
    pub verify_within: Span,
    /// An action that would break conforming uses of so many other callers, or more, takes two people.
    pub two_people_from: u64,
    /// While this file exists nothing is done; what is to be taken back still is.
    pub kill_switch: Option<PathBuf>,
}

impl Default for Respond {
    fn default() -> Self {
        Self {
            mode: RespondMode::DryRun,
            playbooks: Vec::new(),
            receivers: Vec::new(),
            actors: Vec::new(),
            protected: Vec::new(),
            limits: Bounds::default(),
            // Half a working day: what was urgent then is another situation.
            expires: Span::seconds(4 * 3_600),
            // A month has every monthly job in it.
            look_back: Span::seconds(35 * 86_400),
            verify_within: Span::seconds(30 * 60),
            two_people_from: 1,
            kill_switch: None,
        }
    }
}

/// How far keyward goes by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RespondMode {
    /// What would be proposed is written down, and cannot be approved.
    #[default]
    DryRun,
    /// People approve.
    Propose,
    /// Steps that say `automatic` run by themselves where their impact is known and nobody else is hit.
    Automatic,
}

/// How much may be done within an hour, so that misuse cannot be used to cause an outage.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Bounds {
    pub per_hour: u64,
    /// For the keys of one account or namespace.
    pub per_scope: u64,
    /// For the keys of one owner.
    pub per_owner: u64,
    /// How long after an action nothing is done to the same principal or key.
    pub cool_down: Span,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { per_hour: 10, per_scope: 5, per_owner: 3, cool_down: Span::seconds(5 * 60) }
    }
}

/// Who carries actions out.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Receiver {
    pub name: String,
    pub url: String,
    /// Files with the keys that requests are signed with (Standard Webhooks); at least one.
    pub signing_keys: Vec<SecretFile>,
    /// A file with a token sent as `Authorization: Bearer`.
    #[serde(default)]
    pub token: Option<SecretFile>,
    /// What it is asked for; anything where it is empty.
    #[serde(default)]
    pub actions: Vec<ActionKind>,
    /// Networks that may be asked although they are private, loopback or link-local.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub allow_networks: Vec<ipnet::IpNet>,
    /// How long one request may take.
    #[serde(default = "default_timeout")]
    pub timeout: Span,
    #[serde(default = "retry")]
    pub retry: Retry,
}

/// An action that comes an hour late is another action.
fn retry() -> Retry {
    Retry { first: Span::seconds(1), longest: Span::seconds(60), give_up_after: Span::seconds(3_600) }
}

/// Reports every mistake.
pub(super) fn check(respond: &Respond, report: &mut impl FnMut(String)) {
    let mut names = std::collections::BTreeSet::new();
    for receiver in &respond.receivers {
        let name = receiver.name.as_str();
        if name.is_empty() || !names.insert(name) {
            report(format!("two of `respond: receivers:` are called `{name}`, or it is no name"));
        }
        if receiver.signing_keys.is_empty() {
            report(format!("receiver `{name}`: `signing_keys` is empty; it could not tell who asks"));
        }
    }
    if respond.actors.iter().any(|actor| actor.trim().is_empty() || actor.chars().all(|c| c == '*')) {
        report("`respond: actors:` has a pattern that fits everybody: nothing would alert".to_owned());
    }
}
