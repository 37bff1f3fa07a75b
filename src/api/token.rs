//! Bearer tokens, compared in constant time.

use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};

use super::answer::refuse;
use crate::config::SecretFile;

/// Lets a request through that carries the token in `file`, as `Authorization: Bearer`. The file is read
/// each time, so that a changed token holds at once.
///
/// # Errors
/// The answer to give: 401 where the token is missing or wrong, 503 where the file cannot be read.
pub async fn demand(headers: &HeaderMap, file: &SecretFile) -> Result<(), Box<Response>> {
    let file = file.clone();
    let wanted = tokio::task::spawn_blocking(move || file.read()).await;
    let wanted = match wanted {
        Ok(Ok(wanted)) => wanted,
        Ok(Err(error)) => {
            tracing::error!(%error, "requests are refused: their token cannot be checked");
            return Err(unreadable());
        }
        Err(_) => return Err(unreadable()),
    };
    let given = headers.get(AUTHORIZATION).and_then(|value| bearer(value.as_bytes())).unwrap_or_default();
    if same(given, wanted.expose_secret().as_bytes()) {
        return Ok(());
    }
    let mut refusal = refuse(
        StatusCode::UNAUTHORIZED,
        "the token is missing or wrong",
        "send the header `Authorization: Bearer TOKEN`",
    );
    refusal.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    Err(Box::new(refusal))
}

fn unreadable() -> Box<Response> {
    Box::new(refuse(
        StatusCode::SERVICE_UNAVAILABLE,
        "the token cannot be checked",
        "see the log of keyward: the file with the token could not be read",
    ))
}

/// What follows `Bearer`, in any case, as RFC 9110 has it.
pub(super) fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(b"Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token.trim_ascii())
}

/// Whether two secrets are the same, in a time that tells nothing of where they differ: their digests are
/// compared, all of them.
pub fn same(given: &[u8], wanted: &[u8]) -> bool {
    let (given, wanted) = (Sha256::digest(given), Sha256::digest(wanted));
    given.iter().zip(wanted.iter()).fold(0, |differing, (one, other)| differing | (one ^ other)) == 0
}
