//! The system backend: audit devices, mounts, policies, seals, snapshots. No keys of its own here.
//!
//! Everything that no detection uses is irrelevant: health, internal paths of the user interface,
//! capabilities, lease renewals, quotas, wrapping, tools. Which mount, device or policy a call is about
//! is in `request_path` of the `request` column.

use super::action::Action;
use super::call::{Asked, Operation};

/// What the call did, or nothing where no detection needs it.
pub fn action(asked: &Asked<'_>) -> Option<Action> {
    let [first, second, third] = asked.segments::<3>();
    let operation = asked.operation;
    match first {
        "audit" => {
            Some(choose(operation, Action::SysAuditRead, Action::SysAuditEnable, Action::SysAuditDisable))
        }
        "audit-hash" => Some(Action::SysAuditHash),
        "config" if second == "auditing" => {
            Some(read_or(operation, Action::SysConfigAuditingRead, Action::SysConfigAuditing))
        }
        "mounts" => Some(mounts(asked)),
        "auth" => Some(auth_mounts(asked)),
        "remount" if second.is_empty() => Some(Action::SysRemount),
        "policies" => policies(operation, second),
        "policy" => policies(operation, "acl"),
        "generate-root" | "generate-recovery-token" => Some(generate_root(operation)),
        "rekey" | "rekey-recovery-key" => Some(read_or(operation, Action::SysRekeyRead, Action::SysRekey)),
        "rotate" => rotate(operation, second),
        "seal" | "step-down" => operation.writes().then_some(Action::SysSeal),
        "sealwrap" | "seal-wrap" => operation.writes().then_some(Action::SysSealWrap),
        "raw" => Some(raw(operation)),
        "plugins" if matches!(second, "catalog" | "pins") => {
            (!operation.reads()).then_some(Action::SysPluginsWrite)
        }
        "leases" => second.starts_with("revoke").then_some(Action::SysLeasesRevoke),
        "revoke" | "revoke-prefix" | "revoke-force" => Some(Action::SysLeasesRevoke),
        "namespaces" => Some(namespaces(operation)),
        "storage" => storage(operation, third),
        "replication" => replication(operation, asked.rest),
        "managed-keys" => (!operation.reads()).then_some(Action::SysManagedKeysWrite),
        _ => None,
    }
}

fn choose(operation: Operation, read: Action, write: Action, delete: Action) -> Action {
    match operation {
        Operation::Delete => delete,
        operation if operation.writes() => write,
        _ => read,
    }
}

fn read_or(operation: Operation, read: Action, change: Action) -> Action {
    if operation.reads() { read } else { change }
}

fn is_tune(rest: &str) -> bool {
    rest.ends_with("/tune")
}

fn mounts(asked: &Asked<'_>) -> Action {
    if is_tune(asked.rest) {
        return read_or(asked.operation, Action::SysMountsRead, Action::SysMountsTune);
    }
    choose(asked.operation, Action::SysMountsRead, Action::SysMountsEnable, Action::SysMountsDisable)
}

fn auth_mounts(asked: &Asked<'_>) -> Action {
    if is_tune(asked.rest) {
        return read_or(asked.operation, Action::SysAuthRead, Action::SysAuthTune);
    }
    choose(asked.operation, Action::SysAuthRead, Action::SysAuthEnable, Action::SysAuthDisable)
}

fn policies(operation: Operation, kind: &str) -> Option<Action> {
    match kind {
        "" | "acl" if operation == Operation::List => Some(Action::SysPoliciesList),
        "" => Some(Action::SysPoliciesList),
        "acl" => Some(choose(
            operation,
            Action::SysPoliciesRead,
            Action::SysPoliciesWrite,
            Action::SysPoliciesDelete,
        )),
        "egp" | "rgp" if operation == Operation::Delete => Some(Action::SysPoliciesSentinelDelete),
        "egp" | "rgp" if operation.writes() => Some(Action::SysPoliciesSentinelWrite),
        _ => None,
    }
}

fn generate_root(operation: Operation) -> Action {
    read_or(operation, Action::SysGenerateRootRead, Action::SysGenerateRoot)
}

/// OpenBao's `rotate/root/…` and `rotate/recovery/…` replace the unseal and recovery keys.
fn rotate(operation: Operation, second: &str) -> Option<Action> {
    match second {
        "root" | "recovery" => Some(read_or(operation, Action::SysRekeyRead, Action::SysRekey)),
        _ => (!operation.reads()).then_some(Action::SysRotate),
    }
}

fn raw(operation: Operation) -> Action {
    match operation {
        Operation::List => Action::SysRawList,
        operation => choose(operation, Action::SysRawRead, Action::SysRawWrite, Action::SysRawDelete),
    }
}

fn namespaces(operation: Operation) -> Action {
    choose(operation, Action::SysNamespacesRead, Action::SysNamespacesWrite, Action::SysNamespacesDelete)
}

fn storage(operation: Operation, third: &str) -> Option<Action> {
    match third {
        "snapshot" if operation.reads() => Some(Action::SysSnapshotRead),
        "snapshot" | "snapshot-force" => Some(Action::SysSnapshotRestore),
        _ if third.starts_with("snapshot-auto/config") && !operation.reads() => {
            Some(Action::SysSnapshotConfig)
        }
        _ => None,
    }
}

fn replication(operation: Operation, rest: &str) -> Option<Action> {
    match operation {
        _ if rest.contains("generate-operation-token") => Some(generate_root(operation)),
        operation if operation.reads() => None,
        _ => Some(Action::SysReplication),
    }
}
