//! Alerts of a running service, asked over HTTP.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, IF_MATCH};
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder, Response, Url};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{DeskError, Happened, Wanted};
use crate::alerts::KeptAlert;
use crate::alerts::life::{Incident, MOST_LISTED, NewSilence, Shown, Silence, Untold};
use crate::config::SecretFile;
use crate::domain::alert::Suppression;
use crate::store::AlertFilter;

/// How long an answer may take, the live feed apart.
const WAIT: Duration = Duration::from_secs(30);

/// The largest answer, in bytes: a thousand alerts with all their findings' names are some megabytes.
const LARGEST: usize = 256 << 20;

/// How long to wait before a live feed that ended is asked for again.
const AGAIN: Duration = Duration::from_secs(1);

/// A service and the token for it.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    token: Option<SecretFile>,
    /// Which routes: those of alerts, or of actions.
    part: &'static str,
}

impl Client {
    /// The service at `url`.
    ///
    /// # Errors
    /// Where it is no address.
    pub fn new(url: &str, token: Option<SecretFile>) -> Result<Self, DeskError> {
        let base = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let base = base.ok_or_else(|| DeskError::Address(url.to_owned()))?;
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            .connect_timeout(WAIT)
            .user_agent(concat!("keyward/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, base, token, part: "alerts" })
    }

    /// The same service's actions.
    pub(in crate::app) fn for_actions(self) -> Self {
        Self { part: "actions", ..self }
    }

    /// A request to the route whose last segments these are.
    fn request(&self, method: Method, segments: &[&str]) -> Result<RequestBuilder, DeskError> {
        let mut url = self.base.clone();
        let path = ["api", "v1", self.part].into_iter().chain(segments.iter().copied());
        let set = url.path_segments_mut().map(|mut place| {
            place.pop_if_empty().extend(path);
        });
        set.map_err(|()| DeskError::Address(self.base.to_string()))?;
        let mut request = self.http.request(method, url);
        if let Some(file) = &self.token {
            let token = file.read()?;
            let bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()));
            let mut bearer = bearer.map_err(|_| DeskError::Answer("the token is no text".to_owned()))?;
            bearer.set_sensitive(true);
            request = request.header(AUTHORIZATION, bearer);
        }
        Ok(request)
    }

    pub(in crate::app) async fn get<T: DeserializeOwned>(
        &self,
        segments: &[&str],
        parameters: &[(&str, String)],
    ) -> Result<T, DeskError> {
        let (client, request) = self.request(Method::GET, segments)?.timeout(WAIT).build_split();
        let mut request = request?;
        request.url_mut().query_pairs_mut().extend_pairs(parameters);
        answered(client.execute(request).await?).await
    }

    pub(in crate::app) async fn post<T: DeserializeOwned>(
        &self,
        segments: &[&str],
        body: &Value,
        version: Option<&str>,
    ) -> Result<T, DeskError> {
        let mut request = self.request(Method::POST, segments)?.timeout(WAIT);
        if let Some(version) = version {
            request = request.header(IF_MATCH, format!("\"{version}\""));
        }
        let request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        answered(request.send().await?).await
    }

