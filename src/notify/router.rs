//! Makes deliveries of pages: takes what waits in the outbox to be routed, asks the routes, and writes what each
//! page becomes in one transaction. Killed at any moment it begins again where nothing was lost.
//!
//! What a channel has no room for becomes part of a summary, which is sent with the true counts; what nobody
//! acknowledges is told again.

mod reminding;
mod summing;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::channel::Outlet;
use super::dispatcher::Clock;
use super::error::NotifyError;
use super::message::{Asked, PARTS};
use super::routes::{Moment, Node, Routes, Schedules, Target};
use super::template::Templates;
use super::told::{Act, Told};
use crate::config::{Alerts, Detail};
use crate::domain::identity::hex_id;
use crate::domain::ownership::Ownership;
use crate::store::{RoutedDelivery, RoutingTransaction, Store, StoreError, UnroutedPage};

/// Pages that one transaction routes: a storm is cut into pieces that nobody waits for.
const BATCH: i64 = 200;

/// How often the outbox is looked at although nothing woke us: another process may have written to it.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// How long to leave a store alone that failed.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// Whose a key is, by the id of its catalog entry.
pub type Owners = Arc<dyn Fn(&str) -> Option<Ownership> + Send + Sync>;

/// Routes pages.
pub struct Router {
    store: Arc<Store>,
    routes: Routes,
    outlets: BTreeMap<String, Outlet>,
    schedules: BTreeMap<String, PathBuf>,
    templates: Templates,
    owners: Owners,
    wake: Arc<Notify>,
    dispatchers: Vec<Arc<Notify>>,
    /// Targets whose messages are used up, with the begin of the window: in a storm they are not counted again.
    used_up: Mutex<HashMap<Target, i64>>,
    clock: Clock,
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router").field("outlets", &self.outlets.keys()).finish_non_exhaustive()
    }
}

/// One transaction of routing.
struct Routing<'r> {
    router: &'r Router,
    store: RoutingTransaction,
    schedules: Schedules,
    now: i64,
    /// Messages that each target got in its window, where it has a limit.
    sent: HashMap<Target, i64>,
}

/// One message of one route.
#[derive(Clone, Copy)]
struct Saying<'a> {
    told: &'a Told,
    ownership: &'a Ownership,
    route: &'a Node,
    /// When it was due, where it is told again.
    step: i64,
}

impl Router {
    /// A router for the channels of the configuration; `owners` says whose keys are.
    ///
    /// # Errors
    /// Where a channel, a route or a template is wrong.
    pub fn new(
        store: Arc<Store>,
        config: &Alerts,
        owners: Owners,
        clock: Clock,
    ) -> Result<Self, NotifyError> {
        let outlets = config.all_channels();
        let outlets = outlets.iter().map(|channel| Ok((channel.name.clone(), Outlet::new(channel)?)));
        Ok(Self {
            store,
            routes: Routes::new(&config.route())?,
            outlets: outlets.collect::<Result<_, NotifyError>>()?,
            schedules: config.schedules.clone(),
            templates: Templates::load(config.templates.as_deref())?,
            owners,
            wake: Arc::default(),
            dispatchers: Vec::new(),
            used_up: Mutex::default(),
            clock,
        })
    }

    /// To be notified after pages were put into the outbox.
    pub fn waker(&self) -> Arc<Notify> {
        Arc::clone(&self.wake)
    }

    /// Lets a dispatcher be woken when there is something for it.
    pub fn wakes(&mut self, dispatcher: Arc<Notify>) {
        self.dispatchers.push(dispatcher);
    }

    /// Routes until it is told to stop.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let pause = match self.turn().await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::warn!(%error, "pages could not be routed; trying again");
                    STORE_PAUSE
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = self.wake.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Routes what waits and tells what is due; says how long there is nothing to do.
    ///
    /// # Errors
    /// When the store fails; nothing of the last piece has happened then.
    pub async fn turn(&self) -> Result<Duration, StoreError> {
        let pages = self.store.unrouted(BATCH).await?;
        let now = (self.clock)();
        let due = self.store.next_due().await?;
        if pages.is_empty() && due.is_none_or(|due| due > now) {
            let wait = due.map_or(LOOK_EVERY, |due| Duration::from_micros(due.abs_diff(now)));
            return Ok(wait.min(LOOK_EVERY));
        }
        let mut routing = Routing {
            router: self,
            store: self.store.begin_routing().await?,
            schedules: Schedules::read(&self.schedules),
            now,
            sent: HashMap::new(),
        };
        for page in &pages {
            routing.page(page).await?;
        }
        routing.remind().await?;
        routing.sum_up().await?;
        routing.store.commit().await?;
        self.dispatchers.iter().for_each(|dispatcher| dispatcher.notify_one());
        Ok(Duration::ZERO)
    }

