//! What a scan came to, for the end of it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use arrow::array::Array;

use crate::app::record::Merged;
use crate::detect::blindness::{Blind, Seen};
use crate::detect::window::windows::Forgotten;
use crate::domain::level::Level;
use crate::metrics::Account;
use crate::pipeline::rules::{Judged, Rules};
use crate::pipeline::scan::Step;
use crate::table::columns::Column;
use crate::table::rows::Rows;

/// How many detectors that could not see are named before the rest is only counted.
const BLIND_SHOWN: usize = 6;

/// From when on the time is worth a line that was spent on merging files of history.
const WORTH_TELLING: Duration = Duration::from_secs(1);

/// Sums over the steps of a scan.
#[derive(Debug, Default)]
pub struct Summary {
    account: Account,
    verdicts: BTreeMap<String, u64>,
    levels: BTreeMap<Level, u64>,
    detectors: BTreeMap<String, u64>,
    /// Why, by the detector's place in the engine.
    failures: BTreeMap<usize, String>,
    /// What windows had no room for.
    forgotten: Vec<Forgotten>,
    events: u64,
    seen: Seen,
    /// What became of small files of history at the end.
    pub merged: Merged,
}

impl Summary {
    /// Adds one step of a scan.
    pub fn add(&mut self, step: &Step) {
        self.count(&step.account);
        self.add_judged(&step.judged);
        self.forgotten.extend(step.forgotten.iter().cloned());
    }

    /// Adds what became of some records.
    pub fn count(&mut self, account: &Account) {
        self.account.add(account);
    }

    /// Adds a judged batch.
    pub fn add_judged(&mut self, judged: &Judged) {
        self.events += judged.batch.num_rows() as u64;
        count_words(&Rows::of(&judged.batch), Column::Verdict, &mut self.verdicts);
        for finding in judged.all_findings() {
            *self.levels.entry(finding.level).or_default() += 1;
            *self.detectors.entry(finding.detector.clone()).or_default() += 1;
        }
        for failure in &judged.failures {
            self.failures.insert(failure.detector, failure.message.clone());
        }
        self.seen.merge(&judged.seen);
    }

    /// Whether there are findings.
    pub fn found_anything(&self) -> bool {
        !self.levels.is_empty()
    }

    /// The summary as lines.
    pub fn text(&self, rules: &Rules, elapsed: Duration, has_catalog: bool) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut text, rules, elapsed, has_catalog);
        text
    }

    fn write(
        &self,
        to: &mut String,
        rules: &Rules,
        elapsed: Duration,
        has_catalog: bool,
    ) -> std::fmt::Result {
        let account = &self.account;
        let rate = account.received as f64 / elapsed.as_secs_f64().max(0.000_001);
        writeln!(to, "\nrecords    {} in {:.1?} ({:.0}/s)", account.received, elapsed, rate)?;
        writeln!(
            to,
            "           = {} with events + {} merged + {} irrelevant + {} duplicates + {} rejects{}",
            account.gave_events,
            account.merged,
            account.irrelevant_total(),
            account.duplicates,
            account.rejects_total(),
            if account.adds_up() { "" } else { "  (DOES NOT ADD UP: please report this)" },
        )?;
        if account.rejects_total() > 0 {
            writeln!(to, "rejects    {}", join(account.rejects.iter()))?;
        }
        writeln!(to, "events     {}: {}", self.events, join(self.verdicts.iter()))?;
        let found: u64 = self.levels.values().sum();
        writeln!(to, "findings   {found}: {}", join(self.levels.iter().rev()))?;
        if found > 0 {
            writeln!(to, "detectors  {}", join(self.detectors.iter()))?;
        }
        for (detector, message) in &self.failures {
            let detector = rules.engine.detectors().get(*detector).map_or("", |detector| &detector.id);
            writeln!(to, "failed     {detector} could not be evaluated everywhere: {message}")?;
        }
        for Forgotten { detector, count } in &self.forgotten {
            writeln!(
                to,
                "forgotten  {detector} had no room for {count} groups: what they did is not counted whole"
            )?;
        }
        self.write_blind(to, rules)?;
        if self.merged.known > 0 {
            let known = self.merged.known;
            writeln!(to, "history    held {known} of these events already; they were not stored again")?;
        }
        if self.merged.took >= WORTH_TELLING {
            let Merged { files, took, .. } = self.merged;
            writeln!(to, "history    {} small files became {} in {took:.1?}", files.replaced, files.written)?;
        }
        if !has_catalog {
            writeln!(to, "no catalog every key is undeclared; declare them: --catalog catalog.yaml")?;
        }
        Ok(())
    }

    fn write_blind(&self, to: &mut String, rules: &Rules) -> std::fmt::Result {
        let blind = rules.engine.blind(&self.seen);
        if blind.is_empty() {
            return Ok(());
        }
        let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for Blind { id, why } in &blind {
            reasons.entry(why).or_default().push(id);
        }
        writeln!(to, "blind      {} detectors could not see:", blind.len())?;
        for (why, detectors) in reasons {
            let shown = detectors.iter().take(BLIND_SHOWN).copied().collect::<Vec<_>>().join(" ");
            let more = detectors.len().saturating_sub(BLIND_SHOWN);
            let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
            writeln!(to, "           {why}: {shown}{rest}")?;
        }
        Ok(())
    }
}

fn join<K: std::fmt::Display, V: std::fmt::Display>(counts: impl Iterator<Item = (K, V)>) -> String {
    let parts: Vec<_> = counts.map(|(word, count)| format!("{count} {word}")).collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

fn count_words(rows: &Rows<'_>, column: Column, counts: &mut BTreeMap<String, u64>) {
    let (Some(keys), Some(words)) = (rows.keys(column), rows.dictionary(column)) else { return };
    let mut by_key = vec![0_u64; words.len()];
    for key in keys.iter().flatten() {
        if let Some(count) = by_key.get_mut(key as usize) {
            *count += 1;
        }
    }
    for (word, count) in words.iter().flatten().zip(by_key).filter(|(_, count)| *count > 0) {
        *counts.entry(word.to_owned()).or_default() += count;
    }
}
