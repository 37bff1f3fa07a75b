//! How a batch changes alerts: which of its findings are new, and which copies now stand for known ones.

use std::collections::BTreeMap;

use super::batch::Gathered;
use super::campaign::{self, Candidates};
use super::error::AlertError;
use super::facts::Seen;
use super::keeper::Raising;
use crate::domain::event::Outcome;
use crate::store::Standing;

/// How a batch changes one alert.
#[derive(Debug, Clone, Default)]
pub(super) struct Change<'f> {
    /// The ids of findings that are new.
    pub new: Vec<&'f str>,
    /// Whether another copy now stands for a known finding.
    pub recount: bool,
    /// Whether when attempts got through may have changed.
    pub standing: bool,
}

/// What is kept of findings, by their id and alert.
type Known = BTreeMap<String, BTreeMap<String, Seen>>;

impl Raising<'_> {
    /// Inserts the findings and says what changed, by alert.
    pub async fn insert<'f>(
        &mut self,
        batch: &BTreeMap<String, Gathered<'f>>,
    ) -> Result<BTreeMap<String, Change<'f>>, AlertError> {
        let known = self.known(batch).await?;
        let mut rows = Vec::new();
        let mut changes = BTreeMap::new();
        for (alert, gathered) in batch {
            let mut change = Change::default();
            for (finding, copy) in &gathered.copies {
                let kept = known.get(*finding).and_then(|alerts| alerts.get(alert));
                let is_less = kept.is_some_and(|kept| copy.seen < *kept);
                match kept {
                    None => {
                        rows.push(copy.row(alert)?);
                        change.new.push(finding);
                        change.standing |= copy.seen.standing() != Standing::Neither;
                        self.raised.new += 1;
                    }
                    Some(_) => self.raised.known += 1,
                }
                if is_less {
                    self.store.replace_finding(&copy.row(alert)?).await?;
                    (change.recount, change.standing) = (true, true);
                }
            }
            changes.insert(alert.clone(), change);
        }
        self.store.insert_findings(&rows).await?;
        Ok(changes)
    }

    async fn known(&mut self, batch: &BTreeMap<String, Gathered<'_>>) -> Result<Known, AlertError> {
        let ids = batch.values().flat_map(|gathered| gathered.copies.keys().copied());
        let mut ids: Vec<&str> = ids.collect();
        ids.sort_unstable();
        ids.dedup();
        let mut known = Known::new();
        for finding in self.store.known_findings(&ids).await? {
            let outcome = finding.outcome.as_deref().and_then(Outcome::from_word);
            let seen = Seen { time: finding.event_time, outcome };
            known.entry(finding.id).or_default().insert(finding.alert_id, seen);
        }
        Ok(known)
    }

    /// Keeps what may be campaigns, and says which are.
    pub async fn campaigns<'f>(
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
}
