//! Opsgenie, Alert API v2: <https://docs.opsgenie.com/docs/alert-api>.

use serde_json::{Value, json};

use super::super::http::{Head, Http, temporary};
use super::super::retry::Failure;
use super::super::told::Act;
use super::{Parcel, Words, incident, neutral};
use crate::config::Opsgenie;
use crate::domain::level::Level;

/// Longest tag that it takes.
const TAG: usize = 50;

/// What it calls us.
const SOURCE: &str = "keyward";

pub(super) fn render(of: &Opsgenie, target: Option<&str>, words: &Words<'_>) -> String {
    let message = words.message.clone().map(neutral);
    if message.act != Act::Trigger {
        let user = message.by.unwrap_or_else(|| SOURCE.to_owned());
        return json!({ "source": SOURCE, "user": user, "note": words.subject() }).to_string();
    }
    let person = target.map(|mail| json!({ "type": "user", "username": mail }));
    let teams = of.teams.iter().map(|team| json!({ "type": "team", "name": team }));
    let responders: Vec<Value> = person.map_or_else(|| teams.collect(), |person| vec![person]);
    let details = json!({
        "alert": message.alert,
        "delivery": message.delivery,
        "news": message.news,
        "key": message.key.clone().unwrap_or_default(),
        "principal": message.principal.unwrap_or_default(),
        "owner": message.owner.unwrap_or_default(),
        "count": message.count.to_string(),
        "first": message.first,
        "last": message.last,
    });
    json!({
        "message": words.subject(),
        "alias": incident(&message.alert),
        "description": words.body(),
        "responders": responders,
        "tags": message.detectors.iter().map(|tag| tag.chars().take(TAG).collect::<String>()).collect::<Vec<_>>(),
        "details": details,
        "entity": message.catalog_id.or(message.key).unwrap_or_default(),
        "source": SOURCE,
        "priority": priority(message.level),
    })
    .to_string()
}

const fn priority(level: Level) -> &'static str {
    match level {
        Level::Critical => "P1",
        Level::High => "P2",
        Level::Medium => "P3",
        Level::Low => "P4",
        Level::Informational => "P5",
    }
}

pub(super) async fn send(of: &Opsgenie, http: &Http, parcel: &Parcel<'_>) -> Result<String, Failure> {
    let base = of.url.trim_end_matches('/');
    let alias = incident(parcel.alert);
    let url = match parcel.act {
        Act::Trigger => format!("{base}/v2/alerts"),
        Act::Acknowledge => format!("{base}/v2/alerts/{alias}/acknowledge?identifierType=alias"),
        Act::Resolve => format!("{base}/v2/alerts/{alias}/close?identifierType=alias"),
    };
    let url = http.checked(&url).map_err(temporary)?;
    let head = Head::new("application/json", parcel.id)?.with_secret("GenieKey", Some(&of.api_key))?;
    http.post(url, head, parcel.body.to_owned(), parcel.now).await
}
