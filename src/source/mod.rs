//! Reads files, folders and standard input, and cuts them into records with positions.
//!
//! In: paths. Out: [`Chunk`]s of whole records in order, each with its position and the normalizer it is
//! for; records that cannot be read, with a reason; and how many were set aside. What a record means is
//! left to [`crate::normalize`].
//!
//! The way of the bytes: `paths` finds inputs, `raw` reads them, `decompress` unpacks them by their
//! first bytes, `frame` cuts the stream (`line` on the fast path, `value`, `list` and `skip` on the others,
//! all with `scan`), `shape` recognises each record, `envelope` opens what holds others, and `cut` collects
//! a chunk. What comes as messages instead of a stream (Kafka, spools) is gathered by `message`, with the
//! same parts.
//!
//! Sources that go on implement [`feed::Feed`]: [`follow`] for files that grow, and [`spool`] for what cannot
//! be read again, which [`socket`], [`stdin`] and the HTTP server put there.
//!
//! **What is received.** One top-level value is one record, unless it is an envelope: then each of its
//! elements is one, down to where no envelope is left. An envelope without elements is none; a
//! notification, a digest or a control message is one that is set aside; a damaged piece is one that is
//! refused; so is whatever has no known format. [`Chunk::received`] is their sum.
//!
//! **Memory** is a chunk and the largest record, by [`limits`], whatever the length of the input: 12 MB
//! resident over 480 MB of records.
//!
//! **Rates**, one core of a small shared machine, optimized, files in the page cache: CloudTrail and OpenBao
//! lines 2.5 to 3.5 GB/s; lines whose first key does not tell 2 GB/s; `{"Records":[…]}` 1.3 GB/s; records
//! without line breaks, and lines with a prefix, 1 GB/s; EventBridge lines 1 GB/s; gzip 0.7 GB/s.
//!
//! Decisions:
//! - A line is taken as one record by its ends where that is certain for valid JSON (`line` says why). A
//!   line that is no JSON then is a record that its normalizer refuses, so it is still one reject.
//! - Every other value is checked by its grammar while its end is looked for: that finds a cut line within
//!   the next line, where counting brackets would swallow its neighbours.
//! - After damage, only what is sound and begins like its siblings is believed to be the next record.
//! - A file continued from a mark is cut as it was before, but for damaged values: which lines one of them
//!   takes with it may rest on how the values before it were laid out.

mod chunk;
mod cut;
mod decode;
mod decompress;
mod envelope;
mod error;
pub mod feed;
pub mod follow;
mod frame;
mod identity;
mod input;
pub mod kafka;
pub mod limits;
mod line;
mod list;
mod mask;
mod members;
pub mod message;
mod paths;
mod raw;
mod reader;
mod refusal;
mod scan;
mod shape;
mod skip;
pub mod socket;
pub mod spool;
pub mod stdin;
mod value;
mod window;

pub use chunk::{Chunk, Mark, Piece, Refused, Shape};
pub use error::SourceError;
pub use identity::{FileIdentity, HEAD_BYTES};
pub use input::Input;
pub use limits::{GATHERED_BYTES, Limits, Sample};
pub use message::Gatherer;
pub use paths::find;
pub use reader::{Progress, Reader};
pub use refusal::refuse;
