//! Where the call came from and through what: via, account, region, network, and what it had to show.

use super::super::document::rules::{Requirements, TlsVersion};
use super::super::entry::services_of;
use super::case::Case;
use super::lens::{DIRECT, Event, Source, UNNAMED_SERVICE};
use super::reason::{Answer, NOT_DECLARED, Reason};
use crate::domain::event::CallerKind;
use crate::table::columns::Column;

/// Whether the call came through a declared service, or directly where that is declared.
pub fn via(case: &Case<'_, '_>) -> Answer {
    let via = case.event.text(Column::Via).unwrap_or(DIRECT);
    if let Some(service) = case.service {
        let fits = services_of(service).contains(&via);
        return if via == UNNAMED_SERVICE { unnamed() } else { Answer::fits_if(fits) };
    }
    let Some(declared) = &case.entry.declaration.via else { return NOT_DECLARED };
    if via == UNNAMED_SERVICE {
        return unnamed();
    }
    Answer::fits_if(declared.iter().any(|pattern| pattern.matches(via)))
}

const fn unnamed() -> Answer {
    Answer::Unknown(Reason::ServiceNotNamed)
}

/// Whether the caller is of a declared account.
pub fn account(case: &Case<'_, '_>) -> Answer {
    let Some(accounts) = &case.entry.declaration.accounts else { return NOT_DECLARED };
    if !case.event.is_aws() {
        return Answer::NotJudged("only AWS callers have an account");
    }
    match case.event.text(Column::PrincipalAccount) {
        Some(account) => Answer::fits_if(accounts.iter().any(|pattern| pattern.matches(account))),
        None if case.event.caller_kind() == Some(CallerKind::Service) => {
            Answer::NotJudged("a service has no account")
        }
        None => Answer::Unknown(Reason::NotVisible),
    }
}

/// Whether the key was used in a declared region.
pub fn region(case: &Case<'_, '_>) -> Answer {
    let Some(regions) = &case.entry.declaration.regions else { return NOT_DECLARED };
    let region = case.event.text(Column::KeyRegion).or_else(|| case.event.text(Column::Region));
    match region {
        Some(region) => Answer::fits_if(regions.iter().any(|pattern| pattern.matches(region))),
        None if case.event.is_aws() => Answer::Unknown(Reason::NotVisible),
        None => Answer::NotJudged("only AWS has regions"),
    }
}

/// Whether the caller came from a declared network.
pub fn network(case: &Case<'_, '_>) -> Answer {
    let Some(networks) = &case.entry.declaration.networks else { return NOT_DECLARED };
    match case.event.source() {
        Some(Source::Address(address)) => {
            Answer::fits_if(networks.iter().any(|network| network.0.contains(&address)))
        }
        _ if case.event.is_service_call() => Answer::NotJudged("a service made the call"),
        Some(_) => Answer::Unknown(Reason::NotAnAddress),
        None => Answer::Unknown(Reason::NotVisible),
    }
}

/// Whether the call showed all that is required of it.
pub fn requirement(case: &Case<'_, '_>) -> Answer {
    let Some(require) = &case.entry.declaration.require else { return NOT_DECLARED };
    let event = &case.event;
    let mut whole = NOT_DECLARED;
    for part in
        [mfa(require, event), source_identity(require, event), endpoint(require, event), tls(require, event)]
    {
        whole = match (whole, part) {
            (Answer::Violated, _) | (_, Answer::Violated) => Answer::Violated,
            (Answer::Unknown(reason), _) | (_, Answer::Unknown(reason)) => Answer::Unknown(reason),
            (Answer::Fits, _) | (_, Answer::Fits) => Answer::Fits,
            (nothing, Answer::NotJudged(_)) => nothing,
        };
    }
    whole
}

fn mfa(require: &Requirements, event: &Event<'_, '_>) -> Answer {
    match (require.mfa, event.flag(Column::Mfa)) {
        (false, _) => NOT_DECLARED,
        (true, Some(mfa)) => Answer::fits_if(mfa),
        (true, None) => Answer::Unknown(Reason::NotVisible),
    }
}

/// CloudTrail shows a source identity wherever a session has one, so its absence says something; but not
/// where of the caller nothing but the account or the service is shown.
fn source_identity(require: &Requirements, event: &Event<'_, '_>) -> Answer {
    if !require.source_identity {
        return NOT_DECLARED;
    }
    if event.text(Column::SourceIdentity).is_some() {
        return Answer::Fits;
    }
    let principal = event.text(Column::Principal).unwrap_or("service:");
    let hidden = !event.is_aws() || principal.starts_with("account:") || principal.starts_with("service:");
    if hidden { Answer::Unknown(Reason::NotVisible) } else { Answer::Violated }
}

/// CloudTrail shows the endpoint of every direct call that came through one; a service's call does not.
fn endpoint(require: &Requirements, event: &Event<'_, '_>) -> Answer {
    let Some(endpoints) = &require.vpc_endpoints else { return NOT_DECLARED };
    match event.text(Column::VpcEndpoint) {
        Some(endpoint) => Answer::fits_if(endpoints.iter().any(|pattern| pattern.matches(endpoint))),
        None if !event.is_aws() || event.is_service_call() => Answer::Unknown(Reason::NotVisible),
        None if event.text(Column::Via) == Some(UNNAMED_SERVICE) => Answer::Unknown(Reason::NotVisible),
        None => Answer::Violated,
    }
}

fn tls(require: &Requirements, event: &Event<'_, '_>) -> Answer {
    let Some(lowest) = require.tls_min else { return NOT_DECLARED };
    let shown = event.text(Column::TlsVersion);
    let version = shown.map(|text| text.trim_start_matches("TLSv"));
    match (version, version.and_then(TlsVersion::from_word)) {
        (_, Some(version)) => Answer::fits_if(version >= lowest),
        // Older than any version that has a name here, as SSLv3.
        (Some(_), None) => Answer::Violated,
        (None, None) => Answer::Unknown(Reason::NotVisible),
    }
}
