//! One request to a receiver: a POST whose body never changes.

use std::error::Error;
use std::net::IpAddr;
use std::time::Duration;

use chrono::DateTime;
use ipnet::IpNet;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};
use secrecy::ExposeSecret;

use super::error::ChannelError;
use super::guard::{Guard, RefusedAddress};
use super::retry::Failure;
use crate::config::{Channel, SecretFile};

/// How long connecting may take: a receiver further away does not exist.
const CONNECT: Duration = Duration::from_secs(5);

/// How much of a response is read, in bytes: an acknowledgement is shorter, and nobody needs more.
const MOST_READ: usize = 64 * 1024;

/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(60);

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A client that goes nowhere it must not. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Http {
    client: Client,
    guard: Guard,
}

/// A request's head.
#[derive(Debug)]
pub(super) struct Head {
    headers: HeaderMap,
}

impl Head {
    /// For a body of this type, under this id.
    pub fn new(content_type: &'static str, id: &str) -> Result<Self, Failure> {
        let mut head = Self { headers: HeaderMap::new() };
        head.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        head.with(IDEMPOTENCY_KEY, id)
    }

    /// Adds a header.
    pub fn with(mut self, name: HeaderName, value: &str) -> Result<Self, Failure> {
        let value = HeaderValue::from_str(value).map_err(|_| temporary("a header cannot be written"))?;
        self.headers.insert(name, value);
        Ok(self)
    }

    /// Adds who we are: a scheme and the secret in a file.
    pub fn with_secret(mut self, scheme: &str, file: Option<&SecretFile>) -> Result<Self, Failure> {
        let Some(file) = file else { return Ok(self) };
        let secret = file.read().map_err(temporary)?;
        let value = HeaderValue::from_str(&format!("{scheme} {}", secret.expose_secret()));
        let mut value = value.map_err(|_| {
            temporary(format!("the secret in {} cannot stand in a header", file.path().display()))
        })?;
        value.set_sensitive(true);
        self.headers.insert(AUTHORIZATION, value);
        Ok(self)
    }
}

impl Http {
    /// A client for a channel.
    pub fn new(channel: &Channel) -> Result<Self, ChannelError> {
        Self::within(&channel.allow_networks, channel.timeout.duration())
    }

    /// A client that may go to these networks too, and waits so long for an answer.
    pub fn within(allowed: &[IpNet], timeout: Duration) -> Result<Self, ChannelError> {
        let guard = Guard::new(allowed);
        let client = Client::builder()
            .dns_resolver(guard.clone())
            .redirect(Policy::none())
            .no_proxy()
            .timeout(timeout)
            .connect_timeout(timeout.min(CONNECT))
            .pool_idle_timeout(IDLE)
            .user_agent(concat!("keyward/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(ChannelError::Client)?;
        Ok(Self { client, guard })
    }

    /// The address, unless requests must not go there. A name is looked at when it is resolved.
    pub fn checked(&self, text: &str) -> Result<Url, ChannelError> {
        let url = Url::parse(text).map_err(|_| ChannelError::Address)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(ChannelError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ChannelError::Credentials);
        }
        let host = url.host_str().ok_or(ChannelError::Address)?;
        if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
            self.guard.check(address)?;
        }
        Ok(url)
    }

    /// The address in a file, as it is now.
    pub fn secret_address(&self, file: &SecretFile) -> Result<Url, Failure> {
        let url = file.read().map_err(temporary)?;
        self.checked(url.expose_secret().trim()).map_err(|error| Failure {
            why: format!("{}: {error}", file.path().display()),
            for_good: true,
            pause: None,
        })
    }

    /// Posts a body, at `now` in microseconds since the epoch, and says what the receiver answered.
    pub async fn post(&self, url: Url, head: Head, body: String, now: i64) -> Result<String, Failure> {
        let response = self.answered(url, head, body).await?;
        let status = format!("HTTP {}", response.status().as_u16());
        let told = verdict(&response, now);
        read(response).await;
        told.map(|()| status)
    }

    /// The same, and says what stands in the answer.
    pub async fn ask(&self, url: Url, head: Head, body: String, now: i64) -> Result<String, Failure> {
        let response = self.answered(url, head, body).await?;
        let told = verdict(&response, now);
        let answer = read(response).await;
        told.map(|()| String::from_utf8_lossy(&answer).into_owned())
    }

    async fn answered(&self, url: Url, head: Head, body: String) -> Result<Response, Failure> {
        let request = self.client.post(url).headers(head.headers).body(body);
        request.send().await.map_err(|error| not_sent(&error))
    }
}

/// A failure that may pass.
pub(super) fn temporary(why: impl ToString) -> Failure {
    Failure { why: why.to_string(), for_good: false, pause: None }
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
async fn read(mut response: Response) -> Vec<u8> {
    let mut read = Vec::new();
    while let Ok(Some(part)) = response.chunk().await {
        read.extend_from_slice(&part);
        if read.len() > MOST_READ {
            read.truncate(MOST_READ);
            break;
        }
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(allowed: &[&str]) -> Http {
        let config = serde_json::json!({ "name": "a", "allow_networks": allowed, "slack": { "url": "/a" } });
        Http::new(&serde_json::from_value(config).unwrap()).unwrap()
    }

    fn checked(url: &str, allowed: &[&str]) -> Result<Url, ChannelError> {
        client(allowed).checked(url)
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
            assert!(matches!(checked(url, &[]), Err(ChannelError::Refused(_))), "{url}");
        }
        assert!(checked("http://127.0.0.1:9/a", &["127.0.0.0/8"]).is_ok());
        assert!(checked("https://hooks.example.com/a", &[]).is_ok());
    }

    #[test]
    fn what_is_no_web_address_is_refused() {
        assert!(matches!(checked("hooks.example.com", &[]), Err(ChannelError::Address)));
        assert!(matches!(checked("file:///etc/passwd", &[]), Err(ChannelError::Scheme)));
        assert!(matches!(checked("https://a:b@example.com/", &[]), Err(ChannelError::Credentials)));
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
        let http = client(&[]);
        let url = http.checked("http://localhost:9/secret-path").unwrap();
        let head = Head::new("application/json", "id").unwrap();
        let failure = http.post(url, head, "{}".to_owned(), 0).await.unwrap_err();
        assert!(failure.for_good, "{failure:?}");
        assert!(
            failure.why.contains("a loopback address") && !failure.why.contains("secret-path"),
            "{failure:?}"
        );
    }
}
