//! What clients are answered: JSON that says what to do. Bodies and tokens are never repeated.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::source::spool::AppendError;

/// Seconds after which a client may try again where there was no room.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("2");

/// Why a request was refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("send the source's token as `Authorization: Bearer …` or `X-Amz-Firehose-Access-Key`")]
    NoToken,
    #[error("this is not the token of this source; compare it with the file that `token` names")]
    WrongToken,
    #[error("there is no HTTP source of this name; compare it with `sources` in the configuration")]
    NoSource,
    #[error("only POST is served here")]
    NotPost,
    #[error("the body took too long; send smaller ones, or raise `http.timeout`")]
    TooSlow,
    #[error("the body is larger than {0}; send smaller ones, or raise `http.body`")]
    TooLarge(String),
    #[error("the body is larger than {0} once unpacked; send smaller ones, or raise `http.unpacked`")]
    TooLargeUnpacked(String),
    #[error("this content encoding is not read; send the body as it is, or as gzip")]
    Encoding,
    #[error("the body does not unpack as gzip")]
    NotGzip,
    #[error("the body is empty; send audit records, one or many")]
    Empty,
    #[error("the body did not arrive whole; send it again")]
    Broken,
    #[error("the body is no delivery of Firehose: {0}")]
    NotFirehose(&'static str),
    #[error("too many bodies are in hand; send this one again later")]
    Busy,
    #[error(transparent)]
    Append(#[from] AppendError),
}

impl Refusal {
    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::NoToken => StatusCode::UNAUTHORIZED,
            Self::WrongToken => StatusCode::FORBIDDEN,
            Self::NoSource => StatusCode::NOT_FOUND,
            Self::NotPost => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge(_) | Self::TooLargeUnpacked(_) | Self::Append(AppendError::TooLarge) => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            Self::Encoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NotGzip | Self::Empty | Self::Broken | Self::NotFirehose(_) => StatusCode::BAD_REQUEST,
            Self::Busy | Self::Append(AppendError::Full) => StatusCode::TOO_MANY_REQUESTS,
            Self::Append(AppendError::Closed | AppendError::Failed(_)) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The headers that go with it.
    fn dress(&self, response: &mut Response) {
        let headers = response.headers_mut();
        match self.status() {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, RETRY_AFTER);
            }
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::METHOD_NOT_ALLOWED => {
                headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
            }
            // What is left of the body is not read.
            StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = Json(json!({ "error": self.to_string() }));
        let mut response = (self.status(), body).into_response();
        self.dress(&mut response);
        response
    }
}

/// The answer to a delivery of Firehose: its request id and a time are asked for either way ("HTTP endpoint
/// delivery request and response specifications" of its guide).
pub(super) fn to_firehose(request_id: &str, now_micros: i64, result: Result<(), Refusal>) -> Response {
    let timestamp = now_micros / 1000;
    match result {
        Ok(()) => Json(json!({ "requestId": request_id, "timestamp": timestamp })).into_response(),
        Err(refusal) => {
            let message = refusal.to_string();
            let body = json!({ "requestId": request_id, "timestamp": timestamp, "errorMessage": message });
            let mut response = (refusal.status(), Json(body)).into_response();
            refusal.dress(&mut response);
            response
        }
    }
}
