//! Whether a person, a workload or a service called, and the rule that says so.
//!
//! AWS does not log it. The rules run from the surest to the weakest sign, and where none holds the
//! answer is unknown; only roles are taken for workloads by default, since that is what they are for.

use super::principal::Caller;
use super::via::service_of_role;
use crate::domain::event::CallerKind;

/// The kind of the caller and the rule that told it.
pub fn caller_kind(caller: &Caller<'_>, user_agent: Option<&str>) -> (CallerKind, &'static str) {
    by_identity(caller).unwrap_or_else(|| by_signs(caller, user_agent))
}

fn by_identity(caller: &Caller<'_>) -> Option<(CallerKind, &'static str)> {
    let principal = caller.principal.unwrap_or_default();
    Some(match caller.kind {
        _ if caller.assumed_root => (CallerKind::Root, "assumed-root"),
        Some("Root") => (CallerKind::Root, "root"),
        _ if principal.starts_with("service:") => (CallerKind::Service, "service-identity"),
        Some("AWSAccount") => (CallerKind::Unknown, "foreign-account"),
        Some("IdentityCenterUser") => (CallerKind::Human, "identity-center-user"),
        Some("SAMLUser") => (CallerKind::Human, "saml-user"),
        Some("WebIdentityUser") => (CallerKind::Workload, "web-identity"),
        _ if caller.role_path.and_then(service_of_role).is_some() => (CallerKind::Service, "service-role"),
        _ => return None,
    })
}

fn by_signs(caller: &Caller<'_>, user_agent: Option<&str>) -> (CallerKind, &'static str) {
    let role = caller.kind == Some("AssumedRole");
    let session = caller.session_name.unwrap_or_default();
    if role && caller.role_path.is_some_and(is_single_sign_on) {
        return (CallerKind::Human, "sso-role");
    }
    if caller.console {
        return (CallerKind::Human, "console-session");
    }
    if user_agent.is_some_and(is_browser_or_console) {
        return (CallerKind::Human, "console-user-agent");
    }
    match caller.kind {
        Some("AssumedRole") if caller.federated => (CallerKind::Workload, "web-identity"),
        Some("AssumedRole") if caller.on_instance || is_instance(session) => {
            (CallerKind::Workload, "instance-role")
        }
        Some("AssumedRole") if session.contains('@') => (CallerKind::Human, "session-address"),
        Some("AssumedRole") => (CallerKind::Workload, "role-session"),
        Some("IAMUser") if caller.mfa == Some(true) => (CallerKind::Human, "mfa-session"),
        Some("IAMUser") if user_agent.is_some_and(is_command_line) => (CallerKind::Human, "command-line"),
        Some("IAMUser") => (CallerKind::Unknown, "iam-user"),
        _ => (CallerKind::Unknown, "no-sign"),
    }
}

/// Roles of IAM Identity Center. The path is in the ARN of the issuer, the prefix always.
fn is_single_sign_on(role_path: &str) -> bool {
    role_path.starts_with("aws-reserved/sso.amazonaws.com/") || role_path.starts_with("AWSReservedSSO_")
}

/// User agents of people at a browser or in the console; some are written in brackets.
fn is_browser_or_console(user_agent: &str) -> bool {
    let agent = user_agent.trim_start_matches('[');
    ["Mozilla/", "S3Console/", "console.", "signin.", "AWS-Console"]
        .iter()
        .any(|start| agent.starts_with(start))
}

fn is_command_line(user_agent: &str) -> bool {
    let agent = user_agent.trim_start_matches('[');
    ["aws-cli/", "AWSPowerShell", "aws-shell/"].iter().any(|start| agent.starts_with(start))
}

/// EC2 names the session of an instance role after the instance: `i-` and hex digits.
fn is_instance(session: &str) -> bool {
    session
        .strip_prefix("i-")
        .is_some_and(|digits| digits.len() >= 8 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
}
