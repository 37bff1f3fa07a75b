//! Where alerts are looked at and worked on: a data folder (or the store that a configuration names), or a service that
//! runs.
//!
//! Reading a store goes beside a running service. Changing it does not: one process writes to a store, and while the
//! service has it, it is asked over HTTP.

mod client;
mod error;
mod folder;
mod place;

use tokio::runtime::{Builder, Runtime};

pub use self::client::Client;
pub use self::error::DeskError;
pub use self::folder::Folder;
pub use self::place::Place;

use crate::alerts::KeptAlert;
use crate::alerts::life::{Command, Entry, Incident, NewSilence, Shown, Silence, Untold};
use crate::domain::alert::Suppression;
use crate::store::AlertFilter;

/// Where alerts are.
#[derive(Debug)]
pub struct Desk {
    runtime: Runtime,
    place: Place,
}

/// What is to be done to an alert.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Who wants it; a service takes the name that belongs to the token instead.
    pub by: String,
    pub command: Command,
    pub reason: Option<String>,
    /// The version seen; without one, whatever it is.
    pub version: Option<String>,
}

/// An entry of the journal with its alert as it stands; an entry about a silence has none.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Happened {
    pub entry: Entry,
    pub alert: Option<KeptAlert>,
}

impl Desk {
    /// To work there.
    ///
    /// # Errors
    /// Where the system gives no runtime.
    pub fn at(place: Place) -> Result<Self, DeskError> {
        Ok(Self { runtime: runtime()?, place })
    }

    /// The alerts that a filter lets through, at most so many, those that changed last first.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn list(&self, filter: &AlertFilter, most: u32) -> Result<Vec<KeptAlert>, DeskError> {
        match &self.place {
            Place::Folder(folder) => self.runtime.block_on(folder.list(filter, most)),
            Place::Service(client) => self.runtime.block_on(client.list(filter, most)),
        }
    }

    /// One alert in full.
    ///
    /// # Errors
    /// Where there is no such alert, or it cannot be read.
    pub fn show(&self, id: &str) -> Result<Shown, DeskError> {
        match &self.place {
            Place::Folder(folder) => self.runtime.block_on(folder.show(id)),
            Place::Service(client) => self.runtime.block_on(client.show(id)),
        }
    }

    /// Does something to an alert, and says how it stands then.
    ///
    /// # Errors
    /// Where it is not done.
    pub fn act(&self, id: &str, wanted: &Wanted) -> Result<KeptAlert, DeskError> {
        match &self.place {
            Place::Folder(folder) => self.runtime.block_on(folder.act(id, wanted)),
            Place::Service(client) => self.runtime.block_on(client.act(id, wanted)),
        }
    }

    /// What was not told, at most so many rows.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn suppressed(&self, reason: Option<Suppression>, most: u32) -> Result<Vec<Untold>, DeskError> {
        match &self.place {
            Place::Folder(folder) => self.runtime.block_on(folder.suppressed(reason, most)),
            Place::Service(client) => self.runtime.block_on(client.suppressed(reason, most)),
        }
    }

    /// Unresolved alerts in groups.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn incidents(&self) -> Result<Vec<Incident>, DeskError> {
        match &self.place {
            Place::Folder(folder) => self.runtime.block_on(folder.incidents()),
            Place::Service(client) => self.runtime.block_on(client.incidents()),
        }
    }

    /// Silences in force or to come; with `all` those that ended too.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn silences(&self, all: bool) -> Result<Vec<Silence>, DeskError> {
        match &self.place {
            Place::Folder(folder) => self.runtime.block_on(folder.silences(all)),
            Place::Service(client) => self.runtime.block_on(client.silences(all)),
        }
    }

    /// Adds a silence on the word of `by`.
    ///
    /// # Errors
    /// Where it is not added.
    pub fn add_silence(&self, new: &NewSilence, by: &str) -> Result<Silence, DeskError> {
        match &self.place {
            Place::Folder(folder) => self.runtime.block_on(folder.add_silence(new, by)),
            Place::Service(client) => self.runtime.block_on(client.add_silence(new)),
        }
    }

    /// Ends a silence now.
    ///
    /// # Errors
    /// Where it is not ended.
    pub fn end_silence(&self, id: &str, by: &str, reason: Option<&str>) -> Result<Silence, DeskError> {
        match &self.place {
            Place::Folder(folder) => self.runtime.block_on(folder.end_silence(id, by, reason)),
            Place::Service(client) => self.runtime.block_on(client.end_silence(id, reason)),
        }
    }

    /// Hands over every entry of the journal after the one numbered `after` (from now on where there is none), as
    /// they come, until `each` says stop.
    ///
    /// # Errors
    /// Where they cannot be read, or `each` fails.
    pub fn watch(
        &self,
        after: Option<i64>,
        each: &mut dyn FnMut(&Happened) -> std::io::Result<bool>,
    ) -> Result<(), DeskError> {
        match &self.place {
            Place::Folder(folder) => self.runtime.block_on(folder.watch(after, each)),
            Place::Service(client) => self.runtime.block_on(client.watch(after, each)),
        }
    }
}

pub(in crate::app) fn runtime() -> Result<Runtime, DeskError> {
    Builder::new_current_thread().enable_all().build().map_err(DeskError::Runtime)
}
