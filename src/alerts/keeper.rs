//! Alerts as the service keeps them.
//!
//! In: findings, in batches of any size and order, again and again. Out: the same alerts in the store as
//! [`super::Alerts`] folds in memory, campaigns, and in the outbox what people are to be told. A batch
//! is one transaction: given again after a crash it adds nothing. Delivering is `notify`'s business.
//!
//! Decisions, 2026-11-24:
//! - Of copies of one finding that differ the least counts, as in a scan; a copy that says the same changes
//!   nothing, and only a new finding opens an alert again or is a reason to page.
//! - What a campaign counts comes from the first copy of each finding.
//! - A suppressed page counts as said: what would have been paged is what is counted.

use std::collections::BTreeMap;

use super::batch::{Gathered, gather};
use super::campaign::{self, Candidates};
use super::error::AlertError;
use super::facts::{Counts, Facts};
use super::page::Page;
use crate::config::Mode;
use crate::domain::alert::{FoldedBy, Folding, Notice};
use crate::domain::event::Outcome;
use crate::domain::finding::Finding;
use crate::domain::level::Level;
use crate::store::{AlertKind, AlertRow, AlertState, AlertTransaction, Standing, Store, Suppression};

/// Keeps alerts. Holds nothing but how to tell people.
#[derive(Debug, Clone)]
pub struct Keeper {
    pub(super) mode: Mode,
    pub(super) channels: Vec<String>,
}

/// What became of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Raised {
    /// Findings that were new.
    pub new: u64,
    /// Findings that were known.
    pub known: u64,
    /// Alerts that were opened, or opened again; campaigns among them.
    pub opened: u64,
    /// What people are told, whether or not there is a channel.
    pub pages: Vec<Page>,
    /// Deliveries that the outbox has now; wake the dispatcher where there are any.
    pub deliveries: u64,
    /// Pages not sent.
    pub suppressed: BTreeMap<Suppression, u64>,
}

impl Keeper {
    /// A keeper that tells `channels`, by name, unless `mode` is only to observe.
    pub fn new(mode: Mode, channels: Vec<String>) -> Self {
        Self { mode, channels }
    }

    /// Keeps findings, each with what folds it, and decides what people are told of. `now` is
    /// microseconds since the epoch.
    ///
    /// # Errors
    /// Where the store fails; nothing is kept then, and the same batch may be given again.
    pub async fn raise(
        &self,
        store: &Store,
        findings: &[(Finding, Folding)],
        now: i64,
    ) -> Result<Raised, AlertError> {
        if findings.is_empty() {
            return Ok(Raised::default());
        }
        let batch = gather(findings);
        let mut raising = self.begin(store, now).await?;
        let changes = raising.insert(&batch).await?;
        let campaigns = raising.campaigns(&batch, &changes).await?;
        for (id, gathered) in &batch {
            let change = changes.get(id).cloned().unwrap_or_default();
            raising.keep(id, gathered, change, &campaigns).await?;
        }
        for campaign in campaigns {
            raising.keep_campaign(campaign).await?;
        }
        raising.commit().await
    }

    pub(super) async fn begin<'k>(&'k self, store: &Store, now: i64) -> Result<Raising<'k>, AlertError> {
        let store = store.begin_alerts().await?;
        Ok(Raising { keeper: self, store, now, raised: Raised::default() })
    }
}

/// How a batch changes one alert.
#[derive(Debug, Clone, Default)]
struct Change<'f> {
    /// The ids of findings that are new.
    new: Vec<&'f str>,
    /// Whether another copy now stands for a known finding.
    recount: bool,
    /// Whether when attempts got through may have changed.
    standing: bool,
}

/// One batch being kept.
pub(super) struct Raising<'k> {
    pub keeper: &'k Keeper,
    pub store: AlertTransaction,
    pub now: i64,
    pub raised: Raised,
}

