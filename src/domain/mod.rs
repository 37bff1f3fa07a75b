//! The words everything else is written in. Imports nothing of ours.

pub mod action;
pub mod alert;
pub mod event;
pub mod finding;
pub mod function;
pub mod harmless;
pub mod identity;
pub mod keyed;
pub mod level;
pub mod member;
pub mod ownership;
pub mod problem;
pub mod purpose;
pub mod reject;
pub mod time;
pub mod verdict;
pub mod vocabulary;
