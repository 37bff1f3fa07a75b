//! Puts an event together from what the other modules found out about an entry.

use bumpalo::collections::String as ArenaString;
use bumpalo::collections::Vec as ArenaVec;

use super::action::Action;
use super::call::{Call, KeyName, Operation};
use super::entry::{Entry, EntryType, Request};
use super::json::Json;
use super::mount::{Engine, Place};
use super::outcome::{Ending, Evidence, ending};
use super::secrets::{self, Detail, Rule};
use super::{kv, principal};
use crate::domain::event::{Category, HASHED_PREFIX, KeyEvent, Provider};
use crate::domain::function::Function;
use crate::normalize::Arena;

/// The most different contexts of one batch that are kept: a batch is made for one tenant, or few.
const MAX_CONTEXTS: usize = 16;

/// An entry, and where it went.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    pub entry: &'a Entry<'a>,
    pub kind: EntryType,
    pub request: &'a Request<'a>,
    pub place: Place<'a>,
    pub operation: Operation,
    /// `request.data`, or null.
    pub asked: &'a Json<'a>,
    /// `response.data`, or null.
    pub answered: &'a Json<'a>,
}

/// The columns that do not depend on what the call did.
pub fn frame<'a>(
    entry: &'a Entry<'_>,
    kind: EntryType,
    time: i64,
    id: &'a str,
    namespace: Option<&'a str>,
) -> KeyEvent<'a> {
    let request = entry.request.as_ref();
    KeyEvent {
        event_id: id,
        event_time: time,
        provider: Some(Provider::Vault),
        via: Some("direct"),
        namespace,
        source_ip: request
            .and_then(|request| request.remote_address.as_deref())
            .filter(|text| !text.is_empty()),
        user_agent: request.and_then(|request| request.headers.as_ref()).and_then(user_agent),
        awaits_response: kind.awaits_response(),
        ..KeyEvent::default()
    }
}

/// Headers are audited only where `sys/config/auditing/request-headers` names them; each has a list.
fn user_agent<'a>(headers: &'a Json<'_>) -> Option<&'a str> {
    let (_, values) = headers.members().iter().find(|(name, _)| name.eq_ignore_ascii_case("user-agent"))?;
    match values {
        Json::Array(values) => values.first().and_then(Json::as_text),
        value => value.as_text(),
    }
}

/// The event of a call.
pub fn event<'a>(source: Source<'a>, call: Call<'a>, frame: KeyEvent<'a>, arena: &'a Arena) -> KeyEvent<'a> {
    let action = call.action;
    let Source { entry, kind, place, operation, asked, answered, .. } = source;
    let opaque = holds_only_a_secret(place);
    let evidence = Evidence { action, operation, entry, kind, request: asked, response: answered, opaque };
    let Ending { outcome, code, message } = ending(evidence);
    let rule = rule(place, action);
    let clear = clear_secrets(source, rule, arena);
    let alarming = is_alarming(source, &clear);
    let key_id = key_id(place, call.key, arena);
    let mut event = KeyEvent {
        service: Some(place.method.unwrap_or_else(|| action.service())),
        action: Some(action.name()),
        category: Some(action.category()),
        function: action.function(),
        outcome: Some(outcome),
        error_code: code,
        error_message: message.map(|message| clean(message, &clear, arena)),
        key_id,
        key_account: key_id.and(place.namespace).filter(|namespace| !namespace.is_empty()),
        other_key_id: call.other_key.and_then(|name| self::key_id(place, KeyName::Named(name), arena)),
        ..frame
    };
    principal::caller(entry, action == Action::AuthLogin, place.namespace.unwrap_or_default(), arena)
        .fill(&mut event);
    if action.category() == Category::Use {
        usage(source, call, &mut event, arena);
    } else {
        event.key_version = call.version.and_then(|version| version.parse().ok());
        event.response = answer(source, rule).map(|json| &*arena.alloc_str(&json));
    }
    event.request = question(source, call, rule, alarming).map(|json| &*arena.alloc_str(&json));
    event
}

/// The canonical name of a key: `vault:[namespace/]mount/name`.
pub fn key_id<'a>(place: Place<'_>, key: KeyName<'_>, arena: &'a Arena) -> Option<&'a str> {
    let name = match key {
        KeyName::None => return None,
        KeyName::Mount => "",
        KeyName::Named(name) => name,
    };
    let mut id = ArenaString::from_str_in("vault:", arena);
    if let Some(namespace) = place.namespace.filter(|namespace| !namespace.is_empty()) {
        id.push_str(namespace);
        id.push('/');
    }
    id.push_str(place.mount);
    if !name.is_empty() {
        id.push('/');
        id.push_str(name);
    }
    Some(id.into_bump_str())
}

