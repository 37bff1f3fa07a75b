//! What librdkafka calls back of every client alike, consumers and producers.

use std::error::Error;

use rdkafka::client::OAuthToken;
use rdkafka::config::RDKafkaLogLevel as Level;
use secrecy::ExposeSecret;

use super::bearer::BearerFile;

/// Logs what librdkafka says. What fails is told by whoever uses the client, once; each failed connection
/// would be a line here.
pub fn log(level: Level, facility: &str, message: &str) {
    match level {
        Level::Emerg | Level::Alert | Level::Critical => {
            tracing::warn!(target: "librdkafka", facility, "{message}");
        }
        _ => tracing::debug!(target: "librdkafka", facility, "{message}"),
    }
}

/// The token in this file, read anew; `now` is microseconds since the epoch.
///
/// # Errors
/// Where no file is named, or it cannot be read.
pub fn oauth_token(file: Option<&BearerFile>, now: i64) -> Result<OAuthToken, Box<dyn Error>> {
    let file = file.ok_or("no token is configured; name its file under `sasl: token:`")?;
    let bearer = file.read(now)?;
    Ok(OAuthToken {
        token: bearer.token.expose_secret().to_owned(),
        principal_name: bearer.principal,
        lifetime_ms: bearer.valid_until,
    })
}
