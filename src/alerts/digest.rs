//! The daily digest: one message for all alerts of which people are told once a day.
//!
//! The day is the clock's, not the event time's: what comes late is told late, and never lost.

use std::collections::BTreeMap;

use super::error::AlertError;
use super::facts::Facts;
use super::keep::describe;
use super::keeper::{Keeper, Raised, Raising};
use super::life::Lives;
use super::news::News;
use super::page::shortened;
use crate::domain::alert::DAY;
use crate::domain::identity::hex_id;
use crate::domain::time::format_rfc3339;
use crate::store::{AlertKind, AlertRow, AlertState, DigestCount, Store};

/// Alerts of a day whose level, detectors and owners a digest gathers; all are counted.
const MOST_READ: i64 = 1_000;

/// Keys that a digest names; `keyward alerts list` has them all.
const MOST_NAMED: usize = 20;

/// Longest name in a digest, in characters: an ARN fits.
const LONGEST_NAME: usize = 120;

impl Keeper {
    /// Makes the digests of all days before the one of `now` that lack theirs.
    ///
    /// # Errors
    /// Where the store fails; what is missing then is made the next time.
    pub async fn digest(&self, store: &Store, now: i64) -> Result<Raised, AlertError> {
        let mut raising = self.begin(store, now).await?;
        while let Some(day) = raising.store.pending_digest(now.div_euclid(DAY)).await? {
            raising.digest(day).await?;
        }
        raising.commit().await
    }

    /// When to call [`Self::digest`] next, microseconds since the epoch.
    pub fn next_digest(now: i64) -> i64 {
        (now.div_euclid(DAY) + 1).saturating_mul(DAY)
    }
}

impl Raising<'_> {
    async fn digest(&mut self, day: i64) -> Result<(), AlertError> {
        let id = hex_id(&[b"digest", &day.to_le_bytes()]);
        let (count, alerts) = self.store.digest_alerts(day, MOST_READ).await?;
        self.store.fold_digest(day, &id).await?;
        let Some(facts) = facts(day, &count, &alerts)? else { return Ok(()) };
        let by = [("day".into(), Some(day_of(day)))].into();
        let mut row = match self.store.alerts(&[&id]).await?.remove(&id) {
            // An alert that was opened again on the same day, after its digest was made.
            Some(row) => {
                AlertRow { state: AlertState::Reopened, transition: row.transition + 1, pages: 0, ..row }
            }
            None => AlertRow { transition: 1, ..self.new_row(&id, AlertKind::Digest, &by)? },
        };
        describe(&mut row, &facts, self.now)?;
        self.raised.opened += 1;
        if row.transition > 1 {
            let known = [(id, row.clone())].into();
            self.lives = Lives::load(&mut self.store, &[], &known, self.now).await?;
        }
        let muted = self.page(&mut row, &facts, News::Digest, None)?;
        self.record(&row, true, News::Digest, muted);
        self.unwritten.alerts.push(row);
        Ok(())
    }
}

/// What the alerts of a day say together.
fn facts(day: i64, count: &DigestCount, alerts: &[AlertRow]) -> Result<Option<Facts>, AlertError> {
    let mut all: Option<Facts> = None;
    let mut titles: BTreeMap<&str, Vec<&AlertRow>> = BTreeMap::new();
    for alert in alerts {
        let facts: Facts = serde_json::from_str(&alert.facts)?;
        titles.entry(&alert.title).or_default().push(alert);
        match &mut all {
            Some(all) => {
                all.said.merge(facts.said);
                all.counts.merge(&facts.counts);
            }
            None => all = Some(Facts { stopped: None, success_after: None, ..facts }),
        }
    }
    Ok(all.map(|mut all| {
        let worst = &mut all.said.worst;
        worst.title = match count.alerts {
            1 => format!("1 alert on {}", day_of(day)),
            many => format!("{many} alerts on {}", day_of(day)),
        };
        worst.message = message(count, &titles);
        (worst.key_id, worst.catalog_id, worst.principal, worst.owner) = (None, None, None, None);
        all
    }))
}

/// `Key in use without a declaration: a, b; and 3 more`.
fn message(count: &DigestCount, titles: &BTreeMap<&str, Vec<&AlertRow>>) -> String {
    let mut named = 0;
    let mut parts = Vec::new();
    for (title, alerts) in titles {
        let names: Vec<String> = alerts.iter().take(MOST_NAMED - named).map(|alert| name(alert)).collect();
        named += names.len();
        if !names.is_empty() {
            parts.push(format!("{title}: {}", names.join(", ")));
        }
    }
    let more = usize::try_from(count.alerts).unwrap_or(usize::MAX).saturating_sub(named);
    if more > 0 {
        parts.push(format!("and {more} more"));
    }
    parts.join("; ")
}

fn name(alert: &AlertRow) -> String {
    let name = alert.key_id.as_deref().or(alert.principal.as_deref()).unwrap_or(&alert.id);
    shortened(name, LONGEST_NAME)
}

/// `2026-11-24`.
fn day_of(day: i64) -> String {
    let time = format_rfc3339(day.saturating_mul(DAY));
    time.split_once('T').map_or(time.clone(), |(day, _)| day.to_owned())
}
