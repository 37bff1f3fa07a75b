//! Whom and what an action is about, as the log names them.

use serde::{Deserialize, Serialize};

use crate::domain::action::ActionKind;

/// Whom and what: what the receiver is given. Everything but names of the log stays out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    pub provider: String,
    /// The log's id of the call, and its event time in microseconds since the epoch.
    pub event: String,
    pub event_time: i64,
    pub action: Option<String>,
    pub key: Option<String>,
    pub catalog_id: Option<String>,
    pub principal: Option<String>,
    pub session: Option<String>,
    /// Vault's identity entity.
    pub entity_id: Option<String>,
    /// The token's accessor where the audit device shows it, or AWS' access key id.
    pub credential: Option<String>,
    pub namespace: Option<String>,
    /// Of the key, where the log names one.
    pub account: Option<String>,
    pub region: Option<String>,
    pub via: Option<String>,
    /// What became of the call.
    pub outcome: Option<String>,
    /// By which a transit key of Vault is used, as policies write them: `transit/encrypt/orders`.
    pub paths: Vec<String>,
}

impl Subject {
    /// Whether the call got through, as far as the log says.
    pub fn succeeded(&self) -> bool {
        got_through(self.outcome.as_deref())
    }

    /// Whether the log shows what an action needs.
    pub fn serves(&self, kind: ActionKind) -> bool {
        match kind {
            ActionKind::DenyPath => self.entity_id.is_some() && !self.paths.is_empty(),
            ActionKind::DisableEntity => self.entity_id.is_some(),
            ActionKind::RevokeAccessor => self.credential.is_some() && self.provider == "vault",
            ActionKind::RevokeSessions | ActionKind::DenyPrincipal => self.principal.is_some(),
            ActionKind::RevokeGrant => self.key.is_some() && self.principal.is_some(),
            ActionKind::ChangeKeyPolicy | ActionKind::SoftDelete | ActionKind::DisableKey => {
                self.key.is_some()
            }
        }
    }

    /// What bounds count by: the account or namespace.
    pub fn scope(&self) -> String {
        let place = self.account.as_deref().or(self.namespace.as_deref()).unwrap_or_default();
        format!("{}:{place}", self.provider)
    }
}

/// Whether a call of this outcome got through.
pub(super) fn got_through(outcome: Option<&str>) -> bool {
    matches!(outcome, Some("success" | "partial"))
}

/// The paths by which a transit key is used or taken out, below its mount; `NAME` stands for the key. In a policy the
/// most specific path has the say, not the strictest one, so that a pattern such as `transit/+/NAME` would lose to
/// whatever lets the caller in.
const PATHS: [&str; 21] = [
    "encrypt/NAME",
    "decrypt/NAME",
    "rewrap/NAME",
    "datakey/plaintext/NAME",
    "datakey/wrapped/NAME",
    "sign/NAME",
    "sign/NAME/+",
    "verify/NAME",
    "verify/NAME/+",
    "hmac/NAME",
    "hmac/NAME/+",
    "cmac/NAME",
    "cmac/NAME/+",
    "export/encryption-key/NAME",
    "export/encryption-key/NAME/+",
    "export/signing-key/NAME",
    "export/signing-key/NAME/+",
    "export/hmac-key/NAME",
    "export/hmac-key/NAME/+",
    "backup/NAME",
    "byok-export/+/NAME",
];

/// The paths of a transit key of Vault, relative to its namespace, as a policy names them; none of other keys.
pub(super) fn paths(key: &str, namespace: Option<&str>, action: Option<&str>) -> Vec<String> {
    let is_transit = action.is_some_and(|action| action.starts_with("transit."));
    let Some(path) = key.strip_prefix("vault:").filter(|_| is_transit) else { return Vec::new() };
    let inner =
        namespace.and_then(|namespace| path.strip_prefix(namespace)?.strip_prefix('/')).unwrap_or(path);
    match inner.rsplit_once('/') {
        // What stands in a name must not widen the policy.
        Some((mount, name)) if !inner.contains(['*', '+', '"', '\\', '\n']) => {
            PATHS.iter().map(|path| format!("{mount}/{}", path.replace("NAME", name))).collect()
        }
        _ => Vec::new(),
    }
}

/// A name as it can be handed on: one that the audit device or `privacy:` hashed names nothing.
pub(super) fn clear(name: Option<String>) -> Option<String> {
    name.filter(|text| !text.starts_with("hmac-") && !text.starts_with("redacted:"))
}
