//! One alert being folded in memory, as a scan does it.

use std::collections::HashMap;

use super::facts::{Facts, Said, Seen};
use crate::domain::alert::{Alert, Folding};
use crate::domain::finding::Finding;
use crate::domain::identity::uid;
use crate::store::Standing;

/// What is known of one subject's findings within one span.
#[derive(Debug)]
pub(super) struct Fold {
    folding: Folding,
    said: Option<Said>,
    /// By finding id.
    seen: HashMap<u128, Seen>,
}

impl Fold {
    pub(super) fn new(folding: Folding) -> Self {
        Self { folding, said: None, seen: HashMap::new() }
    }

    /// Adds a finding; whether it is a new one.
    pub(super) fn add(&mut self, finding: &Finding, time: i64) -> bool {
        match &mut self.said {
            Some(said) => said.add(finding, time, None),
            None => self.said = Some(Said::of(finding, time, None)),
        }
        let id = u128::from_str_radix(&finding.id, 16).unwrap_or_else(|_| uid(&[finding.id.as_bytes()]));
        let seen = Seen::of(finding, time);
        let mut is_new = false;
        let known = self.seen.entry(id).or_insert_with(|| {
            is_new = true;
            seen
        });
        *known = seen.min(*known);
        is_new
    }

    /// The alert, under its id; nothing where nothing was added.
    pub(super) fn finish(self, id: String) -> Option<Alert> {
        let mut facts = Facts::new(self.said?);
        self.seen.values().for_each(|seen| facts.counts.add(*seen));
        facts.success_after = success_after_attempts(&self.seen);
        Some(facts.alert(id, self.folding.by))
    }
}

fn success_after_attempts(seen: &HashMap<u128, Seen>) -> Option<i64> {
    let times =
        |wanted: Standing| seen.values().filter(move |seen| seen.standing() == wanted).map(|seen| seen.time);
    let stopped = times(Standing::Stopped).min()?;
    times(Standing::Succeeded).filter(|time| *time >= stopped).min()
}
