//! Remediation beside the loop: proposals from pages, receivers behind the guard of all requests, and what they do
//! recognised in the log.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use futures::FutureExt;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::Running;
use crate::catalog::Catalog;
use crate::config::Respond;
use crate::detect::table::findings_schema;
use crate::history::Snapshot;
use crate::notify::Asker;
use crate::respond::{Call, Open, OwnActs, Refused, Request, Responder, Settings};
use crate::sql::session::{self, Limits};
use crate::store::{BlockingStore, Store};

/// Threads that one question of remediation may use: the loop needs the others.
const PARTITIONS: usize = 1;

/// What else of the service has to do with remediation.
#[derive(Clone)]
pub(super) struct Remedy {
    pub own: OwnActs,
    /// To be notified after pages were put into the outbox, or people did something to actions.
    pub wake: Arc<Notify>,
}

/// Whether pages are put into the outbox for remediation.
pub(super) fn is_on(respond: &Respond) -> bool {
    !respond.playbooks.is_empty()
}

/// Starts it; it ends with the service.
///
/// # Errors
/// Where a receiver's address is wrong or must not be reached.
pub(super) fn start(
    runtime: &Handle,
    store: &BlockingStore,
    running: &Running,
    settings: Settings,
) -> Result<Remedy> {
    let respond = &running.config.respond;
    let own = OwnActs::new(&respond.actors).map_err(anyhow::Error::msg)?;
    let remedy = Remedy { own: own.clone(), wake: Arc::default() };
    if !is_on(respond) && respond.receivers.is_empty() {
        return Ok(remedy);
    }
    let responder = Responder {
        store: store.shared(),
        settings,
        open: opening(store.shared()),
        call: calling(respond)?,
        own,
        metrics: Arc::clone(&running.metrics),
        clock: Arc::clone(&running.clock),
        wake: Arc::clone(&remedy.wake),
    };
    runtime.spawn(responder.run(running.end.clone()));
    Ok(remedy)
}

/// Opens history as it is sealed then.
fn opening(store: Arc<Store>) -> Open {
    Arc::new(move || {
        let store = Arc::clone(&store);
        async move {
            let told = |error: &dyn std::fmt::Display| error.to_string();
            let limits = Limits { partitions: PARTITIONS, ..Limits::default() };
            let session = session::open(&limits).map_err(|error| told(&error))?;
            let snapshot = Snapshot::take_sealed(&store).await.map_err(|error| told(&error))?;
            let entries = Catalog::empty().entries().map_err(|error| told(&error))?;
            let registered = snapshot.register(&session, &findings_schema(), entries).await;
            registered.map_err(|error| told(&error))?;
            Ok(session)
        }
        .boxed()
    })
}

/// Asks receivers by their names.
fn calling(respond: &Respond) -> Result<Call> {
    let mut askers = BTreeMap::new();
    for of in &respond.receivers {
        let timeout = of.timeout.duration();
        let asker = Asker::new(&of.url, &of.signing_keys, of.token.as_ref(), &of.allow_networks, timeout)
            .with_context(|| format!("the receiver `{}`", of.name))?;
        askers.insert(of.name.clone(), asker);
    }
    let askers = Arc::new(askers);
    Ok(Arc::new(move |request: Request| {
        let askers = Arc::clone(&askers);
        async move {
            let Some(asker) = askers.get(&request.receiver) else {
                let why = format!("there is no receiver `{}`", request.receiver);
                return Err(Refused { why, for_good: true, pause: None });
            };
            let answer = asker.ask(&request.id, request.body, request.at).await;
            answer.map_err(|failure| Refused {
                why: failure.why,
                for_good: failure.for_good,
                pause: failure.pause,
            })
        }
        .boxed()
    }))
}
