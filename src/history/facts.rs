//! What events tell of a key beside its uses: names, versions, policies, rotations, grants; and by which
//! function it was first and last used.
//!
//! In: the events of a set. Out: a row for each key and fact, with when it was first and last told, by event
//! time. A policy is its hash: enough to see that it changed, and when.

use arrow::array::{Array, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::rollup::{Column, Form, Rollup, Seen, texts, times};
use crate::domain::event::Outcome;

/// The table `facts`.
pub(super) const FORM: Form = Form {
    words: &[
        ("fact", false, "alias, version, material, policy, rotation, grant, grant_ended or use."),
        ("key_id", false, "The key's canonical name."),
        (
            "value",
            false,
            "The alias, the version, the policy's SHA-256, the operation, the grant's id, or the function.",
        ),
    ],
    time: None,
    counted: "How many events told it; corrections are left out.",
};

/// Operations that give a key new material.
const ROTATIONS: &[&str] = &[
    "RotateKeyOnDemand",
    "RotateKey",
    "RotationSucceeded",
    "transit.keys.rotate",
    "pki.root.rotate",
    "pki.root.rotate.exported",
];

/// What an operation tells beside what every event may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Rotation,
    Grant,
    GrantEnded,
    Policy,
}

fn told_by(action: &str) -> Option<Told> {
    match action {
        "CreateGrant" => Some(Told::Grant),
        "RetireGrant" | "RevokeGrant" => Some(Told::GrantEnded),
        "PutKeyPolicy" | "PutResourcePolicy" | "CreateKey" => Some(Told::Policy),
        action if ROTATIONS.contains(&action) => Some(Told::Rotation),
        _ => None,
    }
}

/// Adds the facts of a batch.
pub(super) fn add(rollup: &mut Rollup, batch: &RecordBatch) {
    let columns = Columns::of(rollup, batch);
    for (row, time) in times(batch, "event_time").unwrap_or_default().iter().enumerate() {
        if columns.tells(row) {
            columns.add(rollup, row, *time);
        }
    }
}

/// The columns of a batch that tell something.
struct Columns<'b> {
    key: Column<'b>,
    alias: Column<'b>,
    material: Column<'b>,
    function: Column<'b>,
    action: Column<'b>,
    outcome: Column<'b>,
    /// The outcomes of calls that did something.
    done: [u32; 2],
    version: Option<&'b Int64Array>,
    corrects: Option<&'b StringArray>,
    request: Option<&'b StringArray>,
    response: Option<&'b StringArray>,
    /// What each distinct operation of the batch tells, by its number.
    told: Vec<(u32, Told)>,
    facts: Facts,
}

/// The words of the column `fact`.
#[derive(Debug, Clone, Copy)]
struct Facts {
    alias: u32,
    version: u32,
    material: u32,
    policy: u32,
    rotation: u32,
    grant: u32,
    grant_ended: u32,
    usage: u32,
}

impl Facts {
    fn of(rollup: &mut Rollup) -> Self {
        Self {
            alias: rollup.word("alias"),
            version: rollup.word("version"),
            material: rollup.word("material"),
            policy: rollup.word("policy"),
            rotation: rollup.word("rotation"),
            grant: rollup.word("grant"),
            grant_ended: rollup.word("grant_ended"),
            usage: rollup.word("use"),
        }
    }
}

impl<'b> Columns<'b> {
    fn of(rollup: &mut Rollup, batch: &'b RecordBatch) -> Self {
        let action = rollup.column(batch, "action");
        let told = action.words().iter().copied();
        let told = told.filter_map(|word| Some((word, told_by(rollup.text(word)?)?))).collect();
        Self {
            key: rollup.column(batch, "key_id"),
            alias: rollup.column(batch, "key_alias"),
            material: rollup.column(batch, "key_material"),
            function: rollup.column(batch, "function"),
            outcome: rollup.column(batch, "outcome"),
            done: [Outcome::Success, Outcome::Partial].map(|outcome| rollup.word(outcome.as_str())),
            version: batch
                .column_by_name("key_version")
                .and_then(|column| column.as_primitive_opt::<Int64Type>()),
            corrects: texts(batch, "corrects"),
            request: texts(batch, "request"),
            response: texts(batch, "response"),
            told,
            facts: Facts::of(rollup),
            action,
        }
    }

    fn tells(&self, row: usize) -> bool {
        self.key.has(row) && self.corrects.is_none_or(|corrects| corrects.is_null(row))
    }

    fn add(&self, rollup: &mut Rollup, row: usize, time: i64) {
        let (key, facts) = (self.key.at(row), &self.facts);
        let add = |rollup: &mut Rollup, fact: u32, value: u32| {
            rollup.add([fact, key, value], 0, Seen::once(time));
        };
        for (fact, column) in [(facts.alias, &self.alias), (facts.material, &self.material)] {
            if column.has(row) {
                add(rollup, fact, column.at(row));
            }
        }
        if let Some(version) = self.version.filter(|version| version.is_valid(row)) {
            let version = rollup.word(&version.value(row).to_string());
            add(rollup, facts.version, version);
        }
        if !self.done.contains(&self.outcome.at(row)) {
            return;
        }
        if self.function.has(row) {
            add(rollup, facts.usage, self.function.at(row));
        }
        let action = self.action.at(row);
        let Some((_, told)) = self.told.iter().find(|(word, _)| *word == action) else { return };
        let (fact, value) = match told {
            Told::Rotation => return add(rollup, facts.rotation, action),
            Told::Grant => (facts.grant, member(self.response, row, &["grantId"])),
            Told::GrantEnded => (facts.grant_ended, member(self.request, row, &["grantId"])),
            Told::Policy => {
                let policy = member(self.request, row, &["policy", "resourcePolicy"]);
                (facts.policy, policy.map(|policy| hash(&policy)))
            }
        };
        if let Some(value) = value {
            let value = rollup.word(&value);
            add(rollup, fact, value);
        }
    }
}

/// The first of these members of a row's document, as text.
fn member(documents: Option<&StringArray>, row: usize, names: &[&str]) -> Option<String> {
    let documents = documents.filter(|documents| documents.is_valid(row))?;
    let document: Value = serde_json::from_str(documents.value(row)).ok()?;
    match names.iter().find_map(|name| document.get(name))? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn hash(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
