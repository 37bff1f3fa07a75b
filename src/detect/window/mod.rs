//! Detectors with memory: a key used rightly by the wrong amount, for the first time, in the wrong order, or
//! after a long silence.
//!
//! In: judged batches and the rows of each that enter a window ([`crate::detect::engine::Entering`]); how far
//! event time is settled. Out: findings, with what folds them. Pure: time is an argument.
//!
//! | kind | fires | when |
//! |---|---|---|
//! | `threshold` | `count` rows of a group within `over` | at once |
//! | `distinct` | `count` different values of `of` in a group within `over`: exactly up to [`values::EXACT_VALUES`], then by a sketch that is off by 3 % | at once |
//! | `sequence` | all `steps` within `over`, in their order unless `ordered: false` | at once; with an `absent` step, when that cannot come any more |
//! | `first_seen` | a value of `of` whose first row in the group came more than `learn` after the group's own first | at once |
//! | `dormant` | a row of a group after none for `after` | when no row can come any more that would fill the gap |
//! | `rate` | more rows within `over` than `factor` times what is usual for the group at that hour of the week, and at least `count` | when no row of that span can come any more |
//! | `silence` | no row of a group for `every`; with `learnt`, for twelve hours that were busy in the weeks before | when no row can come any more that would break it |
//! | `overdue` | the latest date in `due` that a group's rows had has passed, and `over` after it | when no row can come any more that would have a later one in time |
//!
//! **Groups** are rows with the same values of `group_by`; null is a value, as in SQL's GROUP BY. Rows with a
//! null in `of` do not count.
//!
//! **Panes.** A window is six panes in a row, each a sixth of it long and aligned to the epoch. It is looked at
//! for its last pane, if that has a row, and fires once for it. So a burst over several panes is several
//! findings, which fold into one alert, and a window reaches back between five and six sixths of `over`.
//!
//! **Order does not matter.** What is kept of a group is a sum, a union, a least or a greatest; ids are of
//! (detector, group, pane or day). Any cut into batches and, up to the allowed lateness, any order gives
//! the same findings. A row later than that still counts where its pane is still there.
//!
//! **Bounds.** [`groups::MAX_GROUPS`] a detector, [`firsts::MAX_VALUES`] and [`dues::MAX_DUES`] a group; what is forgotten is counted and told.
//!
//! # Decisions
//!
//! - 2026-11-24: a pane without a row fires nothing: it would say again what the one before it said.
//! - 2026-11-24: what fires at once is not told again when it grows: its id, group and level are those that a
//!   scan gives, its sentence and its first event are as of then.
//! - 2026-11-24: a group learns for itself, from its own first row on. Learning by detector would call all
//!   that a new key does new.
//! - 2026-11-24: a group's latest date counts, not that of its latest row: a use read before the rotation that
//!   came before it must not take the timer back. A date that is declared earlier than before counts once no row has
//!   had the later one for six weeks.
//! - 2026-11-24: of the events of a window a finding names the first of each pane. All of them are in
//!   history, within the finding's span; keeping them would cost more than counting them.
//! - 2026-11-24: a finding of a group names only what the group shares: one key of many as *the* key would mislead.

pub mod batch;
mod buckets;
mod carry;
pub mod document;
pub mod dues;
pub mod firing;
pub mod firsts;
pub mod groups;
pub mod ledger;
mod lines;
pub mod memory;
pub mod panes;
mod rates;
pub mod rule;
pub mod sequence;
mod silences;
mod span;
pub mod spans;
#[cfg(test)]
mod tests;
pub mod values;
pub mod windows;
