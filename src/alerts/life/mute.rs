//! Where findings meet what people did: whether an acknowledgement still holds, and whether a page may leave.
//!
//! In: the alerts of a batch as they change, and what is in force for them. Out: why a page does not leave, if it
//! does not, and journal entries. What most batches need is read for a whole batch in a constant number of statements
//! ([`Lives::load`]); what few alerts have (a merge, a silence by tag) is asked for when it is met.

use std::collections::{BTreeMap, BTreeSet};

use super::act::{Act, Entry, Growth, Muted, Scope};
use super::silence::{Matcher, Subject};
use super::state::Life;
use crate::alerts::AlertError;
use crate::alerts::facts::Facts;
use crate::alerts::news::News;
use crate::domain::alert::{FoldedBy, KEYWARD, Suppression};
use crate::domain::level::Level;
use crate::domain::time::format_rfc3339;
use crate::store::{AlertKind, AlertRow, AlertState, AlertTransaction, storable};

/// An alert of this level that is not resolved mutes quiet ones on its key.
const INHIBITS: Level = Level::Critical;

/// The loudest that is muted so.
const INHIBITED: Level = Level::Low;

/// The lives of a batch's alerts: what was known of them, and what the batch learns and changes.
#[derive(Debug, Default)]
pub(in crate::alerts) struct Lives {
    /// Of alerts that somebody touched, by their id.
    known: BTreeMap<String, Life>,
    /// The ids of those that this batch changes.
    changed: BTreeSet<String>,
    /// The silences in force.
    silences: Vec<(String, Matcher)>,
    /// The loud alerts by their key.
    loud: BTreeMap<String, BTreeSet<String>>,
    /// What is to be written into the journal.
    entries: Vec<Entry>,
}

/// What a batch has of one alert, as far as it matters here.
#[derive(Debug)]
pub(in crate::alerts) struct Coming<'a> {
    pub id: &'a str,
    pub key_id: Option<&'a str>,
    pub level: Level,
}