    pub(super) async fn list(&self, filter: &AlertFilter, most: u32) -> Result<Vec<KeptAlert>, DeskError> {
        #[derive(serde::Deserialize)]
        struct Page {
            alerts: Vec<KeptAlert>,
            next: Option<String>,
        }
        let mut found = Vec::new();
        let mut after = None;
        while found.len() < most as usize {
            let room = i64::from(most) - i64::try_from(found.len()).unwrap_or(i64::MAX);
            let mut parameters = parameters(filter);
            parameters.push(("limit", room.min(MOST_LISTED).to_string()));
            parameters.extend(after.map(|after| ("after", after)));
            let page: Page = self.get(&[], &parameters).await?;
            found.extend(page.alerts);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        Ok(found)
    }

    pub(super) async fn show(&self, id: &str) -> Result<Shown, DeskError> {
        self.get(&[id], &[]).await
    }

    pub(super) async fn act(&self, id: &str, wanted: &Wanted) -> Result<KeptAlert, DeskError> {
        #[derive(serde::Deserialize)]
        struct Acted {
            alert: KeptAlert,
        }
        let mut body = serde_json::to_value(&wanted.command).unwrap_or_default();
        if let (Some(body), Some(reason)) = (body.as_object_mut(), &wanted.reason) {
            body.insert("reason".to_owned(), json!(reason));
        }
        let acted: Acted = self.post(&[id], &body, wanted.version.as_deref()).await?;
        Ok(acted.alert)
    }

    pub(super) async fn suppressed(
        &self,
        reason: Option<Suppression>,
        most: u32,
    ) -> Result<Vec<Untold>, DeskError> {
        #[derive(serde::Deserialize)]
        struct Answer {
            suppressed: Vec<Untold>,
        }
        let mut parameters = vec![("limit", most.to_string())];
        parameters.extend(reason.map(|reason| ("reason", reason.to_string())));
        Ok(self.get::<Answer>(&["suppressed"], &parameters).await?.suppressed)
    }

    pub(super) async fn incidents(&self) -> Result<Vec<Incident>, DeskError> {
        #[derive(serde::Deserialize)]
        struct Answer {
            incidents: Vec<Incident>,
        }
        Ok(self.get::<Answer>(&["incidents"], &[]).await?.incidents)
    }

    pub(super) async fn silences(&self, all: bool) -> Result<Vec<Silence>, DeskError> {
        #[derive(serde::Deserialize)]
        struct Answer {
            silences: Vec<Silence>,
        }
        let parameters = [("all", all.to_string()), ("limit", MOST_LISTED.to_string())];
        Ok(self.get::<Answer>(&["silences"], &parameters).await?.silences)
    }

    pub(super) async fn add_silence(&self, new: &NewSilence) -> Result<Silence, DeskError> {
        self.post(&["silences"], &serde_json::to_value(new).unwrap_or_default(), None).await
    }

    pub(super) async fn end_silence(&self, id: &str, reason: Option<&str>) -> Result<Silence, DeskError> {
        self.post(&["silences", id, "expire"], &json!({ "reason": reason }), None).await
    }

    pub(super) async fn watch(
        &self,
        after: Option<i64>,
        each: &mut dyn FnMut(&Happened) -> std::io::Result<bool>,
    ) -> Result<(), DeskError> {
        let mut last = after;
        loop {
            let mut request = self.request(Method::GET, &["stream"])?;
            if let Some(last) = last {
                request = request.header("last-event-id", last.to_string());
            }
            let mut response = fine(request.send().await?).await?;
            let mut lines = Lines::default();
            // A feed that breaks off is asked for again from where it ended.
            while let Ok(Some(part)) = response.chunk().await {
                for data in lines.take(&part)? {
                    let happened: Happened = read(data.as_bytes())?;
                    last = Some(happened.entry.seq);
                    if !each(&happened)? {
                        return Ok(());
                    }
                }
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
}

/// Server-sent events in parts as they arrive.
#[derive(Debug, Default)]
struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    /// The data of the events that are complete now: ours have one line of data each.
    fn take(&mut self, part: &[u8]) -> Result<Vec<String>, DeskError> {
        self.rest.extend_from_slice(part);
        if self.rest.len() > LARGEST {
            return Err(DeskError::Answer("a line of the live feed has no end".to_owned()));
        }
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else { return Ok(Vec::new()) };
        let complete: Vec<u8> = self.rest.drain(..=end).collect();
        let text = String::from_utf8_lossy(&complete);
        Ok(text
            .lines()
            .filter_map(|line| line.strip_prefix("data:"))
            .map(|data| data.trim().to_owned())
            .collect())
    }
}

fn parameters(filter: &AlertFilter) -> Vec<(&'static str, String)> {
    let texts = [
        ("state", &filter.state),
        ("kind", &filter.kind),
        ("level", &filter.level),
        ("key", &filter.key_id),
        ("principal", &filter.principal),
        ("detector", &filter.detector),
        ("assignee", &filter.assignee),
        ("disposition", &filter.disposition),
        ("merged_into", &filter.merged_into),
    ];
    let given = texts.into_iter().filter_map(|(name, value)| Some((name, value.clone()?)));
    given.chain([("unresolved", filter.unresolved.to_string())]).collect()
}

/// The response, unless it is a refusal.
async fn fine(response: Response) -> Result<Response, DeskError> {
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status().as_u16();
    let answer: Value = serde_json::from_slice(&whole(response).await?).unwrap_or_default();
    let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    Err(DeskError::Refused { status, told: format!("{}; {}", text("error"), text("to_do")) })
}

async fn answered<T: DeserializeOwned>(response: Response) -> Result<T, DeskError> {
    read(&whole(fine(response).await?).await?)
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, DeskError> {
    serde_json::from_slice(body).map_err(|error| DeskError::Answer(error.to_string()))
}

async fn whole(mut response: Response) -> Result<Vec<u8>, DeskError> {
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await? {
        body.extend_from_slice(&part);
        if body.len() > LARGEST {
            return Err(DeskError::Answer(format!("more than {LARGEST} bytes")));
        }
    }
    Ok(body)
}
