//! Real servers, started when a test first asks and stopped when the tests end.
//!
//! A server whose address is in the environment is used as it is. One that is not installed skips its
//! tests, and says so.

pub mod alertmanager;
pub mod certificate;
pub mod kafka;
pub mod openbao;
pub mod postgres;
pub mod smtp;
