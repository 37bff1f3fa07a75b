//! Silences: alerts that match page nobody until a date, on somebody's word and for a reason. They are stored and
//! counted all the same.

use std::collections::BTreeSet;

use globset::{GlobBuilder, GlobMatcher};
use serde::{Deserialize, Serialize};

use super::act::{Act, Entry};
use super::error::LifeError;
use super::rules::{reason_given, short};
use crate::domain::alert::{DAY, FoldedBy};
use crate::domain::identity::hex_id;
use crate::domain::level::Level;
use crate::domain::time::format_rfc3339;
use crate::store::{AlertTransaction, SilenceRow, Store, storable};

/// The longest that a silence may last, in microseconds: a quarter. What stays longer belongs into the catalog.
const LONGEST: i64 = 92 * DAY;

/// Silences in force or to come at once: every page is held against each of them.
const MOST: i64 = 1_000;

/// The longest glob, in bytes: an ARN has at most 2,048.
const LONGEST_GLOB: usize = 2_048;

/// What a silence mutes. All that is given has to match, and something has to be given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Matcher {
    /// Every detector of the alert: a glob for its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detector: Option<String>,
    /// The key that all findings of the alert share: a glob.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The principal that all findings of the alert share: a glob.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// The highest level that is muted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// Tags of the alert's detectors: all of these.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
}

/// What a silence is held against.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    pub alert_by: &'a FoldedBy,
    pub detectors: &'a BTreeSet<String>,
    pub tags: &'a BTreeSet<String>,
    pub level: Level,
}

impl Matcher {
    /// Whether it mutes this.
    pub(super) fn matches(&self, subject: &Subject<'_>) -> bool {
        let shared = |column: &str| subject.alert_by.get(column).and_then(Option::as_deref);
        let fits = |wanted: &Option<String>, value: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| value.is_some_and(|value| glob_fits(wanted, value)))
        };
        fits(&self.key, shared("key_id"))
            && fits(&self.principal, shared("principal"))
            && self.level.is_none_or(|highest| subject.level <= highest)
            && self.tags.is_subset(subject.tags)
            && subject.detectors.iter().all(|detector| fits(&self.detector, Some(detector)))
    }

    fn check(&self) -> Result<(), LifeError> {
        let globs = [&self.detector, &self.key, &self.principal];
        if globs.iter().all(|glob| glob.is_none()) && self.level.is_none() && self.tags.is_empty() {
            let told =
                "a silence for everything is no silence: say which detector, key, principal, level or tag";
            return Err(LifeError::Invalid(told.to_owned()));
        }
        for glob in globs.into_iter().flatten() {
            if glob.len() > LONGEST_GLOB || compiled(glob).is_none() {
                return Err(LifeError::Invalid(format!("`{glob}` is no glob: `*` and `?` stand for others")));
            }
        }
        Ok(())
    }
}

/// Globs are compiled when they are asked for: once a page and silence, and there are few of both.
fn glob_fits(glob: &str, value: &str) -> bool {
    glob == value || compiled(glob).is_some_and(|glob| glob.is_match(value))
}

fn compiled(glob: &str) -> Option<GlobMatcher> {
    Some(GlobBuilder::new(glob).backslash_escape(true).build().ok()?.compile_matcher())
}

/// A silence to be added.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewSilence {
    #[serde(rename = "match")]
    pub matcher: Matcher,
    pub reason: String,
    /// RFC 3339; now where it is missing.
    #[serde(default)]
    pub from: Option<String>,
    /// RFC 3339.
    pub until: String,
}

/// A silence as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    pub id: String,
    #[serde(rename = "match")]
    pub matcher: Matcher,
    pub author: String,
    pub reason: String,
    /// RFC 3339, as are the next two.
    pub created_at: String,
    pub from: String,
    pub until: String,
    /// Who ended it before its time.
    pub ended_by: Option<String>,
}

impl Silence {
    pub(super) fn of(row: SilenceRow) -> Result<Self, LifeError> {
        Ok(Self {
            id: row.id,
            matcher: serde_json::from_str(&row.matcher)?,
            author: row.author,
            reason: row.reason,
            created_at: format_rfc3339(row.created_at),
            from: format_rfc3339(row.starts_at),
            until: format_rfc3339(row.ends_at),
            ended_by: row.ended_by,
        })
    }
}