impl Raising<'_> {
    pub async fn commit(self) -> Result<Raised, AlertError> {
        self.store.commit().await?;
        Ok(self.raised)
    }

    /// Inserts the findings and says what changed, by alert.
    async fn insert<'f>(
        &mut self,
        batch: &BTreeMap<String, Gathered<'f>>,
    ) -> Result<BTreeMap<String, Change<'f>>, AlertError> {
        let mut rows = Vec::new();
        let mut copies = Vec::new();
        for (id, gathered) in batch {
            for (finding, copy) in &gathered.copies {
                rows.push(copy.row(id)?);
                copies.push((id, *finding, copy.seen));
            }
        }
        let inserted = self.store.insert_findings(&rows).await?;
        let mut changes: BTreeMap<String, Change<'f>> = BTreeMap::new();
        for ((row, is_new), (alert, finding, seen)) in rows.iter().zip(inserted).zip(copies) {
            let change = changes.entry(alert.clone()).or_default();
            let is_less = !is_new && {
                let kept = self.store.finding(finding, alert).await?;
                let kept =
                    kept.map(|(time, outcome)| (time, outcome.as_deref().and_then(Outcome::from_word)));
                kept.is_some_and(|kept| (seen.time, seen.outcome) < kept)
            };
            if is_new {
                change.new.push(finding);
                self.raised.new += 1;
            } else {
                self.raised.known += 1;
            }
            if is_less {
                self.store.replace_finding(row).await?;
            }
            change.recount |= is_less;
            change.standing |= is_less || (is_new && seen.standing() != Standing::Neither);
        }
        Ok(changes)
    }

    async fn campaigns<'f>(
        &mut self,
        batch: &BTreeMap<String, Gathered<'f>>,
        changes: &BTreeMap<String, Change<'f>>,
    ) -> Result<Vec<campaign::Raised>, AlertError> {
        let mut candidates = Candidates::default();
        for (id, gathered) in batch {
            for finding in changes.get(id).into_iter().flat_map(|change| &change.new) {
                if let Some(copy) = gathered.copies.get(finding) {
                    candidates.add(copy, id);
                }
            }
        }
        candidates.keep(&mut self.store).await
    }

    /// Keeps one alert, and tells of it where there is news.
    async fn keep(
        &mut self,
        id: &str,
        gathered: &Gathered<'_>,
        change: Change<'_>,
        campaigns: &[campaign::Raised],
    ) -> Result<(), AlertError> {
        let known = self.store.alert(id).await?;
        let facts = self.facts(id, known.as_ref(), gathered, &change).await?;
        let mut row = match known {
            Some(row) if change.new.is_empty() && row.facts == serde_json::to_string(&facts)? => {
                return Ok(());
            }
            Some(row) => row,
            None => self.new_row(id, AlertKind::Misuse, &gathered.folding.by)?,
        };
        let folded = row.folded_pane.zip(row.folded_into.as_deref());
        if let Some((pane, campaign)) = campaign::earliest(campaigns, id, folded) {
            (row.folded_pane, row.folded_into) = (Some(pane), Some(campaign.to_owned()));
        }
        describe(&mut row, &facts, self.now)?;
        if !change.new.is_empty() {
            let news_of_day = gathered.folding.notice == Notice::Daily
                && change
                    .new
                    .iter()
                    .filter_map(|new| gathered.copies.get(new))
                    .all(|new| !new.is_told_at_once());
            self.tell(&mut row, &facts, news_of_day).await?;
        }
        Ok(self.store.write_alert(&row).await?)
    }

    /// What all findings of an alert say together, those of this batch included.
    async fn facts(
        &mut self,
        id: &str,
        known: Option<&AlertRow>,
        gathered: &Gathered<'_>,
        change: &Change<'_>,
    ) -> Result<Facts, AlertError> {
        let mut facts = match known {
            Some(row) => {
                let mut facts: Facts = serde_json::from_str(&row.facts)?;
                facts.said.merge(gathered.said.clone());
                facts
            }
            None => Facts::new(gathered.said.clone()),
        };
        if change.recount {
            facts.counts = self.recount(id).await?;
        } else {
            let new = change.new.iter().filter_map(|new| gathered.copies.get(new));
            new.for_each(|copy| facts.counts.add(copy.seen));
        }
        if change.standing {
            facts.success_after = match self.store.earliest(id, Standing::Stopped, i64::MIN).await? {
                Some(stopped) => self.store.earliest(id, Standing::Succeeded, stopped).await?,
                None => None,
            };
        }
        Ok(facts)
    }

    async fn recount(&mut self, id: &str) -> Result<Counts, AlertError> {
        let mut counts = Counts::default();
        for part in self.store.count_findings(id).await? {
            let outcome = part.outcome.as_deref().and_then(Outcome::from_word);
            let findings = u64::try_from(part.findings).unwrap_or_default();
            counts.add_many(outcome, findings, part.first_time, part.last_time);
        }
        Ok(counts)
    }

    async fn keep_campaign(&mut self, campaign: campaign::Raised) -> Result<(), AlertError> {
        let mut row = match self.store.alert(&campaign.id).await? {
            Some(row) => row,
            None => {
                let by = [(campaign.shared.column().into(), Some(campaign.value))].into();
                self.new_row(&campaign.id, AlertKind::Campaign, &by)?
            }
        };
        describe(&mut row, &campaign.facts, self.now)?;
        self.tell(&mut row, &campaign.facts, false).await?;
        Ok(self.store.write_alert(&row).await?)
    }

    pub fn new_row(&self, id: &str, kind: AlertKind, by: &FoldedBy) -> Result<AlertRow, AlertError> {
        Ok(AlertRow {
            id: id.to_owned(),
            kind,
            state: AlertState::Open,
            level: Level::Informational,
            title: String::new(),
            key_id: None,
            principal: None,
            findings: 0,
            first_time: 0,
            last_time: 0,
            transition: 0,
            pages: 0,
            paged: None,
            folded_into: None,
            folded_pane: None,
            digest_day: None,
            alert_by: serde_json::to_string(by)?,
            facts: String::new(),
            opened_at: self.now,
            updated_at: self.now,
        })
    }
}

/// Writes what an alert's findings say into its row.
pub(super) fn describe(row: &mut AlertRow, facts: &Facts, now: i64) -> Result<(), AlertError> {
    let worst = &facts.said.worst;
    row.level = worst.level;
    row.title.clone_from(&worst.title);
    row.key_id.clone_from(&worst.key_id);
    row.principal.clone_from(&worst.principal);
    row.findings = i64::try_from(facts.counts.total()).unwrap_or(i64::MAX);
    row.first_time = facts.counts.first.unwrap_or_default();
    row.last_time = facts.counts.last.unwrap_or_default();
    row.facts = serde_json::to_string(facts)?;
    row.updated_at = now;
    Ok(())
}

#[cfg(test)]
#[path = "keeper_tests.rs"]
mod tests;
