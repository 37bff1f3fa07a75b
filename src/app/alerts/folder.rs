//! Alerts in a store.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{DeskError, Happened, Wanted};
use crate::alerts::life::{
    self, Incident, LifeError, MOST_GROUPED, MOST_LISTED, NewSilence, Request, Shown, Silence, Untold,
};
use crate::alerts::{KeptAlert, kept_of};
use crate::app::clock::now_micros;
use crate::app::load;
use crate::config::StoreAddress;
use crate::domain::alert::Suppression;
use crate::store::{AlertFilter, CatalogVersion, Place, Store};

/// How often the journal is looked at for what is new.
const LOOK: Duration = Duration::from_millis(500);

/// Entries read at once.
const MOST_ENTRIES: i64 = 500;

/// A data folder, and the store that goes with it.
#[derive(Debug)]
pub struct Folder {
    data: PathBuf,
    address: StoreAddress,
}

impl Folder {
    /// A data folder with its embedded store.
    ///
    /// # Errors
    /// Where there is no such folder.
    pub fn embedded(data: &Path) -> Result<Self, DeskError> {
        Self::of(data.to_owned(), StoreAddress::Embedded)
    }

    /// What the configuration at `path` names.
    ///
    /// # Errors
    /// Where it is wrong.
    pub fn configured(path: &Path) -> Result<Self, DeskError> {
        let config = load::config(path).map_err(DeskError::Config)?;
        Self::of(config.data, config.store)
    }

    fn of(data: PathBuf, address: StoreAddress) -> Result<Self, DeskError> {
        // A wrong folder must not become a new one.
        if !data.is_dir() {
            return Err(DeskError::NoFolder(data));
        }
        Ok(Self { data, address })
    }

    fn place(&self) -> Place<'_> {
        Place { root: &self.data, address: &self.address, instance: "keyward alerts" }
    }

    pub(in crate::app) async fn read(&self) -> Result<Store, DeskError> {
        Ok(Store::read_at(self.place()).await?)
    }

    pub(in crate::app) async fn write(&self) -> Result<Store, DeskError> {
        Ok(Store::open_at(self.place(), now_micros()).await?)
    }

    pub(super) async fn list(&self, filter: &AlertFilter, most: u32) -> Result<Vec<KeptAlert>, DeskError> {
        Ok(kept_of(&self.read().await?, filter, i64::from(most)).await?)
    }

    pub(in crate::app) async fn show(&self, id: &str) -> Result<Shown, DeskError> {
        Ok(life::show(&self.read().await?, id).await?)
    }

    pub(super) async fn act(&self, id: &str, wanted: &Wanted) -> Result<KeptAlert, DeskError> {
        let Wanted { by, command, reason, version } = wanted.clone();
        let store = self.write().await?;
        let request = Request { by, reason, version, command };
        let kept = match life::act(&store, id, &request, now_micros()).await {
            Ok(_) => life::find(&store, id).await,
            Err(error) => Err(error),
        };
        store.close().await;
        Ok(kept?)
    }

    pub(super) async fn suppressed(
        &self,
        reason: Option<Suppression>,
        most: u32,
    ) -> Result<Vec<Untold>, DeskError> {
        Ok(life::untold(&self.read().await?, reason, i64::from(most)).await?)
    }

    pub(in crate::app) async fn catalog_versions(&self) -> Result<Vec<CatalogVersion>, DeskError> {
        Ok(self.read().await?.catalog_versions().await?)
    }

    pub(super) async fn incidents(&self) -> Result<Vec<Incident>, DeskError> {
        let filter = AlertFilter { unresolved: true, ..AlertFilter::default() };
        Ok(life::incidents(&kept_of(&self.read().await?, &filter, MOST_GROUPED).await?))
    }

    pub(super) async fn silences(&self, all: bool) -> Result<Vec<Silence>, DeskError> {
        Ok(life::silences(&self.read().await?, all, MOST_LISTED, now_micros()).await?)
    }

    pub(super) async fn add_silence(&self, new: &NewSilence, by: &str) -> Result<Silence, DeskError> {
        let store = self.write().await?;
        let added = life::add_silence(&store, new, by, now_micros()).await;
        store.close().await;
        Ok(added?)
    }

    pub(super) async fn end_silence(
        &self,
        id: &str,
        by: &str,
        reason: Option<&str>,
    ) -> Result<Silence, DeskError> {
        let store = self.write().await?;
        let ended = life::end_silence(&store, id, by, reason, now_micros()).await;
        store.close().await;
        Ok(ended?)
    }

    pub(super) async fn watch(
        &self,
        after: Option<i64>,
        each: &mut dyn FnMut(&Happened) -> std::io::Result<bool>,
    ) -> Result<(), DeskError> {
        let store = self.read().await?;
        let mut last = match after {
            Some(after) => after,
            None => store.journal_end().await?,
        };
        loop {
            let entries = life::entries_after(&store, last, MOST_ENTRIES).await?;
            let is_idle = entries.is_empty();
            for entry in entries {
                last = entry.seq;
                let alert = match life::find(&store, &entry.alert_id).await {
                    Ok(alert) => Some(alert),
                    Err(LifeError::NotFound { .. }) => None,
                    Err(error) => return Err(error.into()),
                };
                if !each(&Happened { entry, alert })? {
                    return Ok(());
                }
            }
            if is_idle {
                tokio::time::sleep(LOOK).await;
            }
        }
    }
}
