//! Who asks, by their token.

use std::sync::Arc;

use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use secrecy::ExposeSecret;

use super::{Alerts, Refusal, refused};
use crate::api::answer::refuse;
use crate::api::token::{bearer, same};
use crate::config::Role;
use crate::config::User;

/// The name of whoever sent their token, where their role is enough. The files are read each time, so that a changed
/// token holds at once.
///
/// # Errors
/// The answer to give.
pub async fn who(alerts: &Alerts, headers: &HeaderMap, needed: Role) -> Result<String, Refusal> {
    who_of(&alerts.users, headers, needed).await
}

/// As [`who`], among these.
///
/// # Errors
/// The answer to give.
pub async fn who_of(users: &Arc<[User]>, headers: &HeaderMap, needed: Role) -> Result<String, Refusal> {
    if users.is_empty() {
        let told = "nobody may see alerts over HTTP";
        return Err(refused(StatusCode::FORBIDDEN, told, "name somebody in `http.users`"));
    }
    let given = headers.get(AUTHORIZATION).and_then(|value| bearer(value.as_bytes())).unwrap_or_default();
    let (given, users) = (given.to_vec(), Arc::clone(users));
    let found = tokio::task::spawn_blocking(move || {
        let has_token = |user: &&User| match user.token.read() {
            Ok(token) => same(&given, token.expose_secret().as_bytes()),
            Err(error) => {
                tracing::error!(%error, user = user.name, "somebody is refused: their token cannot be read");
                false
            }
        };
        // All are compared, so that how long it takes tells nothing.
        let found: Vec<_> = users.iter().filter(has_token).collect();
        found.first().map(|user| (user.name.clone(), user.role))
    });
    match found.await.ok().flatten() {
        Some((name, role)) if role >= needed => Ok(name),
        Some((name, role)) => {
            let told = format!("{name} is a {role} and may not do this");
            Err(refused(StatusCode::FORBIDDEN, &told, "ask somebody who is a responder"))
        }
        None => {
            let to_do = "send the header `Authorization: Bearer TOKEN`";
            let mut refusal = refuse(StatusCode::UNAUTHORIZED, "the token is missing or wrong", to_do);
            refusal.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            Err(Refusal(Box::new(refusal)))
        }
    }
}
