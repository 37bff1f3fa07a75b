//! What people are told, ready to be put into words: every text in it is harmless and of bounded length.

use serde::Serialize;

use super::plain::plain;
use super::told::{Act, Done, Told, news};
use crate::domain::level::Level;
use crate::domain::ownership::Ownership;

/// Longest title, in characters: what a mail's subject and a chat's header show.
const TITLE: usize = 140;

/// Longest name of a key, a caller or an owner.
const NAME: usize = 300;

/// Longest sentence: twice what chats show without folding it away.
const SENTENCE: usize = 2_000;

/// Most words of a list that are named.
const WORDS: usize = 20;

/// Most pages that a summary names, and findings that are told in full.
pub(super) const PARTS: usize = 20;

/// What a channel is asked to tell.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Id of the delivery.
    pub delivery: &'a str,
    pub told: &'a Told,
    pub ownership: &'a Ownership,
    /// Whom of the channel.
    pub target: Option<&'a str>,
    /// The latest findings as they are kept, where the route tells all.
    pub findings: &'a [serde_json::Value],
    /// Of a summary, the loudest pages that it stands for.
    pub parts: &'a [Told],
    /// When it is told, microseconds since the epoch.
    pub at: i64,
}

/// A message for people, as templates see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    pub delivery: String,
    pub alert: String,
    pub act: Act,
    pub news: String,
    /// What happened to the alert, in a few words.
    pub headline: String,
    pub kind: String,
    pub level: Level,
    pub title: String,
    pub message: String,
    pub key: Option<String>,
    pub catalog_id: Option<String>,
    pub principal: Option<String>,
    pub owner: Option<String>,
    pub contact: Option<String>,
    pub tenant: Option<String>,
    pub environment: Option<String>,
    pub detectors: Vec<String>,
    pub aspects: Vec<String>,
    pub count: u64,
    pub outcomes: Vec<String>,
    /// RFC 3339.
    pub first: String,
    pub last: String,
    pub success_after_attempts: Option<String>,
    pub by: Option<String>,
    pub reason: Option<String>,
    /// Of a summary.
    pub parts: Vec<Part>,
    /// Where the route tells all.
    pub findings: Vec<Found>,
}

/// One page of a summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    pub alert: String,
    pub level: Level,
    pub title: String,
    pub key: Option<String>,
    pub principal: Option<String>,
    pub count: u64,
}

/// One finding, told in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    pub time: String,
    pub detector: String,
    pub message: String,
    pub event: String,
    pub session: Option<String>,
}

impl Message {
    /// The message for what is asked.
    pub fn of(asked: &Asked<'_>) -> Self {
        let Asked { told, ownership, .. } = asked;
        let name = |text: &Option<String>| text.as_deref().map(|text| plain(text, NAME));
        let some = |mine: &Option<String>, other: &Option<String>| name(mine).or_else(|| name(other));
        let names = |words: &mut dyn Iterator<Item = &String>| {
            words.take(WORDS).map(|word| plain(word, NAME)).collect::<Vec<_>>()
        };
        Self {
            delivery: asked.delivery.to_owned(),
            alert: plain(&told.alert, NAME),
            act: told.act(),
            news: plain(&told.news, NAME),
            headline: headline(&told.news),
            kind: plain(&told.kind, NAME),
            level: told.level,
            title: plain(&told.title, TITLE),
            message: plain(&told.message, SENTENCE),
            key: name(&told.key),
            catalog_id: name(&told.catalog_id),
            principal: name(&told.principal),
            owner: some(&told.owner, &ownership.owner),
            contact: name(&ownership.contact),
            tenant: name(&ownership.tenant),
            environment: name(&ownership.environment),
            detectors: names(&mut told.detectors.iter()),
            aspects: names(&mut told.aspects.iter()),
            count: told.count,
            outcomes: told
                .outcomes
                .iter()
                .take(WORDS)
                .map(|(outcome, count)| format!("{count} {}", plain(outcome, NAME)))
                .collect(),
            first: plain(&told.first, NAME),
            last: plain(&told.last, NAME),
            success_after_attempts: name(&told.success_after_attempts),
            by: told.done.as_ref().map(|done| plain(&done.by, NAME)),
            reason: told.done.as_ref().and_then(reason),
            parts: asked.parts.iter().take(PARTS).map(Part::of).collect(),
            findings: asked.findings.iter().take(PARTS).map(Found::of).collect(),
        }
    }

