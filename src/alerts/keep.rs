//! One alert of a batch: what its findings say together now, and its row.

use std::collections::BTreeSet;

use super::attempts::Attempts;
use super::batch::Gathered;
use super::campaign;
use super::change::Change;
use super::error::AlertError;
use super::facts::{Counts, Facts, Seen};
use super::keeper::Raising;
use crate::domain::alert::{FoldedBy, Notice};
use crate::domain::event::Outcome;
use crate::domain::level::Level;
use crate::store::{AlertKind, AlertRow, AlertState, Standing};

impl Raising<'_> {
    /// Keeps one alert, and tells of it where there is news.
    pub async fn keep(
        &mut self,
        id: &str,
        known: Option<AlertRow>,
        gathered: &Gathered<'_>,
        change: &Change<'_>,
        campaigns: &[campaign::Raised],
    ) -> Result<(), AlertError> {
        let facts = self.facts(id, known.as_ref(), gathered, change).await?;
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
            let mut new = change.new.iter().filter_map(|new| gathered.copies.get(new));
            let news_of_day =
                gathered.folding.notice == Notice::Daily && new.all(|new| !new.is_told_at_once());
            let newcomers = match row.state {
                AlertState::Acknowledged => gathered.principals(&change.new),
                _ => BTreeSet::new(),
            };
            self.tell(&mut row, &facts, news_of_day, &newcomers).await?;
        }
        self.unwritten.alerts.push(row);
        Ok(())
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
        let new = change.new.iter().filter_map(|new| gathered.copies.get(new));
        let new: Vec<Seen> = new.map(|copy| copy.seen).collect();
        let attempts = Attempts::of(&facts);
        if change.recount {
            facts.counts = self.recount(id).await?;
        } else {
            new.iter().for_each(|seen| facts.counts.add(*seen));
        }
        if change.recount || (change.standing && attempts.are_unknown()) {
            facts.stopped = self.store.earliest(id, Standing::Stopped, i64::MIN).await?;
            facts.success_after = self.success_since(id, facts.stopped).await?;
        } else if change.standing {
            let attempts = attempts.with(&new);
            facts.stopped = attempts.stopped;
            facts.success_after = match attempts.success_after {
                Ok(known) => known,
                Err(_) => self.success_since(id, attempts.stopped).await?,
            };
        }
        Ok(facts)
    }

    async fn success_since(&mut self, id: &str, stopped: Option<i64>) -> Result<Option<i64>, AlertError> {
        let Some(stopped) = stopped else { return Ok(None) };
        Ok(self.store.earliest(id, Standing::Succeeded, stopped).await?)
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

    /// Keeps the alert of a campaign that this batch adds to.
    pub async fn keep_campaign(
        &mut self,
        campaign: campaign::Raised,
        known: Option<AlertRow>,
    ) -> Result<(), AlertError> {
        let mut row = match known {
            Some(row) => row,
            None => {
                let by = [(campaign.shared.column().into(), Some(campaign.value))].into();
                self.new_row(&campaign.id, AlertKind::Campaign, &by)?
            }
        };
        describe(&mut row, &campaign.facts, self.now)?;
        let newcomers = campaign.others.iter().map(String::as_str).collect();
        self.tell(&mut row, &campaign.facts, false, &newcomers).await?;
        self.unwritten.alerts.push(row);
        Ok(())
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
