//! Incidents: alerts that a person looks at together, since they share a key, a principal, a campaign, or were merged.
//!
//! In: alerts. Out: the same alerts in groups. Pure, and the same for the same alerts in whatever order. Alerts are
//! taken as they were opened; each joins the first incident that it is tied to and that has room, and ties of one
//! alert never make one incident of two: so a principal that touches every key, or a key that everybody uses, makes
//! several incidents of a size that a person can look through, and not one of everything.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::alerts::KeptAlert;
use crate::domain::level::Level;
use crate::store::AlertKind;

/// Alerts in one incident at most: what fits a screen or two.
pub const MOST_ALERTS: usize = 50;

/// Alerts that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// The id of its first alert.
    pub id: String,
    /// The highest of its alerts.
    pub level: Level,
    /// Title of the loudest, of those the first.
    pub title: String,
    /// As they were opened.
    pub alerts: Vec<String>,
    pub keys: BTreeSet<String>,
    pub principals: BTreeSet<String>,
    /// When the first alert was opened, RFC 3339.
    pub opened_at: String,
}

/// What ties an alert to others, the strongest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Ties {
    Merged(String),
    Campaign(String),
    Key(String),
    Principal(String),
}

impl Ties {
    fn of(kept: &KeptAlert) -> Vec<Self> {
        let id = &kept.alert.id;
        let campaign = match kept.kind {
            AlertKind::Campaign => Some(id),
            AlertKind::Misuse | AlertKind::Digest => kept.folded_into.as_ref(),
        };
        let mut ties = vec![Self::Merged(kept.merged_into.as_ref().unwrap_or(id).clone())];
        ties.extend(campaign.cloned().map(Self::Campaign));
        ties.extend(kept.alert.key_id.clone().map(Self::Key));
        ties.extend(kept.alert.principal.clone().map(Self::Principal));
        ties
    }
}

/// The alerts in groups, the loudest first; digests are in none, since they tell of alerts that are.
pub fn incidents(alerts: &[KeptAlert]) -> Vec<Incident> {
    let mut ordered: Vec<&KeptAlert> = alerts.iter().filter(|kept| kept.kind != AlertKind::Digest).collect();
    ordered.sort_by(|one, other| (&one.opened_at, &one.alert.id).cmp(&(&other.opened_at, &other.alert.id)));
    let mut found: Vec<Incident> = Vec::new();
    let mut places: BTreeMap<Ties, usize> = BTreeMap::new();
    for kept in ordered {
        let ties = Ties::of(kept);
        let has_room = |place: &usize| found.get(*place).is_some_and(|of| of.alerts.len() < MOST_ALERTS);
        let place = ties.iter().filter_map(|tie| places.get(tie).copied()).find(has_room);
        let place = place.unwrap_or(found.len());
        for tie in ties {
            let full = places.get(&tie).is_some_and(|known| !has_room(known));
            if full || !places.contains_key(&tie) {
                places.insert(tie, place);
            }
        }
        match found.get_mut(place) {
            Some(incident) => incident.add(kept),
            None => found.push(Incident::begin(kept)),
        }
    }
    found.sort_by(|one, other| {
        other
            .level
            .cmp(&one.level)
            .then_with(|| (&one.opened_at, &one.id).cmp(&(&other.opened_at, &other.id)))
    });
    found
}

impl Incident {
    fn begin(kept: &KeptAlert) -> Self {
        let alert = &kept.alert;
        Self {
            id: alert.id.clone(),
            level: alert.level,
            title: alert.title.clone(),
            alerts: vec![alert.id.clone()],
            keys: alert.key_id.iter().cloned().collect(),
            principals: alert.principal.iter().cloned().collect(),
            opened_at: kept.opened_at.clone(),
        }
    }

    fn add(&mut self, kept: &KeptAlert) {
        let alert = &kept.alert;
        self.alerts.push(alert.id.clone());
        self.keys.extend(alert.key_id.clone());
        self.principals.extend(alert.principal.clone());
        if alert.level > self.level {
            self.level = alert.level;
            self.title.clone_from(&alert.title);
        }
    }
}

#[cfg(test)]
#[path = "incident_tests.rs"]
mod tests;
