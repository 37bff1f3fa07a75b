//! A receiver of remediation that holds the rights: a policy writer of a real OpenBao.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::services::openbao::OpenBao;

/// What requests are signed with.
pub const KEY: &str = "the key of the hand";

/// Seconds by which a signature may be old.
const OLDEST: u64 = 300;

#[derive(Default)]
struct Inside {
    /// The server, and the token with the rights.
    bao: OnceLock<(Arc<OpenBao>, String)>,
    asked: Mutex<Vec<Value>>,
    /// Says no to this kind of action.
    refuses: OnceLock<&'static str>,
}

/// The receiver, on a port of its own.
pub struct Hand {
    pub address: SocketAddr,
    inside: Arc<Inside>,
    _runtime: Runtime,
}

impl Hand {
    pub fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let inside = Arc::<Inside>::default();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/act", post(act)).with_state(Arc::clone(&inside));
        runtime.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, inside, _runtime: runtime }
    }

    /// From now on it can act.
    pub fn holds(&self, bao: Arc<OpenBao>, token: String) {
        assert!(self.inside.bao.set((bao, token)).is_ok());
    }

    /// From now on it says no to this kind of action.
    pub fn refuses(&self, kind: &'static str) {
        assert!(self.inside.refuses.set(kind).is_ok());
    }

    /// The bodies of the requests whose signature was right.
    pub fn asked(&self) -> Vec<Value> {
        self.inside.asked.lock().unwrap().clone()
    }
}

async fn act(State(inside): State<Arc<Inside>>, headers: HeaderMap, body: Bytes) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !is_signed(text("webhook-id"), text("webhook-timestamp"), text("webhook-signature"), &body) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let asked: Value = serde_json::from_slice(&body).unwrap();
    inside.asked.lock().unwrap().push(asked.clone());
    if inside.refuses.get().is_some_and(|kind| asked["kind"] == *kind) {
        return StatusCode::UNPROCESSABLE_ENTITY.into_response();
    }
    let answer = tokio::task::spawn_blocking(move || {
        let (bao, token) = inside.bao.get().unwrap();
        carry_out(bao, token, &asked)
    });
    match answer.await.unwrap() {
        Some(answer) => axum::Json(answer).into_response(),
        None => StatusCode::UNPROCESSABLE_ENTITY.into_response(),
    }
}

fn carry_out(bao: &OpenBao, token: &str, asked: &Value) -> Option<Value> {
    let ask = |method: &str, path: &str, body: &Value| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, answer) = bao.ask_as(token, method, path, &body).unwrap();
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        serde_json::from_str::<Value>(&answer).unwrap_or_default()
    };
    let name = format!("keyward-{}", asked["action"].as_str()?);
    let entity = format!("identity/entity/id/{}", asked["subject"]["entity_id"].as_str()?);
    if asked["kind"] == "disable_entity" {
        ask("POST", &entity, &json!({ "disabled": asked["operation"] == "do" }));
        return Some(json!({}));
    }
    let known = ask("GET", &entity, &Value::Null);
    let policies = known["data"]["policies"].as_array().cloned().unwrap_or_default();
    let others: Vec<Value> = policies.iter().filter(|policy| **policy != name.as_str()).cloned().collect();
    match asked["operation"].as_str()? {
        "do" => {
            let paths = asked["subject"]["paths"].as_array()?.iter();
            let rule = |path: &Value| format!("path {path} {{ capabilities = [\"deny\"] }}\n");
            let policy: String = paths.map(rule).collect();
            ask("POST", &format!("sys/policies/acl/{name}"), &json!({ "policy": policy }));
            let all: Vec<Value> = others.iter().cloned().chain([json!(name)]).collect();
            ask("POST", &entity, &json!({ "policies": all }));
        }
        "undo" => {
            ask("POST", &entity, &json!({ "policies": others }));
            ask("DELETE", &format!("sys/policies/acl/{name}"), &Value::Null);
        }
        _ => {}
    }
    let state = if others.len() < policies.len() { "applied" } else { "not_applied" };
    Some(json!({ "state": state }))
}

/// Whether a signature is right and young, as Standard Webhooks 1.0 has it.
fn is_signed(id: &str, timestamp: &str, signature: &str, body: &[u8]) -> bool {
    let now = u64::try_from(keyward::app::clock::now_micros() / 1_000_000).unwrap();
    let is_young = timestamp.parse::<u64>().is_ok_and(|then| now.abs_diff(then) < OLDEST);
    let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat();
    let wanted = format!("v1,{}", STANDARD.encode(hmac(KEY.as_bytes(), &signed)));
    is_young && signature.split(' ').any(|given| given == wanted)
}

/// HMAC-SHA256 (RFC 2104), for keys of at most a block.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key);
    let padded = |with: u8| block.map(|byte| byte ^ with);
    let inner = Sha256::digest([&padded(0x36)[..], text].concat());
    Sha256::digest([&padded(0x5c)[..], &inner[..]].concat()).to_vec()
}
