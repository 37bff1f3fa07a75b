//! Sigma rules, correlations and filters as detectors.
//!
//! In: YAML texts of the Sigma specification, version 2. Out: for each rule and correlation the detector
//! that says the same in our own form, for [`super::reading`] to compile like any other, and every mistake
//! with its line and column. What is right and cannot be evaluated here comes out set aside, with the reason:
//! a rule is never quiet because nothing was there to be seen.
//!
//! | module | does |
//! |---|---|
//! | `outline`, `mistake` | tells documents of a file apart, and where in it what stands or is wrong |
//! | `condition`, `item`, `text` | a rule as a tree of tests on fields |
//! | `fields` | which column or member of the record a field is |
//! | `expression` | the tree as SQL |
//! | `calls` | which calls of CloudTrail can make the tree true |
//! | `logsource` | whose records a rule is about |
//! | `rule`, `filter`, `correlation` | the three kinds of documents |
//! | `translate` | all files together: names, filters, correlations |
//! | `export` | the way back: our detectors as Sigma rules |
//!
//! # Decisions
//!
//! - 2026-11-24: a rule judges records, so it looks at the first event of a record alone: a ReEncrypt, which is
//!   two events, is one match.
//! - 2026-11-24: a column stands for a field only where both hold the same for every record; all else is read from
//!   the record (`record` column), secrets redacted. Columns hold no empty text, so what an empty text would
//!   pass is asked of the record too.
//! - 2026-11-24: `record` tells a member that is absent from one that was not asked for when the event was kept: of
//!   the latter nothing is known, so neither a test nor its negation is true, and the rule requires it.
//! - 2026-11-24: `exists` and null mean a value that is not null. A list passes where one of its elements does.
//!   A number is equal to text that is the same number. An object is its JSON text.
//! - 2026-11-24: case is ignored by comparing lower case, as everywhere in Sigma but in `re` and `cased`.

mod calls;
mod condition;
mod correlation;
mod export;
mod expression;
mod fields;
mod filter;
mod item;
mod logsource;
mod mistake;
mod outline;
mod rule;
#[cfg(test)]
mod tests;
mod text;
mod translate;

pub use condition::Condition;
pub use export::export;
pub use fields::{AWS_COLUMNS, AWS_GROUPS, VAULT_GROUPS};
pub use outline::is_sigma;
pub use translate::{Sigma, Translated, Translation, translate};
