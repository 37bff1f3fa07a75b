//! Who called.
//!
//! In: the `auth` object of an entry. Out: the principal in its canonical form, and what stands beside
//! it. Matching it with the short and long forms of the catalog is left to the judge.
//!
//! What is emitted as `principal`, first rule that holds:
//!
//! | the entry shows | principal | `caller_kind` |
//! |---|---|---|
//! | `policies` contain `root` | `root` | root |
//! | `display_name` `token` or `token-…`: made by another token, which chooses the metadata freely | `token:DISPLAY_NAME` | unknown |
//! | `metadata.service_account_name` and `…_namespace` | `kubernetes:NS/SA` | workload |
//! | `metadata.role_name` (AppRole) | `approle:ROLE` | workload |
//! | `metadata.cert_name` | `cert:NAME` | workload |
//! | `metadata.canonical_arn`, else `client_arn`, and `auth_type` | `aws:ARN` | workload |
//! | `metadata.service_account_email` | `gcp:EMAIL` | workload |
//! | `metadata.subscription_id` | `azure:ROLE` | workload |
//! | `metadata.org` and `username` | `github:USER` | human |
//! | `metadata.username`, by the mount's name | `ldap:USER`, `okta:…`, `radius:…`, else `userpass:USER` | human |
//! | `metadata.role`, by the mount's name | `oidc:NAME` or `jwt:NAME`, NAME the display name's end, else the role | human, workload |
//! | any other `display_name` | `token:DISPLAY_NAME` | unknown |
//! | only `entity_id` | `entity:ID` | unknown |
//! | a KMIP client certificate | `cert:SERIAL` | workload |
//!
//! Vault puts the mount in front of the display name, slashes turned to dashes: `userpass-alice` came
//! through `auth/userpass`, `tenant-a-auth-approle` through `auth/approle` of namespace `tenant-a`
//! (`vault/request_handling.go`). So the mount is known where it is not the method's own name, and then
//! the long form is emitted: `[NS/]auth/MOUNT#METHOD:NAME`. A dash in MOUNT may have been a slash.
//! **The short form thus means: the mount that the method has by default, or a mount that is not
//! visible**; a catalog's `auth/approle#approle:X` and `approle:X` both fit the event's `approle:X`.
//!
//! The role of `auth/token/create/ROLE` is in no entry that its token makes, so `token-role:` never
//! comes out of a log.
//!
//! The token's home namespace is known from that display name, or from a policy of the token itself
//! among the policies that granted the call; it goes in front only where it is not the root.

use bumpalo::collections::String as ArenaString;

use super::entry::{Auth, Entry};
use super::json::Json;
use super::method::{self, Identity};
use crate::domain::event::{CallerKind, CredentialKind, KeyEvent};
use crate::normalize::Arena;

/// Who called, ready to go into an event.
#[derive(Debug, Clone, Copy, Default)]
pub struct Caller<'a> {
    pub principal: Option<&'a str>,
    /// The auth method, or `root`, `token`, `entity`.
    pub kind: Option<&'a str>,
    pub home: Option<&'a str>,
    pub session_name: Option<&'a str>,
    pub credential_kind: Option<CredentialKind>,
    pub credential_id: Option<&'a str>,
    pub caller_kind: Option<CallerKind>,
    pub caller_rule: Option<&'a str>,
    pub entity_id: Option<&'a str>,
}

impl<'a> Caller<'a> {
    /// Puts the caller into an event.
    pub fn fill(self, event: &mut KeyEvent<'a>) {
        event.principal = self.principal;
        event.principal_type = self.kind;
        event.principal_account = self.home;
        event.session_name = self.session_name;
        event.credential_kind = self.credential_kind;
        event.credential_id = self.credential_id;
        event.caller_kind = Some(self.caller_kind.unwrap_or(CallerKind::Unknown));
        event.caller_rule = self.caller_rule;
        event.entity_id = self.entity_id;
    }
}

