//! Auth methods and the token store: who may become whom. No keys here.

use super::action::Action;
use super::call::{Asked, Operation};

/// What a call to the token store did; looking up and renewing are irrelevant.
pub fn token(asked: &Asked<'_>) -> Option<Action> {
    let [first, _] = asked.segments::<2>();
    let writes = asked.operation.writes();
    match first {
        "create" if writes => Some(Action::TokenCreate),
        "create-orphan" if writes => Some(Action::TokenCreateOrphan),
        _ if first.starts_with("revoke") => Some(Action::TokenRevoke),
        "roles" if asked.operation == Operation::Delete => Some(Action::TokenRolesDelete),
        "roles" if writes => Some(Action::TokenRolesWrite),
        _ => None,
    }
}

/// What a call to an auth method did; reads are irrelevant.
pub fn method(asked: &Asked<'_>) -> Option<Action> {
    let [first, second, third] = asked.segments::<3>();
    match first {
        "login" => Some(Action::AuthLogin),
        "oidc" if second == "callback" => Some(Action::AuthLogin),
        "oidc" => None,
        _ if asked.operation.reads() => None,
        "config" | "tune" | "rotate-root" => Some(Action::AuthConfigWrite),
        "role" if is_secret_id(third) => secret_id(asked.operation, third),
        _ if asked.operation == Operation::Delete => Some(Action::AuthRolesDelete),
        "tidy" => None,
        _ if asked.operation.writes() => Some(Action::AuthRolesWrite),
        _ => None,
    }
}

/// `role/NAME/secret-id` and `role/NAME/custom-secret-id` make one; the paths below look one up.
fn is_secret_id(third: &str) -> bool {
    third.starts_with("secret-id") || third.starts_with("custom-secret-id")
}

fn secret_id(operation: Operation, third: &str) -> Option<Action> {
    let makes = matches!(third, "secret-id" | "custom-secret-id") && operation.writes();
    let settings = matches!(third, "secret-id-num-uses" | "secret-id-ttl" | "secret-id-bound-cidrs");
    match (makes, settings) {
        (true, _) => Some(Action::AuthSecretIdCreate),
        (_, true) => Some(Action::AuthRolesWrite),
        _ if third.contains("destroy") => Some(Action::AuthRolesDelete),
        _ => None,
    }
}
