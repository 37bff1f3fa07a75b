//! Requests signed as Standard Webhooks 1.0 has them: those of webhooks, and questions to a receiver that answers.

use std::time::Duration;

use ipnet::IpNet;
use reqwest::Url;
use reqwest::header::HeaderName;

use super::error::ChannelError;
use super::http::{Head, Http, temporary};
use super::retry::Failure;
use super::signature::signature;
use crate::config::SecretFile;

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// What is signed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signed<'s> {
    pub content: &'static str,
    /// The same however often it is sent.
    pub id: &'s str,
    pub body: &'s str,
    /// Microseconds since the epoch.
    pub now: i64,
}

impl Signed<'_> {
    /// The head of the request: one signature a key, in the files' order.
    pub fn head(&self, keys: &[SecretFile], token: Option<&SecretFile>) -> Result<Head, Failure> {
        let seconds = self.now.div_euclid(1_000_000);
        let head = Head::new(self.content, self.id)?
            .with(ID, self.id)?
            .with(TIMESTAMP, &seconds.to_string())?
            .with_secret("Bearer", token)?;
        let mut signatures = Vec::new();
        for file in keys {
            let key = file.read().map_err(temporary)?;
            let signed = signature(&key, self.id, seconds, self.body).ok_or_else(|| {
                temporary(format!("the key in {} is no base64 after whsec_", file.path().display()))
            })?;
            signatures.push(signed);
        }
        if signatures.is_empty() { Ok(head) } else { head.with(SIGNATURE, &signatures.join(" ")) }
    }
}

/// Asks one receiver, under the guard that every request is under. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Asker {
    http: Http,
    url: Url,
    keys: Vec<SecretFile>,
    token: Option<SecretFile>,
}

impl Asker {
    /// For the receiver at `url`, which may lie in the networks `allowed` and has so long to answer.
    ///
    /// # Errors
    /// Where the address is wrong or must not be reached.
    pub fn new(
        url: &str,
        keys: &[SecretFile],
        token: Option<&SecretFile>,
        allowed: &[IpNet],
        timeout: Duration,
    ) -> Result<Self, ChannelError> {
        let http = Http::within(allowed, timeout)?;
        let url = http.checked(url)?;
        Ok(Self { http, url, keys: keys.to_vec(), token: token.cloned() })
    }

    /// Posts JSON under an id, at `now` in microseconds since the epoch, and gives the answer's body.
    ///
    /// # Errors
    /// Where there is no good answer.
    pub async fn ask(&self, id: &str, body: String, now: i64) -> Result<String, Failure> {
        let signed = Signed { content: "application/json", id, body: &body, now };
        let head = signed.head(&self.keys, self.token.as_ref())?;
        self.http.ask(self.url.clone(), head, body, now).await
    }
}
