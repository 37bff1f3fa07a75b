//! Alerts as the service keeps them.
//!
//! In: findings, in batches of any size and order, again and again. Out: the same alerts in the store as
//! [`super::Alerts`] folds in memory, campaigns, and in the outbox what people are to be told. A batch
//! is one transaction: given again after a crash it adds nothing. Delivering is `notify`'s business.
//!
//! The store is asked for many rows at once: which findings are known, which campaigns they add to, which
//! alerts they change. What follows is decided in memory, alert by alert, and written at the end.
//!
//! Decisions, 2026-11-24:
//! - Of copies of one finding that differ the least counts, as in a scan; a copy that says the same changes
//!   nothing, and only a new finding opens an alert again or is a reason to page.
//! - What a campaign counts comes from the first copy of each finding.
//! - A suppressed page counts as said: what would have been paged is what is counted.
//! - Nothing is remembered from one batch to the next: the store is asked in so few statements that a cache
//!   would gain less than it could get wrong.

use std::collections::BTreeMap;

use super::batch::{Gathered, gather};
use super::error::AlertError;
use super::life::{Coming, Lives};
use super::page::Page;
use super::unwritten::Unwritten;
use crate::config::Mode;
use crate::domain::alert::{Folding, Suppression};
use crate::domain::finding::Finding;
use crate::store::{AlertRow, AlertTransaction, Store};

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
        let mut changes = raising.insert(&batch).await?;
        let campaigns = raising.campaigns(&batch, &changes).await?;
        // Only now: a campaign that is raised speaks for alerts of this batch.
        let ids = batch.keys().map(String::as_str);
        let ids: Vec<&str> = ids.chain(campaigns.iter().map(|campaign| campaign.id.as_str())).collect();
        let mut known = raising.store.alerts(&ids).await?;
        raising.lives = raising.lives(&batch, &known).await?;
        for (id, gathered) in &batch {
            let change = changes.remove(id).unwrap_or_default();
            raising.keep(id, known.remove(id), gathered, &change, &campaigns).await?;
        }
        for campaign in campaigns {
            let known = known.remove(&campaign.id);
            raising.keep_campaign(campaign, known).await?;
        }
        raising.commit().await
    }

    pub(super) async fn begin<'k>(&'k self, store: &Store, now: i64) -> Result<Raising<'k>, AlertError> {
        let store = store.begin_alerts().await?;
        let (unwritten, lives) = (Unwritten::default(), Lives::default());
        Ok(Raising { keeper: self, store, now, raised: Raised::default(), unwritten, lives })
    }
}

/// One batch being kept.
pub(super) struct Raising<'k> {
    pub keeper: &'k Keeper,
    pub store: AlertTransaction,
    pub now: i64,
    pub raised: Raised,
    pub unwritten: Unwritten,
    pub lives: Lives,
}

impl Raising<'_> {
    pub async fn commit(mut self) -> Result<Raised, AlertError> {
        self.unwritten.write(&mut self.store).await?;
        self.lives.write(&mut self.store).await?;
        self.store.commit().await?;
        Ok(self.raised)
    }

    /// What people did to the alerts of a batch, and what is in force for them.
    async fn lives(
        &mut self,
        batch: &BTreeMap<String, Gathered<'_>>,
        known: &BTreeMap<String, AlertRow>,
    ) -> Result<Lives, AlertError> {
        let coming = batch.iter().map(|(id, gathered)| {
            let worst = &gathered.said.worst;
            Coming { id, key_id: worst.key_id.as_deref(), level: worst.level }
        });
        Lives::load(&mut self.store, &coming.collect::<Vec<_>>(), known, self.now).await
    }
}

#[cfg(test)]
#[path = "keeper_tests.rs"]
mod tests;
