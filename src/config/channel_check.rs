//! What must hold between channels, routes and schedules.

use std::collections::BTreeSet;

use super::alerts::Alerts;
use super::channel::{Channel, ChannelKind, WEBHOOK};
use super::route::{Recipient, Route};

/// Names that mean something of their own in the outbox.
const RESERVED: [&str; 3] = ["kafka", "respond", "routes"];

/// How deep routes may lie in routes: deeper ones nobody understands.
const DEEPEST: usize = 8;

impl Alerts {
    /// All channels, the one of `webhook` first.
    pub fn all_channels(&self) -> Vec<Channel> {
        self.webhook.iter().map(Channel::from).chain(self.channels.iter().cloned()).collect()
    }

    /// The routes, by default one that leads to every channel.
    pub fn route(&self) -> Route {
        self.route.clone().unwrap_or_else(|| Route {
            to: self.all_channels().into_iter().map(|channel| Recipient::channel(channel.name)).collect(),
            ..Route::default()
        })
    }
}

impl Recipient {
    /// A channel as it is.
    pub fn channel(name: String) -> Self {
        Self { channel: name, contact: false, on_call: None }
    }
}

/// Reports every mistake.
pub(super) fn check(alerts: &Alerts, report: &mut impl FnMut(String)) {
    let channels = alerts.all_channels();
    let mut names = BTreeSet::new();
    for channel in &channels {
        let name = channel.name.as_str();
        let is_plain = !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if !is_plain {
            report(format!("the channel name `{name}` may only have letters, digits, `-`, `_` and `.`"));
        }
        if RESERVED.contains(&name) {
            report(format!("a channel cannot be called `{name}`: choose another name"));
        }
        if !names.insert(name) {
            let hint = if name == WEBHOOK { " (`alerts: webhook:` is one)" } else { "" };
            report(format!("two channels are called `{name}`{hint}: the ledger could not tell them apart"));
        }
        check_channel(channel, report);
    }
    if let Some(route) = &alerts.route {
        check_route(alerts, &channels, route, 0, report);
    }
}

fn check_channel(channel: &Channel, report: &mut impl FnMut(String)) {
    let name = &channel.name;
    if channel.limit.is_some_and(|limit| limit.messages == 0 || limit.per.microseconds() == 0) {
        report(format!("channel `{name}`: `limit` needs at least one message and some time"));
    }
    if channel.digest.is_some_and(|digest| digest.every.microseconds() == 0) {
        report(format!("channel `{name}`: `digest: every` needs some time"));
    }
    if let ChannelKind::Email(email) = &channel.kind {
        if email.to.is_empty() {
            report(format!("channel `{name}`: `to` names nobody"));
        }
        if email.username.is_some() != email.password.is_some() {
            report(format!("channel `{name}`: `username` and `password` belong together"));
        }
    }
}

fn check_route(
    alerts: &Alerts,
    channels: &[Channel],
    route: &Route,
    depth: usize,
    report: &mut impl FnMut(String),
) {
    if depth == DEEPEST {
        report(format!("routes lie deeper in each other than {DEEPEST} times"));
        return;
    }
    let told = route.to.iter().chain(route.escalate.iter().flat_map(|escalation| &escalation.to));
    for recipient in told {
        let Some(channel) = channels.iter().find(|channel| channel.name == recipient.channel) else {
            let known: Vec<_> = channels.iter().map(|channel| channel.name.as_str()).collect();
            report(format!(
                "a route leads to `{}`, which is no channel; known: {}",
                recipient.channel,
                known.join(" ")
            ));
            continue;
        };
        if (recipient.contact || recipient.on_call.is_some()) && !channel.kind.takes_people() {
            report(format!(
                "a route tells single people on `{}`: only email and opsgenie can do that",
                channel.name
            ));
        }
        recipient.on_call.iter().for_each(|schedule| check_schedule(alerts, schedule, report));
    }
    route.when.on_call.iter().for_each(|schedule| check_schedule(alerts, schedule, report));
    if route.repeat.is_some_and(|repeat| repeat.microseconds() == 0) {
        report("a route's `repeat` needs some time".to_owned());
    }
    for inner in &route.routes {
        check_route(alerts, channels, inner, depth + 1, report);
    }
}

fn check_schedule(alerts: &Alerts, schedule: &str, report: &mut impl FnMut(String)) {
    if !alerts.schedules.contains_key(schedule) {
        report(format!("`{schedule}` is no schedule: name its file under `alerts: schedules:`"));
    }
}
