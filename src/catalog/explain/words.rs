//! What an aspect's declaration and an event's side of it look like in words.

use std::fmt::Display;

use super::super::check::named_principals;
use super::super::document::rules::PrincipalItem;
use super::super::document::scalars::{Moment, Pattern};
use super::super::judge::case::Case;
use super::super::judge::what::satisfies;
use super::super::judge::when::state_at;
use crate::domain::function::{Function, FunctionSet};
use crate::domain::time::format_rfc3339;
use crate::domain::verdict::Aspect;
use crate::table::columns::Column;

/// Items of a list that are named; a sentence of more is not read.
const NAMED: usize = 4;

/// What the entry declares for an aspect; nothing where it does not constrain it.
pub fn declared(case: &Case<'_, '_>, aspect: Aspect) -> Option<String> {
    let of = &case.entry.declaration;
    match aspect {
        Aspect::Function => Some(functions(case)),
        Aspect::Principal => Some(principals(case)),
        Aspect::Algorithm => patterns(of.algorithms.as_deref()),
        Aspect::Via => case.service.map(str::to_owned).or_else(|| patterns(of.via.as_deref())),
        Aspect::Context => context(case),
        Aspect::Account => patterns(of.accounts.as_deref()),
        Aspect::Region => patterns(of.regions.as_deref()),
        Aspect::Network => {
            of.networks.as_deref().map(|networks| list(networks.iter().map(|network| network.0)))
        }
        Aspect::Attestation => of.attestation.as_ref().map(|attestation| list(&attestation.image_digests)),
        Aspect::Tenant => of.tenant.as_ref().map(|slug| slug.0.to_string()),
        Aspect::Environment => of.environment.as_ref().map(|slug| slug.0.to_string()),
        Aspect::Caller => of.callers.map(|callers| callers.to_string()),
        Aspect::Requirement => requirements(case),
        Aspect::State => of.state.map(|state| state.to_string()),
        Aspect::Window => window(case),
        Aspect::Version => of.min_version.map(|version| format!("at least {version}")),
    }
}

/// What the event shows of an aspect; nothing where the log does not carry it.
pub fn seen(case: &Case<'_, '_>, aspect: Aspect) -> Option<String> {
    let text = |column| case.event.text(column).map(str::to_owned);
    match aspect {
        Aspect::Function => Some(case.function.to_string()),
        Aspect::Principal => principal(case),
        Aspect::Algorithm => text(Column::Algorithm),
        Aspect::Via => text(Column::Via),
        Aspect::Context => Some(text(Column::Context).unwrap_or_else(|| "none".to_owned())),
        Aspect::Account => text(Column::PrincipalAccount),
        Aspect::Region => text(Column::KeyRegion).or_else(|| text(Column::Region)),
        Aspect::Network => text(Column::SourceIp),
        Aspect::Attestation => Some(text(Column::Attestation).unwrap_or_else(|| "none".to_owned())),
        Aspect::Tenant => case.home.tenant.as_ref().map(ToString::to_string),
        Aspect::Environment => case.home.environment.as_ref().map(ToString::to_string),
        Aspect::Caller => text(Column::CallerKind),
        Aspect::Requirement => shown(case),
        Aspect::State => {
            state_at(&case.entry.declaration, case.time).map(|state| format!("{state}, {}", case.function))
        }
        Aspect::Window => Some(format_rfc3339(case.time)),
        Aspect::Version => case.event.integer(Column::KeyVersion).map(|version| version.to_string()),
    }
}

/// A violated aspect in a few words. Values of a context stay out: messages leave the house.
pub fn message(case: &Case<'_, '_>, aspect: Aspect, declared: Option<&str>, seen: Option<&str>) -> String {
    let declared = declared.unwrap_or("nothing");
    let seen = seen.unwrap_or("none");
    match aspect {
        Aspect::Principal => declared.to_owned(),
        Aspect::Function if matches!(case.function, Function::Export | Function::Backup) => {
            format!("not exportable → {}", case.function)
        }
        Aspect::Function => format!("declared for {declared} → {seen}"),
        Aspect::Context => {
            let names = case.event.text(Column::ContextKeys).filter(|names| !names.is_empty());
            format!(
                "context {declared} → {}",
                names.map_or_else(|| "none".to_owned(), |names| format!("names {names}"))
            )
        }
        Aspect::State => format!("the key is {declared} → {}", case.function),
        _ => format!("{aspect} {declared} → {seen}"),
    }
}

