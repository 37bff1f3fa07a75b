//! Decides what people are told of an alert that has changed, for the outbox or to be counted.

use super::error::AlertError;
use super::facts::Facts;
use super::keeper::Raising;
use super::news::{News, Paged};
use super::page::Page;
use crate::config::Mode;
use crate::domain::alert::{DAY, Suppression};
use crate::store::{AlertRow, AlertState, NewDelivery};

impl Raising<'_> {
    /// Opens the alert where it is new or resolved, and tells of what its last page did not say.
    /// `daily`: the day's digest is to tell of it.
    pub fn tell(&mut self, row: &mut AlertRow, facts: &Facts, daily: bool) -> Result<(), AlertError> {
        if row.transition == 0 || row.state == AlertState::Resolved {
            row.transition += 1;
            (row.state, row.pages, row.paged) = (AlertState::Open, 0, None);
            row.opened_at = self.now;
            self.raised.opened += 1;
        }
        let paged: Option<Paged> = row.paged.as_deref().map(serde_json::from_str).transpose()?;
        let news = match &paged {
            Some(paged) => paged.news(facts),
            None if row.transition > 1 => Some(News::Reopened),
            None => Some(News::Opened),
        };
        let Some(news) = news else {
            self.suppress(&row.id, Suppression::NoNews);
            return Ok(());
        };
        if daily && paged.is_none() {
            (row.digest_day, row.folded_into) = (Some(self.now.div_euclid(DAY)), None);
        }
        let reason = if daily {
            Some(Suppression::Digest)
        } else if row.folded_pane.is_some() {
            Some(Suppression::Campaign)
        } else {
            None
        };
        self.page(row, facts, news, reason)
    }

    /// Sends a page to every channel, or counts it where there is a reason not to.
    pub fn page(
        &mut self,
        row: &mut AlertRow,
        facts: &Facts,
        news: News,
        reason: Option<Suppression>,
    ) -> Result<(), AlertError> {
        let observed = (self.keeper.mode == Mode::Observe).then_some(Suppression::Observe);
        match reason.or(observed) {
            Some(reason) => self.suppress(&row.id, reason),
            None => {
                let page = Page::of(row, facts, news);
                for channel in &self.keeper.channels {
                    let id = page.delivery_id(channel);
                    let delivery = NewDelivery {
                        payload: page.body(&id)?,
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
        row.paged = Some(serde_json::to_string(&Paged::of(facts))?);
        Ok(())
    }

    fn suppress(&mut self, alert_id: &str, reason: Suppression) {
        *self.raised.suppressed.entry(reason).or_default() += 1;
        *self.unwritten.suppressed.entry((alert_id.to_owned(), reason)).or_default() += 1;
    }
}
