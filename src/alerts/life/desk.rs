//! Where people do something to alerts: one request, one transaction.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::act::{Act, Entry, Scope};
use super::error::LifeError;
use super::notice::notice;
use super::rules::{self, Known, Target, short};
use super::state::Life;
use crate::alerts::facts::Facts;
use crate::domain::level::Level;
use crate::store::{AlertRow, AlertState, AlertTransaction, Disposition, Store, storable};

/// Principals (of a campaign: keys or principals) that an acknowledgement remembers; of an alert with more, new
/// ones do not end it.
const MOST_PARTIES: i64 = 1_000;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Command {
    /// I look at it: nobody else is told until its scope grows.
    Acknowledge,
    /// It is this person's, or nobody's.
    Assign {
        #[serde(default)]
        to: Option<String>,
    },
    /// The reason is the note.
    Note,
    Resolve {
        disposition: Disposition,
    },
    Reopen,
    /// It counts as this loud; without a level, as its findings say.
    Level {
        #[serde(default)]
        level: Option<Level>,
    },
    /// Another alert speaks for it.
    Merge {
        into: String,
    },
    /// It stands by itself again.
    Split,
    Link {
        to: String,
    },
    Unlink {
        to: String,
    },
}

/// Who wants what done, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub by: String,
    pub reason: Option<String>,
    /// The version that whoever asks has seen; without one, whatever it is.
    pub version: Option<String>,
    pub command: Command,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acted {
    /// What was written into the journal, numbered in this order.
    pub entries: Vec<Entry>,
    /// Messages for channels; wake the dispatcher where there are any.
    pub deliveries: u64,
}

/// What names how an alert stands: how often it was opened, and the number of its last journal entry.
pub(in crate::alerts) fn version(transition: i64, last_entry: i64) -> String {
    format!("{transition}.{last_entry}")
}

/// Does what is asked to an alert.
///
/// # Errors
/// Where there is no such alert, it stands otherwise than is believed, the request does not go with how it stands, or the
/// store fails. Nothing is changed then.
pub async fn act(store: &Store, alert_id: &str, request: &Request, now: i64) -> Result<Acted, LifeError> {
    let by = short("by", &request.by)?;
    let reason = request.reason.as_deref().map(|reason| rules::reason_given(Some(reason))).transpose()?;
    let alert_id = &storable(alert_id);
    let mut desk =
        Desk { transaction: store.begin_alerts().await?, by, reason, now, entries: Vec::new(), told: 0 };
    desk.check_version(alert_id, request.version.as_deref()).await?;
    desk.act(alert_id, &request.command).await?;
    let Desk { mut transaction, mut entries, told, .. } = desk;
    let last = transaction.append_journal(&to_add(&entries)?).await?;
    transaction.commit().await?;
    for (seq, entry) in (1..=last).rev().zip(entries.iter_mut().rev()) {
        entry.seq = seq;
    }
    Ok(Acted { entries, deliveries: told })
}

fn to_add(entries: &[Entry]) -> Result<Vec<crate::store::NewEntry>, LifeError> {
    entries.iter().map(|entry| Ok(entry.to_add()?)).collect()
}

/// One request being served.
struct Desk {
    transaction: AlertTransaction,
    by: String,
    reason: Option<String>,
    now: i64,
    entries: Vec<Entry>,
    told: u64,
}

impl Desk {
    async fn check_version(&mut self, id: &str, asked: Option<&str>) -> Result<(), LifeError> {
        let row = self.find(id).await?;
        let now = version(row.transition, self.transaction.last_entry_of(id).await?);
        match asked {
            Some(asked) if asked != now => Err(LifeError::Stale { now, asked: asked.to_owned() }),
            _ => Ok(()),
        }
    }

    async fn find(&mut self, id: &str) -> Result<AlertRow, LifeError> {
        let missing = || LifeError::NotFound { what: "alert", list: "list", id: id.to_owned() };
        let id = &storable(id);
        self.transaction.alerts(&[id]).await?.remove(id.as_str()).ok_or_else(missing)
    }

    async fn life(&mut self, row: &AlertRow) -> Result<Life, LifeError> {
        let life = self.transaction.lives(&[&row.id]).await?.pop();
        Ok(Life::of(row.state, row.transition, life)?)
    }

    async fn act(&mut self, id: &str, command: &Command) -> Result<(), LifeError> {
        let row = self.find(id).await?;
        let facts: Facts = serde_json::from_str(&row.facts)?;
        let life = self.life(&row).await?;
        let members = self.transaction.members_of(id).await?;
        let scope = self.scope(id, &facts).await?;
        let target = self.target(command).await?;
        let known =
            Known { id, life: &life, found: facts.said.worst.level, scope: &scope, members: members.len() };
        let act = rules::act_of(command, self.reason.as_deref(), &known, target.as_ref())?;
        let resolves = matches!(act, Act::Resolved { .. }).then(|| act.clone());
        self.happen(row, life, act).await?;
        let Some(act) = resolves else { return Ok(()) };
        for member in members {
            let row = self.find(&member).await?;
            if row.state != AlertState::Resolved {
                let life = self.life(&row).await?;
                self.happen(row, life, act.clone()).await?;
            }
        }
        Ok(())
    }

    /// What somebody who acknowledges now knows.
    async fn scope(&mut self, id: &str, facts: &Facts) -> Result<Scope, LifeError> {
        let parties = self.transaction.parties_of(id, MOST_PARTIES + 1).await?;
        let parties: BTreeSet<String> = parties.into_iter().collect();
        let few = i64::try_from(parties.len()).is_ok_and(|count| count <= MOST_PARTIES);
        Ok(Scope {
            level: facts.said.worst.level,
            aspects: facts.said.aspects.clone(),
            success_after_attempts: facts.success_after.is_some(),
            parties: few.then_some(parties),
        })
    }

    async fn target(&mut self, command: &Command) -> Result<Option<Target>, LifeError> {
        let (Command::Merge { into: other } | Command::Link { to: other }) = command else { return Ok(None) };
        let other = &storable(other);
        let Some(row) = self.transaction.alerts(&[other]).await?.remove(other) else { return Ok(None) };
        let life = self.life(&row).await?;
        let members = self.transaction.members_of(other).await?.len();
        Ok(Some(Target { merged_into: life.merged_into, members }))
    }

    /// Lets one thing happen to one alert: its row, its journal, and what its channels are to be told.
    async fn happen(&mut self, mut row: AlertRow, mut life: Life, act: Act) -> Result<(), LifeError> {
        if matches!(act, Act::Reopened { .. }) {
            row.transition += 1;
            row.pages = 0;
            row.opened_at = self.now;
        }
        let entry = Entry {
            seq: 0,
            alert_id: row.id.clone(),
            transition: row.transition,
            at: crate::domain::time::format_rfc3339(self.now),
            by: self.by.clone(),
            act,
            reason: self.reason.clone(),
            at_micros: self.now,
        };
        life.apply(&entry);
        row.state = life.state;
        row.updated_at = self.now;
        self.told += notice(&mut self.transaction, &mut row, &life, &entry).await?;
        self.transaction.write_life(&life.row(&row.id)?).await?;
        self.transaction.write_alerts(&[row]).await?;
        self.entries.push(entry);
        Ok(())
    }
}
