//! Answers: JSON that says what is wrong and what to do, and headers that keep browsers from guessing.

use axum::Json;
use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// The body of every answer that is not a success.
#[derive(Debug, Serialize)]
struct Refusal<'r> {
    error: &'r str,
    to_do: &'r str,
}

/// An answer that says what is wrong and what to do about it.
pub fn refuse(status: StatusCode, error: &str, to_do: &str) -> Response {
    (status, Json(Refusal { error, to_do })).into_response()
}

/// What every answer carries: nothing here is for browsers to interpret, frame or keep.
const HEADERS: [(HeaderName, &str); 5] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (REFERRER_POLICY, "no-referrer"),
    (CACHE_CONTROL, "no-store"),
];

/// Adds the headers where they are not set, and makes JSON of refusals that came without a body of ours.
pub async fn finish(response: Response) -> Response {
    let mut response = if is_bare_refusal(&response) { told(response) } else { response };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

fn is_bare_refusal(response: &Response) -> bool {
    let json = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    let failed = response.status().is_client_error() || response.status().is_server_error();
    failed && !json
}

/// The refusals of the layers below, in our words. Headers such as `Allow` and `Retry-After` stay.
fn told(response: Response) -> Response {
    let status = response.status();
    let to_do = match status {
        StatusCode::NOT_FOUND => "look at /healthz, /readyz, /metrics, /api/v1/status",
        StatusCode::METHOD_NOT_ALLOWED => "use the method that the header `allow` names",
        StatusCode::REQUEST_TIMEOUT => "send the whole request within `http.timeout`",
        StatusCode::PAYLOAD_TOO_LARGE => "send less at once, or raise `http.body`",
        _ => "see the log of keyward",
    };
    let error = status.canonical_reason().unwrap_or("refused").to_lowercase();
    let (mut parts, _) = response.into_parts();
    let refusal = refuse(status, &error, to_do);
    parts.headers.remove(axum::http::header::CONTENT_LENGTH);
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Response::from_parts(parts, Body::new(refusal.into_body()))
}
