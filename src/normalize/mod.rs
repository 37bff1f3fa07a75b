//! Turns the bytes of one record into zero or more key events, or a reject with a reason.
//!
//! Pure functions, one folder a provider, no I/O, no memory: what needs neighbours (Vault's request
//! with its response, aliases, duplicates) is the pipeline's join step.

pub mod cloudtrail;
mod json;
mod members;
mod redact;
pub mod vault;

pub use members::members;
pub use redact::redact_raw;

use bumpalo::Bump;

use crate::domain::event::KeyEvent;
use crate::domain::reject::{Aside, Reject};

/// Where derived text of one record lives; reset after each record, so nothing is allocated per row.
pub type Arena = Bump;

/// What one understood record came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Normalized {
    /// This many events were emitted, at least one.
    Events(u8),
    /// Understood, and touches no key.
    Irrelevant(Aside),
}

/// What a normalizer returns.
pub type Result = std::result::Result<Normalized, Reject>;

/// Where a normalizer puts its events.
pub type Emit<'e> = dyn FnMut(&KeyEvent<'_>) + 'e;
