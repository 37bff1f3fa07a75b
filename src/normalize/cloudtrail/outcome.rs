//! What an error code says of a call's outcome.

use crate::domain::event::Outcome;

/// The outcome of a call by its error code; `dry_run` where the call asked for one.
///
/// The codes are those of the services' API models. Codes that say nothing of permission or of the
/// key (throttled, not found, internal) are [`Outcome::Failed`].
pub fn outcome(error_code: Option<&str>, dry_run: bool) -> Outcome {
    let Some(code) = error_code else {
        return if dry_run { Outcome::DryRun } else { Outcome::Success };
    };
    match bare(code) {
        // Written by Grafana among others.
        "200" | "Success" if dry_run => Outcome::DryRun,
        "200" | "Success" => Outcome::Success,
        "DryRunOperation" => Outcome::DryRun,
        _ if dry_run => Outcome::DryRun,
        "AccessDenied"
        | "UnauthorizedOperation"
        | "UnauthorizedAccess"
        | "Unauthorized"
        | "NotAuthorized"
        | "VpceAccessDenied"
        | "AuthorizationError"
        | "Forbidden"
        | "OptInRequired" => Outcome::Denied,
        "InvalidKeyUsage"
        | "IncorrectKey"
        | "InvalidCiphertext"
        | "Disabled"
        | "KMSInvalidState"
        | "UnsupportedOperation"
        | "InvalidGrantToken"
        | "IncorrectKeyMaterial"
        | "InvalidState" => Outcome::Refused,
        "KMSInvalidSignature" | "KMSInvalidMac" => Outcome::CheckFailed,
        _ => Outcome::Failed,
    }
}

/// The code without what services put around it: `Client.UnauthorizedOperation`,
/// `AccessDeniedException`.
fn bare(code: &str) -> &str {
    let code = code.rsplit(['.', '#']).next().unwrap_or(code);
    code.strip_suffix("Exception").unwrap_or(code)
}
