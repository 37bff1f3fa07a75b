//! Identity: the keys that sign identity tokens, and the entities and groups that policies hang on.
//!
//! A token is issued through a role or a provider, and the path does not say with which key: such a use
//! has no `key_id`. A key's name is `oidc/key/NAME` inside the mount.

use super::action::Action;
use super::call::{Asked, Call, Operation};

/// What the call did, or nothing where it touches neither key nor access.
pub fn call<'a>(asked: &Asked<'a>) -> Option<Call<'a>> {
    match asked.segments::<2>() {
        ["oidc", below] => oidc(asked, below),
        [kind, _] => entity(kind, asked.operation).map(Call::plain),
    }
}

fn oidc<'a>(asked: &Asked<'a>, below: &'a str) -> Option<Call<'a>> {
    let (kind, name) = below.split_once('/').unwrap_or((below, ""));
    match kind {
        "token" => Some(Call::plain(Action::IdentityToken)),
        "provider" if name.ends_with("/token") => Some(Call::plain(Action::IdentityToken)),
        "key" => Some(key(asked, name)),
        "introspect" => None,
        _ if asked.operation.reads() => None,
        "provider" if name.ends_with("/authorize") || name.ends_with("/userinfo") => None,
        _ => Some(Call::plain(Action::IdentityOidcWrite)),
    }
}

/// `oidc/key/NAME[/rotate]`; the key's name keeps the path before it.
fn key<'a>(asked: &Asked<'a>, below: &'a str) -> Call<'a> {
    let (rotates, full) = match asked.rest.strip_suffix("/rotate") {
        Some(full) if below.contains('/') => (true, full),
        _ => (false, asked.rest),
    };
    let action = match asked.operation {
        _ if rotates => Action::IdentityKeyRotate,
        Operation::Delete => Action::IdentityKeyDelete,
        operation if operation.writes() => Action::IdentityKeyWrite,
        _ => Action::IdentityKeyRead,
    };
    if below.is_empty() { Call::plain(action) } else { Call::named(action, full) }
}

fn entity(kind: &str, operation: Operation) -> Option<Action> {
    match (kind, operation) {
        ("lookup", _) => None,
        (_, Operation::Delete) => Some(Action::IdentityDelete),
        (_, operation) if operation.writes() => Some(Action::IdentityWrite),
        _ => None,
    }
}
