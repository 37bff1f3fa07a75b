//! Prometheus' Alertmanager, API v2: <https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml>.
//!
//! Its alerts are told apart by their labels, and routed by them. The level is one, so that an alert which
//! gets louder is another one there; the quieter ones are ended in the same request.

use serde_json::{Map, Value, json};

use super::super::http::{Head, Http, temporary};
use super::super::retry::Failure;
use super::super::told::Act;
use super::{Parcel, Words, neutral};
use crate::config::Alertmanager;
use crate::domain::level::Level;
use crate::domain::time::format_rfc3339;

pub(super) fn render(of: &Alertmanager, at: i64, words: &Words<'_>) -> String {
    let message = words.message.clone().map(neutral);
    let ends = if message.act == Act::Resolve { at } else { at.saturating_add(of.lasts.microseconds()) };
    let annotations = json!({
        "summary": words.subject(),
        "description": words.body(),
        "key": message.key.clone().unwrap_or_default(),
        "principal": message.principal.clone().unwrap_or_default(),
        "owner": message.owner.clone().unwrap_or_default(),
        "news": message.news,
        "count": message.count.to_string(),
        "delivery": message.delivery,
    });
    let alert = |level: Level, ends: i64| {
        let mut labels: Map<String, Value> =
            of.labels.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        labels.insert("alertname".to_owned(), "KeywardAlert".into());
        labels.insert("alert_id".to_owned(), message.alert.as_str().into());
        labels.insert("severity".to_owned(), level.as_str().into());
        json!({
            "labels": labels,
            "annotations": annotations,
            // The end of a quieter one must not lie before its start.
            "startsAt": message.first,
            "endsAt": format_rfc3339(ends),
        })
    };
    let quieter = Level::ALL.iter().filter(|level| **level < message.level);
    let alerts: Vec<Value> =
        [alert(message.level, ends)].into_iter().chain(quieter.map(|level| alert(*level, at))).collect();
    Value::from(alerts).to_string()
}

pub(super) async fn send(of: &Alertmanager, http: &Http, parcel: &Parcel<'_>) -> Result<String, Failure> {
    let url = format!("{}/api/v2/alerts", of.url.trim_end_matches('/'));
    let url = http.checked(&url).map_err(temporary)?;
    let head = Head::new("application/json", parcel.id)?.with_secret("Bearer", of.token.as_ref())?;
    http.post(url, head, parcel.body.to_owned(), parcel.now).await
}
