//! The options that say where alerts are, and who works on them.

use std::path::PathBuf;

use super::failed;
use crate::app::actions::ActionDesk;
use crate::app::alerts::{Desk, DeskError, Place};
use crate::cli::exit::Failure;

/// Where alerts are.
#[derive(Debug, clap::Args)]
pub struct PlaceArgs {
    /// The data folder of the service.
    #[arg(long, value_name = "DIR", default_value = "keyward-data")]
    data: PathBuf,

    /// The service's configuration: it names the data folder and the store.
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    config: Option<PathBuf>,

    /// A running service.
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// A file with your token for it.
    #[arg(long, value_name = "FILE")]
    token: Option<PathBuf>,
}

impl PlaceArgs {
    fn place(&self) -> Result<Place, DeskError> {
        match (&self.url, &self.config) {
            (Some(url), _) => Place::service(url, self.token.clone()),
            (None, Some(config)) => Place::configured(config),
            (None, None) => Place::folder(&self.data),
        }
    }

    /// Opens it.
    ///
    /// # Errors
    /// Where there is no such place.
    pub fn desk(&self) -> Result<Desk, Failure> {
        self.place().and_then(Desk::at).map_err(failed)
    }

    /// Opens the actions that are there.
    ///
    /// # Errors
    /// Where there is no such place.
    pub fn actions(&self) -> Result<ActionDesk, Failure> {
        self.place().and_then(ActionDesk::at).map_err(failed)
    }
}

/// Who does it.
#[derive(Debug, clap::Args)]
pub struct WhoArgs {
    /// Your name in the journal; with --url it is the one that belongs to your token.
    #[arg(
        long = "by",
        value_name = "NAME",
        env = "USER",
        default_value = "somebody",
        hide_env_values = true
    )]
    name: String,
}

impl WhoArgs {
    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }
}
