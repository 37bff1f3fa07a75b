//! The shape of an audit entry, and how its bytes are read.
//!
//! In: the bytes of one record. Out: an [`Entry`] that borrows from them, or a reject with its reason.
//! What the fields mean is left to the modules beside this one.
//!
//! Fields are those of OpenBao's and Vault's `audit/types.go` (`domain-events.md` §5.1). Fields that are
//! not read are skipped, whatever they hold; a read field that is given twice or has another type than
//! it may have is a reject, because two readers could then see two different calls in one line.

use std::marker::PhantomData;

use serde::Deserialize;

use super::super::json::{self, Doubt};
use super::json::{Json, Object, Text};
use crate::domain::reject::{Reject, RejectReason};

/// What an audit line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryType {
    Request,
    Response,
    KmipRequest,
    KmipResponse,
}

impl EntryType {
    /// The type written as `word` in the log.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "request" => Some(Self::Request),
            "response" => Some(Self::Response),
            "kmip-request" => Some(Self::KmipRequest),
            "kmip-response" => Some(Self::KmipResponse),
            _ => None,
        }
    }

    /// Whether the answer to this entry is another one.
    pub const fn awaits_response(self) -> bool {
        matches!(self, Self::Request | Self::KmipRequest)
    }

    /// Whether it is one of Vault Enterprise's KMIP server.
    pub const fn is_kmip(self) -> bool {
        matches!(self, Self::KmipRequest | Self::KmipResponse)
    }
}

/// One audit entry.
#[derive(Debug, Default, Deserialize)]
pub struct Entry<'a> {
    #[serde(borrow)]
    pub time: Option<Text<'a>>,
    #[serde(borrow, rename = "type")]
    pub kind: Option<Text<'a>>,
    #[serde(borrow)]
    pub error: Option<Text<'a>>,
    #[serde(borrow)]
    pub auth: Option<Object<Auth<'a>>>,
    #[serde(borrow)]
    pub request: Option<Object<Request<'a>>>,
    #[serde(borrow)]
    pub response: Option<Object<Response<'a>>>,
}

/// Who called, or, in a response, who has just logged in.
#[derive(Debug, Default, Deserialize)]
pub struct Auth<'a> {
    #[serde(borrow)]
    pub client_token: Option<Text<'a>>,
    #[serde(borrow)]
    pub accessor: Option<Text<'a>>,
    #[serde(borrow)]
    pub display_name: Option<Text<'a>>,
    #[serde(borrow)]
    pub policies: Option<Vec<Text<'a>>>,
    #[serde(borrow)]
    pub token_policies: Option<Vec<Text<'a>>>,
    #[serde(borrow)]
    pub policy_results: Option<Object<PolicyResults<'a>>>,
    #[serde(borrow)]
    pub metadata: Option<Json<'a>>,
    #[serde(borrow)]
    pub entity_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub token_type: Option<Text<'a>>,
    #[serde(borrow)]
    pub token_ttl: Option<Json<'a>>,
    #[serde(borrow)]
    pub token_issue_time: Option<Text<'a>>,
}

/// What the policies said, and which of them granted it.
#[derive(Debug, Default, Deserialize)]
pub struct PolicyResults<'a> {
    pub allowed: Option<bool>,
    #[serde(borrow)]
    pub granting_policies: Option<Vec<Object<GrantingPolicy<'a>>>>,
}

/// A policy that granted the call, and the namespace that it lives in.
#[derive(Debug, Default, Deserialize)]
pub struct GrantingPolicy<'a> {
    #[serde(borrow)]
    pub name: Option<Text<'a>>,
    #[serde(borrow)]
    pub namespace_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub namespace_path: Option<Text<'a>>,
}

