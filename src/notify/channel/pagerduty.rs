//! `PagerDuty`, Events API v2: <https://developer.pagerduty.com/docs/events-api-v2-overview>.

use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::super::http::{Head, Http, temporary};
use super::super::retry::Failure;
use super::super::told::Act;
use super::{Parcel, Words, incident, neutral};
use crate::config::PagerDuty;
use crate::domain::level::Level;

/// The event, without the routing key, which is a secret and comes in when it is sent.
pub(super) fn render(words: &Words<'_>) -> String {
    let message = words.message;
    let (action, key) = (message.act, incident(&message.alert));
    if message.act != Act::Trigger {
        return json!({ "event_action": action, "dedup_key": key }).to_string();
    }
    let plain = message.clone().map(neutral);
    let details = json!({
        "text": words.body(),
        "news": plain.news,
        "key": plain.key,
        "principal": plain.principal,
        "owner": plain.owner,
        "detectors": plain.detectors,
        "aspects": plain.aspects,
        "count": plain.count,
        "first": plain.first,
        "last": plain.last,
        "delivery": plain.delivery,
    });
    let payload = json!({
        "summary": words.subject(),
        "source": plain.key.clone().unwrap_or_else(|| "keyward".to_owned()),
        "severity": severity(plain.level),
        "timestamp": plain.last,
        "component": plain.catalog_id.or(plain.key),
        "group": plain.owner,
        "class": plain.detectors.first(),
        "custom_details": details,
    });
    json!({ "event_action": action, "dedup_key": key, "client": "keyward", "payload": payload }).to_string()
}

/// Its four words for five levels.
const fn severity(level: Level) -> &'static str {
    match level {
        Level::Critical => "critical",
        Level::High => "error",
        Level::Medium => "warning",
        Level::Low | Level::Informational => "info",
    }
}

pub(super) async fn send(of: &PagerDuty, http: &Http, parcel: &Parcel<'_>) -> Result<String, Failure> {
    let url = http.checked(&of.url).map_err(temporary)?;
    let key = of.routing_key.read().map_err(temporary)?;
    let mut event: Map<String, Value> = serde_json::from_str(parcel.body).map_err(temporary)?;
    event.insert("routing_key".to_owned(), key.expose_secret().into());
    let body = Value::from(event).to_string();
    http.post(url, Head::new("application/json", parcel.id)?, body, parcel.now).await
}
