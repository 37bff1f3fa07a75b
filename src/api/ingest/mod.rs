//! `POST /api/v1/ingest/{source}`: entries of those who push. Success means that they are on disk.
//!
//! In: NDJSON, JSON arrays, single entries, any envelope, as they are or as gzip; what the OpenBao HTTP audit
//! device sends; deliveries of Firehose. Out: entries of the source's spool, and an answer. What is in the
//! entries is left to who reads the spool.
//!
//! The order is: source, token, body, spool; so who has no token costs nothing but a head.

mod answer;
mod body;
mod firehose;
mod token;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use memchr::memmem;
use serde_json::json;

use crate::config::{SecretFile, Server};
use crate::source::spool::{Appended, Priority, Spool};
use answer::{Refusal, to_firehose};
use body::Room;
use token::Token;

/// Bytes from which on a body becomes several entries of the spool: each is read as a whole.
const LONG_ENTRY: usize = 1 << 20;

/// Bytes from which on a body is not redacted and encoded among the tasks of others.
const LONG_WORK: usize = 64 << 10;

/// Bytes of a name that is looked up; sources have shorter ones.
const LONGEST_AUTHORIZATION: usize = 8 << 10;

/// One HTTP source.
pub struct Source {
    pub spool: Arc<Spool>,
    /// The file with the token that its clients send.
    pub token: SecretFile,
}

struct Known {
    spool: Arc<Spool>,
    token: Token,
}

#[derive(Clone)]
struct Ingest {
    sources: Arc<HashMap<String, Known>>,
    limits: Arc<Server>,
    room: Room,
}

/// The router of all HTTP sources, by their names.
pub fn router(sources: impl IntoIterator<Item = Source>, limits: &Server) -> Router {
    let known = |source: Source| {
        let name = source.spool.name().to_owned();
        (name, Known { spool: source.spool, token: Token::new(source.token) })
    };
    let ingest = Ingest {
        sources: Arc::new(sources.into_iter().map(known).collect()),
        limits: Arc::new(limits.clone()),
        room: Room::new(limits),
    };
    let not_post = || async { Refusal::NotPost };
    Router::new().route("/api/v1/ingest/{source}", post(take).fallback(not_post)).with_state(ingest)
}

async fn take(
    State(ingest): State<Ingest>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Some(source) = ingest.sources.get(&name) else { return Refusal::NoSource.into_response() };
    let result = match check(source, &headers) {
        Ok(()) => store(&ingest, source, &headers, body).await,
        Err(refusal) => Err(refusal),
    };
    if let Err(refusal) = &result {
        tracing::debug!(source = name, %refusal, "refused what was sent");
    }
    if let Some(id) = firehose::request_id(&headers) {
        return to_firehose(id, source.spool.now(), result.map(|_| ()));
    }
    match result {
        Ok(Appended::Stored) => axum::Json(json!({ "stored": true })).into_response(),
        Ok(Appended::Dropped) => axum::Json(json!({ "stored": false, "dropped": true })).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

/// Whether the client has the source's token.
fn check(source: &Known, headers: &HeaderMap) -> Result<(), Refusal> {
    let bearer = headers.get(header::AUTHORIZATION).map(|value| value.as_bytes());
    let bearer = bearer.and_then(|value| {
        let (scheme, token) = value.split_at_checked(b"Bearer ".len())?;
        scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token.trim_ascii())
    });
    let key = headers.get(firehose::ACCESS_KEY).map(|value| value.as_bytes());
    let sent = bearer.or(key).ok_or(Refusal::NoToken)?;
    if sent.len() <= LONGEST_AUTHORIZATION && source.token.is(sent) {
        Ok(())
    } else {
        Err(Refusal::WrongToken)
    }
}

async fn store(
    ingest: &Ingest,
    source: &Known,
    headers: &HeaderMap,
    body: Body,
) -> Result<Appended, Refusal> {
    let held = body::read(headers, body, &ingest.limits, &ingest.room).await?;
    let firehose = firehose::request_id(headers).map(str::to_owned);
    if firehose.is_none() && held.bytes.trim_ascii().is_empty() {
        return Err(Refusal::Empty);
    }
    let priority = if is_audit_entry(&held.bytes) { Priority::Audit } else { Priority::Normal };
    if firehose.is_none() && held.bytes.len() < LONG_WORK {
        return Ok(source.spool.append(&[&held.bytes], priority).await?);
    }
    let spool = Arc::clone(&source.spool);
    let work = tokio::task::spawn_blocking(move || -> Result<Appended, Refusal> {
        match firehose {
            Some(id) => Ok(spool.append_blocking(&firehose::records(&held.bytes, &id)?, priority)?),
            None => Ok(spool.append_blocking(&parts(&held.bytes), priority)?),
        }
    });
    work.await.map_err(|_| Refusal::Broken)?
}

/// Whether a body is one entry as an audit device writes it.
fn is_audit_entry(body: &[u8]) -> bool {
    body.starts_with(b"{\"time\":\"") && memmem::find(body.trim_ascii_end(), b"\n").is_none()
}

/// A body in parts of about [`LONG_ENTRY`], cut between values. `}`, line break, `{` is always between
/// two values at the top: inside of a value there would be a comma, and strings have no line breaks.
fn parts(body: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = body;
    while rest.len() > LONG_ENTRY {
        let after = rest.get(LONG_ENTRY..).unwrap_or_default();
        let Some(found) = memmem::find(after, b"}\n{") else { break };
        let (part, behind) = rest.split_at(LONG_ENTRY + found + 2);
        parts.push(part);
        rest = behind;
    }
    parts.push(rest);
    parts
}

#[cfg(test)]
mod tests;
