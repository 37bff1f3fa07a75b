//! Records that gave no event: set aside on purpose, or not understood.

use super::vocabulary::vocabulary;

vocabulary! {
    /// Why a record could not be understood.
    pub enum RejectReason as "reject reason" {
        /// The record, array or compressed stream ends in the middle.
        Truncated = "truncated",
        /// Not JSON.
        InvalidJson = "invalid_json",
        InvalidUtf8 = "invalid_utf8",
        /// Longer than one record may be.
        TooLarge = "too_large",
        /// Nested deeper than one record may be.
        TooDeep = "too_deep",
        /// A field that is read has another type than it may have.
        WrongType = "wrong_type",
        /// A field that is read is given twice.
        DuplicateField = "duplicate_field",
        /// A field without which nothing can be said is absent.
        MissingField = "missing_field",
        /// A time that is not a time.
        InvalidTime = "invalid_time",
        /// Well-formed, but of no format that keyward knows.
        UnknownFormat = "unknown_format",
        /// A compressed stream that does not decompress.
        InvalidCompression = "invalid_compression",
    }
}

vocabulary! {
    /// Why a record is irrelevant although it is understood.
    pub enum Aside as "aside" {
        /// An API call that touches no key.
        OtherCall = "other_call",
        /// An S3, SNS or SQS notification that a log file was written.
        Notification = "notification",
        /// A CloudTrail digest file.
        Digest = "digest",
        /// A CloudTrail Insights record.
        Insight = "insight",
        /// An aggregated data-event record.
        Aggregated = "aggregated",
        /// A CloudWatch Logs control message.
        Control = "control",
        /// An audit device's probe or its header.
        Probe = "probe",
    }
}

/// Why one record was rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    pub reason: RejectReason,
    /// What exactly was wrong, for a person; carries no value of the record.
    pub detail: String,
}

impl Reject {
    /// A reject with its explanation.
    pub fn new(reason: RejectReason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}
