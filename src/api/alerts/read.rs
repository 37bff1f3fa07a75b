//! Lists, and one alert in full.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::who::who;
use super::{Alerts, Refusal, refused};
use crate::alerts::life::{self, LifeError, MOST_GROUPED, MOST_LISTED};
use crate::alerts::{KeptAlert, kept_of};
use crate::config::Role;
use crate::domain::alert::Suppression;
use crate::domain::level::Level;
use crate::store::{AlertFilter, AlertKind, AlertState, Disposition};

/// Alerts of a page unless `limit` says otherwise.
const USUAL: i64 = 100;

/// What limits a list. Unknown parameters are refused: a filter with a slip of the pen would show everything.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Asked {
    state: Option<AlertState>,
    unresolved: bool,
    kind: Option<AlertKind>,
    level: Option<Level>,
    key: Option<String>,
    principal: Option<String>,
    detector: Option<String>,
    assignee: Option<String>,
    disposition: Option<Disposition>,
    merged_into: Option<String>,
    limit: Option<i64>,
    after: Option<String>,
}

impl Asked {
    fn filter(self) -> Result<AlertFilter, LifeError> {
        let after = self.after.as_deref().map(|after| {
            let place = after.split_once('.').and_then(|(at, id)| Some((at.parse().ok()?, id.to_owned())));
            place
                .ok_or_else(|| LifeError::Invalid("`after` is what `next` was in the page before".to_owned()))
        });
        Ok(AlertFilter {
            id: None,
            state: self.state.map(|word| word.to_string()),
            unresolved: self.unresolved,
            kind: self.kind.map(|word| word.to_string()),
            level: self.level.map(|word| word.to_string()),
            key_id: self.key,
            principal: self.principal,
            detector: self.detector,
            assignee: self.assignee,
            disposition: self.disposition.map(|word| word.to_string()),
            merged_into: self.merged_into,
            after: after.transpose()?,
        })
    }
}

/// What limits other lists.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bounded {
    reason: Option<Suppression>,
    all: bool,
    limit: Option<i64>,
}

type Asking<T> = Result<Query<T>, axum::extract::rejection::QueryRejection>;

fn asked<T>(query: Asking<T>) -> Result<T, Refusal> {
    query.map(|Query(asked)| asked).map_err(|error| {
        refused(StatusCode::BAD_REQUEST, &error.body_text(), "mend the parameters after `?`")
    })
}

fn limit(asked: Option<i64>) -> i64 {
    asked.unwrap_or(USUAL).clamp(1, MOST_LISTED)
}

/// `GET /api/v1/alerts`.
pub async fn list(
    State(alerts): State<Alerts>,
    query: Asking<Asked>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    who(&alerts, &headers, Role::Viewer).await?;
    let asked = asked(query)?;
    let most = limit(asked.limit);
    let filter = asked.filter()?;
    let mut found = kept_of(&alerts.store, &filter, most + 1).await.map_err(LifeError::from)?;
    let is_more = found.len() > usize::try_from(most).unwrap_or(usize::MAX);
    found.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    let next = found.last().filter(|_| is_more).map(place);
    Ok(Json(json!({ "alerts": found, "next": next })).into_response())
}

/// The place of an alert in the list.
fn place(kept: &KeptAlert) -> String {
    format!("{}.{}", kept.updated_micros, kept.alert.id)
}

/// `GET /api/v1/alerts/{id}`.
pub async fn show(
    State(alerts): State<Alerts>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    who(&alerts, &headers, Role::Viewer).await?;
    let shown = life::show(&alerts.store, &id).await?;
    let tag = tag(&shown.alert);
    Ok(([(header::ETAG, tag)], Json(shown)).into_response())
}

/// The version of an alert as HTTP has it.
pub fn tag(kept: &KeptAlert) -> String {
    format!("\"{}\"", kept.version)
}

/// `GET /api/v1/alerts/suppressed`.
pub async fn suppressed(
    State(alerts): State<Alerts>,
    query: Asking<Bounded>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    who(&alerts, &headers, Role::Viewer).await?;
    let asked = asked(query)?;
    let found = life::untold(&alerts.store, asked.reason, limit(asked.limit)).await?;
    Ok(Json(json!({ "suppressed": found })).into_response())
}

/// `GET /api/v1/alerts/incidents`.
pub async fn incidents(State(alerts): State<Alerts>, headers: HeaderMap) -> Result<Response, Refusal> {
    who(&alerts, &headers, Role::Viewer).await?;
    let filter = AlertFilter { unresolved: true, ..AlertFilter::default() };
    let found = kept_of(&alerts.store, &filter, MOST_GROUPED).await.map_err(LifeError::from)?;
    Ok(Json(json!({ "incidents": life::incidents(&found) })).into_response())
}

/// `GET /api/v1/alerts/silences`.
pub async fn silences(
    State(alerts): State<Alerts>,
    query: Asking<Bounded>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    who(&alerts, &headers, Role::Viewer).await?;
    let asked = asked(query)?;
    let found = life::silences(&alerts.store, asked.all, limit(asked.limit), (alerts.clock)()).await?;
    Ok(Json(json!({ "silences": found })).into_response())
}
