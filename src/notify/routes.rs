//! The tree of routes: which page goes to whom. Pure: the clock and the schedules are arguments.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::error::NotifyError;
use super::schedule::{Schedule, within};
use super::told::Told;
use crate::config::{Detail, Escalation, Recipient, Route, When};
use crate::domain::ownership::Ownership;

/// The name of the route that all others lie in, unless it has one.
const ROOT: &str = "default";

/// Routes, ready to be asked.
#[derive(Debug)]
pub struct Routes {
    root: Node,
}

/// One route, with what it takes from the one above.
#[derive(Debug)]
pub struct Node {
    /// Its name, or its place: `default.2` is the third route of the first.
    pub name: String,
    pub detail: Detail,
    /// Whether people are told when an alert is acknowledged or resolved.
    pub resolved: bool,
    /// Microseconds.
    pub repeat: Option<i64>,
    pub escalate: Vec<Escalation>,
    pub to: Vec<Recipient>,
    when: Condition,
    goes_on: bool,
    inner: Vec<Node>,
}

/// What has to hold, its patterns compiled.
#[derive(Debug)]
struct Condition {
    of: When,
    patterns: [GlobSet; 5],
}

/// Whom a message goes to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    pub channel: String,
    /// Somebody's mail address; nothing where all of the channel are told.
    pub person: Option<String>,
}

/// What routing a page depends on beside the page.
#[derive(Debug)]
pub struct Moment<'a> {
    /// Microseconds since the epoch.
    pub at: i64,
    pub ownership: &'a Ownership,
    pub schedules: &'a Schedules,
}

/// The schedules of one moment.
#[derive(Debug, Default)]
pub struct Schedules(BTreeMap<String, Schedule>);

impl Schedules {
    /// Reads all of them. One that is wrong is told of, and nobody is on call by it: who is told then is
    /// the channel itself.
    pub fn read(files: &BTreeMap<String, PathBuf>) -> Self {
        let read = |(name, path): (&String, &PathBuf)| match Schedule::load(path) {
            Ok(schedule) => Some((name.clone(), schedule)),
            Err(error) => {
                tracing::error!(schedule = name, %error, "nobody is on call by it until it is mended");
                None
            }
        };
        Self(files.iter().filter_map(read).collect())
    }

    fn on_call(&self, schedule: &str, at: i64) -> Option<&str> {
        self.0.get(schedule)?.on_call(at)
    }
}

impl Routes {
    /// The tree of the configuration.
    ///
    /// # Errors
    /// Where a pattern is none.
    pub fn new(route: &Route) -> Result<Self, NotifyError> {
        Ok(Self { root: Node::new(route, ROOT.to_owned(), None)? })
    }

    /// The routes that a page takes, each with whom it tells; nobody is told twice of one page.
    pub fn plan(&self, told: &Told, moment: &Moment<'_>) -> Vec<(&Node, Vec<Target>)> {
        let mut taken = Vec::new();
        self.root.walk(told, moment, &mut taken);
        let mut known = BTreeSet::new();
        let plan = taken.into_iter().map(|node| {
            let targets = targets(&node.to, moment).into_iter();
            (node, targets.filter(|target| known.insert(target.clone())).collect())
        });
        plan.collect()
    }

    /// The route with this name.
    pub fn named(&self, name: &str) -> Option<&Node> {
        self.all().into_iter().find(|node| node.name == name)
    }

    /// All routes.
    pub fn all(&self) -> Vec<&Node> {
        let mut all = vec![&self.root];
        let mut place = 0;
        while let Some(node) = all.get(place).copied() {
            all.extend(&node.inner);
            place += 1;
        }
        all
    }
}

