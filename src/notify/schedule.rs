//! On-call schedules: a file that says who is on call when. Read again whenever it is asked.
//!
//! ```yaml
//! zone: Europe/Berlin
//! people: { ann: ann@example.com, bob: bob@example.com }
//! rotation: { start: "2026-11-23T09:00", every: 7d, order: [ann, bob] }
//! hours: { days: [mon, tue, wed, thu, fri], from: "08:00", to: "18:00" }      # optional
//! overrides: [{ from: "2026-12-24T00:00", to: "2026-12-27T00:00", person: bob }]
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Datelike, NaiveDateTime, TimeZone, Utc};
use serde::Deserialize;

use super::error::NotifyError;
use crate::config::{Hours, Span, Zone};

/// The longest schedule, in bytes: a thousand people with a year of overrides.
const LONGEST: u64 = 1024 * 1024;

/// Who is on call when.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Of all times in it but those of `hours`, which may have their own.
    #[serde(default)]
    zone: Zone,
    /// Mail addresses by name.
    people: BTreeMap<String, String>,
    #[serde(default)]
    rotation: Option<Rotation>,
    /// Somebody is on call only then.
    #[serde(default)]
    hours: Option<Hours>,
    #[serde(default)]
    overrides: Vec<Override>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rotation {
    start: LocalTime,
    every: Span,
    order: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Override {
    from: LocalTime,
    to: LocalTime,
    person: String,
}

/// A time of a wall clock, `2026-12-24T00:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
struct LocalTime(NaiveDateTime);

impl TryFrom<String> for LocalTime {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let time = NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M");
        time.map(Self).map_err(|_| format!("`{text}` is no local time; write \"2026-12-24T09:00\""))
    }
}

impl Schedule {
    /// The schedule in a file.
    ///
    /// # Errors
    /// Where it cannot be read or is wrong.
    pub fn load(path: &Path) -> Result<Self, NotifyError> {
        let wrong = |why: String| NotifyError::Schedule { path: PathBuf::from(path), why };
        let length = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
        if length > LONGEST {
            return Err(wrong(format!("it is longer than {LONGEST} bytes")));
        }
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        Self::parse(&text).map_err(wrong)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let schedule: Self = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        let named = schedule.rotation.iter().flat_map(|rotation| &rotation.order);
        let named = named.chain(schedule.overrides.iter().map(|other| &other.person));
        for person in named {
            if !schedule.people.contains_key(person) {
                return Err(format!("`{person}` is not among `people`"));
            }
        }
        if schedule.rotation.as_ref().is_some_and(|of| of.order.is_empty() || of.every.microseconds() == 0) {
            return Err("`rotation` needs somebody in `order`, and some time in `every`".to_owned());
        }
        Ok(schedule)
    }

    /// The mail address of whoever is on call at a time in microseconds since the epoch.
    pub fn on_call(&self, at: i64) -> Option<&str> {
        let now = DateTime::<Utc>::from_timestamp_micros(at)?.with_timezone(&self.zone.zone());
        let local = now.naive_local();
        let other = self.overrides.iter().find(|other| other.from.0 <= local && local < other.to.0);
        let person = match other {
            Some(other) => &other.person,
            None if self.hours.as_ref().is_some_and(|hours| !within(hours, at)) => return None,
            None => {
                let rotation = self.rotation.as_ref()?;
                // By the wall clock, so that shifts change at the same time of day in summer and winter.
                let past = local.signed_duration_since(rotation.start.0).num_microseconds()?;
                let shift = past.div_euclid(rotation.every.microseconds());
                let place = usize::try_from(shift.rem_euclid(rotation.order.len() as i64)).ok()?;
                rotation.order.get(place)?
            }
        };
        self.people.get(person).map(String::as_str)
    }
}

/// Whether a time, in microseconds since the epoch, is within hours.
pub fn within(hours: &Hours, at: i64) -> bool {
    let Some(now) = Utc.timestamp_micros(at).single() else { return false };
    let now = now.with_timezone(&hours.zone.zone());
    let (from, to, time) = (hours.from.time(), hours.to.time(), now.time());
    let (today, yesterday) = (now.weekday(), now.weekday().pred());
    let begins =
        |day: chrono::Weekday| hours.days.is_empty() || hours.days.iter().any(|of| day == (*of).into());
    if from < to {
        return begins(today) && from <= time && time < to;
    }
    (begins(today) && from <= time) || (begins(yesterday) && time < to)
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
