//! Approved deviations: which violated aspects of an event an exception lifts.

use std::collections::HashMap;
use std::sync::Arc;

use super::document::scalars::Pattern;
use super::document::sections::ExceptionKind;
use super::judge::what::satisfies;
use super::principals::{Caller, Groups, Membership};
use crate::domain::function::{Function, FunctionSet};
use crate::domain::purpose::KeyState;
use crate::domain::verdict::{Aspect, AspectSet};

/// The longest that break-glass access may last.
pub const BREAK_GLASS_LONGEST: i64 = 24 * 3_600 * 1_000_000;

/// An exception, complete.
#[derive(Debug, Clone)]
pub struct Exception {
    pub id: Pattern,
    pub file: Arc<str>,
    pub kind: ExceptionKind,
    /// The entry or class that it belongs to.
    pub key: Arc<str>,
    pub aspects: AspectSet,
    /// Nothing means all.
    pub functions: Option<FunctionSet>,
    pub principals: Box<[Pattern]>,
    pub sessions: Option<Box<[Pattern]>>,
    /// Microseconds since the epoch, as `until`.
    pub from: Option<i64>,
    /// Not included.
    pub until: i64,
    pub reason: Arc<str>,
    pub ticket: Arc<str>,
    pub requester: Option<Arc<str>>,
    pub approver: Arc<str>,
}

/// All exceptions, in order of id, and which belong to an entry.
#[derive(Debug, Default)]
pub struct Exceptions {
    all: Vec<Exception>,
    by_entry: HashMap<u32, Vec<usize>>,
}

/// An event that was found in violation.
#[derive(Debug, Clone, Copy)]
pub struct Misuse<'a> {
    pub entry: u32,
    pub time: i64,
    pub function: Function,
    /// The key's state then.
    pub state: Option<KeyState>,
    pub caller: Caller<'a>,
    pub violated: AspectSet,
}

impl Exceptions {
    /// Orders exceptions by id and files them under their entry.
    pub fn new(mut all: Vec<Exception>, ids: &HashMap<Arc<str>, u32>) -> Self {
        all.sort_by(|left, right| left.id.text.cmp(&right.id.text));
        let mut by_entry: HashMap<u32, Vec<usize>> = HashMap::new();
        for (place, exception) in all.iter().enumerate() {
            if let Some(entry) = ids.get(&exception.key) {
                by_entry.entry(*entry).or_default().push(place);
            }
        }
        Self { all, by_entry }
    }

    /// All of them, in order of id.
    pub fn all(&self) -> &[Exception] {
        &self.all
    }

    /// Whether none was made for this entry, ever.
    pub fn has_none(&self, entry: u32) -> bool {
        !self.by_entry.contains_key(&entry)
    }

    /// The aspects that are lifted, and the exceptions that lift them, as places in [`Self::all`].
    pub fn lift(&self, misuse: &Misuse<'_>, groups: &Groups) -> (AspectSet, Vec<usize>) {
        let mut lifted = AspectSet::EMPTY;
        let mut used = Vec::new();
        for place in self.by_entry.get(&misuse.entry).into_iter().flatten() {
            let Some(exception) = self.all.get(*place) else { continue };
            let mut uses = false;
            for aspect in misuse.violated.iter() {
                if !lifted.contains(aspect)
                    && liftable(aspect, misuse)
                    && exception.covers(aspect, misuse, groups)
                {
                    lifted.insert(aspect);
                    uses = true;
                }
            }
            if uses {
                used.push(*place);
            }
        }
        (lifted, used)
    }
}

impl Exception {
    fn covers(&self, aspect: Aspect, misuse: &Misuse<'_>, groups: &Groups) -> bool {
        self.aspects.contains(aspect)
            && self.from.is_none_or(|from| from <= misuse.time)
            && misuse.time < self.until
            && self.functions.is_none_or(|functions| satisfies(functions, misuse.function))
            && groups.in_patterns(&self.principals, misuse.caller.principal) == Membership::Yes
            && self.fits_session(misuse.caller.session)
    }

    fn fits_session(&self, session: Option<&str>) -> bool {
        let Some(sessions) = &self.sessions else { return true };
        session.is_some_and(|name| sessions.iter().any(|pattern| pattern.matches(name)))
    }
}

/// No exception lifts the use of a destroyed key, or export and backup.
fn liftable(aspect: Aspect, misuse: &Misuse<'_>) -> bool {
    let leaves = matches!(misuse.function, Function::Export | Function::Backup);
    let destroyed = aspect == Aspect::State && misuse.state == Some(KeyState::Destroyed);
    !leaves && !destroyed
}
