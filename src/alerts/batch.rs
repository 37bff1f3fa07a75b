//! A batch of findings, gathered by alert before the store is asked.

use std::collections::{BTreeMap, BTreeSet};

use super::alert_id;
use super::error::AlertError;
use super::facts::{Said, Seen};
use crate::domain::alert::{Folding, Notice};
use crate::domain::finding::Finding;
use crate::domain::time::parse_rfc3339;
use crate::store::FindingRow;

/// One finding, or of several copies the least.
#[derive(Debug, Clone, Copy)]
pub(super) struct Copy<'f> {
    pub seen: Seen,
    pub finding: &'f Finding,
    pub folding: &'f Folding,
}

/// What a batch has for one alert.
#[derive(Debug)]
pub(super) struct Gathered<'f> {
    pub folding: &'f Folding,
    pub said: Said,
    /// By finding id.
    pub copies: BTreeMap<&'f str, Copy<'f>>,
}

/// The findings of a batch by alert id.
pub(super) fn gather(findings: &[(Finding, Folding)]) -> BTreeMap<String, Gathered<'_>> {
    let mut batch: BTreeMap<String, Gathered<'_>> = BTreeMap::new();
    for (finding, folding) in findings {
        let time = parse_rfc3339(&finding.event_time).unwrap_or_default();
        let owner = folding.owner.as_deref();
        let copy = Copy { seen: Seen::of(finding, time), finding, folding };
        let id = format!("{:032x}", alert_id(folding, time));
        match batch.get_mut(&id) {
            Some(gathered) => gathered.add(copy, time, owner),
            None => {
                let said = Said::of(finding, time, owner);
                let copies = [(finding.id.as_str(), copy)].into();
                batch.insert(id, Gathered { folding, said, copies });
            }
        }
    }
    batch
}

impl<'f> Gathered<'f> {
    fn add(&mut self, copy: Copy<'f>, time: i64, owner: Option<&str>) {
        self.said.add(copy.finding, time, owner);
        let known = self.copies.entry(copy.finding.id.as_str()).or_insert(copy);
        if copy.seen < known.seen {
            *known = copy;
        }
    }

    /// Who is behind the findings with these ids.
    pub fn principals(&self, findings: &[&str]) -> BTreeSet<&'f str> {
        let copies = findings.iter().filter_map(|finding| self.copies.get(finding));
        copies.filter_map(|copy| copy.finding.principal.as_deref()).collect()
    }
}

impl Copy<'_> {
    /// As it is stored in an alert.
    pub fn row(&self, alert_id: &str) -> Result<FindingRow, AlertError> {
        let finding = self.finding;
        Ok(FindingRow {
            id: finding.id.clone(),
            alert_id: alert_id.to_owned(),
            event_time: self.seen.time,
            level: finding.level.as_str(),
            outcome: finding.outcome.map(|outcome| outcome.as_str()),
            standing: self.seen.standing(),
            detector: finding.detector.clone(),
            key_id: finding.key_id.clone(),
            principal: finding.principal.clone(),
            json: serde_json::to_string(finding)?,
        })
    }

    pub fn is_told_at_once(&self) -> bool {
        self.folding.notice == Notice::AtOnce
    }
}
