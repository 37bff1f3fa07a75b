//! SSH: the mount is the key, a certificate authority for SSH. Paths as in `domain-events.md` §5.7.

use super::action::Action;
use super::call::{Asked, Call, KeyName, Operation};

/// What the call did with the mount's CA.
pub fn call<'a>(asked: &Asked<'a>) -> Call<'a> {
    let action = action(asked);
    let key = if action == Action::SshCreds { KeyName::None } else { KeyName::Mount };
    Call { key, ..Call::plain(action) }
}

fn action(asked: &Asked<'_>) -> Action {
    let [first, second, third] = asked.segments::<3>();
    match first {
        "sign" => Action::SshSign,
        "issue" => Action::SshIssue,
        "issuer" if third.starts_with("sign") => Action::SshSign,
        "issuer" if third.starts_with("issue") => Action::SshIssue,
        _ if asked.operation.reads() => Action::SshRead,
        "creds" => Action::SshCreds,
        "verify" | "lookup" => Action::SshRead,
        "config" if second == "ca" => config_ca(asked),
        "config" | "issuer" | "issuers" | "tidy" => Action::SshConfig,
        "roles" if asked.operation == Operation::Delete => Action::SshRolesDelete,
        "roles" => Action::SshRolesWrite,
        _ => Action::SshOther,
    }
}

fn config_ca(asked: &Asked<'_>) -> Action {
    match asked.operation {
        Operation::Delete => Action::SshConfigCaDelete,
        _ if asked.has("private_key") => Action::SshConfigCaImport,
        _ => Action::SshConfigCa,
    }
}