fn functions(case: &Case<'_, '_>) -> String {
    let allowed = case.entry.functions(case.kms);
    let granted = case.standing.granted;
    let names = |set: FunctionSet| set.iter().map(Function::as_str).collect::<Vec<_>>().join(", ");
    let purpose = case.entry.declaration.purpose.map_or_else(String::new, |purpose| format!("{purpose} "));
    let mut text = format!("{purpose}({})", names(allowed));
    if !satisfies(granted, case.function) && satisfies(allowed, case.function) && !granted.is_empty() {
        text.push_str(&format!(", this caller for {}", names(granted)));
    }
    text
}

/// Who may do what was done: `allowed to sign: approle:model-ci`.
fn principals(case: &Case<'_, '_>) -> String {
    let of = &case.entry.declaration;
    if case.changes_key() {
        let names = patterns(of.administrators.as_deref()).unwrap_or_else(|| "nobody".to_owned());
        return format!("allowed to administer: {names}");
    }
    let anybody = !case.entry.says_who();
    let direct = of.principals.iter().flatten().map(PrincipalItem::name);
    let grants = of.grants.iter().flatten().filter(|grant| satisfies(grant.functions.0, case.function));
    let granted = grants.flat_map(|grant| grant.principals.iter().map(PrincipalItem::name));
    let mut names: Vec<&str> = direct.chain(granted).map(|pattern| &*pattern.text).collect();
    names.dedup();
    let who = match (anybody, names.is_empty()) {
        (true, _) => "anybody".to_owned(),
        (false, true) => "nobody".to_owned(),
        (false, false) => list(names),
    };
    format!("allowed to {}: {who}", case.function)
}

fn principal(case: &Case<'_, '_>) -> Option<String> {
    let caller = case.event.caller();
    let principal = caller.principal?;
    let conditional = named_principals(&case.entry.declaration).next().is_some()
        && super::super::judge::who::Standing::varies(&case.entry.declaration);
    match caller.session.filter(|_| conditional) {
        Some(session) => Some(format!("{principal}, session {session}")),
        None => Some(principal.to_owned()),
    }
}

fn context(case: &Case<'_, '_>) -> Option<String> {
    let rule = case.entry.declaration.context.as_ref()?;
    let mut parts = Vec::new();
    if !rule.require.is_empty() {
        parts.push(format!("requires {}", list(&rule.require)));
    }
    for (name, values) in &rule.allow {
        parts.push(format!("{name} of {}", list(values.iter().map(|pattern| &pattern.text))));
    }
    if rule.closed {
        parts.push("no other names".to_owned());
    }
    Some(parts.join("; "))
}

fn requirements(case: &Case<'_, '_>) -> Option<String> {
    let require = case.entry.declaration.require.as_ref()?;
    let mut parts = Vec::new();
    if require.mfa {
        parts.push("mfa".to_owned());
    }
    if require.source_identity {
        parts.push("source identity".to_owned());
    }
    if let Some(endpoints) = patterns(require.vpc_endpoints.as_deref()) {
        parts.push(format!("endpoint {endpoints}"));
    }
    if let Some(lowest) = require.tls_min {
        parts.push(format!("TLS {lowest}"));
    }
    Some(parts.join("; "))
}

/// What the call shows of what is required.
fn shown(case: &Case<'_, '_>) -> Option<String> {
    let require = case.entry.declaration.require.as_ref()?;
    let or_none = |text: Option<&str>| text.unwrap_or("none").to_owned();
    let mut parts = Vec::new();
    if require.mfa {
        let mfa = match case.event.flag(Column::Mfa) {
            Some(true) => "mfa",
            Some(false) => "no mfa",
            None => "mfa not visible",
        };
        parts.push(mfa.to_owned());
    }
    if require.source_identity {
        parts.push(format!("source identity {}", or_none(case.event.text(Column::SourceIdentity))));
    }
    if require.vpc_endpoints.is_some() {
        parts.push(format!("endpoint {}", or_none(case.event.text(Column::VpcEndpoint))));
    }
    if require.tls_min.is_some() {
        parts.push(format!("TLS {}", or_none(case.event.text(Column::TlsVersion))));
    }
    Some(parts.join("; "))
}

fn window(case: &Case<'_, '_>) -> Option<String> {
    let of = &case.entry.declaration;
    let edge = |name: &str, moment: Option<Moment>| moment.map(|moment| format!("{name} {moment}"));
    let parts: Vec<String> = [
        edge("protects from", of.active_from),
        edge("protects until", of.active_until),
        edge("reads back until", of.process_until),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn patterns(patterns: Option<&[Pattern]>) -> Option<String> {
    patterns.map(|patterns| list(patterns.iter().map(|pattern| &pattern.text)))
}

/// The first items, and how many more there are.
fn list(items: impl IntoIterator<Item = impl Display>) -> String {
    let mut items = items.into_iter();
    let named: Vec<String> = items.by_ref().take(NAMED).map(|item| item.to_string()).collect();
    match items.count() {
        0 if named.is_empty() => "nothing".to_owned(),
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}