/// The caller of an entry; of a log-in, whoever it let in.
pub fn caller<'a>(entry: &'a Entry<'_>, is_login: bool, namespace: &str, arena: &'a Arena) -> Caller<'a> {
    let logged_in = entry.response.as_ref().and_then(|response| response.auth.as_ref());
    let auth = match (is_login, logged_in) {
        (true, Some(auth)) => Some(auth),
        _ => entry.auth.as_ref(),
    };
    let Some(auth) = auth else { return Caller::default() };
    let accessor = filled(auth.accessor.as_deref())
        .or_else(|| filled(entry.request.as_ref()?.client_token_accessor.as_deref()));
    of_token(auth, accessor, namespace, arena)
}

/// The client of a KMIP server, which knows it by its certificate only.
pub fn kmip_client<'a>(entry: &'a Entry<'_>, arena: &'a Arena) -> Caller<'a> {
    let request = entry.request.as_ref();
    let Some(serial) =
        filled(request.and_then(|request| request.client_certificate_serial_number.as_deref()))
    else {
        return Caller::default();
    };
    Caller {
        principal: Some(join(arena, &["cert:", serial])),
        kind: Some("cert"),
        credential_kind: Some(CredentialKind::Certificate),
        credential_id: Some(serial),
        caller_kind: Some(CallerKind::Workload),
        caller_rule: Some("kmip client certificate"),
        ..Caller::default()
    }
}

/// A text with something in it.
pub fn filled(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

/// One text in the arena.
pub fn join<'a>(arena: &'a Arena, parts: &[&str]) -> &'a str {
    let mut text = ArenaString::with_capacity_in(parts.iter().map(|part| part.len()).sum(), arena);
    parts.iter().for_each(|part| text.push_str(part));
    text.into_bump_str()
}

fn of_token<'a>(
    auth: &'a Auth<'_>,
    accessor: Option<&'a str>,
    namespace: &str,
    arena: &'a Arena,
) -> Caller<'a> {
    let display = filled(auth.display_name.as_deref());
    let caller = Caller {
        session_name: display,
        credential_kind: credential_kind(auth),
        credential_id: accessor,
        entity_id: filled(auth.entity_id.as_deref()),
        home: home_by_policy(auth),
        ..Caller::default()
    };
    if is_root(auth) {
        return Caller {
            principal: Some("root"),
            kind: Some("root"),
            caller_kind: Some(CallerKind::Root),
            caller_rule: Some("policy root"),
            ..caller
        };
    }
    let display = display.unwrap_or_default();
    let (home, display) = split_home(display, namespace, caller.home, arena);
    let caller = Caller { home: home.or(caller.home), ..caller };
    let metadata = auth.metadata.as_ref().unwrap_or(&Json::Null);
    match method::identity(metadata, display, arena) {
        Some(identity) if !is_made_by_a_token(display) => named(caller, identity, arena),
        _ => unnamed(caller, arena),
    }
}

/// A token made by another token, which chose its metadata freely: it must not pass for a log-in.
fn is_made_by_a_token(display: &str) -> bool {
    display == "token" || display.starts_with("token-")
}

/// Whether the token carries the root policy.
fn is_root(auth: &Auth<'_>) -> bool {
    let has = |policies: &Option<Vec<super::json::Text<'_>>>| {
        policies.as_ref().is_some_and(|policies| policies.iter().any(|policy| &**policy == "root"))
    };
    has(&auth.policies) || has(&auth.token_policies)
}

fn credential_kind(auth: &Auth<'_>) -> Option<CredentialKind> {
    let lives = match auth.token_ttl.as_ref() {
        Some(Json::Integer(seconds)) => *seconds > 0,
        Some(Json::Null) | None => false,
        Some(_) => true,
    };
    Some(match auth.token_type.as_deref()? {
        _ if is_root(auth) => CredentialKind::Root,
        "batch" => CredentialKind::Batch,
        // Before 1.4 entries had neither time nor ttl, so a missing ttl says nothing there.
        "service" if lives || auth.token_issue_time.is_none() => CredentialKind::Temporary,
        "service" => CredentialKind::LongTerm,
        _ => return None,
    })
}

