//! What events tell of a key beside its uses: names, versions, policies, rotations, grants; and by which
//! function it was first and last used.
//!
//! In: the events of a set. Out: a row for each key and fact, with when it was first and last told, by event
//! time. A policy is its hash: enough to see that it changed, and when.

use arrow::array::{Array, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::rollup::{Column, Form, Memo, Rollup, Seen, texts, times};
use super::usage;
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

/// Adds the facts of a batch, but for uses.
pub(super) fn add(rollup: &mut Rollup, batch: &RecordBatch) {
    let columns = Columns::of(rollup, batch);
    let mut memos = Memos::default();
    for (row, time) in times(batch, "event_time").unwrap_or_default().iter().enumerate() {
        if let Some(key) = columns.tells(row) {
            columns.add_names(rollup, &mut memos, key, row, *time);
            columns.add_change(rollup, row, *time);
        }
    }
}

/// Adds by which functions keys were used, as it is added up already.
pub(super) fn add_uses(rollup: &mut Rollup, usage: &Rollup) {
    let fact = rollup.word("use");
    for (key, function, seen) in usage::uses(usage) {
        let (key, function) = (rollup.word(key), rollup.word(function));
        rollup.add([fact, key, function], 0, seen);
    }
}

/// One for each column that names something of a key.
#[derive(Debug, Default)]
struct Memos {
    alias: Memo,
    material: Memo,
    version: Memo,
}

/// The columns of a batch that tell something.
struct Columns<'b> {
    key: Column<'b>,
    alias: Column<'b>,
    material: Column<'b>,
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
        }
    }
}

impl<'b> Columns<'b> {
    fn of(rollup: &mut Rollup, batch: &'b RecordBatch) -> Self {
        let action = rollup.column(batch, "action");
        let told = action.words().iter().copied();
        let told = told.filter_map(|word| Some((word, told_by(rollup.text(word)?)?))).collect();
        let version = batch.column_by_name("key_version");
        Self {
            key: rollup.column(batch, "key_id"),
            alias: rollup.column(batch, "key_alias"),
            material: rollup.column(batch, "key_material"),
            outcome: rollup.column(batch, "outcome"),
            done: [Outcome::Success, Outcome::Partial].map(|outcome| rollup.word(outcome.as_str())),
            version: version.and_then(|column| column.as_primitive_opt::<Int64Type>()),
            corrects: texts(batch, "corrects"),
            request: texts(batch, "request"),
            response: texts(batch, "response"),
            told,
            facts: Facts::of(rollup),
            action,
        }
    }

    /// The key of a row that counts, by its place in the batch's dictionary.
    fn tells(&self, row: usize) -> Option<usize> {
        let is_correction = self.corrects.is_some_and(|corrects| corrects.is_valid(row));
        self.key.key(row).filter(|_| !is_correction)
    }

    /// What the key is called, and which version and material was used.
    fn add_names(&self, rollup: &mut Rollup, memos: &mut Memos, place: usize, row: usize, time: i64) {
        let (key, facts, seen) = (self.key.at(row), &self.facts, Seen::once(time));
        if self.alias.has(row) {
            let words = [facts.alias, key, self.alias.at(row)];
            rollup.add_of(&mut memos.alias, place, (words, 0), seen);
        }
        if self.material.has(row) {
            let words = [facts.material, key, self.material.at(row)];
            rollup.add_of(&mut memos.material, place, (words, 0), seen);
        }
        if let Some(version) = self.version.filter(|version| version.is_valid(row)) {
            let words = [facts.version, key, rollup.digits(version.value(row))];
            rollup.add_of(&mut memos.version, place, (words, 0), seen);
        }
    }

    /// What a change that was done tells.
    fn add_change(&self, rollup: &mut Rollup, row: usize, time: i64) {
        let (action, facts) = (self.action.at(row), &self.facts);
        let Some((_, told)) = self.told.iter().find(|(word, _)| *word == action) else { return };
        if !self.done.contains(&self.outcome.at(row)) {
            return;
        }
        let (fact, value) = match told {
            Told::Rotation => (facts.rotation, Some(action)),
            Told::Grant => (facts.grant, word(rollup, member(self.response, row, &["grantId"]))),
            Told::GrantEnded => (facts.grant_ended, word(rollup, member(self.request, row, &["grantId"]))),
            Told::Policy => {
                let policy = member(self.request, row, &["policy", "resourcePolicy"]);
                (facts.policy, word(rollup, policy.map(|policy| hash(&policy))))
            }
        };
        if let Some(value) = value {
            rollup.add([fact, self.key.at(row), value], 0, Seen::once(time));
        }
    }
}

fn word(rollup: &mut Rollup, text: Option<String>) -> Option<u32> {
    text.map(|text| rollup.word(&text))
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