impl Lives {
    /// Reads what is in force for a batch. `known` are those of its alerts that there are.
    pub async fn load(
        store: &mut AlertTransaction,
        coming: &[Coming<'_>],
        known: &BTreeMap<String, AlertRow>,
        now: i64,
    ) -> Result<Self, AlertError> {
        let ids: Vec<&str> = known.keys().map(String::as_str).collect();
        let mut lives = BTreeMap::new();
        for row in store.lives(&ids).await? {
            let Some(alert) = known.get(&row.alert_id) else { continue };
            lives.insert(row.alert_id.clone(), Life::of(alert.state, alert.transition, Some(row))?);
        }
        let silences = store.silences_in_force(now).await?;
        let silences = silences.into_iter().map(|row| Ok((row.id, serde_json::from_str(&row.matcher)?)));
        let silences = silences.collect::<Result<_, serde_json::Error>>()?;
        let loud = loud(store, coming).await?;
        Ok(Self { known: lives, changed: BTreeSet::new(), silences, loud, entries: Vec::new() })
    }

    /// What an acknowledgement of this alert did not know of, which has lapsed therefore; so has a level that
    /// somebody set, where the findings are louder than then. `newcomers` are the principals of its new findings; of a
    /// campaign, what it is about many of.
    pub fn outgrow(
        &mut self,
        row: &mut AlertRow,
        facts: &Facts,
        newcomers: &BTreeSet<&str>,
        now: i64,
    ) -> Option<Growth> {
        let life = self.known.get_mut(&row.id)?;
        let is_acknowledged = row.state == AlertState::Acknowledged;
        let growth = life.scope.as_ref().filter(|_| is_acknowledged);
        let growth = growth.and_then(|scope| growth_of(scope, row, facts, newcomers));
        let found = facts.said.worst.level;
        let is_louder = life.found_level.is_some_and(|then| found > then);
        let lapsed = growth.map(|growth| Act::Lapsed { growth });
        for act in lapsed.into_iter().chain(is_louder.then_some(Act::LevelLapsed { found })) {
            let entry = entry(row, act, now);
            life.apply(&entry);
            // A level that lapses leaves the state: where the alert opens again, the row knows that already.
            if matches!(entry.act, Act::Lapsed { .. }) {
                row.state = life.state;
            }
            self.entries.push(entry);
            self.changed.insert(row.id.clone());
        }
        growth
    }

    /// The level of an alert that counts.
    pub fn level(&self, row: &AlertRow, found: Level) -> Level {
        self.known.get(&row.id).map_or(found, |life| life.level(found))
    }

    /// Notes what happened to an alert.
    pub fn record(&mut self, row: &AlertRow, act: Act, now: i64) {
        let entry = entry(row, act, now);
        if let (Act::Reopened { .. }, Some(life)) = (&entry.act, self.known.get_mut(&row.id)) {
            life.apply(&entry);
            self.changed.insert(row.id.clone());
        }
        self.entries.push(entry);
    }

    /// Why an alert's page must not leave, if it must not.
    pub async fn muted(
        &self,
        store: &mut AlertTransaction,
        row: &AlertRow,
        facts: &Facts,
    ) -> Result<Option<Muted>, AlertError> {
        let life = self.known.get(&row.id);
        if row.state == AlertState::Acknowledged {
            let by = life.and_then(|life| life.acknowledged.clone()).map(|(_, by)| by);
            return Ok(Some(Muted { reason: Suppression::Acknowledged, by }));
        }
        let level = self.level(row, facts.said.worst.level);
        if let Some(into) = life.and_then(|life| life.merged_into.as_deref())
            && speaks(store, into, level).await?
        {
            return Ok(Some(Muted { reason: Suppression::Merged, by: Some(into.to_owned()) }));
        }
        if let Some(by) = self.silenced(store, row, facts, level).await? {
            return Ok(Some(Muted { reason: Suppression::Silenced, by: Some(by) }));
        }
        let key = row.key_id.as_deref().filter(|_| level <= INHIBITED);
        let loud = key.and_then(|key| self.loud.get(&storable(key)));
        let by = loud.into_iter().flatten().find(|id| **id != row.id).cloned();
        Ok(by.map(|by| Muted { reason: Suppression::Inhibited, by: Some(by) }))
    }

    /// The silence in force for an alert.
    async fn silenced(
        &self,
        store: &mut AlertTransaction,
        row: &AlertRow,
        facts: &Facts,
        level: Level,
    ) -> Result<Option<String>, AlertError> {
        if self.silences.is_empty() {
            return Ok(None);
        }
        let alert_by: FoldedBy = serde_json::from_str(&row.alert_by)?;
        let by_tag = self.silences.iter().any(|(_, matcher)| !matcher.tags.is_empty());
        let tags = if by_tag { tags(store, row, facts).await? } else { BTreeSet::new() };
        let subject = Subject { alert_by: &alert_by, detectors: &facts.said.detectors, tags: &tags, level };
        let found = self.silences.iter().find(|(_, matcher)| matcher.matches(&subject));
        Ok(found.map(|(id, _)| id.clone()))
    }

    /// Writes what was noted into the journal, and how alerts stand after it.
    pub async fn write(&self, store: &mut AlertTransaction) -> Result<(), AlertError> {
        for id in &self.changed {
            if let Some(life) = self.known.get(id) {
                store.write_life(&life.row(id)?).await?;
            }
        }
        if !self.entries.is_empty() {
            let entries: Result<Vec<_>, _> = self.entries.iter().map(Entry::to_add).collect();
            store.append_journal(&entries?).await?;
        }
        Ok(())
    }
}

/// The loud alerts, of the store and of this batch, by the keys of the batch; read where it has an alert to mute.
async fn loud(
    store: &mut AlertTransaction,
    coming: &[Coming<'_>],
) -> Result<BTreeMap<String, BTreeSet<String>>, AlertError> {
    let quiet = coming.iter().filter(|of| of.level <= INHIBITED).filter_map(|of| of.key_id);
    let keys: BTreeSet<String> = quiet.map(storable).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let mut loud: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (key, id) in store.unresolved_on_keys(&keys, INHIBITS).await? {
        loud.entry(key).or_default().insert(id);
    }
    for of in coming.iter().filter(|of| of.level >= INHIBITS) {
        if let Some(key) = of.key_id {
            loud.entry(storable(key)).or_default().insert(of.id.to_owned());
        }
    }
    Ok(loud)
}

/// What there is to tell where an acknowledgement has lapsed.
pub(in crate::alerts) const fn news_of(growth: Growth) -> News {
    match growth {
        Growth::HigherLevel => News::HigherLevel,
        Growth::SuccessAfterAttempts => News::SuccessAfterAttempts,
        Growth::NewAspect => News::NewAspect,
        Growth::NewPrincipal => News::NewPrincipal,
        Growth::NewKey => News::NewKey,
    }
}

/// What the service itself does.
fn entry(row: &AlertRow, act: Act, now: i64) -> Entry {
    Entry {
        seq: 0,
        alert_id: row.id.clone(),
        transition: row.transition,
        at: format_rfc3339(now),
        by: KEYWARD.to_owned(),
        act,
        reason: None,
        at_micros: now,
    }
}

/// What the findings say beyond what somebody acknowledged.
fn growth_of(scope: &Scope, row: &AlertRow, facts: &Facts, newcomers: &BTreeSet<&str>) -> Option<Growth> {
    let is_new =
        |known: &BTreeSet<String>| newcomers.iter().any(|newcomer| !known.contains(&storable(newcomer)));
    if facts.said.worst.level > scope.level {
        Some(Growth::HigherLevel)
    } else if facts.success_after.is_some() && !scope.success_after_attempts {
        Some(Growth::SuccessAfterAttempts)
    } else if !facts.said.aspects.is_subset(&scope.aspects) {
        Some(Growth::NewAspect)
    } else if scope.parties.as_ref().is_some_and(is_new) {
        let is_of_one_principal = row.kind == AlertKind::Campaign && row.principal.is_some();
        Some(if is_of_one_principal { Growth::NewKey } else { Growth::NewPrincipal })
    } else {
        None
    }
}

/// Whether an alert speaks for those that were merged into it: as long as it is not resolved and as loud as they,
/// people look at them there.
async fn speaks(store: &mut AlertTransaction, id: &str, level: Level) -> Result<bool, AlertError> {
    let Some(row) = store.alerts(&[id]).await?.remove(id) else { return Ok(false) };
    let life = store.lives(&[id]).await?.pop();
    let life = Life::of(row.state, row.transition, life)?;
    Ok(row.state != AlertState::Resolved && life.level(row.level) >= level)
}

/// The tags of an alert's detectors, as their findings tell them.
async fn tags(
    store: &mut AlertTransaction,
    row: &AlertRow,
    facts: &Facts,
) -> Result<BTreeSet<String>, AlertError> {
    #[derive(serde::Deserialize)]
    struct Tagged {
        tags: Vec<String>,
    }
    let mut tags = BTreeSet::new();
    for detector in &facts.said.detectors {
        if let Some(json) = store.finding_of(&row.id, detector).await? {
            tags.extend(serde_json::from_str::<Tagged>(&json)?.tags);
        }
    }
    Ok(tags)
}
