//! Secrets in an entry: which fields they are, whether one came in clear, and how the rest is kept.
//!
//! A default audit device replaces every string by its HMAC; one with `log_raw`, or a mount tuned with
//! `audit_non_hmac_…_keys`, writes them in clear. Nothing that this module calls a secret leaves it
//! otherwise than as `redacted:` and a few digits (`DESIGN.md` §3.5).
//!
//! Numbers and booleans pass in clear on every device, so only clear *text* says that hashing is off;
//! what a KV secret holds is redacted whatever its type.

use super::json::{Json, Text};
use crate::domain::event::HASHED_PREFIX;
use crate::domain::identity::redacted;
use crate::table::build::push_json_string;

/// Fields that hold a secret in any engine's request or response, in lower case. Not among them, because
/// operators tune them to come in clear: `context`, `type`, the algorithms. Accessors identify a token
/// and cannot be used as one.
pub(super) const SECRET_NAMES: &[&str] = &[
    "access_key",
    "backup",
    "barcode",
    "binddn_password",
    "bindpass",
    "ciphertext",
    "client_secret",
    "client_token",
    "cmac",
    "code",
    "credentials",
    "encoded_root_token",
    "encoded_token",
    "env",
    "hmac",
    "http_raw_body",
    "id_token",
    "input",
    "integration_key",
    "jwt",
    "key",
    "keys_base64",
    "keytab",
    "otp",
    "passcode",
    "passphrase",
    "password",
    "password_hash",
    "pem_bundle",
    "pem_keys",
    "plaintext",
    "private_key",
    "random_bytes",
    "root_token",
    "secret",
    "secret_access_key",
    "secret_id",
    "secret_key",
    "security_token",
    "seed",
    "session_token",
    "settings_file_base64",
    "signature",
    "token",
    "unseal_key",
    "value",
    "wrapped_token",
];

/// Endings of names that hold a secret: `oidc_client_secret`, `token_reviewer_jwt`, `root_password`.
const SECRET_ENDINGS: &[&str] =
    &["_jwt", "_password", "_passphrase", "_private_key", "_secret", "_tls_key", "_token"];

/// The longest `request` or `response` kept, in bytes: key lists and policies can be of any length, and
/// a row is read by people. Members beyond it are left out and `truncated` is set.
const MAX_DETAIL_BYTES: usize = 16 * 1024;

/// Clear secrets shorter than this are not searched for in messages: they would match by chance.
const MIN_SCRUBBED_BYTES: usize = 4;

/// Which fields of one call hold secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rule {
    /// Everything is a secret: a KV v1 secret is its fields.
    pub everything: bool,
    /// Names beside [`SECRET_NAMES`].
    pub extra: &'static [&'static str],
    /// Names of [`SECRET_NAMES`] that are none here.
    pub except: &'static [&'static str],
}

impl Rule {
    /// Whether a member of this name holds a secret.
    pub fn names_secret(self, name: &str) -> bool {
        if self.everything {
            return true;
        }
        let mut lower = [0_u8; LONGEST_NAME];
        let Some(lower) = lower_case(name, &mut lower) else { return false };
        if self.except.contains(&lower) {
            return false;
        }
        SECRET_NAMES.binary_search(&lower).is_ok()
            || SECRET_ENDINGS.iter().any(|ending| lower.ends_with(ending))
            || self.extra.contains(&lower)
    }
}

/// No secret's name is longer; a longer one is cut in front, where endings are not.
const LONGEST_NAME: usize = 64;

fn lower_case<'b>(name: &str, buffer: &'b mut [u8; LONGEST_NAME]) -> Option<&'b str> {
    let start = name.len().saturating_sub(LONGEST_NAME);
    let tail = name.as_bytes().get(start..)?;
    let to = buffer.get_mut(..tail.len())?;
    to.copy_from_slice(tail);
    to.make_ascii_lowercase();
    std::str::from_utf8(to).ok()
}

/// Whether a member of this name holds a secret in most engines.
pub fn is_secret_name(name: &str) -> bool {
    Rule::default().names_secret(name)
}

/// Whether this text is no secret's value: empty, or hashed by the device.
///
/// The digits are looked at too, so that a secret cannot pass by beginning like a hash.
pub fn is_hidden(text: &str) -> bool {
    // Without stopping early, so that the compiler looks at many digits at once.
    let hexadecimal = |text: &str| text.bytes().fold(true, |all, digit| all & digit.is_ascii_hexdigit());
    let hashed = |digits: &str| !digits.is_empty() && hexadecimal(digits);
    text.is_empty() || text.strip_prefix(HASHED_PREFIX).is_some_and(hashed)
}

/// Calls `found` with every secret that came in clear.
pub fn each_clear<'j>(json: &'j Json<'_>, rule: Rule, found: &mut impl FnMut(&'j str)) {
    clear_below(json, rule, rule.everything, found);
}

