//! Campaigns: one caller at many keys, or many callers at one key, within minutes, are one alert.
//!
//! Time is cut into panes that begin at multiples of their length, so that what is a campaign does not
//! depend on the order in which findings come. Only alerts that fold by key and principal, and of which
//! people are told at once, can be part of one.

use std::collections::{BTreeMap, BTreeSet};

use super::batch::Copy;
use super::error::AlertError;
use super::facts::{Facts, Said};
use crate::domain::identity::hex_id;
use crate::store::{AlertTransaction, CampaignPart, CampaignRow};

/// Length of a pane, in microseconds of event time: ten minutes.
const PANE: i64 = 10 * 60 * 1_000_000;

/// More distinct keys or principals than this make a campaign: nobody reads eleven pages one by one.
const MOST: i64 = 10;

/// What the alerts of a campaign share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shared {
    Principal,
    Key,
}

impl Shared {
    /// The column that has the same value in all of them.
    pub const fn column(self) -> &'static str {
        match self {
            Self::Principal => "principal",
            Self::Key => "key_id",
        }
    }
}

/// What a batch has for something that may be a campaign.
#[derive(Debug)]
pub(super) struct Candidate {
    pub shared: Shared,
    pub value: String,
    pub pane: i64,
    facts: Facts,
    /// The other side, and the alert that it is in.
    parts: BTreeSet<(String, String)>,
}

/// A campaign that this batch adds to.
#[derive(Debug)]
pub(super) struct Raised {
    pub id: String,
    pub pane: i64,
    /// What it says, as an alert of its own.
    pub facts: Facts,
    pub shared: Shared,
    pub value: String,
    /// The alerts that this batch puts into it.
    pub members: BTreeSet<String>,
    /// The keys or principals that this batch has for it.
    pub others: BTreeSet<String>,
}

/// Campaigns to be, by id.
#[derive(Debug, Default)]
pub(super) struct Candidates(BTreeMap<String, Candidate>);

impl Candidates {
    /// Adds a finding that is new in an alert.
    pub fn add(&mut self, copy: &Copy<'_>, alert_id: &str) {
        let value = |column: &str| copy.folding.by.get(column).and_then(Option::as_deref);
        let (Some(key), Some(principal)) = (value("key_id"), value("principal")) else { return };
        if !copy.is_told_at_once() {
            return;
        }
        self.add_side(copy, (Shared::Principal, principal), key, alert_id);
        self.add_side(copy, (Shared::Key, key), principal, alert_id);
    }

    fn add_side(&mut self, copy: &Copy<'_>, (shared, value): (Shared, &str), other: &str, alert_id: &str) {
        let pane = copy.seen.time.div_euclid(PANE);
        let id = hex_id(&[b"campaign", shared.column().as_bytes(), value.as_bytes(), &pane.to_le_bytes()]);
        let said = Said::of(copy.finding, copy.seen.time, copy.folding.owner.as_deref());
        let candidate = self.0.entry(id).or_insert_with(|| Candidate {
            shared,
            value: value.to_owned(),
            pane,
            facts: Facts::new(said.clone()),
            parts: BTreeSet::new(),
        });
        candidate.facts.said.merge(said);
        candidate.facts.counts.add(copy.seen);
        candidate.parts.insert((other.to_owned(), alert_id.to_owned()));
    }

    /// Keeps what the batch adds, and says which of them are campaigns.
    pub async fn keep(self, store: &mut AlertTransaction) -> Result<Vec<Raised>, AlertError> {
        let ids: Vec<&str> = self.0.keys().map(String::as_str).collect();
        let known = store.campaigns(&ids).await?;
        store.insert_parts(&self.parts()).await?;
        let others = store.count_others(&ids).await?;
        let (mut rows, mut raised) = (Vec::with_capacity(self.0.len()), Vec::new());
        for (id, mut candidate) in self.0 {
            let (known, others) = (known.get(&id), others.get(&id).copied().unwrap_or_default());
            if let Some(known) = known {
                candidate.join(&known.facts)?;
            }
            let is_raised = others > MOST;
            if is_raised && !known.is_some_and(|known| known.is_raised) {
                store.fold_parts(&id, candidate.pane).await?;
            }
            let facts = serde_json::to_string(&candidate.facts)?;
            rows.push(CampaignRow { id: id.clone(), is_raised, facts });
            raised.extend(is_raised.then(|| candidate.raised(id, others)));
        }
        store.write_campaigns(&rows).await?;
        Ok(raised)
    }

    fn parts(&self) -> Vec<CampaignPart<'_>> {
        let all =
            self.0.iter().flat_map(|(id, candidate)| candidate.parts.iter().map(move |part| (id, part)));
        all.map(|(campaign_id, (other, alert_id))| CampaignPart { campaign_id, other, alert_id }).collect()
    }
}

impl Candidate {
    /// Adds what was known before.
    fn join(&mut self, known: &str) -> Result<(), AlertError> {
        let mut facts: Facts = serde_json::from_str(known)?;
        std::mem::swap(&mut facts, &mut self.facts);
        self.facts.said.merge(facts.said);
        self.facts.counts.merge(&facts.counts);
        Ok(())
    }

    fn raised(mut self, id: String, others: i64) -> Raised {
        let worst = &mut self.facts.said.worst;
        let value = Some(self.value.clone());
        worst.catalog_id = worst.catalog_id.take().filter(|_| self.shared == Shared::Key);
        worst.owner = worst.owner.take().filter(|_| self.shared == Shared::Key);
        (worst.title, worst.message, worst.principal, worst.key_id) = match self.shared {
            Shared::Principal => (
                "One caller misuses many keys".to_owned(),
                format!(
                    "{} misused {others} keys within ten minutes; the worst: {}",
                    self.value, worst.message
                ),
                value,
                None,
            ),
            Shared::Key => (
                "Many callers misuse one key".to_owned(),
                format!(
                    "{} was misused by {others} callers within ten minutes; the worst: {}",
                    self.value, worst.message
                ),
                None,
                value,
            ),
        };
        let Self { pane, facts, shared, value, parts } = self;
        let (others, members) = parts.into_iter().unzip();
        Raised { id, pane, facts, shared, value, members, others }
    }
}

/// The campaign that speaks for an alert: the earliest of those it is in.
pub(super) fn earliest<'r>(
    raised: &'r [Raised],
    alert_id: &str,
    known: Option<(i64, &'r str)>,
) -> Option<(i64, &'r str)> {
    let of_batch = raised.iter().filter(|campaign| campaign.members.contains(alert_id));
    of_batch.map(|campaign| (campaign.pane, campaign.id.as_str())).chain(known).min()
}
