//! Deliveries of Amazon Data Firehose to an HTTP endpoint.
//!
//! In: `{"requestId", "timestamp", "records": [{"data": base64}]}`. Out: the records' bytes, each as it was
//! put into the stream.

use axum::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::answer::Refusal;

/// The header that names a delivery.
pub(super) const REQUEST_ID: &str = "x-amz-firehose-request-id";

/// The header with the token.
pub(super) const ACCESS_KEY: &str = "x-amz-firehose-access-key";

#[derive(Deserialize)]
struct Delivery<'a> {
    #[serde(borrow, default, rename = "requestId")]
    request_id: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    records: Vec<Record<'a>>,
}

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    data: std::borrow::Cow<'a, str>,
}

/// The id of a delivery, where the request is one.
pub(super) fn request_id(headers: &HeaderMap) -> Option<&str> {
    headers.get(REQUEST_ID)?.to_str().ok()
}

/// The records of a delivery.
pub(super) fn records(body: &[u8], request_id: &str) -> Result<Vec<Vec<u8>>, Refusal> {
    let delivery: Delivery<'_> = serde_json::from_slice(body)
        .map_err(|_| Refusal::NotFirehose("it needs `requestId` and a list `records` with `data`"))?;
    if delivery.request_id.is_some_and(|stated| stated != request_id) {
        return Err(Refusal::NotFirehose("`requestId` is not the one of the header"));
    }
    let decode = |record: &Record<'_>| STANDARD.decode(record.data.as_bytes());
    let decoded: Result<Vec<_>, _> = delivery.records.iter().map(decode).collect();
    decoded.map_err(|_| Refusal::NotFirehose("`data` is no base64"))
}
