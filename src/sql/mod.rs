//! DataFusion, with limits: sessions for people's queries, and expressions compiled ahead of time.
//!
//! In: SQL text and an Arrow schema. Out: bounded answers, or mistakes with line and column. Which
//! tables there are is the caller's matter.

pub mod expression;
pub mod glob;
pub mod member;
pub mod nearest;
pub mod question;
pub mod session;
pub mod statement;
mod truncate;
mod words;
