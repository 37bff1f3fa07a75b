//! Reads files, folders and standard input, and cuts them into records with positions.
//!
//! In: paths. Out: [`Chunk`]s of whole records in order, each with its position and the normalizer it is
//! for; records that cannot be read, with a reason; and how many were set aside. What a record means is
//! left to [`crate::normalize`].
//!
//! The way of the bytes: `paths` finds inputs, `raw` reads them, `decompress` unpacks them by their
//! first bytes, `frame` cuts the stream (`line` on the fast path, `value`, `list` and `skip` on the others,
//! all with `scan`), `shape` recognises each record, `envelope` opens what holds others, and `cut` collects
//! a chunk.
//!
//! **What is received.** One top-level value is one record, unless it is an envelope: then each of its
//! elements is one, down to where no envelope is left. An envelope without elements is none; a
//! notification, a digest or a control message is one that is set aside; a damaged piece is one that is
//! refused; so is whatever has no known format. [`Chunk::received`] is their sum.
//!
//! **Memory** is a chunk and the largest record, by [`limits`], whatever the length of the input.

mod chunk;
mod cut;
mod decode;
mod decompress;
mod envelope;
mod error;
mod frame;
mod identity;
mod input;
pub mod limits;
mod line;
mod list;
mod mask;
mod members;
mod paths;
mod raw;
mod reader;
mod refusal;
mod scan;
mod shape;
mod skip;
mod value;
mod window;

pub use chunk::{Chunk, Mark, Piece, Refused, Shape};
pub use error::SourceError;
pub use identity::FileIdentity;
pub use input::Input;
pub use limits::{Limits, Sample};
pub use paths::find;
pub use reader::{Progress, Reader};
pub use refusal::refuse;
