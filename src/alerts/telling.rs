//! Decides what people are told of an alert that has changed, for the outbox or to be counted.

use std::collections::BTreeSet;

use super::error::AlertError;
use super::facts::Facts;
use super::keeper::Raising;
use super::life::{Act, Muted, news_of};
use super::news::{News, Paged};
use super::page::Page;
use crate::config::Mode;
use crate::domain::alert::{DAY, Suppression};
use crate::store::{AlertRow, AlertState, NewDelivery};

impl Raising<'_> {
    /// Opens the alert where it is new or resolved, and tells of what its last page did not say.
    /// `daily`: the day's digest is to tell of it. `newcomers`: the principals of its new findings (of a campaign,
    /// what it is about many of), as far as somebody has acknowledged it.
    pub async fn tell(
        &mut self,
        row: &mut AlertRow,
        facts: &Facts,
        daily: bool,
        newcomers: &BTreeSet<&str>,
    ) -> Result<(), AlertError> {
        let opens = self.open(row);
        let paged: Option<Paged> = row.paged.as_deref().map(serde_json::from_str).transpose()?;
        let growth = self.lives.outgrow(row, facts, newcomers, self.now);
        let fresh = growth.map(news_of).or(match &paged {
            Some(paged) => paged.news(facts),
            None if row.transition > 1 => Some(News::Reopened),
            None => Some(News::Opened),
        });
        let Some(news) = paged.as_ref().and_then(|paged| paged.muted).or(fresh) else {
            self.suppress(&row.id, Suppression::NoNews);
            return Ok(());
        };
        if daily && paged.is_none() {
            (row.digest_day, row.folded_into) = (Some(self.now.div_euclid(DAY)), None);
        }
        let muted = if daily {
            Some(Muted { reason: Suppression::Digest, by: None })
        } else if row.folded_pane.is_some() {
            Some(Muted { reason: Suppression::Campaign, by: row.folded_into.clone() })
        } else {
            self.lives.muted(&mut self.store, row, facts).await?
        };
        let muted = self.page(row, facts, news, muted)?;
        if opens || fresh.is_some() || muted.is_none() {
            self.record(row, opens, news, muted);
        }
        Ok(())
    }

    /// Opens an alert that is new or resolved; whether it was.
    fn open(&mut self, row: &mut AlertRow) -> bool {
        if row.transition > 0 && row.state != AlertState::Resolved {
            return false;
        }
        row.transition += 1;
        (row.pages, row.paged) = (0, None);
        row.state = if row.transition > 1 { AlertState::Reopened } else { AlertState::Open };
        row.opened_at = self.now;
        self.raised.opened += 1;
        true
    }

    /// Notes in the journal what people were told, or why they were not.
    pub fn record(&mut self, row: &AlertRow, opens: bool, news: News, muted: Option<Muted>) {
        let level = self.lives.level(row, row.level);
        let act = match opens {
            true if row.transition > 1 => Act::Reopened { level, muted },
            true => Act::Opened { level, muted },
            false => Act::Grown { news, level, muted },
        };
        self.lives.record(row, act, self.now);
    }

    /// Sends a page to every channel, or counts it where there is a reason not to, which it gives back.
    pub fn page(
        &mut self,
        row: &mut AlertRow,
        facts: &Facts,
        news: News,
        muted: Option<Muted>,
    ) -> Result<Option<Muted>, AlertError> {
        let observed = (self.keeper.mode == Mode::Observe).then_some(Suppression::Observe);
        let muted = muted.or(observed.map(|reason| Muted { reason, by: None }));
        match &muted {
            Some(muted) => self.suppress(&row.id, muted.reason),
            None => {
                let level = self.lives.level(row, row.level);
                let page = Page { level, ..Page::of(row, facts, news) };
                for channel in &self.keeper.channels {
                    let id = page.delivery_id(channel);
                    let delivery = NewDelivery {
                        payload: page.body(channel, &id)?,
                        id,
                        alert_id: page.alert.clone(),
                        channel: channel.clone(),
                        transition: page.transition,
                        repeat: page.repeat,
                        created_at: self.now,
                    };
                    self.unwritten.deliveries.push(delivery);
                    self.raised.deliveries += 1;
                }
                self.raised.pages.push(page);
            }
        }
        row.pages += 1;
        let untold = muted.as_ref().is_some_and(|muted| is_for_a_while(muted.reason)).then_some(news);
        row.paged = Some(serde_json::to_string(&Paged::of(facts).but_untold(untold))?);
        Ok(muted)
    }

    fn suppress(&mut self, alert_id: &str, reason: Suppression) {
        *self.raised.suppressed.entry(reason).or_default() += 1;
        *self.unwritten.suppressed.entry((alert_id.to_owned(), reason)).or_default() += 1;
    }
}

/// Whether what keeps a page back ends some day, and the page is due then.
const fn is_for_a_while(reason: Suppression) -> bool {
    matches!(reason, Suppression::Silenced | Suppression::Inhibited | Suppression::Merged)
}