impl Node {
    fn new(route: &Route, place: String, above: Option<&Self>) -> Result<Self, NotifyError> {
        let inherited = |own: bool| above.filter(|_| !own);
        let mut node = Self {
            name: route.name.clone().unwrap_or_else(|| place.clone()),
            detail: route.detail.or(above.map(|above| above.detail)).unwrap_or_default(),
            resolved: route.resolved.or(above.map(|above| above.resolved)).unwrap_or(true),
            repeat: route.repeat.map(|span| span.microseconds()).or(above.and_then(|above| above.repeat)),
            escalate: inherited(!route.escalate.is_empty())
                .map_or_else(|| route.escalate.clone(), |above| above.escalate.clone()),
            to: inherited(!route.to.is_empty()).map_or_else(|| route.to.clone(), |above| above.to.clone()),
            when: Condition::new(&route.when)?,
            goes_on: route.goes_on,
            inner: Vec::new(),
        };
        node.escalate.sort_by_key(|escalation| escalation.after);
        for (number, inner) in route.routes.iter().enumerate() {
            let inner = Self::new(inner, format!("{place}.{number}"), Some(&node))?;
            node.inner.push(inner);
        }
        Ok(node)
    }

    /// Adds the deepest routes that fit; says whether there was one.
    fn walk<'r>(&'r self, told: &Told, moment: &Moment<'_>, taken: &mut Vec<&'r Self>) -> bool {
        if !self.when.holds(told, moment) {
            return false;
        }
        let before = taken.len();
        for inner in &self.inner {
            if inner.walk(told, moment, taken) && !inner.goes_on {
                break;
            }
        }
        if taken.len() == before {
            taken.push(self);
        }
        true
    }
}

impl Condition {
    fn new(when: &When) -> Result<Self, NotifyError> {
        let lists = [&when.detector, &when.key, &when.owner, &when.tenant, &when.environment];
        let [detector, key, owner, tenant, environment] = lists.map(|list| patterns(list));
        Ok(Self { of: when.clone(), patterns: [detector?, key?, owner?, tenant?, environment?] })
    }

    fn holds(&self, told: &Told, moment: &Moment<'_>) -> bool {
        let [detector, key, owner, tenant, environment] = &self.patterns;
        let of = moment.ownership;
        let fits = |patterns: &GlobSet, values: &[&Option<String>]| {
            patterns.is_empty() || values.iter().copied().flatten().any(|value| patterns.is_match(value))
        };
        self.of.level.is_none_or(|level| told.level >= level)
            && (detector.is_empty() || told.detectors.iter().any(|id| detector.is_match(id)))
            && fits(key, &[&told.key, &told.catalog_id])
            && fits(owner, &[&told.owner, &of.owner])
            && fits(tenant, &[&of.tenant])
            && fits(environment, &[&of.environment])
            && self.of.time.as_ref().is_none_or(|hours| within(hours, moment.at))
            && self.of.on_call.as_ref().is_none_or(|name| moment.schedules.on_call(name, moment.at).is_some())
    }
}

/// Whom recipients are at a moment, each once.
pub fn targets(recipients: &[Recipient], moment: &Moment<'_>) -> Vec<Target> {
    let mut targets = Vec::new();
    for Recipient { channel, contact, on_call } in recipients {
        let owner = moment.ownership.contact.as_deref().filter(|_| *contact);
        let on_call = on_call.as_deref().and_then(|name| moment.schedules.on_call(name, moment.at));
        let people: Vec<&str> = [owner, on_call].into_iter().flatten().filter(|of| is_address(of)).collect();
        let mut add = |person: Option<&str>| {
            let target = Target { channel: channel.clone(), person: person.map(str::to_owned) };
            if !targets.contains(&target) {
                targets.push(target);
            }
        };
        if people.is_empty() {
            add(None);
        }
        people.into_iter().for_each(|person| add(Some(person)));
    }
    targets
}

/// Whether a text is one mail address.
pub(super) fn is_address(text: &str) -> bool {
    text.parse::<lettre::Address>().is_ok()
}

fn patterns(list: &[String]) -> Result<GlobSet, NotifyError> {
    let wrong = |pattern: &str, error: globset::Error| NotifyError::Pattern {
        pattern: pattern.to_owned(),
        why: error.kind().to_string(),
    };
    let mut set = GlobSetBuilder::new();
    for pattern in list {
        // Names of keys have slashes that mean nothing here.
        let glob = GlobBuilder::new(pattern).literal_separator(false).build();
        set.add(glob.map_err(|error| wrong(pattern, error))?);
    }
    set.build().map_err(|error| wrong("", error))
}

#[cfg(test)]
#[path = "routes_tests.rs"]
mod tests;