fn clear_below<'j>(json: &'j Json<'_>, rule: Rule, secret: bool, found: &mut impl FnMut(&'j str)) {
    match json {
        Json::Text(text) if secret && !is_hidden(text) => found(text),
        Json::Array(items) => items.iter().for_each(|item| clear_below(item, rule, secret, found)),
        Json::Object(members) => {
            for (name, value) in members {
                let plain = matches!(value, Json::Text(text) if is_hidden(text));
                if !plain && !matches!(value, Json::Integer(_) | Json::Bool(_) | Json::Null) {
                    clear_below(value, rule, secret || rule.names_secret(name), found);
                }
            }
        }
        _ => {}
    }
}

/// Replaces secrets inside a message by what stands in for them.
pub fn scrub(message: &str, secrets: &[&str]) -> String {
    let mut clean = message.to_owned();
    for secret in secrets.iter().filter(|secret| secret.len() >= MIN_SCRUBBED_BYTES) {
        if clean.contains(secret) {
            clean = clean.replace(secret, &redacted(secret.as_bytes()));
        }
    }
    clean
}

/// Writes a JSON object for the `request` or `response` column.
#[derive(Debug)]
pub struct Detail {
    json: String,
    truncated: bool,
}

impl Default for Detail {
    fn default() -> Self {
        Self { json: "{".to_owned(), truncated: false }
    }
}

impl Detail {
    /// Adds the members of `data`, secrets redacted. Anything but an object becomes a member `data`.
    pub fn add_all(&mut self, data: &Json<'_>, rule: Rule) {
        match data {
            Json::Null => {}
            Json::Object(members) => members.iter().for_each(|(name, value)| self.add(name, value, rule)),
            other => self.add("data", other, rule),
        }
    }

    /// Adds one member, redacted by its name.
    pub fn add(&mut self, name: &str, value: &Json<'_>, rule: Rule) {
        let before = self.json.len();
        self.name(name);
        write(&mut self.json, value, rule, rule.names_secret(name));
        if self.json.len() > MAX_DETAIL_BYTES {
            self.json.truncate(before);
            self.truncated = true;
        }
    }

    /// Adds a text that is no secret.
    pub fn add_text(&mut self, name: &str, text: &str) {
        self.name(name);
        push_json_string(&mut self.json, text);
    }

    /// Adds a list of texts that are no secrets.
    pub fn add_texts(&mut self, name: &str, texts: &[Text<'_>]) {
        self.name(name);
        self.json.push('[');
        for (place, text) in texts.iter().enumerate() {
            if place > 0 {
                self.json.push(',');
            }
            push_json_string(&mut self.json, text);
        }
        self.json.push(']');
    }

    /// Adds `"name":true`.
    pub fn add_flag(&mut self, name: &str) {
        self.name(name);
        self.json.push_str("true");
    }

    fn name(&mut self, name: &str) {
        if self.json.len() > 1 {
            self.json.push(',');
        }
        push_json_string(&mut self.json, name);
        self.json.push(':');
    }

    /// The object, or nothing where it has no member.
    pub fn finish(mut self) -> Option<String> {
        if self.truncated {
            self.add_flag("truncated");
        }
        self.json.push('}');
        (self.json.len() > 2).then_some(self.json)
    }
}

fn write(out: &mut String, json: &Json<'_>, rule: Rule, secret: bool) {
    match json {
        Json::Null => out.push_str("null"),
        Json::Text(text) if secret && !is_hidden(text) => push_json_string(out, &redacted(text.as_bytes())),
        Json::Text(text) => push_json_string(out, text),
        Json::Bool(value) => write_scalar(out, if *value { "true" } else { "false" }, rule),
        Json::Integer(value) => write_scalar(out, &value.to_string(), rule),
        Json::Float(value) => write_scalar(out, &rounded(*value), rule),
        Json::Array(items) => write_items(out, items, rule, secret),
        Json::Object(members) => write_members(out, members, rule, secret),
    }
}

/// Numbers and booleans are clear on every device; they are secret only where everything is.
fn write_scalar(out: &mut String, text: &str, rule: Rule) {
    if rule.everything { push_json_string(out, &redacted(text.as_bytes())) } else { out.push_str(text) }
}

/// How a number or boolean is written; nothing for anything else.
pub fn scalar_text(json: &Json<'_>) -> Option<String> {
    match json {
        Json::Bool(value) => Some(value.to_string()),
        Json::Integer(value) => Some(value.to_string()),
        Json::Float(value) => Some(rounded(*value)),
        _ => None,
    }
}

/// Twelve digits: the two parsers may differ in the last one.
fn rounded(value: f64) -> String {
    let digits = format!("{value:.11e}");
    digits.parse::<f64>().ok().filter(|value| value.is_finite()).map_or(digits, |value| value.to_string())
}

fn write_items(out: &mut String, items: &[Json<'_>], rule: Rule, secret: bool) {
    out.push('[');
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        write(out, item, rule, secret);
    }
    out.push(']');
}

fn write_members(out: &mut String, members: &[(Text<'_>, Json<'_>)], rule: Rule, secret: bool) {
    out.push('{');
    for (place, (name, value)) in members.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        push_json_string(out, name);
        out.push(':');
        write(out, value, rule, secret || rule.names_secret(name));
    }
    out.push('}');
}
