//! Writes one call to Vault or OpenBao as the two entries it leaves in an audit file: request and response.
//!
//! The shape is that of OpenBao 2.7 on default settings: every text in the data is replaced by its HMAC,
//! map keys, numbers and booleans stay in clear.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::random::Random;
use crate::domain::identity::{digest, hex_id};
use crate::domain::time::format_rfc3339;

/// How long the server takes, in microseconds.
pub const ANSWERS_AFTER: i64 = 180;

/// What OpenBao writes as the error of a request that policy stopped.
const PERMISSION_DENIED: &str = "1 error occurred:\n\t* permission denied\n\n";

/// Who called.
#[derive(Debug, Clone, Copy)]
pub enum Caller {
    /// An application that logged in with a role id.
    AppRole(&'static str),
    /// A pod: its namespace and service account.
    Pod { namespace: &'static str, account: &'static str },
    /// A person with a password.
    User(&'static str),
    /// Whoever holds the root token.
    Root,
    /// A call without a token, as a log-in is.
    Nobody,
}

/// One call, and what is needed to write it down.
#[derive(Debug, Clone)]
pub struct Call {
    pub path: &'static str,
    pub operation: &'static str,
    pub caller: Caller,
    /// What was asked, in clear; written down as the device would.
    pub request: Value,
    /// What was answered, in clear; written down as the device would.
    pub response: Value,
    pub denied: bool,
    /// Who holds the token that the answer brings, of a log-in.
    pub logged_in: Option<Caller>,
    /// The key's canonical name.
    pub key: Option<&'static str>,
}

impl Call {
    /// A call that is allowed.
    pub fn new(operation: &'static str, path: &'static str, caller: Caller) -> Self {
        let (request, response) = (Value::Null, Value::Null);
        Self { path, operation, caller, request, response, denied: false, logged_in: None, key: None }
    }

    /// With this data; see [`Self::answered`] for the answer's.
    pub fn asking(self, request: Value) -> Self {
        Self { request, ..self }
    }

    /// With this data in the answer.
    pub fn answered(self, response: Value) -> Self {
        Self { response, ..self }
    }

    /// About this key.
    pub fn about(self, key: &'static str) -> Self {
        Self { key: Some(key), ..self }
    }

    /// Stopped by policy.
    pub fn denied(self) -> Self {
        Self { denied: true, response: json!({ "error": "permission denied" }), ..self }
    }

    /// The two entries and their common id.
    pub fn write(&self, micros: i64, random: &mut Random) -> (String, [Vec<u8>; 2]) {
        let id = random.uuid();
        let (auth, request) = (self.auth(self.caller, micros), self.request_part(&id, random));
        let error = self.denied.then_some(PERMISSION_DENIED);
        let entry = |kind: &'static str, at: i64, response: Option<Value>| {
            let time = format_rfc3339(at);
            let entry = Entry { time, r#type: kind, auth: &auth, request: &request, response, error };
            // A struct of text and JSON values always serializes.
            serde_json::to_vec(&entry).unwrap_or_default()
        };
        let answer = Some(self.response_part(micros));
        (id, [entry("request", micros, None), entry("response", micros + ANSWERS_AFTER, answer)])
    }

    fn auth(&self, caller: Caller, micros: i64) -> Value {
        let (display_name, policy, metadata) = match caller {
            Caller::AppRole(role) => ("approle".to_owned(), role, json!({ "role_name": role })),
            Caller::Pod { namespace, account } => (
                format!("kubernetes-{namespace}-{account}"),
                account,
                json!({ "role": account, "service_account_name": account, "service_account_namespace": namespace }),
            ),
            Caller::User(name) => (format!("userpass-{name}"), "staff", json!({ "username": name })),
            Caller::Root => ("root".to_owned(), "root", Value::Null),
            Caller::Nobody => return json!({ "token_type": "default" }),
        };
        let root = matches!(caller, Caller::Root);
        let policies = if root { json!(["root"]) } else { json!(["default", policy]) };
        let mut auth = json!({
            "client_token": hashed(&format!("token of {display_name} {policy}")),
            "accessor": hashed(&format!("accessor of {display_name} {policy}")),
            "display_name": display_name,
            "policies": policies,
            "token_policies": policies,
            "policy_results": self.policy_results(policy),
            "token_type": "service",
            "token_issue_time": format_rfc3339(micros - micros.rem_euclid(3_600_000_000)),
        });
        if let (Some(fields), false) = (auth.as_object_mut(), root) {
            fields.insert("metadata".to_owned(), metadata);
            fields.insert("entity_id".to_owned(), entity_id(&display_name, policy).into());
            fields.insert("token_ttl".to_owned(), 14_400.into());
        }
        auth
    }

    fn policy_results(&self, policy: &str) -> Value {
        if self.denied {
            return json!({ "allowed": false });
        }
        json!({
            "allowed": true,
            "granting_policies": [{ "name": policy, "namespace_id": "root", "type": "acl" }],
        })
    }

    fn request_part(&self, id: &str, random: &mut Random) -> Value {
        let mut request = self.mount("mount_running_version");
        let mut put = |name: &str, value: Value| request.insert(name.to_owned(), value);
        put("id", id.into());
        put("operation", self.operation.into());
        put("namespace", json!({ "id": "root" }));
        put("path", self.path.into());
        put("remote_address", format!("10.40.{}.{}", random.below(4), 1 + random.below(250)).into());
        put("remote_port", (32_768 + random.below(28_000)).into());
        if !self.request.is_null() {
            put("data", hashed_texts(&self.request));
        }
        Value::Object(request)
    }

    fn response_part(&self, micros: i64) -> Value {
        let mut response = self.mount("mount_running_plugin_version");
        if !self.response.is_null() {
            response.insert("data".to_owned(), hashed_texts(&self.response));
        }
        if let Some(caller) = self.logged_in {
            response.insert("auth".to_owned(), self.auth(caller, micros));
        }
        Value::Object(response)
    }

    /// The fields that say which engine answered; the version goes by another name in a response.
    fn mount(&self, version_field: &str) -> Map<String, Value> {
        let (mount, kind) = self.engine();
        let class = if kind == "approle" { "auth" } else { "secret" };
        let accessor = hex_id(&[mount.as_bytes()]);
        let fields = [
            ("mount_point", mount.to_owned()),
            ("mount_type", kind.to_owned()),
            ("mount_accessor", format!("{kind}_{}", accessor.get(..8).unwrap_or(&accessor))),
            (version_field, "v2.7.2+builtin.bao".to_owned()),
            ("mount_class", class.to_owned()),
        ];
        fields.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
    }

    fn engine(&self) -> (&'static str, &'static str) {
        match self.path.split('/').next().unwrap_or_default() {
            "transit" => ("transit/", "transit"),
            "pki_int" => ("pki_int/", "pki"),
            "kv" => ("kv/", "kv"),
            "auth" if self.path.starts_with("auth/approle/") => ("auth/approle/", "approle"),
            "auth" => ("auth/token/", "token"),
            _ => ("sys/", "system"),
        }
    }
}

#[derive(Serialize)]
struct Entry<'a> {
    time: String,
    r#type: &'static str,
    auth: &'a Value,
    request: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

/// An entity's UUID, always the same for the same caller.
fn entity_id(display_name: &str, policy: &str) -> String {
    let [a, b, c, d, e, f, g, h, ..] = digest(&[display_name.as_bytes(), policy.as_bytes()]);
    Random::new(u64::from_be_bytes([a, b, c, d, e, f, g, h])).uuid()
}

/// What the device writes for a text: equal texts give equal HMACs.
fn hashed(text: &str) -> String {
    let digits: String =
        digest(&[b"audit device", text.as_bytes()]).iter().map(|b| format!("{b:02x}")).collect();
    format!("hmac-sha256:{digits}")
}

/// The data with every text hashed, however deep; names, numbers and booleans stay.
fn hashed_texts(data: &Value) -> Value {
    match data {
        Value::String(text) => hashed(text).into(),
        Value::Array(items) => items.iter().map(hashed_texts).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), hashed_texts(value))).collect()
        }
        other => other.clone(),
    }
}
