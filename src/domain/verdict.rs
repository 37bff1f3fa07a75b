//! What the catalog says of one key event.

use super::vocabulary::vocabulary;

vocabulary! {
    /// The judgement of one key event against the catalog.
    pub enum Verdict as "verdict" {
        /// Every judged aspect fits the declaration.
        Conforming = "conforming",
        /// At least one aspect does not fit.
        Violation = "violation",
        /// The key has no catalog entry.
        Undeclared = "undeclared",
        /// The log hides what is needed; never to be shown as a pass.
        Unknown = "unknown",
        /// Nothing to judge: metadata, or a call without a key.
        NotApplicable = "not_applicable",
    }
}

vocabulary! {
    /// What can be wrong with the use of a key.
    pub enum Aspect as "aspect" {
        Function = "function",
        Principal = "principal",
        Algorithm = "algorithm",
        Via = "via",
        Context = "context",
        Account = "account",
        Region = "region",
        Network = "network",
        Attestation = "attestation",
        Tenant = "tenant",
        Environment = "environment",
        Caller = "caller",
        Requirement = "requirement",
        State = "state",
        Window = "window",
        Version = "version",
    }
}

/// A set of aspects, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct AspectSet(u16);

impl AspectSet {
    /// The set with no member.
    pub const EMPTY: Self = Self(0);

    /// Adds one aspect.
    pub const fn insert(&mut self, aspect: Aspect) {
        self.0 |= 1 << aspect.code();
    }

    /// Takes one aspect out.
    pub const fn remove(&mut self, aspect: Aspect) {
        self.0 &= !(1 << aspect.code());
    }

    /// Whether `aspect` is a member.
    pub const fn contains(self, aspect: Aspect) -> bool {
        self.0 & (1 << aspect.code()) != 0
    }

    /// Whether there is no member.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The set as bits, bit `n` for the aspect of code `n`.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// The members, in vocabulary order.
    pub fn iter(self) -> impl Iterator<Item = Aspect> {
        Aspect::ALL.iter().copied().filter(move |aspect| self.contains(*aspect))
    }
}

impl FromIterator<Aspect> for AspectSet {
    fn from_iter<I: IntoIterator<Item = Aspect>>(aspects: I) -> Self {
        let mut set = Self::EMPTY;
        aspects.into_iter().for_each(|aspect| set.insert(aspect));
        set
    }
}
