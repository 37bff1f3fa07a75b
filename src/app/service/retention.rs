//! Removes what is older than the configuration has it kept.

use crate::config::{Retention, Span};
use crate::history;
use crate::metrics::{Expired, Metrics};
use crate::store::{BlockingStore, Kind, StoreError};

/// Transactions of one kind an hour: a million rows in two hours, and never a minute of work at once.
const MOST_BATCHES: usize = 1_000;

/// Removes one hour's worth. Waits for the store: no place for an async function.
pub(super) fn expire(store: &BlockingStore, retention: &Retention, metrics: &Metrics, now: i64) {
    store.wait(async {
        let before = |kept: Span| now.saturating_sub(kept.microseconds());
        let store = store.store();
        let findings = before(retention.findings);
        count(metrics, Expired::Findings, repeated(async || store.expire_findings(findings).await).await);
        let campaigns = before(retention.campaigns);
        count(metrics, Expired::Campaigns, repeated(async || store.expire_campaigns(campaigns).await).await);
        let deliveries = before(retention.deliveries);
        count(
            metrics,
            Expired::Deliveries,
            repeated(async || store.expire_deliveries(deliveries).await).await,
        );
        let days = [
            (Kind::Findings, Expired::Findings, Some(retention.findings)),
            (Kind::Raw, Expired::Raw, Some(retention.findings)),
            (Kind::Rejects, Expired::Rejects, Some(retention.rejects)),
            (Kind::Events, Expired::Events, retention.events),
        ];
        for (kind, expired, kept) in days {
            if let Some(kept) = kept {
                count(metrics, expired, history::expire(store, kind, before(kept), now).await);
            }
        }
    });
}

/// Does again what removes some rows until there are none, within bounds.
async fn repeated(remove: impl AsyncFn() -> Result<u64, StoreError>) -> Result<u64, StoreError> {
    let mut all = 0;
    for _ in 0..MOST_BATCHES {
        match remove().await? {
            0 => break,
            removed => all += removed,
        }
    }
    Ok(all)
}

fn count(metrics: &Metrics, what: Expired, removed: Result<u64, impl std::fmt::Display>) {
    match removed {
        Ok(0) => {}
        Ok(rows) => {
            metrics.expired(what, rows);
            tracing::info!(what = what.as_str(), rows, "removed what is older than it is kept");
        }
        Err(error) => tracing::warn!(what = what.as_str(), %error, "what is old could not be removed"),
    }
}
