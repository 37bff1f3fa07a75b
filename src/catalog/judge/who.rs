//! Who used the key: principal, kind of caller, and where the caller belongs.

use std::sync::Arc;

use super::super::document::declaration::Declaration;
use super::super::document::rules::PrincipalItem;
use super::super::document::scalars::Slug;
use super::super::principals::{Caller, Groups, Membership, is_kind};
use super::case::Case;
use super::reason::{Answer, NOT_DECLARED};
use crate::domain::function::FunctionSet;

/// What a caller is to a declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Whether it is among the principals.
    pub direct: Membership,
    /// Whether any grant names it.
    pub in_grant: Membership,
    /// The functions that grants give it.
    pub granted: FunctionSet,
    /// Whether it is an administrator.
    pub administrator: Membership,
}

impl Standing {
    /// Looks a caller up in a declaration.
    pub fn of(caller: Caller<'_>, declaration: &Declaration, groups: &Groups) -> Self {
        let list = |items: &Option<Box<[PrincipalItem]>>| {
            items.as_ref().map_or(Membership::No, |items| groups.in_items(items, caller))
        };
        let mut standing = Self {
            direct: list(&declaration.principals),
            in_grant: Membership::No,
            granted: FunctionSet::EMPTY,
            administrator: declaration.administrators.as_ref().map_or(Membership::No, |administrators| {
                groups.in_patterns(administrators, caller.principal)
            }),
        };
        for grant in declaration.grants.iter().flatten() {
            let membership = groups.in_items(&grant.principals, caller);
            standing.in_grant = standing.in_grant.max(membership);
            if membership == Membership::Yes {
                standing.granted = standing.granted.union(grant.functions.0);
            }
        }
        standing
    }

    /// Whether it varies with the session of one principal, so that it cannot be remembered by principal.
    pub fn varies(declaration: &Declaration) -> bool {
        let conditional = |items: &[PrincipalItem]| Groups::has_conditions(items);
        declaration.principals.as_deref().is_some_and(conditional)
            || declaration.grants.iter().flatten().any(|grant| conditional(&grant.principals))
    }
}

fn answer(membership: Membership) -> Answer {
    match membership {
        Membership::Yes => Answer::Fits,
        Membership::No => Answer::Violated,
        Membership::Hidden(hidden) => Answer::Unknown(hidden.into()),
    }
}

/// Whether the caller is among the principals or in a grant.
pub fn principal(case: &Case<'_, '_>) -> Answer {
    if !case.entry.says_who() {
        return NOT_DECLARED;
    }
    answer(case.standing.direct.max(case.standing.in_grant))
}

/// Whether the caller is among the administrators.
pub fn administrator(case: &Case<'_, '_>) -> Answer {
    answer(case.standing.administrator)
}

/// Whether the caller is of the declared kind.
pub fn caller(case: &Case<'_, '_>) -> Answer {
    let Some(callers) = case.entry.declaration.callers else { return NOT_DECLARED };
    answer(is_kind(callers, case.event.caller_kind()))
}

/// Whether the caller is of the key's tenant.
pub fn tenant(case: &Case<'_, '_>) -> Answer {
    if case.entry.declaration.multi_tenant == Some(true) {
        return Answer::NotJudged("the key serves several tenants");
    }
    belongs(case.entry.declaration.tenant.as_ref(), case.home.tenant.as_ref())
}

/// Whether the caller is of the key's environment.
pub fn environment(case: &Case<'_, '_>) -> Answer {
    belongs(case.entry.declaration.environment.as_ref(), case.home.environment.as_ref())
}

fn belongs(key: Option<&Slug>, caller: Option<&Arc<str>>) -> Answer {
    match (key, caller) {
        (None, _) => NOT_DECLARED,
        (Some(_), None) => Answer::NotJudged("no map says where the caller belongs"),
        (Some(key), Some(caller)) => Answer::fits_if(key.0 == *caller),
    }
}
