//! Takes the secrets out of an entry before it is stored anywhere: what [`super::secrets`] calls one, by
//! the same rules, in place, so that the rest stays as it came.

use super::call::Call;
use super::entry::{self, Entry, EntryType, Parser};
use super::event::{clear_secrets, holds_only_a_secret, rule};
use super::json::Json;
use super::mount::{Engine, Place};
use super::secrets::{Rule, is_hidden, scalar_text, scrub};
use super::{Action, call, kmip, source};
use crate::domain::event::Category;
use crate::domain::identity::redacted;
use crate::normalize::Arena;
use crate::normalize::redact::{Edits, Kind, Leaf, Members, place_in, walk};
use crate::table::build::push_json_string;

/// Request and response headers that carry a token.
const SECRET_HEADERS: &[&str] =
    &["authorization", "cookie", "proxy-authorization", "set-cookie", "x-vault-token"];

/// Whether a header of this name carries a token.
pub fn is_secret_header(name: &str) -> bool {
    SECRET_HEADERS.iter().any(|header| header.eq_ignore_ascii_case(name))
}

/// How this entry is to be redacted.
struct Plan {
    rule: Rule,
    /// Numbers and booleans are secrets too: what a KV secret holds.
    numbers: bool,
    /// Texts called `error` say what became of the call.
    errors: bool,
    kmip: bool,
    /// What came in clear, to be taken out of messages.
    clear: Vec<String>,
    /// A token that is the last segment of the path.
    in_path: Option<String>,
}

impl Plan {
    /// For an entry that cannot be understood: all of its data.
    fn blind() -> Self {
        let rule = Rule { everything: true, ..Rule::default() };
        Self { rule, numbers: true, errors: false, kmip: false, clear: Vec::new(), in_path: None }
    }

    fn of(text: &str) -> Self {
        let Ok(entry) = entry::read::<Entry<'_>>(text.as_bytes(), Parser::Fast) else { return Self::blind() };
        let (Some(kind), Some(request)) =
            (entry.kind.as_deref().and_then(EntryType::from_word), entry.request.as_ref())
        else {
            return Self::blind();
        };
        if kind.is_kmip() {
            return Self { kmip: true, rule: Rule::default(), numbers: false, errors: true, ..Self::blind() };
        }
        let source = source(&entry, kind, request);
        let call = call(source);
        let place = source.place;
        let rule = rule_of(place, call);
        let arena = Arena::new();
        let clear = clear_secrets(source, rule, &arena).iter().map(|secret| (*secret).to_owned()).collect();
        let revoked = call.filter(|call| call.action == Action::TokenRevoke);
        let in_path = revoked.and_then(|_| Some(place.rest.split_once('/')?.1.to_owned()));
        // Of a change the numbers are shown, and must be the same ones.
        let shown = call.is_some_and(|call| call.action.category() != Category::Use);
        Self {
            rule,
            numbers: (rule.everything || !shown) && holds_secrets(place),
            errors: !holds_only_a_secret(place),
            kmip: false,
            clear,
            in_path: in_path.filter(|token| !token.is_empty() && !is_hidden(token)),
        }
    }
}

/// The rule of a call that becomes an event; of another one, as much as may be a secret.
fn rule_of(place: Place<'_>, call: Option<Call<'_>>) -> Rule {
    match call {
        Some(call) => rule(place, call.action),
        None => Rule { everything: holds_secrets(place), ..Rule::default() },
    }
}

/// Whether what is there may be a secret whatever its name and type.
fn holds_secrets(place: Place<'_>) -> bool {
    matches!(place.engine, Engine::Kv | Engine::Unknown | Engine::Irrelevant)
}

/// Redacts one entry, of which these are the members, and which begins at `base`.
pub fn redact_entry(text: &str, members: &Members<'_>, base: usize, edits: &mut Edits) {
    let plan = Plan::of(text);
    let mut entry = Entries { text, base, plan, edits };
    for (name, value) in &members.0 {
        let value = value.get();
        match name.as_str() {
            "error" => entry.message(value),
            "auth" => entry.tokens(value),
            "request" | "response" => entry.part(value),
            _ => {}
        }
    }
}

/// One entry being redacted.
struct Entries<'t, 'e> {
    text: &'t str,
    base: usize,
    plan: Plan,
    edits: &'e mut Edits,
}

