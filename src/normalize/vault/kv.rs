//! KV: secrets by path. The key is the secret's path without what KV v2 puts before it.
//!
//! The entry does not say which version a mount runs: a path below `data/`, `metadata/`, `delete/`,
//! `undelete/`, `destroy/`, `subkeys/` or `detailed-metadata/` is read as v2. On a v1 mount a secret
//! called `data/…` is thus named without its first segment.

use super::action::Action;
use super::call::{Asked, Call, Operation};

/// What the call did, or nothing for a mount's help page and the like.
pub fn call<'a>(asked: &Asked<'a>) -> Option<Call<'a>> {
    let (prefix, name) = split(asked.rest);
    let operation = asked.operation;
    if operation == Operation::List || (name.is_empty() && operation.reads() && asked.rest != "config") {
        return Some(Call::plain(Action::KvList));
    }
    let action = match prefix {
        Some(prefix) => version_two(prefix, operation)?,
        None if asked.rest == "config" => config(operation),
        None => by_operation(operation)?,
    };
    let keyless = name.is_empty() || matches!(action, Action::KvConfig | Action::KvConfigRead);
    Some(if keyless { Call::plain(action) } else { Call::named(action, name) })
}

/// Whether the path is one of KV v2.
pub fn is_version_two(rest: &str) -> bool {
    split(rest).0.is_some() || rest == "config"
}

fn split(rest: &str) -> (Option<&str>, &str) {
    let (first, name) = rest.split_once('/').unwrap_or((rest, ""));
    let prefixes = ["data", "metadata", "delete", "undelete", "destroy", "subkeys", "detailed-metadata"];
    if prefixes.contains(&first) && rest.contains('/') { (Some(first), name) } else { (None, rest) }
}

fn version_two(prefix: &str, operation: Operation) -> Option<Action> {
    Some(match (prefix, operation) {
        ("data", operation) => return by_operation(operation),
        ("delete", _) => Action::KvDelete,
        ("undelete", _) => Action::KvUndelete,
        ("destroy", _) => Action::KvDestroy,
        ("subkeys", _) => Action::KvSubkeys,
        (_, Operation::Delete) => Action::KvMetadataDelete,
        (_, operation) if operation.writes() => Action::KvMetadataWrite,
        _ => Action::KvMetadataRead,
    })
}

fn by_operation(operation: Operation) -> Option<Action> {
    Some(match operation {
        Operation::Read => Action::KvGet,
        Operation::Create | Operation::Update => Action::KvPut,
        Operation::Patch => Action::KvPatch,
        Operation::Delete => Action::KvDelete,
        Operation::List => Action::KvList,
        Operation::Other => return None,
    })
}

fn config(operation: Operation) -> Action {
    if operation.reads() { Action::KvConfigRead } else { Action::KvConfig }
}
