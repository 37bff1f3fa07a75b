//! TOTP: one-time codes, which are MACs over the time.

use super::action::Action;
use super::call::{Asked, Call, Operation};

/// What the call did, or nothing where the path is none of the engine's.
pub fn call<'a>(asked: &Asked<'a>) -> Option<Call<'a>> {
    let [first, name] = asked.segments::<2>();
    let action = match (first, asked.operation) {
        ("code", operation) if operation.writes() => Action::TotpValidate,
        ("code", _) => Action::TotpGenerate,
        ("keys", Operation::Delete) => Action::TotpKeysDelete,
        ("keys", operation) if operation.writes() => Action::TotpKeysWrite,
        ("keys", _) => Action::TotpKeysRead,
        _ => return None,
    };
    Some(if name.is_empty() { Call::plain(action) } else { Call::named(action, name) })
}
