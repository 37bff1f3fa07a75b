//! Findings of the loop become alerts in the store, as soon as they are found, and wake whoever delivers them.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Notify;

use crate::alerts::{AlertError, Keeper, Page, Raised};
use crate::domain::alert::Folding;
use crate::domain::finding::Finding;
use crate::domain::function::Function;
use crate::domain::time::parse_rfc3339;
use crate::metrics::{Metrics, Transaction};
use crate::pipeline::service::Raise;
use crate::respond::OwnActs;
use crate::store::BlockingStore;

/// Shows pages to whoever runs the service in the foreground.
pub type Show = Box<dyn FnMut(&Page) + Send>;

/// Keeps alerts for the loop.
pub struct Raising {
    pub keeper: Keeper,
    pub store: Arc<BlockingStore>,
    pub metrics: Arc<Metrics>,
    /// Told when there is something to deliver.
    pub wake: Arc<Notify>,
    /// What receivers do for actions of ours raises no alert.
    pub own: OwnActs,
    pub show: Show,
}

impl Raise for Raising {
    fn raise(&mut self, findings: Vec<(Finding, Folding)>, now: i64) -> Result<(), AlertError> {
        let started = Instant::now();
        let findings = self.without_our_own(findings);
        let raised = self.store.wait(self.keeper.raise(self.store.store(), &findings, now))?;
        self.metrics.transaction(Transaction::Alert, started.elapsed());
        for (finding, _) in &findings {
            self.metrics.finding(&finding.detector, finding.level);
        }
        count(&self.metrics, &raised);
        raised.pages.iter().for_each(|page| (self.show)(page));
        if raised.deliveries > 0 {
            self.wake.notify_one();
        }
        Ok(())
    }
}

impl Raising {
    /// The findings that are not about what a receiver changes for an action: those stay findings of history. No
    /// action uses a key, or takes one out, so such a finding is never excused.
    fn without_our_own(&self, mut findings: Vec<(Finding, Folding)>) -> Vec<(Finding, Folding)> {
        let before = findings.len();
        findings.retain(|(finding, _)| {
            let time = parse_rfc3339(&finding.event_time).unwrap_or_default();
            let changes = finding.function.is_none_or(|of| matches!(of, Function::Manage | Function::Read));
            !(changes && self.own.is_ours(finding.principal.as_deref(), time))
        });
        self.metrics.own_findings(before - findings.len());
        findings
    }
}

/// Counts what became of findings.
pub fn count(metrics: &Metrics, raised: &Raised) {
    for page in raised.pages.iter().filter(|page| page.repeat == 0) {
        metrics.alert(page.level);
    }
    for (reason, pages) in &raised.suppressed {
        metrics.suppressed(*reason, *pages);
    }
}
