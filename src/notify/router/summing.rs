//! Summaries: what a channel has no room for, or gathers, is told together, with the true counts.

use super::{Routing, Target};
use crate::domain::identity::hex_id;
use crate::domain::level::Level;
use crate::domain::ownership::Ownership;
use crate::domain::time::format_rfc3339;
use crate::notify::channel::Outlet;
use crate::notify::message::{Asked, PARTS};
use crate::notify::told::{Act, Told, news};
use crate::store::{FoldedCount, RoutedDelivery, StoreError, Summary};

impl Routing<'_> {
    /// The summary that a message becomes part of; nothing where it goes out by itself. What ends an incident
    /// always does: it was told of in a message of its own.
    pub(super) async fn summary_for(
        &mut self,
        outlet: &Outlet,
        target: &Target,
        told: &Told,
    ) -> Result<Option<String>, StoreError> {
        if told.act() != Act::Trigger {
            return Ok(None);
        }
        let due = match outlet.gathers(told.level) {
            Some(every) => Some(next_multiple(self.now, every)),
            None => self.beyond_limit(outlet, target).await?,
        };
        let Some(due) = due else { return Ok(None) };
        let person = target.person.as_deref().unwrap_or_default();
        let id = hex_id(&[b"summary", target.channel.as_bytes(), person.as_bytes(), &due.to_le_bytes()]);
        let summary = RoutedDelivery {
            id: &id,
            alert_id: &id,
            channel: &target.channel,
            transition: 0,
            repeat: 0,
            payload: "",
            created_at: self.now,
            target: target.person.as_deref(),
            step: 0,
            news: news::SUMMARY,
            level: Level::Informational.as_str(),
            route: news::SUMMARY,
            folded_into: None,
        };
        self.store.gather(&summary, due).await?;
        Ok(Some(id))
    }

    /// When the window ends, where its messages are used up. Windows begin at multiples of their length.
    async fn beyond_limit(&mut self, outlet: &Outlet, target: &Target) -> Result<Option<i64>, StoreError> {
        let Some(limit) = outlet.limit() else { return Ok(None) };
        let per = limit.per.microseconds();
        let begin = self.now.div_euclid(per).saturating_mul(per);
        let end = Some(next_multiple(self.now, per));
        if self.router.is_used_up(target, begin) {
            return Ok(end);
        }
        let sent = match self.sent.get(target) {
            Some(sent) => *sent,
            None => {
                let person = target.person.as_deref();
                let sent = self.store.sent_since(&target.channel, person, begin).await?;
                // What this transaction adds is not in it, and so cannot be taken back.
                if sent >= i64::from(limit.messages) {
                    self.router.use_up(target, begin);
                }
                sent
            }
        };
        if sent >= i64::from(limit.messages) {
            self.sent.insert(target.clone(), sent);
            return Ok(end);
        }
        self.sent.insert(target.clone(), sent + 1);
        Ok(None)
    }

    /// Completes the summaries that are due.
    pub(super) async fn sum_up(&mut self) -> Result<(), StoreError> {
        for summary in self.store.due_summaries(self.now).await? {
            let count = self.store.count_folded(&summary.id).await?;
            let parts = self.store.folded(&summary.id, PARTS as i64).await?;
            let parts: Vec<Told> = parts.iter().filter_map(|page| Told::read(page).ok()).collect();
            let told = told(&summary, &count, self.now);
            // A channel that is gone gets nothing; its summary is parked, and says so.
            let Some(outlet) = self.router.outlets.get(&summary.channel) else {
                let why = "the channel is no longer in the configuration";
                self.store.unreadable(&summary.id, self.now, why).await?;
                continue;
            };
            let asked = Asked {
                delivery: &summary.id,
                told: &told,
                ownership: &Ownership::default(),
                target: summary.target.as_deref(),
                findings: &[],
                parts: &parts,
                at: self.now,
            };
            let payload = outlet.render(&asked, &self.router.templates);
            self.store.complete(&summary.id, &payload, told.level.as_str(), self.now).await?;
        }
        Ok(())
    }
}

/// What a summary says, in the form of a page.
fn told(summary: &Summary, count: &FoldedCount, now: i64) -> Told {
    let mut levels: Vec<(Level, i64)> = count
        .pages
        .iter()
        .map(|(level, pages)| (Level::from_word(level).unwrap_or(Level::Informational), *pages))
        .collect();
    levels.sort_by(|one, other| other.cmp(one));
    let pages: i64 = levels.iter().map(|(_, pages)| pages).sum();
    let by_level: Vec<String> = levels.iter().map(|(level, pages)| format!("{pages} {level}")).collect();
    let (since, until) = (format_rfc3339(summary.since), format_rfc3339(now));
    Told {
        alert: summary.id.clone(),
        kind: news::SUMMARY.to_owned(),
        transition: 0,
        repeat: 0,
        news: news::SUMMARY.to_owned(),
        level: levels.first().map_or(Level::Informational, |(level, _)| *level),
        title: match pages {
            1 => "1 page told here".to_owned(),
            _ => format!("{pages} pages about {} alerts told together", count.alerts),
        },
        message: format!(
            "{}, between {since} and {until}; `keyward alerts list` has them all",
            by_level.join(", ")
        ),
        key: None,
        catalog_id: None,
        principal: None,
        owner: None,
        detectors: Default::default(),
        aspects: Default::default(),
        count: u64::try_from(pages).unwrap_or_default(),
        outcomes: Default::default(),
        first: since,
        last: until,
        success_after_attempts: None,
        done: None,
        more: Default::default(),
    }
}

/// The first multiple of a length after a time.
fn next_multiple(at: i64, length: i64) -> i64 {
    let length = length.max(1);
    (at.div_euclid(length) + 1).saturating_mul(length)
}
