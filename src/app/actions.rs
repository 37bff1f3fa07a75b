//! Where actions of remediation are looked at and decided: a data folder (or the store that a configuration names),
//! or a service that runs. As for alerts, reading goes beside a running service, and deciding asks it.

use serde::Deserialize;
use serde_json::json;
use tokio::runtime::Runtime;

use super::alerts::{DeskError, Place, runtime};
use super::clock::now_micros;
use crate::respond::{self, Action, Command, Kill, RespondError, Shown};
use crate::store::ActionFilter;

/// Where actions are.
#[derive(Debug)]
pub struct ActionDesk {
    runtime: Runtime,
    place: Place,
}

impl ActionDesk {
    /// To work there.
    ///
    /// # Errors
    /// Where the system gives no runtime.
    pub fn at(place: Place) -> Result<Self, DeskError> {
        let place = match place {
            Place::Service(client) => Place::Service(client.for_actions()),
            folder @ Place::Folder(_) => folder,
        };
        Ok(Self { runtime: runtime()?, place })
    }

    /// The actions that a filter lets through, at most so many, those proposed last first.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn list(&self, filter: &ActionFilter, most: u32) -> Result<Vec<Action>, DeskError> {
        #[derive(Deserialize)]
        struct Answer {
            actions: Vec<Action>,
        }
        self.runtime.block_on(async {
            match &self.place {
                Place::Folder(folder) => {
                    Ok(respond::list(&folder.read().await?, filter, i64::from(most)).await?)
                }
                Place::Service(client) => {
                    let mut parameters = vec![("limit", most.to_string())];
                    parameters.extend(filter.state.map(|state| ("state", state.to_string())));
                    parameters.extend(filter.alert_id.clone().map(|alert| ("alert", alert)));
                    Ok(client.get::<Answer>(&[], &parameters).await?.actions)
                }
            }
        })
    }

    /// One action with its journal.
    ///
    /// # Errors
    /// Where there is none, or it cannot be read.
    pub fn show(&self, id: &str) -> Result<Shown, DeskError> {
        self.runtime.block_on(async {
            match &self.place {
                Place::Folder(folder) => Ok(respond::show(&folder.read().await?, id).await?),
                Place::Service(client) => client.get(&[id], &[]).await,
            }
        })
    }

    /// Does something to an action on the word of `by`, and says how it stands then. A service takes the name that
    /// belongs to the token instead.
    ///
    /// # Errors
    /// Where it is not done.
    pub fn act(
        &self,
        id: &str,
        command: Command,
        by: &str,
        reason: Option<&str>,
    ) -> Result<Shown, DeskError> {
        self.runtime.block_on(async {
            match &self.place {
                Place::Folder(folder) => {
                    let store = folder.write().await?;
                    if let Command::Approve { .. } = command
                        && store.action(id).await?.is_some_and(|row| row.needs > 1)
                    {
                        // A name on the command line is anybody's.
                        let told =
                            "two people approve it, each by a token of their own: ask the service with --url";
                        return Err(RespondError::Conflict(told.to_owned()).into());
                    }
                    let shown = match respond::act(&store, id, command, by, reason, now_micros()).await {
                        Ok(_) => respond::show(&store, id).await,
                        Err(error) => Err(error),
                    };
                    store.close().await;
                    Ok(shown?)
                }
                Place::Service(client) => {
                    let mut body = serde_json::to_value(command).unwrap_or_default();
                    if let (Some(body), Some(reason)) = (body.as_object_mut(), reason) {
                        body.insert("reason".to_owned(), json!(reason));
                    }
                    client.post(&[id], &body, None).await
                }
            }
        })
    }

    /// Throws the kill switch or takes it off, where `on` says so, and says how it is.
    ///
    /// # Errors
    /// Where it cannot be read or set.
    pub fn kill_switch(
        &self,
        on: Option<bool>,
        by: &str,
        reason: Option<&str>,
    ) -> Result<Option<Kill>, DeskError> {
        #[derive(Deserialize)]
        struct Answer {
            kill: Option<Kill>,
        }
        const ROUTE: &[&str] = &[respond::KILL_SWITCH];
        self.runtime.block_on(async {
            match (&self.place, on) {
                (Place::Folder(folder), None) => Ok(respond::kill_switch(&folder.read().await?).await?),
                (Place::Folder(folder), Some(on)) => {
                    let store = folder.write().await?;
                    let kill = respond::set_kill_switch(&store, on, by, reason, now_micros()).await;
                    store.close().await;
                    Ok(kill?)
                }
                (Place::Service(client), None) => Ok(client.get::<Answer>(ROUTE, &[]).await?.kill),
                (Place::Service(client), Some(on)) => {
                    let body = json!({ "on": on, "reason": reason });
                    Ok(client.post::<Answer>(ROUTE, &body, None).await?.kill)
                }
            }
        })
    }
}
