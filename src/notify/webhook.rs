//! One attempt at a webhook: a POST of the stored body, signed.

use std::error::Error;
use std::net::IpAddr;
use std::time::Duration;

use chrono::DateTime;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};
use secrecy::ExposeSecret;

use super::error::NotifyError;
use super::guard::{Guard, RefusedAddress};
use super::retry::Failure;
use super::signature::signature;
use crate::config::{self, SecretFile};

/// How long connecting may take: a receiver further away does not exist.
const CONNECT: Duration = Duration::from_secs(5);

/// How much of a response is read, in bytes: an acknowledgement is shorter, and nobody needs more.
const MOST_READ: usize = 64 * 1024;

/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(60);

const ID: &str = "webhook-id";
const TIMESTAMP: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// A receiver and how to talk to it. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Webhook {
    client: Client,
    url: Url,
    signing_key: Option<SecretFile>,
    token: Option<SecretFile>,
}

impl Webhook {
    pub fn new(config: &config::Webhook) -> Result<Self, NotifyError> {
        let guard = Guard::new(&config.allow_networks);
        let url = checked(&config.url, &guard)?;
        let timeout = config.timeout.duration();
        let client = Client::builder()
            .dns_resolver(guard)
            .redirect(Policy::none())
            .no_proxy()
            .timeout(timeout)
            .connect_timeout(timeout.min(CONNECT))
            .pool_idle_timeout(IDLE)
            .user_agent(concat!("keyward/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(NotifyError::Client)?;
        let (signing_key, token) = (config.signing_key.clone(), config.token.clone());
        Ok(Self { client, url, signing_key, token })
    }

    /// Posts a body under its id, at `now` in microseconds since the epoch.
    pub async fn post(&self, id: &str, body: String, now: i64) -> Result<(), Failure> {
        let headers = self.headers(id, &body, now).map_err(temporary)?;
        let request = self.client.post(self.url.clone()).headers(headers).body(body);
        let response = request.send().await.map_err(|error| not_sent(&error))?;
        let told = verdict(&response, now);
        drain(response).await;
        told
    }

    fn headers(&self, id: &str, body: &str, now: i64) -> Result<HeaderMap, String> {
        let value =
            |text: &str| HeaderValue::from_str(text).map_err(|_| "a header cannot be written".to_owned());
        let seconds = now.div_euclid(1_000_000);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ID, value(id)?);
        headers.insert(IDEMPOTENCY_KEY, value(id)?);
        headers.insert(TIMESTAMP, HeaderValue::from(seconds));
        if let Some(file) = &self.signing_key {
            let key = file.read().map_err(|error| error.to_string())?;
            let signature = signature(&key, id, seconds, body)
                .ok_or_else(|| format!("the key in {} is no base64 after whsec_", file.path().display()))?;
            headers.insert(SIGNATURE, value(&signature)?);
        }
        if let Some(file) = &self.token {
            let token = file.read().map_err(|error| error.to_string())?;
            let mut bearer = value(&format!("Bearer {}", token.expose_secret()))
                .map_err(|_| format!("the token in {} cannot stand in a header", file.path().display()))?;
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        Ok(headers)
    }
}

/// The address, unless requests must not go there. A name is looked at when it is resolved.
fn checked(text: &str, guard: &Guard) -> Result<Url, NotifyError> {
    let url = Url::parse(text).map_err(|_| NotifyError::Address)?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(NotifyError::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(NotifyError::Credentials);
    }
    let host = url.host_str().ok_or(NotifyError::Address)?;
    if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
        guard.check(address)?;
    }
    Ok(url)
}

fn temporary(why: String) -> Failure {
    Failure { why, for_good: false, pause: None }
}

/// Why a request got no answer. The address stays out: it may be a secret.
fn not_sent(error: &reqwest::Error) -> Failure {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    let mut last = None;
    while let Some(inner) = cause {
        if let Some(refused) = inner.downcast_ref::<RefusedAddress>() {
            return Failure { why: refused.to_string(), for_good: true, pause: None };
        }
        last = Some(inner.to_string());
        cause = inner.source();
    }
    let what = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "could not connect"
    } else {
        "the request broke off"
    };
    temporary(last.map_or_else(|| what.to_owned(), |last| format!("{what}: {last}")))
}

/// What a receiver's status means: yes, not now, or no.
fn verdict(response: &Response, now: i64) -> Result<(), Failure> {
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let not_now =
        matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS);
    let hint =
        if status.is_redirection() { "; redirects are not followed, give the final address" } else { "" };
    Err(Failure {
        why: format!("HTTP {}{hint}", status.as_u16()),
        for_good: !status.is_server_error() && !not_now,
        pause: response.headers().get(RETRY_AFTER).and_then(|value| pause(value, now)),
    })
}

/// `Retry-After`: seconds, or a date.
fn pause(value: &HeaderValue, now: i64) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = DateTime::parse_from_rfc2822(text).ok()?.timestamp_micros();
    u64::try_from(until.saturating_sub(now)).ok().map(Duration::from_micros)
}

/// Reads what is left of a response, so that the connection can be used again; a long one is cut off.
async fn drain(mut response: Response) {
    let mut read = 0;
    while let Ok(Some(part)) = response.chunk().await {
        read += part.len();
        if read > MOST_READ {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook(url: &str, allowed: &[&str]) -> Result<Webhook, NotifyError> {
        let config = serde_json::json!({ "url": url, "allow_networks": allowed });
        Webhook::new(&serde_json::from_value(config).unwrap())
    }

    #[test]
    fn addresses_that_lead_inside_are_refused_at_the_start() {
        for url in [
            "http://127.0.0.1/a",
            "http://2130706433/",
            "http://0x7f.1/",
            "https://[::1]:8443/",
            "http://[::ffff:10.0.0.1]/",
        ] {
            assert!(matches!(webhook(url, &[]), Err(NotifyError::Refused(_))), "{url}");
        }
        assert!(webhook("http://127.0.0.1:9/a", &["127.0.0.0/8"]).is_ok());
        assert!(webhook("https://hooks.example.com/a", &[]).is_ok());
    }

    #[test]
    fn what_is_no_web_address_is_refused() {
        assert!(matches!(webhook("hooks.example.com", &[]), Err(NotifyError::Address)));
        assert!(matches!(webhook("file:///etc/passwd", &[]), Err(NotifyError::Scheme)));
        assert!(matches!(webhook("https://a:b@example.com/", &[]), Err(NotifyError::Credentials)));
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let read = |text: &str| pause(&HeaderValue::from_str(text).unwrap(), 1_445_412_470_000_000);
        assert_eq!(read("120"), Some(Duration::from_secs(120)));
        assert_eq!(read("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::from_secs(10)));
        assert_eq!(read("Wed, 21 Oct 2015 07:27:00 GMT"), None);
        assert_eq!(read("soon"), None);
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused_for_good_and_the_reason_names_no_address_of_ours() {
        let webhook = webhook("http://localhost:9/secret-path", &[]).unwrap();
        let failure = webhook.post("id", "{}".to_owned(), 0).await.unwrap_err();
        assert!(failure.for_good, "{failure:?}");
        assert!(
            failure.why.contains("a loopback address") && !failure.why.contains("secret-path"),
            "{failure:?}"
        );
    }
}