/// Version, algorithm, context and size of a use.
fn usage<'a>(source: Source<'a>, call: Call<'a>, event: &mut KeyEvent<'a>, arena: &'a Arena) {
    let Source { answered, .. } = source;
    if call.action.function() == Some(Function::Certify) {
        event.response = validity(answered).map(|json| &*arena.alloc_str(&json));
    }
    match source.place.engine {
        Engine::Kv => event.key_version = secret_version(source),
        Engine::Transit => transit_usage(source, call, event, arena),
        _ => {} // elsewhere fields of these names would be something else, a secret even
    }
}

fn transit_usage<'a>(source: Source<'a>, call: Call<'a>, event: &mut KeyEvent<'a>, arena: &'a Arena) {
    let Source { asked, answered, .. } = source;
    event.key_version = key_version(asked, answered);
    event.algorithm = call.algorithm.or_else(|| algorithm(asked));
    event.context = contexts(asked, arena);
    event.wrap_plaintext = (call.action.function() == Some(Function::Wrap))
        .then_some(call.action == Action::TransitDatakeyPlaintext);
    if let Some(Json::Array(items)) = asked.get("batch_input") {
        event.batch_size = i64::try_from(items.len()).ok();
    }
}

/// The version that was used: the answer's, in a batch the oldest; else the one asked for; else the one
/// that a clear ciphertext or signature names.
fn key_version(asked: &Json<'_>, answered: &Json<'_>) -> Option<i64> {
    let results = answered.items("batch_results").iter().filter_map(|item| item.integer("key_version"));
    answered
        .integer("key_version")
        .or_else(|| results.min())
        .or_else(|| asked.integer("key_version").filter(|version| *version > 0))
        .or_else(|| {
            ["ciphertext", "signature", "hmac"].iter().find_map(|name| named_version(asked.text(name)?))
        })
}

/// The version of a KV v2 secret that was read or written.
fn secret_version(source: Source<'_>) -> Option<i64> {
    if holds_only_a_secret(source.place) {
        return None;
    }
    let metadata = source.answered.get("metadata").unwrap_or(source.answered);
    metadata.integer("version").filter(|version| *version > 0)
}

/// Whether data of this place is nothing but the fields of a secret: KV v1, and what may be it.
pub(super) fn holds_only_a_secret(place: Place<'_>) -> bool {
    matches!(place.engine, Engine::Kv | Engine::Unknown) && !kv::is_version_two(place.rest)
}

/// `vault:v3:…`
fn named_version(text: &str) -> Option<i64> {
    text.strip_prefix("vault:v")?.split(':').next()?.parse().ok()
}

/// The algorithm that the request names; a clear one goes before a hashed one.
fn algorithm<'a>(asked: &'a Json<'_>) -> Option<&'a str> {
    let named =
        || ["hash_algorithm", "algorithm", "signature_algorithm"].iter().filter_map(|name| asked.text(name));
    named()
        .find(|algorithm| !algorithm.is_empty() && !algorithm.starts_with(HASHED_PREFIX))
        .or_else(|| named().find(|algorithm| !algorithm.is_empty()))
}

/// The derivation contexts of the call and its batch items, each one once.
fn contexts<'a>(asked: &'a Json<'_>, arena: &'a Arena) -> Option<&'a [(&'a str, &'a str)]> {
    let items = asked.items("batch_input").iter();
    let mut pairs = ArenaVec::new_in(arena);
    for context in std::iter::once(asked).chain(items).filter_map(|item| item.text("context")) {
        let pair = ("context", context);
        if !context.is_empty() && pairs.len() < MAX_CONTEXTS && !pairs.contains(&pair) {
            pairs.push(pair);
        }
    }
    (!pairs.is_empty()).then(|| pairs.into_bump_slice() as &[_])
}

/// A certificate's times, which are numbers and so in clear: how long it is valid.
fn validity(answered: &Json<'_>) -> Option<String> {
    let mut detail = Detail::default();
    for name in ["not_before", "expiration"] {
        if let Some(value @ Json::Integer(_)) = answered.get(name) {
            detail.add(name, value, Rule::default());
        }
    }
    detail.finish()
}

