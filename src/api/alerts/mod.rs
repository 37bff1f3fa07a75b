//! Alerts over HTTP: who has a token sees them, and with the role of a responder does something to them.
//!
//! In: requests with a bearer token of `http.users`. Out: JSON, and a live feed. What may be done to an alert is
//! [`crate::alerts::life`]'s word, this only says it in HTTP.
//!
//! | route | answers | role |
//! |---|---|---|
//! | `GET /api/v1/alerts` | a page of the list; filters and `limit`, `after` as parameters | viewer |
//! | `GET /api/v1/alerts/{id}` | one in full, its version as `ETag` | viewer |
//! | `POST /api/v1/alerts/{id}` | does what the body says; `If-Match` names the version seen | responder |
//! | `GET /api/v1/alerts/suppressed` | what was not told, by alert and reason | viewer |
//! | `GET /api/v1/alerts/incidents` | unresolved alerts in groups | viewer |
//! | `GET /api/v1/alerts/silences` | silences in force or to come; with `all=true` those that ended too | viewer |
//! | `POST /api/v1/alerts/silences` | adds one | responder |
//! | `POST /api/v1/alerts/silences/{id}/expire` | ends one now | responder |
//! | `GET /api/v1/alerts/stream` | the journal as it is written, as server-sent events | viewer |

mod act;
mod read;
mod stream;
pub(super) mod who;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use super::answer::refuse;
use crate::alerts::life::LifeError;
use crate::config::{Server, User};
use crate::store::Store;

/// Live feeds at once: each asks the store twice a second.
const MOST_STREAMS: usize = 32;

/// What the routes need.
#[derive(Clone)]
pub struct Alerts {
    store: Arc<Store>,
    users: Arc<[User]>,
    /// Now, in microseconds since the epoch.
    clock: fn() -> i64,
    /// Told when there is something to deliver.
    wake: Arc<Notify>,
    /// Ends the live feeds.
    end: CancellationToken,
    streams: Arc<Semaphore>,
}

impl Alerts {
    /// The alerts of a store for those whom the configuration lets in.
    pub fn new(
        store: Arc<Store>,
        server: &Server,
        clock: fn() -> i64,
        wake: Arc<Notify>,
        end: CancellationToken,
    ) -> Self {
        let streams = Arc::new(Semaphore::new(MOST_STREAMS));
        Self { store, users: server.users.clone().into(), clock, wake, end, streams }
    }
}

/// The routes.
pub fn router(alerts: Alerts) -> Router {
    Router::new()
        .route("/api/v1/alerts", get(read::list))
        .route("/api/v1/alerts/suppressed", get(read::suppressed))
        .route("/api/v1/alerts/incidents", get(read::incidents))
        .route("/api/v1/alerts/stream", get(stream::stream))
        .route("/api/v1/alerts/silences", get(read::silences).post(act::add_silence))
        .route("/api/v1/alerts/silences/{id}/expire", post(act::end_silence))
        .route("/api/v1/alerts/{id}", get(read::show).post(act::act))
        .with_state(alerts)
}

/// An answer that says why it is not done.
pub struct Refusal(pub(super) Box<Response>);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        *self.0
    }
}

/// As [`refuse`].
pub(super) fn refused(status: StatusCode, error: &str, to_do: &str) -> Refusal {
    Refusal(Box::new(refuse(status, error, to_do)))
}

/// The store failed; why is in the log.
pub(super) fn unavailable() -> Refusal {
    let told = "the store does not answer as it should";
    refused(StatusCode::SERVICE_UNAVAILABLE, told, "see the log of keyward, and try again")
}

impl From<LifeError> for Refusal {
    fn from(error: LifeError) -> Self {
        let (status, to_do) = match &error {
            LifeError::NotFound { .. } => (StatusCode::NOT_FOUND, "take an id from the list"),
            LifeError::Stale { .. } => {
                (StatusCode::PRECONDITION_FAILED, "look at it again, and send its new version as `If-Match`")
            }
            LifeError::Conflict(_) => (StatusCode::CONFLICT, "look at it again"),
            LifeError::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "mend the request"),
            LifeError::Alerts(error) => {
                tracing::error!(%error, "alerts could not be read or changed");
                return unavailable();
            }
        };
        refused(status, &error.to_string(), to_do)
    }
}
