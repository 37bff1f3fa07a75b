//! One event held against one entry: what the aspects look at, and the decision over all of them.

use super::super::Catalog;
use super::super::entry::Entry;
use super::super::exceptions::Misuse;
use super::super::index::Match;
use super::super::places::Home;
use super::lens::Event;
use super::reason::{Answer, NOT_DECLARED, Reason};
use super::who::Standing;
use super::{context, what, when, whence, who};
use crate::domain::event::Outcome;
use crate::domain::function::Function;
use crate::domain::verdict::{Aspect, AspectSet, Verdict};
use crate::table::columns::Column;

/// The principal of what AWS does by itself with a key, such as a scheduled rotation. It is written only
/// for service events, which name nobody.
const PROVIDER_ITSELF: &str = "service:aws-internal";

/// An event with all that is known of its key and its caller.
#[derive(Debug, Clone, Copy)]
pub struct Case<'c, 'a> {
    pub catalog: &'c Catalog,
    pub event: Event<'c, 'a>,
    pub time: i64,
    pub function: Function,
    pub place: u32,
    pub entry: &'c Entry,
    pub kms: bool,
    /// The service whose AWS-managed key it is.
    pub service: Option<&'c str>,
    pub standing: Standing,
    pub home: &'c Home,
    /// What the catalog says of the other key of a re-encryption.
    pub other: Option<&'c Match>,
}

/// What was decided of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub verdict: Verdict,
    pub reason: Option<Reason>,
    /// Aspects that were tested.
    pub assessed: AspectSet,
    /// Aspects that do not fit, those lifted left out.
    pub violated: AspectSet,
    /// Aspects that the log hides.
    pub unknown: AspectSet,
    /// Aspects that an exception lifted.
    pub waived: AspectSet,
    /// The exceptions that did, as places in the catalog's list.
    pub exceptions: Vec<usize>,
}

impl Decision {
    /// A decision without any aspect.
    pub const fn bare(verdict: Verdict, reason: Option<Reason>) -> Self {
        Self {
            verdict,
            reason,
            assessed: AspectSet::EMPTY,
            violated: AspectSet::EMPTY,
            unknown: AspectSet::EMPTY,
            waived: AspectSet::EMPTY,
            exceptions: Vec::new(),
        }
    }
}

/// What is decided of an event before its entry is looked at.
pub fn without_entry(event: &Event<'_, '_>, matched: &Match) -> Option<Decision> {
    let not_applicable = |reason| Some(Decision::bare(Verdict::NotApplicable, Some(reason)));
    let no_key = *matched == Match::NoKey;
    match event.function() {
        None if no_key => not_applicable(Reason::NoKey),
        None => not_applicable(Reason::NoFunction),
        Some(Function::Read) => not_applicable(Reason::Metadata),
        Some(function) => match matched {
            Match::NoKey if needs_key(function, event) => {
                Some(Decision::bare(Verdict::Unknown, Some(Reason::KeyNotNamed)))
            }
            Match::NoKey => not_applicable(Reason::NoKey),
            Match::Undeclared => Some(Decision::bare(Verdict::Undeclared, None)),
            Match::Ambiguous(_) => Some(Decision::bare(Verdict::Unknown, Some(Reason::AmbiguousDeclaration))),
            Match::Declared(_) => None,
        },
    }
}

/// Whether a call without a key must have meant one: every use, and a change that AWS turned down before
/// it found the key. Creating needs none, nor does a key store.
fn needs_key(function: Function, event: &Event<'_, '_>) -> bool {
    if function.is_use() || matches!(function, Function::Export | Function::Backup) {
        return true;
    }
    let turned_down = matches!(event.outcome(), Some(Outcome::Denied | Outcome::Refused | Outcome::Failed));
    let service = event.text(Column::Service).unwrap_or_default();
    let action = event.text(Column::Action).unwrap_or_default();
    let keyless = action.starts_with("Create") || action.contains("CustomKeyStore");
    turned_down && matches!(service, "kms" | "secretsmanager") && !keyless
}