    /// Whether the messages of a target were used up when they were last counted in this window.
    fn is_used_up(&self, target: &Target, window: i64) -> bool {
        let used_up = self.used_up.lock().unwrap_or_else(PoisonError::into_inner);
        used_up.get(target).is_some_and(|used_up| *used_up == window)
    }

    fn use_up(&self, target: &Target, window: i64) {
        let mut used_up = self.used_up.lock().unwrap_or_else(PoisonError::into_inner);
        used_up.insert(target.clone(), window);
    }

    fn ownership(&self, told: &Told) -> Ownership {
        told.catalog_id.as_deref().and_then(|id| (self.owners)(id)).unwrap_or_default()
    }
}

impl Routing<'_> {
    async fn page(&mut self, page: &UnroutedPage) -> Result<(), StoreError> {
        let told = match Told::read(&page.payload) {
            Ok(told) => told,
            Err(error) => {
                tracing::error!(page = page.id, %error, "a page cannot be read; it is parked");
                return self.store.unreadable(&page.id, self.now, &format!("no page: {error}")).await;
            }
        };
        let ownership = self.router.ownership(&told);
        match told.act() {
            Act::Trigger => self.trigger(page, &told, &ownership).await?,
            Act::Acknowledge | Act::Resolve => self.conclude(&told, &ownership).await?,
        }
        self.store.routed(&page.id, self.now).await
    }

    /// Tells whom the routes say.
    async fn trigger(
        &mut self,
        page: &UnroutedPage,
        told: &Told,
        ownership: &Ownership,
    ) -> Result<(), StoreError> {
        let moment = Moment { at: self.now, ownership, schedules: &self.schedules };
        for (route, targets) in self.router.routes.plan(told, &moment) {
            let saying = Saying { told, ownership, route, step: 0 };
            for target in &targets {
                self.say(saying, target).await?;
            }
            self.start_reminder(page, told, route).await?;
        }
        Ok(())
    }

    /// Tells those who were told of the alert that it is acknowledged or resolved.
    async fn conclude(&mut self, told: &Told, ownership: &Ownership) -> Result<(), StoreError> {
        self.store.end_reminders(&told.alert).await?;
        let mut known = Vec::new();
        for to in self.store.told(&told.alert).await? {
            let target = Target { channel: to.channel, person: to.target };
            let route = to.route.as_deref().and_then(|name| self.router.routes.named(name));
            let Some(route) = route.filter(|route| route.resolved && !known.contains(&target)) else {
                continue;
            };
            self.say(Saying { told, ownership, route, step: 0 }, &target).await?;
            known.push(target);
        }
        Ok(())
    }

    /// Writes one message for one target, or makes it part of a summary.
    async fn say(&mut self, saying: Saying<'_>, target: &Target) -> Result<(), StoreError> {
        // A channel that is gone since the alert was told has nothing more to hear.
        let Some(outlet) = self.router.outlets.get(&target.channel) else { return Ok(()) };
        let Saying { told, ownership, route, step } = saying;
        let id = delivery_id(told, target, step);
        let summary = self.summary_for(outlet, target, told).await?;
        let payload = match &summary {
            Some(_) => String::new(),
            None => {
                let findings = self.findings(told, route).await?;
                let asked = Asked {
                    delivery: &id,
                    told,
                    ownership,
                    target: target.person.as_deref(),
                    findings: &findings,
                    parts: &[],
                    at: self.now,
                };
                outlet.render(&asked, &self.router.templates)
            }
        };
        let routed = RoutedDelivery {
            id: &id,
            alert_id: &told.alert,
            channel: &target.channel,
            transition: told.transition,
            repeat: told.repeat,
            payload: &payload,
            created_at: self.now,
            target: target.person.as_deref(),
            step,
            news: &told.news,
            level: told.level.as_str(),
            route: &route.name,
            folded_into: summary.as_deref(),
        };
        self.store.insert(&routed).await
    }

    /// What the route tells of findings.
    async fn findings(&mut self, told: &Told, route: &Node) -> Result<Vec<serde_json::Value>, StoreError> {
        if route.detail == Detail::Ids || told.act() != Act::Trigger {
            return Ok(Vec::new());
        }
        let kept = self.store.latest_findings(&told.alert, PARTS as i64).await?;
        Ok(kept.iter().filter_map(|finding| serde_json::from_str(finding).ok()).collect())
    }
}

/// The same for the same page, target and step, and for a page to a whole channel what `alerts` would give it.
fn delivery_id(told: &Told, target: &Target, step: i64) -> String {
    let (transition, repeat, step_bytes) =
        (told.transition.to_le_bytes(), told.repeat.to_le_bytes(), step.to_le_bytes());
    let mut parts: Vec<&[u8]> = vec![told.alert.as_bytes(), target.channel.as_bytes(), &transition, &repeat];
    if target.person.is_some() || step != 0 {
        parts.push(target.person.as_deref().unwrap_or_default().as_bytes());
        parts.push(&step_bytes);
    }
    hex_id(&parts)
}
