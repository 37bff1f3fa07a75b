//! The catalog's format as types: what a file may say, for the reader, the judge and the editor's schema.
//!
//! One list of fields ([`declaration`]) serves all three.

pub mod declaration;
mod either;
pub mod rules;
pub mod scalars;
pub mod schema;
pub mod sections;
