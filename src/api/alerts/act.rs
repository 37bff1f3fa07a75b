//! What people do to alerts and silences.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::read::tag;
use super::who::who;
use super::{Alerts, Refusal, refused};
use crate::alerts::life::{self, Command, NewSilence, Request};
use crate::config::Role;

/// What is to be done, and why.
#[derive(Debug, Deserialize)]
struct Act {
    #[serde(flatten)]
    command: Command,
    #[serde(default)]
    reason: Option<String>,
}

/// Why a silence ends.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct End {
    reason: Option<String>,
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        let told = format!("the body is not what this route takes: {error}");
        refused(StatusCode::BAD_REQUEST, &told, "send JSON as the README describes it")
    })
}

/// The version in `If-Match`; `*` is any.
fn version(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(given) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = given.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    bare.map(|bare| Some(bare.to_owned())).ok_or_else(|| {
        let to_do = "send one `ETag` as it was answered, quotes included";
        refused(StatusCode::BAD_REQUEST, "`If-Match` cannot be understood", to_do)
    })
}

/// `POST /api/v1/alerts/{id}`.
pub async fn act(
    State(alerts): State<Alerts>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let by = who(&alerts, &headers, Role::Responder).await?;
    let Act { command, reason } = read(&body)?;
    let request = Request { by, reason, version: version(&headers)?, command };
    let acted = life::act(&alerts.store, &id, &request, (alerts.clock)()).await?;
    if acted.deliveries > 0 {
        alerts.wake.notify_one();
    }
    let kept = life::find(&alerts.store, &id).await?;
    let tag = tag(&kept);
    Ok(([(header::ETAG, tag)], Json(json!({ "alert": kept, "journal": acted.entries }))).into_response())
}

/// `POST /api/v1/alerts/silences`.
pub async fn add_silence(
    State(alerts): State<Alerts>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let by = who(&alerts, &headers, Role::Responder).await?;
    let new: NewSilence = read(&body)?;
    let added = life::add_silence(&alerts.store, &new, &by, (alerts.clock)()).await?;
    Ok((StatusCode::CREATED, Json(added)).into_response())
}

/// `POST /api/v1/alerts/silences/{id}/expire`.
pub async fn end_silence(
    State(alerts): State<Alerts>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let by = who(&alerts, &headers, Role::Responder).await?;
    let End { reason } = if body.is_empty() { End::default() } else { read(&body)? };
    let ended = life::end_silence(&alerts.store, &id, &by, reason.as_deref(), (alerts.clock)()).await;
    Ok(Json(ended?).into_response())
}