/// What was asked; a response entry repeats it in full.
#[derive(Debug, Default, Deserialize)]
pub struct Request<'a> {
    #[serde(borrow)]
    pub id: Option<Text<'a>>,
    #[serde(borrow)]
    pub operation: Option<Text<'a>>,
    #[serde(borrow)]
    pub mount_point: Option<Text<'a>>,
    #[serde(borrow)]
    pub mount_type: Option<Text<'a>>,
    #[serde(borrow)]
    pub mount_class: Option<Text<'a>>,
    #[serde(borrow)]
    pub client_token: Option<Text<'a>>,
    #[serde(borrow)]
    pub client_token_accessor: Option<Text<'a>>,
    #[serde(borrow)]
    pub namespace: Option<Object<Namespace<'a>>>,
    #[serde(borrow)]
    pub path: Option<Text<'a>>,
    #[serde(borrow)]
    pub data: Option<Json<'a>>,
    #[serde(borrow)]
    pub remote_address: Option<Text<'a>>,
    #[serde(borrow)]
    pub headers: Option<Json<'a>>,
    #[serde(borrow)]
    pub client_certificate_serial_number: Option<Text<'a>>,
}

/// The namespace of a request; its path ends with a slash and is absent at the root.
#[derive(Debug, Default, Deserialize)]
pub struct Namespace<'a> {
    #[serde(borrow)]
    pub path: Option<Text<'a>>,
}

/// What was answered.
#[derive(Debug, Default, Deserialize)]
pub struct Response<'a> {
    #[serde(borrow)]
    pub auth: Option<Object<Auth<'a>>>,
    #[serde(borrow)]
    pub data: Option<Json<'a>>,
    #[serde(borrow)]
    pub wrap_info: Option<Object<WrapInfo<'a>>>,
}

/// Present where the answer was wrapped: its data is then absent.
#[derive(Debug, Default, Deserialize)]
pub struct WrapInfo<'a> {
    #[serde(borrow)]
    pub token: Option<Text<'a>>,
}

/// Which parser reads the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parser {
    /// The one in use: [`json`], and `serde_json` for what that one doubts.
    Fast,
    /// `serde_json` alone: the oracle that tests hold the fast one against.
    Plain,
}

/// Reads one record.
///
/// # Errors
/// Where it is not UTF-8, not one JSON object, nested too deep, or a read field has the wrong type or
/// is given twice.
pub fn read<'a, T: Deserialize<'a>>(record: &'a [u8], parser: Parser) -> Result<T, Reject> {
    let text = simdutf8::basic::from_utf8(record)
        .map_err(|_| Reject::new(RejectReason::InvalidUtf8, "the entry is not UTF-8"))?;
    match parser {
        Parser::Fast => json::read(PhantomData::<Object<T>>, text)
            .map(|object| object.0)
            .or_else(|Doubt| read_plain(text)),
        Parser::Plain => read_plain(text),
    }
}

fn read_plain<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Reject> {
    if json::nests_too_deep(text.as_bytes()) {
        let detail = format!("the entry is nested deeper than {} levels", json::MAX_NESTING);
        return Err(Reject::new(RejectReason::TooDeep, detail));
    }
    serde_json::from_str::<Object<T>>(text).map(|object| object.0).map_err(|error| reject(&error))
}

/// Says why the record was not read, without repeating anything of it.
fn reject(error: &serde_json::Error) -> Reject {
    let column = error.column();
    let duplicate = error.is_data() && error.to_string().starts_with("duplicate field");
    let (reason, what) = match error.classify() {
        serde_json::error::Category::Eof => (RejectReason::Truncated, "the entry ends early"),
        serde_json::error::Category::Data if duplicate => {
            (RejectReason::DuplicateField, "a field is given twice")
        }
        serde_json::error::Category::Data => {
            (RejectReason::WrongType, "a field has another type than it may have")
        }
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => {
            (RejectReason::InvalidJson, "the entry is not JSON")
        }
    };
    Reject::new(reason, format!("{what}, at byte {column}"))
}

/// A read field that must be there.
///
/// # Errors
/// Where it is not.
pub fn required<'a>(field: Option<&'a Text<'a>>, name: &str) -> Result<&'a str, Reject> {
    field
        .map(|text| &**text)
        .ok_or_else(|| Reject::new(RejectReason::MissingField, format!("the entry has no `{name}`")))
}
