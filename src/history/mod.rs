//! Key events kept as Parquet, one partition per event day.
//!
//! In: judged batches, findings and rejects. Out: sealed files, and everything that SQL can ask of
//! them. What must be transactional is `store`'s; which rows there are is the pipeline's.
//!
//! [`Writer`] collects an [`OpenSet`] and seals it; [`Snapshot`] is the manifest at one moment, and
//! registers the tables in a session; [`batches`] reads events back as they were for judging them
//! again; [`sweep()`] cleans up after a writer that died.
//!
//! [`Traces`] are what must be known of events after a restart; each seal writes them beside its events.
//!
//! A file holds one kind of rows of one event day, sorted by (key, time), so that all uses of one
//! key lie together: the manifest's key filter skips files, the bloom filter row groups, and the
//! page statistics all but a page or two. Files never change. [`compact()`] writes the rows of several
//! files of a day into one and swaps manifest rows in one transaction; what reads a snapshot meanwhile
//! still finds the old files, which go ten minutes later.
//!
//! Decisions:
//! - 2026-11-24: dictionary columns are encoded by `chunk` instead of Arrow's writer, which hashes
//!   and compares the text of every row.
//! - 2026-11-24: text, numbers and flags are encoded by `texts` and `numbers` straight from the batches;
//!   gathering them into an array first, for Arrow's writer, moved every byte of a row three times more.
//! - 2026-11-24: the limit of eight open days holds from 64 thousand rows on: a scan over a year of
//!   small files would otherwise cut a file a day from every batch.
//! - 2026-11-24: SQL sees text as views and the backtest sees dictionaries, both read straight from
//!   the same pages: DataFusion 55 groups by views in columns but by dictionaries through rows.

pub mod blob;
mod chunk;
mod compact;
mod compact_traces;
mod constants;
pub mod coverage;
mod delta;
mod derived;
mod encode;
mod error;
mod expire;
mod facts;
mod file;
mod hybrid;
mod key_filter;
mod layout;
mod lists;
pub mod measure;
mod merge;
mod numbers;
mod order;
mod pages;
mod prune;
pub mod raw;
mod read;
pub mod rejects;
mod rollup;
mod service_tables;
mod slim;
mod sweep;
mod table;
mod tables;
mod texts;
mod traces;
mod usage;
mod words;
mod writer;

pub use compact::{Compacted, GRACE, compact};
pub use coverage::Covered;
pub use derived::{facts_schema, usage_schema};
pub use error::HistoryError;
pub use expire::expire;
pub use read::batches;
pub use sweep::sweep;
pub use tables::Snapshot;
pub use traces::{REMEMBERED_UIDS, Traces, Uid};
pub use writer::{Limits, OpenSet, Sealed, Writer, WrittenSet};