impl Case<'_, '_> {
    /// The aspects that a function of this kind is judged on.
    pub fn judged(&self) -> AspectSet {
        let only = |aspects: &[Aspect]| {
            let constrained =
                aspects.iter().copied().filter(|aspect| self.entry.constrained.contains(*aspect));
            constrained.collect()
        };
        match self.function {
            Function::Read => AspectSet::EMPTY,
            Function::Manage | Function::Import => [Aspect::Principal].into_iter().collect(),
            Function::Export | Function::Backup if self.entry.declaration.exportable == Some(true) => {
                only(&[Aspect::Function, Aspect::Principal])
            }
            Function::Export | Function::Backup => only(&[Aspect::Function]),
            _ => self.entry.constrained,
        }
    }

    /// What one aspect comes to.
    pub fn answer(&self, aspect: Aspect) -> Answer {
        match aspect {
            Aspect::Function => what::function(self),
            Aspect::Principal if self.changes_key() => who::administrator(self),
            Aspect::Principal => who::principal(self),
            Aspect::Algorithm => what::algorithm(self),
            Aspect::Via => whence::via(self),
            Aspect::Context => context::context(self),
            Aspect::Account => whence::account(self),
            Aspect::Region => whence::region(self),
            Aspect::Network => whence::network(self),
            Aspect::Attestation => what::attestation(self),
            Aspect::Tenant => who::tenant(self),
            Aspect::Environment => who::environment(self),
            Aspect::Caller => who::caller(self),
            Aspect::Requirement => whence::requirement(self),
            Aspect::State => when::state(self),
            Aspect::Window => when::window(self),
            Aspect::Version => what::version(self),
        }
    }

    /// What one aspect comes to, said also of those that are not judged.
    pub fn explained(&self, aspect: Aspect) -> Answer {
        if self.judged().contains(aspect) {
            return self.answer(aspect);
        }
        if self.entry.constrained.contains(aspect) {
            return Answer::NotJudged("this kind of call is not judged on it");
        }
        NOT_DECLARED
    }

    /// Whether the call changes the key instead of using it.
    pub fn changes_key(&self) -> bool {
        matches!(self.function, Function::Manage | Function::Import)
    }

    /// Decides over all aspects.
    pub fn decide(&self) -> Decision {
        if self.changes_key() && self.event.text(Column::Principal) == Some(PROVIDER_ITSELF) {
            return Decision::bare(Verdict::NotApplicable, Some(Reason::ProviderItself));
        }
        if self.changes_key() && self.entry.declaration.administrators.is_none() {
            return Decision::bare(Verdict::NotApplicable, Some(Reason::NoAdministrators));
        }
        let mut decision = Decision::bare(Verdict::Conforming, None);
        for aspect in self.judged().iter() {
            match self.answer(aspect) {
                Answer::NotJudged(_) => {}
                Answer::Fits => decision.assessed.insert(aspect),
                Answer::Violated => {
                    decision.assessed.insert(aspect);
                    decision.violated.insert(aspect);
                }
                Answer::Unknown(reason) => {
                    decision.unknown.insert(aspect);
                    decision.reason.get_or_insert(reason);
                }
            }
        }
        self.lift(&mut decision);
        decision.verdict = match (decision.violated.is_empty(), decision.unknown.is_empty()) {
            (false, _) => Verdict::Violation,
            (true, false) => Verdict::Unknown,
            (true, true) => Verdict::Conforming,
        };
        if decision.verdict != Verdict::Unknown {
            decision.reason = None;
        }
        decision
    }

    /// Takes out what exceptions lift.
    fn lift(&self, decision: &mut Decision) {
        if decision.violated.is_empty() || self.catalog.exceptions.has_none(self.place) {
            return;
        }
        let misuse = Misuse {
            entry: self.place,
            time: self.time,
            function: self.function,
            state: when::state_at(&self.entry.declaration, self.time),
            caller: self.event.caller(),
            violated: decision.violated,
        };
        (decision.waived, decision.exceptions) = self.catalog.exceptions.lift(&misuse, &self.catalog.groups);
        for aspect in decision.waived.iter() {
            decision.violated.remove(aspect);
        }
    }
}
