//! What people and machines are told of an alert: typed for printing, and rendered once as JSON.
//!
//! A page leaves the house. It never carries values of an encryption context, network addresses or a
//! log's own JSON: of an event only names of keys and callers and the worst finding's sentence, in
//! which addresses are replaced.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::Serialize;

use super::facts::Facts;
use super::news::{News, Paged};
use super::ocsf;
use crate::domain::identity::hex_id;
use crate::domain::level::Level;
use crate::domain::time::format_rfc3339;
use crate::domain::verdict::Aspect;
use crate::metrics::Channel;
use crate::store::{AlertKind, AlertRow, Disposition};

/// The version of the body's form; grows when a field changes its meaning or goes.
const VERSION: u32 = 1;

/// Longest sentence, in characters: what chat systems show without folding it away, twice.
const LONGEST_MESSAGE: usize = 2_000;

/// Longest name of a key or a caller, in characters: AWS allows ARNs of 2,048, real ones are below 200.
const LONGEST_NAME: usize = 500;

/// What stands where an address was.
const ADDRESS: &str = "[address]";

/// One page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page {
    /// Id of the alert.
    pub alert: String,
    pub kind: AlertKind,
    /// How often the alert was opened: 1 for the first time.
    pub transition: i64,
    /// Which page since then, from 0.
    pub repeat: i64,
    pub news: News,
    pub level: Level,
    pub title: String,
    pub message: String,
    pub key: Option<String>,
    /// Id of the key's catalog entry.
    pub catalog_id: Option<String>,
    pub principal: Option<String>,
    pub owner: Option<String>,
    /// The log's id of the worst finding's event.
    pub event: String,
    pub detectors: BTreeSet<String>,
    pub aspects: BTreeSet<Aspect>,
    /// Techniques of MITRE ATT&CK that the detectors name.
    pub techniques: BTreeSet<String>,
    /// Distinct findings.
    pub count: u64,
    /// Distinct findings by outcome.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// Event time of the first finding, RFC 3339.
    pub first: String,
    pub last: String,
    pub success_after_attempts: Option<String>,
    /// What a person did, where that is the news.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done: Option<Done>,
}

/// What a person did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Done {
    pub by: String,
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disposition: Option<Disposition>,
}

/// The body of a delivery.
#[derive(Serialize)]
struct Body<'a> {
    version: u32,
    delivery: &'a str,
    #[serde(flatten)]
    page: &'a Page,
}

impl Page {
    /// The next page of an alert.
    pub(super) fn of(row: &AlertRow, facts: &Facts, news: News) -> Self {
        let alert = facts.alert(row.id.clone(), BTreeMap::new());
        let name = |text: Option<String>| text.map(|text| shortened(&text, LONGEST_NAME));
        Self {
            alert: alert.id,
            kind: row.kind,
            transition: row.transition,
            repeat: row.pages,
            news,
            level: alert.level,
            title: alert.title,
            message: shortened(
                &without_addresses(&message(row, alert.message, facts, news)),
                LONGEST_MESSAGE,
            ),
            key: name(alert.key_id),
            catalog_id: name(alert.catalog_id),
            principal: name(alert.principal),
            owner: name(facts.said.worst.owner.clone()),
            event: shortened(&alert.event_id, LONGEST_NAME),
            detectors: alert.detectors,
            aspects: alert.aspects,
            techniques: facts.said.techniques.clone(),
            count: alert.count,
            outcomes: alert.outcomes,
            first: alert.first,
            last: alert.last,
            success_after_attempts: facts.success_after.map(format_rfc3339),
            done: None,
        }
    }

    /// The id of this page's delivery on a channel.
    pub fn delivery_id(&self, channel: &str) -> String {
        let (transition, repeat) = (self.transition.to_le_bytes(), self.repeat.to_le_bytes());
        hex_id(&[self.alert.as_bytes(), channel.as_bytes(), &transition, &repeat])
    }

    /// The body of this page's delivery with the id `delivery` on a channel.
    ///
    /// # Errors
    /// Never in practice: a page is made of text and numbers.
    pub fn body(&self, channel: &str, delivery: &str) -> Result<String, serde_json::Error> {
        match Channel::from_word(channel) {
            Some(Channel::Kafka) => ocsf::body(self, delivery),
            _ => serde_json::to_string(&Body { version: VERSION, delivery, page: self }),
        }
    }
}

/// What is new since the page before, then the worst finding's sentence.
fn message(row: &AlertRow, worst: String, facts: &Facts, news: News) -> String {
    let paged: Option<Paged> = row.paged.as_deref().and_then(|paged| serde_json::from_str(paged).ok());
    match paged.and_then(|paged| paged.lead(facts, news)) {
        Some(lead) => format!("{lead}. The worst: {worst}"),
        None => worst,
    }
}

/// At most so many characters.
pub(super) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The text with every IPv4 and IPv6 address replaced.
fn without_addresses(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = None;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| !is_of_address(c)).unwrap_or(rest.len());
        let (run, after) = rest.split_at_checked(end.max(first.len_utf8())).unwrap_or((rest, ""));
        let bare = run.trim_end_matches(['.', ':']);
        let stands_alone = !before.is_some_and(char::is_alphanumeric)
            && !after.chars().next().is_some_and(char::is_alphanumeric);
        if stands_alone && bare.parse::<IpAddr>().is_ok() {
            clean.push_str(ADDRESS);
            clean.push_str(run.get(bare.len()..).unwrap_or_default());
        } else {
            clean.push_str(run);
        }
        before = run.chars().next_back();
        rest = after;
    }
    clean
}

fn is_of_address(c: char) -> bool {
    c.is_ascii_hexdigit() || matches!(c, '.' | ':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_leave_no_trace_and_names_stay() {
        let told = "approle:a used vault:transit/b: network 10.0.0.0/8 → 203.0.113.9; seen ::ffff:10.1.2.3, fd00::1.";
        let clean =
            "approle:a used vault:transit/b: network [address]/8 → [address]; seen [address], [address].";
        assert_eq!(without_addresses(told), clean);
        for name in [
            "arn:aws:iam::111122223333:role/orders",
            "arn:aws:s3:::beef/1.2.3",
            "KP-001: version 1.2.3.4a → größer",
            "",
        ] {
            assert_eq!(without_addresses(name), name);
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(shortened("größer", 3), "grö…");
        assert_eq!(shortened("grö", 3), "grö");
    }
}
