//! The routes of operations, and the layers around all routes.

use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State as Shared};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use super::answer::{finish, refuse};
use super::health::SourceState;
use super::state::{ReloadError, State};
use super::token;
use crate::config::Server;
use crate::domain::problem::Problem;
use crate::domain::time::format_rfc3339;

/// What requests to no route are counted as: their paths are anybody's to choose.
const NO_ROUTE: &str = "none";

/// All routes: ours, and `extra` (the ingest of HTTP sources), behind the same limits and headers.
pub fn router(server: &Server, state: State, extra: Router) -> Router {
    let ours = Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/api/v1/status", get(status))
        .route("/api/v1/reload", post(reload))
        .with_state(state.clone());
    ours.merge(extra)
        // The limit of the configuration holds, not axum's own of 2 MB.
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(server.body.in_memory()))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, server.timeout.duration()))
        .layer(middleware::map_response(finish))
        .layer(middleware::from_fn_with_state(state, count))
}

/// Counts every answer by its route.
async fn count(Shared(state): Shared<State>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
    state.metrics.request(route, response.status().as_u16());
    response
}

async fn healthz(Shared(state): Shared<State>) -> Response {
    let now = (state.clock)();
    if state.health.alive(now) {
        return Json(json!({ "alive": true })).into_response();
    }
    let age = state.health.age(now).unwrap_or_default().as_secs();
    refuse(
        StatusCode::SERVICE_UNAVAILABLE,
        &format!("the loop has not gone round for {age} seconds"),
        "restart keyward: what was not sealed is read again; keep its log",
    )
}

async fn readyz(Shared(state): Shared<State>) -> Response {
    let readiness = state.health.readiness();
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness)).into_response()
}

async fn metrics(Shared(state): Shared<State>, headers: HeaderMap) -> Response {
    if let Err(refusal) = may_read(&state, &headers).await {
        return *refusal;
    }
    // Lag is asked for when it is looked at.
    state.health.sources(&state.metrics);
    match state.metrics.scrape() {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written down");
            refuse(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the metrics could not be written down",
                "see the log of keyward",
            )
        }
    }
}

async fn status(Shared(state): Shared<State>, headers: HeaderMap) -> Response {
    if let Err(refusal) = may_read(&state, &headers).await {
        return *refusal;
    }
    let rules = state.health.rules_in_force();
    let sources = state.health.sources(&state.metrics);
    let sources: Vec<Value> = sources.iter().map(|source| told_source(&state, source)).collect();
    let readiness = state.health.readiness();
    Json(json!({
        "version": state.version,
        "started_at": format_rfc3339(state.started_at),
        "ready": readiness.ready,
        "waiting": readiness.waiting,
        "warming": readiness.warming,
        "rules": {
            "catalog": rules.catalog,
            "detectors": rules.detectors,
            "keys": rules.keys,
            "loaded_at": format_rfc3339(rules.loaded_at),
        },
        "sources": sources,
    }))
    .into_response()
}

fn told_source(state: &State, source: &SourceState) -> Value {
    let lags: Vec<Value> = source
        .lags
        .iter()
        .map(|(partition, behind)| json!({ "partition": partition, "behind": behind }))
        .collect();
    json!({
        "name": source.name,
        "ready": source.ready,
        "waits_for": source.waits_for,
        "lags": lags,
        "records": state.metrics.counts(&source.name),
    })
}

async fn reload(Shared(state): Shared<State>, headers: HeaderMap) -> Response {
    let Some(file) = &state.admin_token else {
        return refuse(
            StatusCode::FORBIDDEN,
            "nobody may change anything over HTTP",
            "set `http.admin_token`, or send the process SIGHUP",
        );
    };
    if let Err(refusal) = token::demand(&headers, file).await {
        return *refusal;
    }
    let Some(right) = state.begin_reload() else {
        return refuse(StatusCode::CONFLICT, "a reload is running", "wait for its end, and try again");
    };
    // A client that goes away, or an answer that is late, must not leave it half done.
    let done = tokio::spawn(async move {
        let done = (state.reload)().await;
        drop(right);
        done
    });
    match done.await {
        Ok(Ok(reloaded)) => Json(reloaded).into_response(),
        Ok(Err(ReloadError::Refused(problems))) => refused(&problems),
        Ok(Err(error @ ReloadError::Unavailable(_))) => {
            refuse(StatusCode::SERVICE_UNAVAILABLE, &error.to_string(), "try again when /readyz says ready")
        }
        Err(_) => {
            refuse(StatusCode::INTERNAL_SERVER_ERROR, "the reload ended early", "see the log of keyward")
        }
    }
}

fn refused(problems: &[Problem]) -> Response {
    let problems: Vec<Value> = problems
        .iter()
        .map(|problem| {
            json!({
                "file": problem.file,
                "line": problem.line,
                "column": problem.column,
                "severity": problem.severity,
                "message": problem.message,
            })
        })
        .collect();
    let body = json!({
        "error": ReloadError::Refused(Vec::new()).to_string(),
        "to_do": "mend what `problems` names; `keyward check` finds the same",
        "problems": problems,
    });
    (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()
}

/// Lets a reader through: everybody, or whoever has the token.
async fn may_read(state: &State, headers: &HeaderMap) -> Result<(), Box<Response>> {
    match &state.metrics_token {
        Some(file) => token::demand(headers, file).await,
        None => Ok(()),
    }
}