/// Which fields of this call hold secrets.
pub(super) fn rule(place: Place<'_>, action: Action) -> Rule {
    let with = |extra| Rule { extra, ..Rule::default() };
    if matches!(action, Action::TransitOther | Action::PkiOther | Action::SshOther) {
        return Rule { everything: true, ..Rule::default() };
    }
    match place.engine {
        Engine::Kv | Engine::Unknown if holds_only_a_secret(place) => {
            Rule { everything: matches!(action.category(), Category::Use | Category::Key), ..Rule::default() }
        }
        Engine::Kv => with(&["data"]),
        Engine::Transit if matches!(action, Action::TransitExport | Action::TransitByokExport) => {
            with(&["keys"])
        }
        Engine::Totp => with(&["url"]),
        Engine::Identity => Rule { extra: &["url"], except: &["key"], ..Rule::default() },
        Engine::Token => with(&["id"]),
        Engine::System if matches!(action, Action::SysRekey | Action::SysRekeyRead) => with(&["keys"]),
        _ => Rule::default(),
    }
}

/// The secrets of an entry that came in clear; nearly always none.
pub(super) fn clear_secrets<'a>(source: Source<'a>, rule: Rule, arena: &'a Arena) -> ArenaVec<'a, &'a str> {
    let mut clear = ArenaVec::new_in(arena);
    let mut found = |secret| clear.push(secret);
    clear_tokens(source).for_each(&mut found);
    secrets::each_clear(source.asked, rule, &mut found);
    secrets::each_clear(source.answered, rule, &mut found);
    clear
}

/// Whether what came in clear says that hashing is off. What a KV secret holds does not: its field
/// names are free, and a mount tuned to show one of them was noticed when it was tuned.
fn is_alarming(source: Source<'_>, clear: &[&str]) -> bool {
    match source.place.engine {
        Engine::Kv | Engine::Unknown => clear_tokens(source).next().is_some(),
        _ => !clear.is_empty(),
    }
}

fn clear_tokens<'a>(source: Source<'a>) -> impl Iterator<Item = &'a str> {
    let response = source.entry.response.as_ref();
    let tokens = [
        source.entry.auth.as_ref().and_then(|auth| auth.client_token.as_deref()),
        source.request.client_token.as_deref(),
        response.and_then(|response| response.auth.as_ref()?.client_token.as_deref()),
        response.and_then(|response| response.wrap_info.as_ref()?.token.as_deref()),
    ];
    tokens.into_iter().flatten().filter(|token| !secrets::is_hidden(token))
}

fn clean<'a>(message: &'a str, clear: &[&str], arena: &'a Arena) -> &'a str {
    if clear.is_empty() { message } else { arena.alloc_str(&secrets::scrub(message, clear)) }
}

/// The `request` column: what a change asked for; of a use, only what must be marked.
fn question(source: Source<'_>, call: Call<'_>, rule: Rule, clear: bool) -> Option<String> {
    let mut detail = Detail::default();
    if call.action.category() != Category::Use {
        detail.add_text("request_path", shown_path(source, call.action));
        detail.add_all(source.asked, rule);
    }
    if call.action == Action::TransitEncrypt && source.operation == Operation::Create {
        detail.add_flag("implicit_creation");
    }
    if clear {
        detail.add_flag("clear_secrets");
    }
    detail.finish()
}

/// The path; Vault before 1.0 took the token to revoke as its last segment.
fn shown_path<'a>(source: Source<'a>, action: Action) -> &'a str {
    let path = source.request.path.as_deref().unwrap_or_default();
    match source.place.rest.split_once('/') {
        Some((_, token)) if action == Action::TokenRevoke => {
            path.trim_end_matches('/').trim_end_matches(token)
        }
        _ => path,
    }
}

/// The `response` column of a change or a read, with what a new token may do.
fn answer(source: Source<'_>, rule: Rule) -> Option<String> {
    let mut detail = Detail::default();
    detail.add_all(source.answered, rule);
    if let Some(auth) = source.entry.response.as_ref().and_then(|response| response.auth.as_ref()) {
        detail.add_text("token_display_name", auth.display_name.as_deref().unwrap_or_default());
        detail.add_text("token_type", auth.token_type.as_deref().unwrap_or_default());
        detail.add_texts("token_policies", auth.policies.as_deref().unwrap_or_default());
    }
    detail.finish()
}