    /// One with something in every place.
    pub(super) fn sample() -> Self {
        let text = || "a sample".to_owned();
        let part = Part {
            alert: text(),
            level: Level::High,
            title: text(),
            key: Some(text()),
            principal: Some(text()),
            count: 1,
        };
        let found =
            Found { time: text(), detector: text(), message: text(), event: text(), session: Some(text()) };
        Self {
            delivery: text(),
            alert: text(),
            act: Act::Trigger,
            news: text(),
            headline: text(),
            kind: text(),
            level: Level::High,
            title: text(),
            message: text(),
            key: Some(text()),
            catalog_id: Some(text()),
            principal: Some(text()),
            owner: Some(text()),
            contact: Some(text()),
            tenant: Some(text()),
            environment: Some(text()),
            detectors: vec![text()],
            aspects: vec![text()],
            count: 1,
            outcomes: vec![text()],
            first: text(),
            last: text(),
            success_after_attempts: Some(text()),
            by: Some(text()),
            reason: Some(text()),
            parts: vec![part],
            findings: vec![found],
        }
    }

    /// The same with every text that others wrote passed through `change`.
    #[must_use]
    pub fn map(mut self, change: impl Fn(&str) -> String) -> Self {
        let texts = [&mut self.alert, &mut self.news, &mut self.kind, &mut self.title, &mut self.message];
        let times = [&mut self.first, &mut self.last];
        let names = [
            &mut self.key,
            &mut self.catalog_id,
            &mut self.principal,
            &mut self.owner,
            &mut self.contact,
            &mut self.tenant,
            &mut self.environment,
            &mut self.success_after_attempts,
            &mut self.by,
            &mut self.reason,
        ];
        let lists = [&mut self.detectors, &mut self.aspects, &mut self.outcomes];
        let parts = self.parts.iter_mut().flat_map(|part| {
            [Some(&mut part.alert), Some(&mut part.title), part.key.as_mut(), part.principal.as_mut()]
        });
        let found = self.findings.iter_mut().flat_map(|found| {
            [
                Some(&mut found.time),
                Some(&mut found.detector),
                Some(&mut found.message),
                Some(&mut found.event),
                found.session.as_mut(),
            ]
        });
        let all = texts.into_iter().chain(times).chain(names.into_iter().flatten());
        let all = all.chain(lists.into_iter().flatten()).chain(parts.flatten()).chain(found.flatten());
        all.for_each(|text| *text = change(text));
        self
    }
}

impl Part {
    fn of(told: &Told) -> Self {
        let name = |text: &Option<String>| text.as_deref().map(|text| plain(text, NAME));
        Self {
            alert: plain(&told.alert, NAME),
            level: told.level,
            title: plain(&told.title, TITLE),
            key: name(&told.key),
            principal: name(&told.principal),
            count: told.count,
        }
    }
}

impl Found {
    fn of(finding: &serde_json::Value) -> Self {
        let text =
            |field: &str, most| finding.get(field).and_then(|of| of.as_str()).map(|of| plain(of, most));
        Self {
            time: text("event_time", NAME).unwrap_or_default(),
            detector: text("detector", NAME).unwrap_or_default(),
            message: text("message", SENTENCE).unwrap_or_default(),
            event: text("event_id", NAME).unwrap_or_default(),
            session: text("session_name", NAME),
        }
    }
}

/// What a person came to, and why.
fn reason(done: &Done) -> Option<String> {
    let disposition = done.disposition.as_deref().map(|word| word.replace('_', " "));
    let parts: Vec<String> = disposition.into_iter().chain(done.reason.clone()).collect();
    (!parts.is_empty()).then(|| plain(&parts.join(", "), SENTENCE))
}

/// What happened to the alert, in a few words.
fn headline(word: &str) -> String {
    match word {
        "opened" => "New alert",
        "reopened" => "Opened again",
        "higher_level" => "More severe than told before",
        "new_aspect" => "Something else does not fit either",
        "success_after_attempts" => "A call succeeded after others were stopped",
        "ten_times" => "Ten times as often as told before",
        "new_principal" => "Somebody else does it too",
        "digest" => "All of a day",
        news::ACKNOWLEDGED => "Acknowledged",
        news::RESOLVED => "Resolved",
        news::ESCALATION => "Nobody has acknowledged this yet",
        news::REMINDER => "Still open",
        news::SUMMARY => "Told together",
        news::TEST => "A test: nothing has happened",
        other => return plain(&other.replace('_', " "), NAME),
    }
    .to_owned()
}
