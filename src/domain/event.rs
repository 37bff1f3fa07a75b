//! The key event: one use of a key, or one change to a key, its policy, or the logging that watches it.

use super::function::Function;
use super::vocabulary::vocabulary;

vocabulary! {
    /// Where an event comes from. OpenBao and Vault write the same audit format.
    pub enum Provider as "provider" {
        Aws = "aws",
        Vault = "vault",
    }
}

vocabulary! {
    /// What became of a call.
    pub enum Outcome as "outcome" {
        Success = "success",
        /// Stopped by policy.
        Denied = "denied",
        /// Stopped by the key's type, its state or the context.
        Refused = "refused",
        /// A permission probe that did nothing.
        DryRun = "dry_run",
        /// A signature or MAC that did not verify.
        CheckFailed = "check_failed",
        /// A batch of which some items failed.
        Partial = "partial",
        /// Throttled, internal error, not found: says nothing about permission.
        Failed = "failed",
        Unknown = "unknown",
    }
}

vocabulary! {
    /// What an event touches; detectors select by it.
    pub enum Category as "category" {
        /// A use of a key: encrypt, sign, retrieve and so on.
        Use = "use",
        /// Metadata was read: describe, list, get policy.
        Read = "read",
        /// The key itself changed: created, rotated, disabled, imported, exported, backed up.
        Key = "key",
        /// Who may use keys changed: policies, grants, roles, tokens, log-ins.
        Access = "access",
        /// The logging or auditing that watches keys changed.
        Logging = "logging",
    }
}

vocabulary! {
    /// What kind of caller it was.
    pub enum CallerKind as "caller kind" {
        Workload = "workload",
        Human = "human",
        Service = "service",
        Root = "root",
        Unknown = "unknown",
    }
}

vocabulary! {
    /// What the caller authenticated with.
    pub enum CredentialKind as "credential kind" {
        /// An IAM user's access key, a Vault token without expiry.
        LongTerm = "long_term",
        /// Temporary credentials, a Vault service token.
        Temporary = "temporary",
        /// Credentials of a console session.
        Console = "console",
        /// A root account or root token.
        Root = "root",
        /// A Vault batch token.
        Batch = "batch",
        /// A client certificate.
        Certificate = "certificate",
        /// A service acting on its own behalf.
        Service = "service",
        Unknown = "unknown",
    }
}

/// The prefix of a string that the audit device replaced by its HMAC.
pub const HASHED_PREFIX: &str = "hmac-sha256:";

/// One normalized row, borrowed from the record it was read from and from the arena of its batch.
///
/// Every field is a column of [`crate::table::columns`], where its sentence is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KeyEvent<'a> {
    pub event_id: &'a str,
    /// Microseconds since the epoch, UTC.
    pub event_time: i64,
    pub ordinal: u8,
    pub provider: Option<Provider>,
    pub device: Option<&'a str>,
    pub shared_event_id: Option<&'a str>,
    pub request_id: Option<&'a str>,
    pub corrects: Option<&'a str>,
    pub addendum: Option<&'a str>,

    pub service: Option<&'a str>,
    pub action: Option<&'a str>,
    pub category: Option<Category>,
    pub function: Option<Function>,
    pub outcome: Option<Outcome>,
    pub error_code: Option<&'a str>,
    pub error_message: Option<&'a str>,

    pub key_id: Option<&'a str>,
    pub key_alias: Option<&'a str>,
    pub key_by_alias: bool,
    pub key_account: Option<&'a str>,
    pub key_region: Option<&'a str>,
    pub key_version: Option<i64>,
    pub key_material: Option<&'a str>,
    pub other_key_id: Option<&'a str>,
    pub algorithm: Option<&'a str>,
    /// Encryption context, or Vault's derivation context under the name `context`.
    pub context: Option<&'a [(&'a str, &'a str)]>,
    pub attestation: Option<&'a str>,
    pub wrap_plaintext: Option<bool>,
    pub batch_size: Option<i64>,

    pub principal: Option<&'a str>,
    pub principal_type: Option<&'a str>,
    pub principal_account: Option<&'a str>,
    pub session_name: Option<&'a str>,
    pub source_identity: Option<&'a str>,
    pub mfa: Option<bool>,
    pub credential_kind: Option<CredentialKind>,
    pub credential_id: Option<&'a str>,
    pub caller_kind: Option<CallerKind>,
    pub caller_rule: Option<&'a str>,
    pub entity_id: Option<&'a str>,
    pub via: Option<&'a str>,

    pub account: Option<&'a str>,
    pub region: Option<&'a str>,
    pub namespace: Option<&'a str>,
    pub source_ip: Option<&'a str>,
    pub vpc_endpoint: Option<&'a str>,
    pub user_agent: Option<&'a str>,
    pub tls_version: Option<&'a str>,
    pub tls_key_exchange: Option<&'a str>,

    /// A JSON object: what a key, access or logging change asked for, secrets redacted.
    pub request: Option<&'a str>,
    /// A JSON object: what such a change answered, secrets redacted.
    pub response: Option<&'a str>,

    /// Vault only: a request entry, waiting for its response.
    pub awaits_response: bool,
    /// Facts that the join step learns from this event.
    pub alias_fact: Option<AliasFact<'a>>,
}

/// An alias pointed at a key, seen in the log; holds from the event's time on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AliasFact<'a> {
    /// The alias ARN.
    pub alias: &'a str,
    /// The key ARN, or nothing where the alias was deleted.
    pub key: Option<&'a str>,
}
