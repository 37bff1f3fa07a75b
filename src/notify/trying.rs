//! Tries a route: sends a test message to everybody whom it tells, at once and past the outbox.

use std::collections::BTreeMap;

use super::channel::{Outlet, Parcel};
use super::error::NotifyError;
use super::message::Asked;
use super::routes::{Moment, Routes, Schedules, Target, targets};
use super::template::Templates;
use super::told::{Act, Done, Told, news};
use crate::config::{Alerts, ChannelKind, Recipient};
use crate::domain::identity::hex_id;
use crate::domain::level::Level;
use crate::domain::ownership::Ownership;
use crate::domain::time::format_rfc3339;

/// What became of a test message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    pub target: Target,
    /// What it was to bring about: tools that keep incidents get one opened and resolved.
    pub act: Act,
    /// The receiver's answer, or why there is none.
    pub answer: Result<String, String>,
}

/// What can be tried: every route and every channel, by name.
///
/// # Errors
/// Where the routes are wrong.
pub fn names(alerts: &Alerts) -> Result<Vec<String>, NotifyError> {
    let routes = Routes::new(&alerts.route())?;
    let routes = routes.all().into_iter().map(|route| route.name.clone());
    Ok(routes.chain(alerts.all_channels().into_iter().map(|channel| channel.name)).collect())
}

/// Sends a test message by the route, or to the channel, of this name; nothing where there is none. `now` is
/// microseconds since the epoch.
///
/// # Errors
/// Where a channel, a route or a template is wrong.
pub async fn try_out(alerts: &Alerts, name: &str, now: i64) -> Result<Option<Vec<Tried>>, NotifyError> {
    let routes = Routes::new(&alerts.route())?;
    let templates = Templates::load(alerts.templates.as_deref())?;
    let channels = alerts.all_channels();
    let recipients: Vec<Recipient> = match routes.named(name) {
        Some(route) => route.to.iter().chain(route.escalate.iter().flat_map(|of| &of.to)).cloned().collect(),
        None if channels.iter().any(|channel| channel.name == name) => {
            vec![Recipient::channel(name.to_owned())]
        }
        None => return Ok(None),
    };
    let mut outlets = BTreeMap::new();
    for channel in &channels {
        outlets.insert(channel.name.clone(), Outlet::new(channel)?);
    }
    let (ownership, schedules) = (Ownership::default(), Schedules::read(&alerts.schedules));
    let moment = Moment { at: now, ownership: &ownership, schedules: &schedules };
    let mut tried = Vec::new();
    for target in targets(&recipients, &moment) {
        let Some(outlet) = outlets.get(&target.channel) else { continue };
        for act in acts(outlet) {
            let answer = send(outlet, &templates, &target, *act, now).await;
            tried.push(Tried { target: target.clone(), act: *act, answer });
        }
    }
    Ok(Some(tried))
}

/// What is opened for a test is closed again.
fn acts(outlet: &Outlet) -> &'static [Act] {
    match outlet.config().kind {
        ChannelKind::Pagerduty(_) | ChannelKind::Opsgenie(_) | ChannelKind::Alertmanager(_) => {
            &[Act::Trigger, Act::Resolve]
        }
        _ => &[Act::Trigger],
    }
}

async fn send(
    outlet: &Outlet,
    templates: &Templates,
    target: &Target,
    act: Act,
    now: i64,
) -> Result<String, String> {
    let told = told(act, now);
    let id = hex_id(&[b"test", target.channel.as_bytes(), act.as_str().as_bytes(), &now.to_le_bytes()]);
    let asked = Asked {
        delivery: &id,
        told: &told,
        ownership: &Ownership::default(),
        target: target.person.as_deref(),
        findings: &[],
        parts: &[],
        at: now,
    };
    let body = outlet.render(&asked, templates);
    let target = target.person.as_deref();
    let parcel = Parcel { id: &id, alert: &told.alert, act, target, body: &body, now };
    outlet.send(&parcel).await.map_err(|failure| failure.why)
}

fn told(act: Act, now: i64) -> Told {
    let at = format_rfc3339(now);
    Told {
        alert: hex_id(&[b"test", &now.to_le_bytes()]),
        kind: news::TEST.to_owned(),
        transition: 1,
        repeat: 0,
        news: if act == Act::Resolve { news::RESOLVED } else { news::TEST }.to_owned(),
        level: Level::Informational,
        title: "Test message of keyward".to_owned(),
        message: "Nothing has happened: somebody tries whether this way of telling you works".to_owned(),
        key: None,
        catalog_id: None,
        principal: None,
        owner: None,
        detectors: Default::default(),
        aspects: Default::default(),
        count: 0,
        outcomes: Default::default(),
        first: at.clone(),
        last: at,
        success_after_attempts: None,
        done: (act == Act::Resolve).then(|| Done {
            by: "keyward".to_owned(),
            reason: Some("the test is over".to_owned()),
            disposition: None,
        }),
        more: Default::default(),
    }
}
