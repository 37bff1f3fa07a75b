//! Actions of remediation over HTTP: who has a token sees them, and with the role of a responder decides.
//!
//! In: requests with a bearer token of `http.users`; the name that belongs to it is the one that approves. Out: JSON.
//! What may be done to an action is [`crate::respond`]'s word.
//!
//! | route | answers | role |
//! |---|---|---|
//! | `GET /api/v1/actions` | the latest; `state`, `alert` and `limit` as parameters | viewer |
//! | `GET /api/v1/actions/{id}` | one with what it would break and its journal | viewer |
//! | `POST /api/v1/actions/{id}` | `{"do": "approve" \| "reject" \| "rollback", "reason": …}`; `accept_impact` with an approval | responder |
//! | `GET /api/v1/actions/kill-switch` | whether it is on | viewer |
//! | `POST /api/v1/actions/kill-switch` | `{"on": true \| false, "reason": …}` | responder |

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::sync::Notify;

use super::alerts::who::who_of;
use super::alerts::{Refusal, refused, unavailable};
use crate::config::{Role, Server, User};
use crate::domain::action::ActionState;
use crate::respond::{self, Command, RespondError};
use crate::store::{ActionFilter, Store};

/// Actions of a list unless `limit` says otherwise.
const USUAL: i64 = 100;

/// The most actions of a list: each has its impact with it.
const MOST: i64 = 1_000;

/// What the routes need.
#[derive(Clone)]
pub struct Actions {
    store: Arc<Store>,
    users: Arc<[User]>,
    /// Now, in microseconds since the epoch.
    clock: fn() -> i64,
    /// Told when there is something to do.
    wake: Arc<Notify>,
}

impl Actions {
    /// The actions of a store for those whom the configuration lets in.
    pub fn new(store: Arc<Store>, server: &Server, clock: fn() -> i64, wake: Arc<Notify>) -> Self {
        Self { store, users: server.users.clone().into(), clock, wake }
    }
}

/// The routes.
pub fn router(actions: Actions) -> Router {
    Router::new()
        .route("/api/v1/actions", get(list))
        .route("/api/v1/actions/kill-switch", get(kill_switch).post(set_kill_switch))
        .route("/api/v1/actions/{id}", get(show).post(act))
        .with_state(actions)
}

/// What limits a list; unknown parameters are refused.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Asked {
    state: Option<ActionState>,
    alert: Option<String>,
    limit: Option<i64>,
}

/// What is to be done, and why.
#[derive(Debug, Deserialize)]
struct Act {
    #[serde(flatten)]
    command: Command,
    #[serde(default)]
    reason: Option<String>,
}

/// Whether the kill switch is to be on, and why.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    on: bool,
    #[serde(default)]
    reason: Option<String>,
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        let told = format!("the body is not what this route takes: {error}");
        refused(StatusCode::BAD_REQUEST, &told, "send JSON as the README describes it")
    })
}

async fn list(
    State(actions): State<Actions>,
    query: Result<Query<Asked>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    who_of(&actions.users, &headers, Role::Viewer).await?;
    let Query(asked) = query.map_err(|error| {
        refused(StatusCode::BAD_REQUEST, &error.body_text(), "mend the parameters after `?`")
    })?;
    let filter = ActionFilter { state: asked.state, alert_id: asked.alert };
    let most = asked.limit.unwrap_or(USUAL).clamp(1, MOST);
    let found = respond::list(&actions.store, &filter, most).await?;
    Ok(Json(json!({ "actions": found })).into_response())
}

async fn show(
    State(actions): State<Actions>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    who_of(&actions.users, &headers, Role::Viewer).await?;
    Ok(Json(respond::show(&actions.store, &id).await?).into_response())
}

async fn act(
    State(actions): State<Actions>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let by = who_of(&actions.users, &headers, Role::Responder).await?;
    let Act { command, reason } = read(&body)?;
    respond::act(&actions.store, &id, command, &by, reason.as_deref(), (actions.clock)()).await?;
    actions.wake.notify_one();
    Ok(Json(respond::show(&actions.store, &id).await?).into_response())
}

async fn kill_switch(State(actions): State<Actions>, headers: HeaderMap) -> Result<Response, Refusal> {
    who_of(&actions.users, &headers, Role::Viewer).await?;
    let kill = respond::kill_switch(&actions.store).await?;
    Ok(Json(json!({ "on": kill.is_some(), "kill": kill })).into_response())
}

async fn set_kill_switch(
    State(actions): State<Actions>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let by = who_of(&actions.users, &headers, Role::Responder).await?;
    let Switch { on, reason } = read(&body)?;
    let now = (actions.clock)();
    let kill = respond::set_kill_switch(&actions.store, on, &by, reason.as_deref(), now).await?;
    Ok(Json(json!({ "on": kill.is_some(), "kill": kill })).into_response())
}

impl From<RespondError> for Refusal {
    fn from(error: RespondError) -> Self {
        let (status, to_do) = match &error {
            RespondError::NotFound(_) => (StatusCode::NOT_FOUND, "take an id from the list"),
            RespondError::Conflict(_) => (StatusCode::CONFLICT, "look at it again"),
            RespondError::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "mend the request"),
            RespondError::Store(_) | RespondError::History(_) | RespondError::Unreadable(_) => {
                tracing::error!(%error, "actions could not be read or changed");
                return unavailable();
            }
        };
        refused(status, &error.to_string(), to_do)
    }
}
