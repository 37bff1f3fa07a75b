//! Whether a caller is one of those that a declaration names.

use std::collections::HashMap;
use std::sync::Arc;

use super::document::rules::{Callers, PrincipalItem};
use super::document::scalars::Pattern;
use crate::domain::event::{CallerKind, HASHED_PREFIX};

/// What begins a reference to a group.
pub const GROUP: char = '@';

/// Principals under one name.
#[derive(Debug, Default)]
pub struct Groups(pub HashMap<Arc<str>, Box<[Pattern]>>);

/// Who made a call, as far as the log shows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Caller<'a> {
    pub principal: Option<&'a str>,
    pub session: Option<&'a str>,
    pub kind: Option<CallerKind>,
}

/// Whether a caller belongs to a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Membership {
    No,
    /// The log does not show enough to tell.
    Hidden(Hidden),
    Yes,
}

/// What of a caller the log does not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hidden {
    /// Only the caller's account is visible.
    Account,
    /// The name is hashed.
    Hashed,
    /// No caller, no session name or no kind of caller is in the log.
    Absent,
}

impl Groups {
    /// Whether `principal` fits a pattern or is in the group that it names.
    pub fn matches(&self, pattern: &Pattern, principal: &str) -> bool {
        match pattern.text.strip_prefix(GROUP) {
            Some(group) => self.members(group).iter().any(|member| fits(member, principal)),
            None => fits(pattern, principal),
        }
    }

    /// The members of a group; none of an unknown one, which loading has refused.
    pub fn members(&self, group: &str) -> &[Pattern] {
        self.0.get(group).map_or(&[], AsRef::as_ref)
    }

    /// Whether `principal` fits one of the patterns.
    pub fn any(&self, patterns: &[Pattern], principal: &str) -> bool {
        patterns.iter().any(|pattern| self.matches(pattern, principal))
    }

    /// Whether the caller is in a list of patterns.
    pub fn in_patterns(&self, patterns: &[Pattern], principal: Option<&str>) -> Membership {
        let Some(principal) = principal else { return Membership::Hidden(Hidden::Absent) };
        if self.any(patterns, principal) {
            return Membership::Yes;
        }
        self.if_hidden(patterns.iter(), principal)
    }

    /// Whether the caller is in a list of items with conditions.
    pub fn in_items(&self, items: &[PrincipalItem], caller: Caller<'_>) -> Membership {
        let Some(principal) = caller.principal else { return Membership::Hidden(Hidden::Absent) };
        let named = items.iter().filter(|item| self.matches(item.name(), principal));
        let fits = named.map(|item| conditions(item, caller)).max();
        match fits {
            Some(membership) => membership,
            None => self.if_hidden(items.iter().map(PrincipalItem::name), principal),
        }
    }

    /// What to say of a principal that no pattern names: it may be one of them in disguise.
    fn if_hidden<'p>(&self, patterns: impl Iterator<Item = &'p Pattern>, principal: &str) -> Membership {
        if let Some(account) = principal.strip_prefix("account:") {
            let mut patterns = patterns;
            let of_account = |pattern: &Pattern| match pattern.text.strip_prefix(GROUP) {
                Some(group) => self.members(group).iter().any(|member| is_of_account(member, account)),
                None => is_of_account(pattern, account),
            };
            if patterns.any(of_account) {
                return Membership::Hidden(Hidden::Account);
            }
        } else if principal.contains(HASHED_PREFIX) {
            return Membership::Hidden(Hidden::Hashed);
        }
        Membership::No
    }

    /// Whether any item asks for more than the principal's name, so that the answer varies by session.
    pub fn has_conditions(items: &[PrincipalItem]) -> bool {
        items.iter().any(|item| item.condition().is_some())
    }
}

/// Whether a session fits an item whose name it fits.
fn conditions(item: &PrincipalItem, caller: Caller<'_>) -> Membership {
    let Some(condition) = item.condition() else { return Membership::Yes };
    let kind = condition.callers.map_or(Membership::Yes, |callers| is_kind(callers, caller.kind));
    let session = match (&condition.sessions, caller.session) {
        (None, _) => Membership::Yes,
        (Some(_), None) => Membership::Hidden(Hidden::Absent),
        (Some(sessions), Some(name)) if sessions.iter().any(|session| session.matches(name)) => {
            Membership::Yes
        }
        (Some(_), Some(name)) if name.starts_with(HASHED_PREFIX) => Membership::Hidden(Hidden::Hashed),
        _ => Membership::No,
    };
    kind.min(session)
}

/// Whether a caller is of the declared kind.
pub fn is_kind(callers: Callers, kind: Option<CallerKind>) -> Membership {
    let is = match (callers, kind) {
        (Callers::Any, _) => true,
        (_, None | Some(CallerKind::Unknown)) => return Membership::Hidden(Hidden::Absent),
        (Callers::Workload, Some(kind)) => matches!(kind, CallerKind::Workload | CallerKind::Service),
        (Callers::Human, Some(kind)) => kind == CallerKind::Human,
    };
    if is { Membership::Yes } else { Membership::No }
}

/// Whether `principal` fits `pattern`, in full or by its short form: `METHOD:NAME` is a Vault principal
/// of any mount and namespace. A log writes the short form where the mount is the method's default one
/// and the namespace the root, so there the full form with both fits too.
fn fits(pattern: &Pattern, principal: &str) -> bool {
    if pattern.matches(principal) {
        return true;
    }
    let in_full = pattern.text.contains('#');
    match principal.rsplit_once('#') {
        Some((_, short)) => !in_full && pattern.matches(short),
        None if in_full => {
            let method = principal.split_once(':').map(|(method, _)| method).unwrap_or_default();
            pattern.matches(&format!("auth/{method}#{principal}"))
        }
        None => false,
    }
}

/// Whether a pattern can name a principal of this account.
fn is_of_account(pattern: &Pattern, account: &str) -> bool {
    let parts: Vec<&str> = pattern.text.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, "iam" | "sts", _, of, ..] => super::glob::matches(of, account),
        // A `*` that crosses the colons reaches every account.
        _ => pattern.is_glob() && pattern.matches(&format!("arn:aws:iam::{account}:role/any")),
    }
}
