//! Why a verdict is unknown or not applicable, in a word; and what one aspect comes to.

use super::super::principals::Hidden;
use crate::domain::vocabulary::vocabulary;

vocabulary! {
    /// Why a verdict is unknown or not applicable.
    pub enum Reason as "reason" {
        /// The event is no use of a key: a change of access, of logging, of something else.
        NoFunction = "no_function",
        /// The call takes no key.
        NoKey = "no_key",
        /// Only metadata was read.
        Metadata = "metadata",
        /// A change to a key whose entry names no administrators.
        NoAdministrators = "no_administrators",
        /// KMS carried out what was set up before, such as a scheduled rotation: nobody called.
        ProviderItself = "provider_itself",
        /// The action needs a key and the log names none.
        KeyNotNamed = "key_not_named",
        /// Several entries declare the key and none goes before the others.
        AmbiguousDeclaration = "ambiguous_declaration",
        /// Only the caller's account is visible.
        AccountOnly = "account_only",
        /// The audit device hashed what is needed.
        Hashed = "hashed",
        /// A service called, and the log does not say which.
        ServiceNotNamed = "service_not_named",
        /// The source is no address.
        NotAnAddress = "not_an_address",
        /// The log does not carry what is needed.
        NotVisible = "not_visible",
    }
}

impl From<Hidden> for Reason {
    fn from(hidden: Hidden) -> Self {
        match hidden {
            Hidden::Account => Self::AccountOnly,
            Hidden::Hashed => Self::Hashed,
            Hidden::Absent => Self::NotVisible,
        }
    }
}

/// What holding one aspect of an event against its declaration comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Nothing to hold against each other, and why.
    NotJudged(&'static str),
    Fits,
    Violated,
    Unknown(Reason),
}

impl Answer {
    /// Fits where `is`, else violated.
    pub const fn fits_if(is: bool) -> Self {
        if is { Self::Fits } else { Self::Violated }
    }
}

/// What is said of an aspect that the entry does not constrain.
pub const NOT_DECLARED: Answer = Answer::NotJudged("the entry does not constrain it");
