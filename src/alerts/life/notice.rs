//! What channels are told of what people do: whoever was paged learns that somebody acknowledged or resolved.

use super::act::{Act, Entry};
use super::error::LifeError;
use super::state::Life;
use crate::alerts::facts::Facts;
use crate::alerts::news::News;
use crate::alerts::page::{Done, Page};
use crate::store::{AlertRow, AlertTransaction, NewDelivery};

/// Where pages wait to be routed: a notice goes the same way, and whoever routes knows whom the pages went to.
const ROUTES: &str = "routes";

/// Puts a message into the outbox for every channel that was paged since the alert was last opened; how many.
pub(super) async fn notice(
    transaction: &mut AlertTransaction,
    row: &mut AlertRow,
    life: &Life,
    entry: &Entry,
) -> Result<u64, LifeError> {
    let news = match entry.act {
        Act::Acknowledged { .. } => News::Acknowledged,
        Act::Resolved { .. } => News::Resolved,
        _ => return Ok(0),
    };
    let mut channels = transaction.told_channels(&row.id, row.transition).await?;
    if channels.iter().any(|channel| channel == ROUTES) {
        channels = vec![ROUTES.to_owned()];
    }
    if channels.is_empty() {
        return Ok(0);
    }
    let facts: Facts = serde_json::from_str(&row.facts)?;
    let mut page = Page::of(row, &facts, news);
    page.level = life.level(page.level);
    page.done = Some(Done {
        by: entry.by.clone(),
        reason: entry.reason.clone(),
        disposition: life.disposition.filter(|_| news == News::Resolved),
    });
    let mut deliveries = Vec::with_capacity(channels.len());
    for channel in channels {
        let id = page.delivery_id(&channel);
        deliveries.push(NewDelivery {
            payload: page.body(&channel, &id)?,
            id,
            alert_id: page.alert.clone(),
            channel,
            transition: page.transition,
            repeat: page.repeat,
            created_at: entry.at_micros,
        });
    }
    transaction.insert_deliveries(&deliveries).await?;
    // Its place among the messages is taken: what comes next is told after it.
    row.pages += 1;
    Ok(u64::try_from(deliveries.len()).unwrap_or_default())
}
