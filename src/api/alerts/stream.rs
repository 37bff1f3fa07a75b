//! The live feed: every entry of the journal as it is committed, with its alert as it stands then.
//!
//! A client that was cut off sends the number of the last entry it has as `Last-Event-ID`, as browsers do by
//! themselves, and misses nothing. One that says nothing gets what happens from now on.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;

use super::who::who;
use super::{Alerts, MOST_STREAMS, Refusal, refused};
use crate::alerts::life::{self, Entry, LifeError};
use crate::config::Role;

/// How often the journal is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Entries read at once.
const MOST_ENTRIES: i64 = 100;

/// How long the line may be silent: proxies cut off after a minute.
const ALIVE: Duration = Duration::from_secs(15);

/// One client's feed.
struct Feed {
    alerts: Alerts,
    /// The number of the last entry that was read.
    last: i64,
    ready: VecDeque<Event>,
    _place: OwnedSemaphorePermit,
}

/// `GET /api/v1/alerts/stream`.
pub async fn stream(State(alerts): State<Alerts>, headers: HeaderMap) -> Result<Response, Refusal> {
    who(&alerts, &headers, Role::Viewer).await?;
    let place = alerts.streams.clone().try_acquire_owned().map_err(|_| {
        let told = format!("{MOST_STREAMS} live feeds are open");
        refused(StatusCode::SERVICE_UNAVAILABLE, &told, "close one, or ask for the list instead")
    })?;
    let last = match last_seen(&headers)? {
        Some(last) => last,
        None => alerts.store.journal_end().await.map_err(LifeError::from)?,
    };
    let feed = Feed { alerts, last, ready: VecDeque::new(), _place: place };
    let events = stream::unfold(feed, |mut feed| async move {
        let event = feed.next().await?;
        Some((Ok::<_, Infallible>(event), feed))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE)).into_response())
}

fn last_seen(headers: &HeaderMap) -> Result<Option<i64>, Refusal> {
    let Some(given) = headers.get("last-event-id") else { return Ok(None) };
    let number = given.to_str().ok().and_then(|text| text.trim().parse().ok());
    number.map(Some).ok_or_else(|| {
        let told = "`Last-Event-ID` is no number";
        refused(StatusCode::BAD_REQUEST, told, "send the id of the last event as it came")
    })
}

impl Feed {
    /// The next event; nothing once the service ends or its store fails: the client asks again then.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if let Err(error) = self.read().await {
                tracing::warn!(%error, "a live feed ends: the store does not answer as it should");
                return None;
            }
            if self.ready.is_empty() {
                tokio::select! {
                    () = tokio::time::sleep(LOOK) => {}
                    () = self.alerts.end.cancelled() => return None,
                }
            }
        }
    }

    async fn read(&mut self) -> Result<(), LifeError> {
        for entry in life::entries_after(&self.alerts.store, self.last, MOST_ENTRIES).await? {
            self.last = entry.seq;
            let event = self.event(&entry).await?;
            self.ready.push_back(event);
        }
        Ok(())
    }

    async fn event(&self, entry: &Entry) -> Result<Event, LifeError> {
        let alert = match life::find(&self.alerts.store, &entry.alert_id).await {
            Ok(alert) => Some(alert),
            // An entry about a silence.
            Err(LifeError::NotFound { .. }) => None,
            Err(error) => return Err(error),
        };
        let data = serde_json::to_string(&json!({ "entry": entry, "alert": alert }))?;
        // JSON has its line breaks escaped.
        Ok(Event::default().id(entry.seq.to_string()).event(entry.act.word()).data(data))
    }
}
