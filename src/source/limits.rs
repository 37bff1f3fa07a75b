//! The bounds of reading, each with its unit and its reason.

/// Bytes of a chunk that is read: at 1.4 KB a record about [`CHUNK_RECORDS`]. Judge and detectors look once at each
/// distinct key, caller and word of a chunk, so that at 4 MiB a record costs a tenth more.
pub const CHUNK_BYTES: usize = 12 << 20;

/// Bytes of a chunk that the service gathers of messages: every partition and every socket holds one.
pub const GATHERED_BYTES: usize = 4 << 20;

/// Records of a chunk, taken and refused together: one Arrow batch.
pub const CHUNK_RECORDS: usize = 8_192;

/// Bytes of the largest record. CloudTrail's own bound is 256 KiB, 1 MiB on a large event data store;
/// a raw Vault entry can carry a request body of 32 MiB, of which nobody needs the whole.
pub const LARGEST_RECORD: usize = 16 << 20;

/// Levels of the deepest nesting, as in `serde_json`. Real records stay under 20.
pub const DEEPEST_NESTING: usize = 128;

/// Bytes of the longest line that is taken as one record by its ends alone; longer ones are walked.
pub const LONGEST_FAST_LINE: usize = 1 << 20;

/// Bytes of white space looked through to see what follows a line.
pub const LONGEST_BLANK: usize = 4 << 10;

/// Bytes before the `{` of a line: Vault's `prefix` option, a syslog header, `@cee:`.
pub const LONGEST_PREFIX: usize = 1 << 10;

/// Bytes of a refused record that are shown.
pub const SAMPLE_BYTES: usize = 256;

/// Bytes of a record's first key by which its siblings are found again after damage.
pub const LONGEST_TOKEN: usize = 64;

/// Bytes of what may be the next record after damage that are looked at before it is believed.
pub const LONGEST_LOOK: usize = 64 << 10;

/// Places on one line that are looked at for the next record after damage.
pub const MOST_LOOKS: usize = 8;

/// Plain bytes unpacked at a time: what comes before damage in the same step is lost with it.
pub const UNPACK_STEP: usize = 16 << 10;

/// Levels of envelopes inside envelopes. Kinesis, CloudWatch Logs, its event, the message are four.
pub const DEEPEST_ENVELOPE: u32 = 6;

/// Bytes that one record may decode to, all its strings, base64 and gzip together: stops gzip bombs.
pub const LARGEST_DECODED: usize = 64 << 20;

/// Records of an envelope inside another one. At 1.4 KB a record, 16 MiB hold 12,000.
pub const NESTED_RECORDS: u32 = 100_000;

/// Records of one message, in all its envelopes: what [`LARGEST_DECODED`] holds of the shortest real ones.
pub const MESSAGE_RECORDS: u32 = 250_000;

/// Base-2 logarithm of the largest zstd window: 128 MiB, what `zstd` itself accepts without `--long`.
pub const ZSTD_WINDOW_LOG: u32 = 27;

/// How much of a refused record is kept for a person to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sample {
    /// Structure and known field names; letters become `x`, digits `0`.
    #[default]
    Masked,
    /// As it came. Event content is hostile and may be secret.
    Raw,
    /// Nothing.
    None,
}

/// What a reader keeps to. The default is the constants of this module; tests take less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a chunk.
    pub chunk_bytes: usize,
    /// Records of a chunk, taken and refused together.
    pub chunk_records: usize,
    /// Bytes of the largest record.
    pub largest_record: usize,
    /// How much of a refused record is kept.
    pub sample: Sample,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            chunk_bytes: CHUNK_BYTES,
            chunk_records: CHUNK_RECORDS,
            largest_record: LARGEST_RECORD,
            sample: Sample::default(),
        }
    }
}
