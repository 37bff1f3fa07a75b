//! The words of remediation: what can be done, to what, and how far an action has come.

use super::vocabulary::vocabulary;

vocabulary! {
    /// What an action does.
    pub enum ActionKind as "kind of action" {
        /// A policy that denies the paths of the key to the caller's entity (OpenBao, Vault).
        DenyPath = "deny_path",
        /// Sessions of the principal begun before now are denied (AWS: `aws:TokenIssueTime`).
        RevokeSessions = "revoke_sessions",
        /// The one token is revoked, by its accessor; it does not come back.
        RevokeAccessor = "revoke_accessor",
        /// The principal is denied the key's service (AWS: permissions boundary, inline deny).
        DenyPrincipal = "deny_principal",
        /// The caller's entity is disabled: all its tokens stop working (OpenBao, Vault).
        DisableEntity = "disable_entity",
        /// One grant of the key is revoked.
        RevokeGrant = "revoke_grant",
        /// A statement of the key's policy is taken out or put in.
        ChangeKeyPolicy = "change_key_policy",
        /// The key is deleted in a way that can be taken back.
        SoftDelete = "soft_delete",
        /// The key is disabled for everybody.
        DisableKey = "disable_key",
    }
}

impl ActionKind {
    /// How much stops working, from little to much: the narrowest comes first.
    pub const fn breadth(self) -> u8 {
        self.code()
    }

    /// Whether it changes what everybody can do with the key, rather than what one caller can do.
    pub const fn touches_key(self) -> bool {
        matches!(self, Self::RevokeGrant | Self::ChangeKeyPolicy | Self::SoftDelete | Self::DisableKey)
    }

    /// Whether the receiver can take it back.
    pub const fn is_reversible(self) -> bool {
        !matches!(self, Self::RevokeAccessor | Self::RevokeGrant)
    }

    /// How many people it takes at least.
    pub const fn least_people(self) -> u8 {
        match self {
            Self::DisableKey | Self::SoftDelete => 2,
            _ if self.touches_key() || !self.is_reversible() => 1,
            _ => 0,
        }
    }
}

vocabulary! {
    /// How far an action has come.
    pub enum ActionState as "state of an action" {
        /// What would be done is written down, and nothing else.
        DryRun = "dry_run",
        /// It waits for people.
        Proposed = "proposed",
        /// A bound, a protected key, the kill switch stopped it; people may approve it again.
        Stopped = "stopped",
        /// It will be done.
        Approved = "approved",
        /// The intent is written, and the receiver is asked until it answers.
        Running = "running",
        /// The receiver says that it is done.
        Done = "done",
        /// Later events show it.
        Verified = "verified",
        /// Later events show that what it was to stop goes on.
        Ineffective = "ineffective",
        /// The receiver said no, or nothing for too long.
        Failed = "failed",
        /// A person said no.
        Rejected = "rejected",
        /// Nobody approved it in time.
        Expired = "expired",
        /// The receiver is asked to take it back.
        RollingBack = "rolling_back",
        RolledBack = "rolled_back",
    }
}

impl ActionState {
    /// Whether people may approve it.
    pub const fn awaits_people(self) -> bool {
        matches!(self, Self::Proposed | Self::Stopped)
    }

    /// Whether there may be something to take back.
    pub const fn may_be_in_effect(self) -> bool {
        matches!(self, Self::Done | Self::Verified | Self::Ineffective | Self::Failed)
    }
}

vocabulary! {
    /// Why an action was stopped before it began.
    pub enum Stop as "reason of a stop" {
        KillSwitch = "kill_switch",
        /// The service only writes down what it would propose.
        DryRun = "dry_run",
        Protected = "protected",
        /// What was approved is too old to be done.
        Expired = "expired",
        PerHour = "per_hour",
        PerScope = "per_scope",
        PerOwner = "per_owner",
        /// Something was done to the same principal or key a moment ago.
        CoolDown = "cool_down",
        /// The playbook or its receiver is gone.
        NoReceiver = "no_receiver",
    }
}
