//! The life of an alert once it is open: acknowledged, assigned, judged, resolved, opened again, merged, silenced.
//!
//! In: what people want done, with who and why, and what new findings change. Out: the alert as it stands, and one
//! entry in the journal for every change; replaying an alert's entries gives how it stands ([`Life::replay`]).
//! Both are written in one transaction with what the channels are to be told. How people ask (command line, HTTP) is
//! left to others.
//!
//! | state | from | by |
//! |---|---|---|
//! | `open` | nothing | findings |
//! | `acknowledged` | `open`, `reopened` | a person; lapses when the scope grows: a higher level, a new aspect, a new principal, a first success after attempts |
//! | `resolved` | every other | a person, with a disposition and a reason |
//! | `reopened` | `resolved` | new findings, or a person; the transition counts one up |
//!
//! Decisions, 2026-11-24:
//! - What keeps a page back ([`mute`]) for as long as it holds (a silence, a critical alert on the same key, a
//!   merge) does not count as told: the first new finding after its end pages.
//! - A glob of a silence is held against what *all* findings of an alert share, and a detector or tag against all of
//!   the alert's: whatever a silence does not wholly cover is told.
//! - Incidents are worked out from the alerts as they stand ([`incident`]) instead of being stored: a pure function
//!   cannot disagree with them.

mod act;
mod desk;
mod error;
mod incident;
mod mute;
mod notice;
mod rules;
mod silence;
mod state;
mod view;

pub use self::act::{Act, Entry, Growth, Muted, Scope, entries_after, entries_of};
pub(super) use self::desk::version;
pub use self::desk::{Acted, Command, Request, act};
pub use self::error::LifeError;
pub use self::incident::{Incident, MOST_ALERTS, incidents};
pub(super) use self::mute::{Coming, Lives, news_of};
pub use self::silence::{Matcher, NewSilence, Silence, add_silence, end_silence, silences};
pub use self::state::Life;
pub use self::view::{MOST_ENTRIES, MOST_GROUPED, MOST_LISTED, Shown, Untold, find, show, untold};
