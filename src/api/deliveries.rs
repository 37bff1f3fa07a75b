//! Sends deliveries again that were given up: `POST /api/v1/deliveries/replay`, with the token for changing
//! things. `channel=NAME` or `delivery=ID` as parameters say which, neither means all.

use std::sync::{Arc, OnceLock};

use axum::extract::{Query, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Notify;

use super::answer::refuse;
use super::token;
use crate::config::SecretFile;
use crate::store::{Replay, Store};

/// The outbox of the service, once there is one.
#[derive(Debug, Clone, Default)]
pub struct OutboxPlace(Arc<OnceLock<Outbox>>);

/// The outbox of the service.
#[derive(Debug)]
pub struct Outbox {
    pub store: Arc<Store>,
    /// To be woken when there is something to send.
    pub dispatchers: Vec<Arc<Notify>>,
}

impl OutboxPlace {
    /// From now on deliveries can be sent again.
    pub fn set(&self, outbox: Outbox) {
        // There is only one in a life of the service.
        let _ = self.0.set(outbox);
    }
}

#[derive(Clone)]
struct Replays {
    place: OutboxPlace,
    admin_token: Option<SecretFile>,
    clock: fn() -> i64,
}

/// Which deliveries are meant.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    channel: Option<String>,
    delivery: Option<String>,
}

/// The route.
pub fn router(place: OutboxPlace, admin_token: Option<SecretFile>, clock: fn() -> i64) -> Router {
    let replays = Replays { place, admin_token, clock };
    Router::new().route("/api/v1/deliveries/replay", post(replay)).with_state(replays)
}

async fn replay(Shared(of): Shared<Replays>, headers: HeaderMap, Query(which): Query<Which>) -> Response {
    let Some(file) = &of.admin_token else {
        let told = "nobody may change anything over HTTP";
        return refuse(StatusCode::FORBIDDEN, told, "set `http.admin_token`");
    };
    if let Err(refusal) = token::demand(&headers, file).await {
        return *refusal;
    }
    let Some(outbox) = of.place.0.get() else {
        let told = "the service is still starting";
        return refuse(StatusCode::SERVICE_UNAVAILABLE, told, "try again when /readyz says ready");
    };
    let which = match (&which.channel, &which.delivery) {
        (None, None) => Replay::All,
        (Some(channel), None) => Replay::Channel(channel),
        (None, Some(delivery)) => Replay::Delivery(delivery),
        (Some(_), Some(_)) => {
            let told = "a channel and a delivery are named";
            return refuse(StatusCode::BAD_REQUEST, told, "name one of them, or neither for all");
        }
    };
    match outbox.store.replay_parked(which, (of.clock)()).await {
        Ok(replayed) => {
            outbox.dispatchers.iter().for_each(|dispatcher| dispatcher.notify_one());
            Json(json!({ "replayed": replayed })).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "parked deliveries could not be put back");
            let told = "the store could not be written";
            refuse(StatusCode::SERVICE_UNAVAILABLE, told, "see the log of keyward")
        }
    }
}