impl Entries<'_, '_> {
    /// `request` or `response`.
    fn part(&mut self, text: &str) {
        let Some(members) = Members::of(text) else { return };
        for (name, value) in &members.0 {
            let value = value.get();
            match name.as_str() {
                "client_token" => self.token(value),
                "auth" | "wrap_info" => self.tokens(value),
                "data" if self.plan.kmip => self.kmip(value),
                "data" => self.data(value),
                "headers" => self.headers(value),
                "path" => self.path(value),
                _ => {}
            }
        }
    }

    /// An object with a token in it.
    fn tokens(&mut self, text: &str) {
        let members = Members::of(text).map(|members| members.0).unwrap_or_default();
        for (_, value) in members.iter().filter(|(name, _)| name == "client_token" || name == "token") {
            self.token(value.get());
        }
    }

    fn token(&mut self, text: &str) {
        self.secret(&Leaf { range: 0..text.len(), text, kind: Kind::Secret }, place_in(self.text, text));
    }

    fn data(&mut self, text: &str) {
        let rule = self.plan.rule;
        let errors = self.plan.errors;
        let mut name = |name: &str| match name {
            "error" if errors => Kind::Marked,
            "http_status_code" if errors => Kind::Marked,
            name if rule.names_secret(name) => Kind::Secret,
            _ => Kind::Inherited,
        };
        let mut found = Vec::new();
        walk(text, rule.everything, &mut name, &mut |leaf| found.push(leaf));
        let place = place_in(self.text, text);
        for leaf in found {
            match leaf.kind {
                Kind::Secret => self.secret(&leaf, place),
                Kind::Marked => self.message(leaf.text),
                _ => {}
            }
        }
    }

    fn headers(&mut self, text: &str) {
        let mut name = |name: &str| if is_secret_header(name) { Kind::Secret } else { Kind::Inherited };
        let mut found = Vec::new();
        walk(text, false, &mut name, &mut |leaf| found.push(leaf));
        let place = place_in(self.text, text);
        found.iter().filter(|leaf| leaf.kind == Kind::Secret).for_each(|leaf| self.secret(leaf, place));
    }

    fn kmip(&mut self, text: &str) {
        let place = place_in(self.text, text);
        for leaf in kmip::secret_values(text) {
            self.secret(&leaf, place);
        }
    }

    /// A scalar that is a secret, in a text that begins at `place`.
    fn secret(&mut self, leaf: &Leaf<'_>, place: usize) {
        let range = self.base + place + leaf.range.start..self.base + place + leaf.range.end;
        if let Some(secret) = leaf.string() {
            if !is_hidden(&secret) {
                self.put(range, &stand_in(&secret));
            }
        } else if self.plan.numbers
            && let Ok(json) = serde_json::from_str::<Json<'_>>(leaf.text)
            && let Some(shown) = scalar_text(&json)
        {
            self.put(range, &redacted(shown.as_bytes()));
        }
    }

    /// A text that may repeat a secret.
    fn message(&mut self, quoted: &str) {
        let Ok(message) = serde_json::from_str::<String>(quoted) else { return };
        // Where everything is a secret, the message itself is among them, and must stay readable.
        let own = |secret: &&str| self.plan.rule.everything && **secret == message;
        let clear: Vec<&str> =
            self.plan.clear.iter().map(String::as_str).filter(|secret| !own(secret)).collect();
        let clean = scrub(&message, &clear);
        if clean != message {
            let start = self.base + place_in(self.text, quoted);
            self.put(start..start + quoted.len(), &clean);
        }
    }

    /// Vault before 1.0 took the token to revoke as the last segment of the path.
    fn path(&mut self, quoted: &str) {
        let Ok(path) = serde_json::from_str::<String>(quoted) else { return };
        if let Some(token) = &self.plan.in_path
            && let Some(before) = path.strip_suffix(token.as_str())
        {
            let start = self.base + place_in(self.text, quoted);
            let clean = format!("{before}{}", redacted(token.as_bytes()));
            self.put(start..start + quoted.len(), &clean);
        }
    }

    fn put(&mut self, range: std::ops::Range<usize>, text: &str) {
        let mut quoted = String::new();
        push_json_string(&mut quoted, text);
        if self.text.get(range.start - self.base..range.end - self.base) != Some(&quoted) {
            self.edits.replace(range, quoted);
        }
    }
}

/// What stands in for a secret in the stored entry: of a ciphertext, the key's version is still to be read.
fn stand_in(secret: &str) -> String {
    let version = secret.strip_prefix("vault:v").and_then(|rest| rest.split_once(':'));
    match version {
        Some((version, _)) if version.parse::<u32>().is_ok() => {
            format!("vault:v{version}:{}", redacted(secret.as_bytes()))
        }
        _ => redacted(secret.as_bytes()),
    }
}
