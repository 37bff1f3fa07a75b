//! `PagerDuty`, Events API v2: <https://developer.pagerduty.com/docs/events-api-v2-overview>.

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::super::http::{Head, Http, temporary};
use super::super::retry::Failure;
use super::super::told::Act;
use super::{Parcel, Words, incident, neutral};
use crate::config::PagerDuty;
use crate::domain::level::Level;

/// The event, without the routing key, which is a secret and comes in when it is sent.
pub(super) fn render(words: &Words<'_>) -> String {
    let message = words.message;
    let mut event = json!({ "event_action": message.act, "dedup_key": incident(&message.alert) });
    if message.act == Act::Trigger {
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
        event["client"] = "keyward".into();
        event["payload"] = json!({
            "summary": words.subject(),
            "source": plain.key.clone().unwrap_or_else(|| "keyward".to_owned()),
            "severity": severity(plain.level),
            "timestamp": plain.last,
            "component": plain.catalog_id.or(plain.key),
            "group": plain.owner,
            "class": plain.detectors.first(),
            "custom_details": details,
        });
    }
    event.to_string()
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
    let mut event: Value = serde_json::from_str(parcel.body).map_err(temporary)?;
    event["routing_key"] = key.expose_secret().into();
    http.post(url, Head::new("application/json", parcel.id)?, event.to_string(), parcel.now).await
}