/// A policy of the token itself lives in the token's namespace.
fn home_by_policy<'a>(auth: &'a Auth<'_>) -> Option<&'a str> {
    let own = auth.token_policies.as_ref()?;
    let granting = auth.policy_results.as_ref()?.granting_policies.as_ref()?;
    granting
        .iter()
        .find(|policy| policy.name.as_ref().is_some_and(|name| own.contains(name)))
        .filter(|policy| policy.namespace_id.is_some())
        .map(|policy| policy.namespace_path.as_deref().unwrap_or_default().trim_matches('/'))
}

fn named<'a>(caller: Caller<'a>, identity: Identity<'a>, arena: &'a Arena) -> Caller<'a> {
    let Identity { method, name, mount } = identity;
    let prefix = caller.home.filter(|home| !home.is_empty());
    let mount = if mount.is_empty() { method } else { mount };
    let principal = match prefix {
        Some(home) => join(arena, &[home, "/auth/", mount, "#", method, ":", name]),
        None if mount == method => join(arena, &[method, ":", name]),
        None => join(arena, &["auth/", mount, "#", method, ":", name]),
    };
    let (caller_kind, caller_rule) = kind_of(method);
    Caller {
        principal: Some(principal),
        kind: Some(method),
        caller_kind: Some(caller_kind),
        caller_rule: Some(caller_rule),
        ..caller
    }
}

/// Splits `NS-auth-MOUNT…`, the display name of a token from another namespace than the root.
///
/// The namespace's own slashes are restored where the request or a policy shows it; else its dashes
/// stay. A name that begins with a method's is no namespace: `oidc-x-auth-y` is a user of `auth/oidc`.
fn split_home<'a>(
    display: &'a str,
    namespace: &str,
    home: Option<&str>,
    arena: &'a Arena,
) -> (Option<&'a str>, &'a str) {
    let Some((space, inner)) = display.split_once("-auth-") else { return (None, display) };
    let shown = [home.unwrap_or_default(), namespace]
        .into_iter()
        .find(|shown| shown.len() == space.len() && shown.replace('/', "-") == space);
    match shown {
        Some(shown) => (Some(arena.alloc_str(shown)), inner),
        None if home.is_none() && !method::starts_like_one(space) => (Some(space), inner),
        None => (None, display),
    }
}

const fn kind_of(method: &str) -> (CallerKind, &'static str) {
    match method.as_bytes() {
        b"userpass" => (CallerKind::Human, "auth method userpass"),
        b"ldap" => (CallerKind::Human, "auth method ldap"),
        b"oidc" => (CallerKind::Human, "auth method oidc"),
        b"okta" => (CallerKind::Human, "auth method okta"),
        b"radius" => (CallerKind::Human, "auth method radius"),
        b"kerberos" => (CallerKind::Human, "auth method kerberos"),
        b"github" => (CallerKind::Human, "auth method github"),
        b"approle" => (CallerKind::Workload, "auth method approle"),
        b"kubernetes" => (CallerKind::Workload, "auth method kubernetes"),
        b"jwt" => (CallerKind::Workload, "auth method jwt"),
        b"cert" => (CallerKind::Workload, "auth method cert"),
        b"aws" => (CallerKind::Workload, "auth method aws"),
        b"gcp" => (CallerKind::Workload, "auth method gcp"),
        b"azure" => (CallerKind::Workload, "auth method azure"),
        _ => (CallerKind::Unknown, "auth method unknown"),
    }
}

fn unnamed<'a>(caller: Caller<'a>, arena: &'a Arena) -> Caller<'a> {
    let (kind, principal) = match (caller.session_name, caller.entity_id) {
        (Some(display), _) => ("token", join(arena, &["token:", display])),
        (None, Some(entity)) => ("entity", join(arena, &["entity:", entity])),
        (None, None) => return caller,
    };
    Caller { principal: Some(principal), kind: Some(kind), caller_kind: Some(CallerKind::Unknown), ..caller }
}