/// Adds a silence on the word of `by`. The same one asked for again at the same moment is the same one.
///
/// # Errors
/// [`LifeError::Invalid`] where it would mute everything, for ever or nothing; [`LifeError::Conflict`] where there are too many; any other where
/// the store fails.
pub async fn add_silence(store: &Store, new: &NewSilence, by: &str, now: i64) -> Result<Silence, LifeError> {
    let row = checked(new, by, now)?;
    let mut transaction = store.begin_alerts().await?;
    if let Some(known) = transaction.silence(&row.id).await? {
        return Silence::of(known);
    }
    if transaction.count_silences(now).await? >= MOST {
        return Err(LifeError::Conflict(format!("there are {MOST} silences; end one first")));
    }
    transaction.insert_silence(&row).await?;
    let act = Act::SilenceAdded { matcher: new.matcher.clone(), until: format_rfc3339(row.ends_at) };
    journal(&mut transaction, &row.id, act, by, Some(row.reason.clone()), now).await?;
    transaction.commit().await?;
    Silence::of(row)
}

fn checked(new: &NewSilence, by: &str, now: i64) -> Result<SilenceRow, LifeError> {
    new.matcher.check()?;
    let (author, reason) = (short("by", by)?, reason_given(Some(&new.reason))?);
    let starts_at = new.from.as_deref().map_or(Ok(now), time)?.max(now);
    let ends_at = time(&new.until)?;
    if ends_at <= starts_at || ends_at - now > LONGEST {
        let told = format!("a silence ends after it begins and within {} days", LONGEST / DAY);
        return Err(LifeError::Invalid(told));
    }
    let matcher = serde_json::to_string(&new.matcher)?;
    let id = hex_id(&[
        b"silence",
        matcher.as_bytes(),
        author.as_bytes(),
        &now.to_le_bytes(),
        &ends_at.to_le_bytes(),
    ]);
    Ok(SilenceRow { id, matcher, author, reason, created_at: now, starts_at, ends_at, ended_by: None })
}

fn time(text: &str) -> Result<i64, LifeError> {
    crate::domain::time::parse_rfc3339(text)
        .ok_or_else(|| LifeError::Invalid(format!("`{text}` is no time such as 2026-11-24T00:00:00Z")))
}

/// Ends a silence now.
///
/// # Errors
/// [`LifeError::NotFound`], [`LifeError::Conflict`] where it has ended, any other where the store fails.
pub async fn end_silence(
    store: &Store,
    id: &str,
    by: &str,
    reason: Option<&str>,
    now: i64,
) -> Result<Silence, LifeError> {
    let (by, id) = (short("by", by)?, &storable(id));
    let mut transaction = store.begin_alerts().await?;
    let missing = || LifeError::NotFound { what: "silence", list: "silence list", id: id.to_owned() };
    let Some(known) = transaction.silence(id).await? else { return Err(missing()) };
    if !transaction.end_silence(id, now, &by).await? {
        return Err(LifeError::Conflict(format!("it ended at {}", format_rfc3339(known.ends_at))));
    }
    let reason = reason.map(|reason| reason_given(Some(reason))).transpose()?;
    journal(&mut transaction, id, Act::SilenceEnded, &by, reason, now).await?;
    let row = transaction.silence(id).await?.ok_or_else(missing)?;
    transaction.commit().await?;
    Silence::of(row)
}

/// The silences in force or to come, and with `all` those that ended too; those that end last first, at most so many.
///
/// # Errors
/// Where the store fails.
pub async fn silences(store: &Store, all: bool, most: i64, now: i64) -> Result<Vec<Silence>, LifeError> {
    let after = if all { i64::MIN } else { now };
    store.silences(after, most).await?.into_iter().map(Silence::of).collect()
}

async fn journal(
    transaction: &mut AlertTransaction,
    id: &str,
    act: Act,
    by: &str,
    reason: Option<String>,
    now: i64,
) -> Result<(), LifeError> {
    let entry = Entry {
        seq: 0,
        alert_id: id.to_owned(),
        transition: 0,
        at: String::new(),
        by: by.to_owned(),
        act,
        reason,
        at_micros: now,
    };
    transaction.append_journal(&[entry.to_add()?]).await?;
    Ok(())
}
