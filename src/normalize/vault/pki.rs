//! PKI: the mount is the key, a certificate authority. Paths as in `domain-events.md` §5.7.
//!
//! Reads stay reads; ACME's chatter (directory, nonces, accounts, challenges) touches no key and is
//! irrelevant, only finalizing an order issues a certificate.

use super::action::Action;
use super::call::{Asked, Call, Operation};

/// What the call did with the mount's CA, or nothing where it touches none.
pub fn call<'a>(asked: &Asked<'a>) -> Option<Call<'a>> {
    let action = match acme_path(asked.rest) {
        Some(order) => acme(order, asked.operation)?,
        None => action(asked),
    };
    Some(Call::mount(action))
}

/// The path below an ACME directory, which may hang below the mount, an issuer or a role.
fn acme_path(rest: &str) -> Option<&str> {
    let below = match rest.split_once("/acme/") {
        Some((before, below)) if before.starts_with("issuer/") || before.starts_with("roles/") => below,
        Some(_) => return None,
        None => rest.strip_prefix("acme/")?,
    };
    Some(below)
}

fn acme(below: &str, operation: Operation) -> Option<Action> {
    match below {
        "revoke-cert" => Some(Action::PkiRevoke),
        "new-eab" => Some(Action::PkiAcmeEab),
        _ if below.starts_with("order/") && below.ends_with("/finalize") && operation.writes() => {
            Some(Action::PkiAcmeFinalize)
        }
        _ => None,
    }
}

fn action(asked: &Asked<'_>) -> Action {
    let [first, second, third, fourth] = asked.segments::<4>();
    match first {
        "root" => root(asked, second, third),
        "intermediate" => intermediate(second, third),
        "issuers" => issuers(asked, second, third, fourth),
        "issuer" => issuer(asked.operation, third),
        "keys" => keys(asked, second, third),
        "cel" if second != "roles" => signing(second).unwrap_or(Action::PkiOther),
        _ if asked.operation == Operation::List => Action::PkiRead,
        "key" => changed(asked.operation, Action::PkiKeyWrite, Action::PkiKeyDelete),
        "roles" | "cel" => changed(asked.operation, Action::PkiRolesWrite, Action::PkiRolesDelete),
        "revoke" | "revoke-with-key" => Action::PkiRevoke,
        "tidy" | "tidy-cancel" => Action::PkiTidy,
        "crl" if matches!(second, "rotate" | "rotate-delta") => Action::PkiCrlRotate,
        "config" => config(asked.operation, second),
        "eab" => changed(asked.operation, Action::PkiAcmeEab, Action::PkiAcmeEab),
        "ocsp" | "unified-ocsp" => Action::PkiRead,
        _ => {
            signing(first).unwrap_or(if asked.operation.reads() { Action::PkiRead } else { Action::PkiOther })
        }
    }
}

fn signing(verb: &str) -> Option<Action> {
    Some(match verb {
        "issue" => Action::PkiIssue,
        "sign" => Action::PkiSign,
        "sign-verbatim" => Action::PkiSignVerbatim,
        "sign-intermediate" => Action::PkiSignIntermediate,
        "sign-self-issued" => Action::PkiSignSelfIssued,
        "sign-revocation-list" => Action::PkiSignRevocationList,
        _ => return None,
    })
}

fn changed(operation: Operation, write: Action, delete: Action) -> Action {
    match operation {
        Operation::Delete => delete,
        operation if operation.reads() => Action::PkiRead,
        _ => write,
    }
}

fn root(asked: &Asked<'_>, second: &str, third: &str) -> Action {
    match (second, third) {
        ("", _) if asked.operation == Operation::Delete => Action::PkiRootDelete,
        ("generate", kind) => root_generate(kind),
        ("rotate", "exported") => Action::PkiRootRotateExported,
        ("rotate", _) => Action::PkiRootRotate,
        ("replace", _) => Action::PkiRootReplace,
        (verb, _) => signing(verb).unwrap_or(Action::PkiOther),
    }
}

fn root_generate(kind: &str) -> Action {
    match kind {
        "exported" => Action::PkiRootGenerateExported,
        "existing" => Action::PkiRootGenerateExisting,
        "kms" => Action::PkiRootGenerateKms,
        _ => Action::PkiRootGenerateInternal,
    }
}

fn intermediate(second: &str, third: &str) -> Action {
    match second {
        "generate" => intermediate_generate(third),
        "cross-sign" => Action::PkiCrossSign,
        "set-signed" => Action::PkiIntermediateSetSigned,
        _ => Action::PkiOther,
    }
}

fn intermediate_generate(kind: &str) -> Action {
    match kind {
        "exported" => Action::PkiIntermediateGenerateExported,
        "existing" => Action::PkiIntermediateGenerateExisting,
        "kms" => Action::PkiIntermediateGenerateKms,
        _ => Action::PkiIntermediateGenerateInternal,
    }
}

/// `issuers/generate/(root|intermediate)/KIND` is another way to write `root/generate/KIND`.
fn issuers(asked: &Asked<'_>, second: &str, third: &str, fourth: &str) -> Action {
    match (second, third) {
        ("generate", "root") => root_generate(fourth),
        ("generate", "intermediate") => intermediate_generate(fourth),
        ("import", _) => Action::PkiIssuersImport,
        _ if asked.operation.reads() => Action::PkiRead,
        _ => Action::PkiOther,
    }
}

/// `issuer/REF[/VERB…]`.
fn issuer(operation: Operation, below: &str) -> Action {
    match below {
        "" => changed(operation, Action::PkiIssuerWrite, Action::PkiIssuerDelete),
        "revoke" => Action::PkiIssuerRevoke,
        "resign-crls" => Action::PkiSignRevocationList,
        verb => signing(verb).unwrap_or(if operation.reads() { Action::PkiRead } else { Action::PkiOther }),
    }
}

fn keys(asked: &Asked<'_>, second: &str, third: &str) -> Action {
    match (second, third) {
        ("generate", "exported") => Action::PkiKeysGenerateExported,
        ("generate", "kms") => Action::PkiKeysGenerateKms,
        ("generate", _) => Action::PkiKeysGenerateInternal,
        ("import", _) => Action::PkiKeysImport,
        _ if asked.operation.reads() => Action::PkiRead,
        _ => Action::PkiOther,
    }
}

fn config(operation: Operation, what: &str) -> Action {
    match what {
        _ if operation.reads() => Action::PkiRead,
        "ca" => Action::PkiConfigCa,
        _ => Action::PkiConfig,
    }
}
