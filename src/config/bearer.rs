//! The token by which a client proves to Kafka who it is (SASL OAUTHBEARER), read from its file.
//!
//! In: what `sasl` names. Out: the token as it is now, whose it is and until when. Whether it is true the
//! broker decides; when to ask again is the client's business.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::secret::{SecretError, SecretFile};
use super::source::Sasl;

/// How long a token counts as valid that does not say so itself, in milliseconds. It is read again after
/// four fifths.
const LIFETIME: i64 = 5 * 60 * 1000;

/// Whose a token is that does not say so itself.
const SOMEBODY: &str = "keyward";

/// Where a token is.
#[derive(Debug, Clone)]
pub struct BearerFile {
    file: SecretFile,
    username: Option<String>,
}

/// A token, as a client takes it. `Debug` does not show it.
#[derive(Debug)]
pub struct Bearer {
    pub token: SecretString,
    /// Whose it is.
    pub principal: String,
    /// Until when it counts, in milliseconds since the epoch.
    pub valid_until: i64,
}

impl BearerFile {
    /// The token that `sasl` names, if it names one.
    pub fn of(sasl: Option<&Sasl>) -> Option<Self> {
        let sasl = sasl?;
        Some(Self { file: sasl.token.clone()?, username: sasl.username.clone() })
    }

    /// The token as it is at `now`, in microseconds since the epoch.
    ///
    /// # Errors
    /// Where its file cannot be read.
    pub fn read(&self, now: i64) -> Result<Bearer, SecretError> {
        let token = self.file.read()?;
        let claims = Claims::of(token.expose_secret()).unwrap_or_default();
        let valid_until = claims.exp.map_or(now / 1000 + LIFETIME, |exp| exp.saturating_mul(1000));
        let principal = self.username.clone().or(claims.sub).unwrap_or_else(|| SOMEBODY.to_owned());
        Ok(Bearer { token, principal, valid_until })
    }
}

/// What a JSON web token (RFC 7519 §4.1) says of itself.
#[derive(Default, Deserialize)]
struct Claims {
    #[serde(default)]
    exp: Option<i64>,
    #[serde(default)]
    sub: Option<String>,
}

impl Claims {
    fn of(token: &str) -> Option<Self> {
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
        serde_json::from_slice(&claims).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(text: &str, username: Option<&str>) -> Bearer {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let file = BearerFile { file: SecretFile::new(file.path()), username: username.map(str::to_owned) };
        file.read(1_000_000_000).unwrap()
    }

    #[test]
    fn a_token_says_whose_it_is_and_until_when() {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let token = format!("{}.{}.sig", encode("{}"), encode(r#"{"sub":"audit","exp":1796000000}"#));
        let bearer = read(&token, None);
        assert_eq!((bearer.principal.as_str(), bearer.valid_until), ("audit", 1_796_000_000_000));
        assert_eq!(read(&token, Some("us")).principal, "us");
        assert!(!format!("{bearer:?}").contains("sig"));
    }

    #[test]
    fn one_that_says_nothing_counts_for_five_minutes() {
        let bearer = read("opaque", None);
        assert_eq!((bearer.principal.as_str(), bearer.valid_until), ("keyward", 1_000_000 + 300_000));
    }
}
