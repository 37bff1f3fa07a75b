//! A webhook of one's own: the page as JSON, by itself or in a `CloudEvents` envelope, or what a template makes
//! of it; signed as Standard Webhooks has it.

use schemars::JsonSchema;
use serde::Serialize;

use super::super::http::{Http, temporary};
use super::super::message::Asked;
use super::super::retry::Failure;
use super::super::signed::Signed;
use super::super::told::{Body, indented};
use super::{Parcel, Words};
use crate::config::{Hook, HookFormat};
use crate::domain::time::format_rfc3339;

/// A page in its envelope (`CloudEvents` 1.0, structured mode).
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "Event")]
struct Event<'a> {
    specversion: &'static str,
    /// Id of the delivery.
    id: &'a str,
    source: &'static str,
    /// `keyward.alert.` and the news.
    r#type: String,
    /// Id of the alert.
    subject: &'a str,
    /// When it was told, RFC 3339.
    time: String,
    datacontenttype: &'static str,
    data: Body<'a>,
}

/// The JSON schema of a page in its envelope, indented, ending with a line break.
pub fn event_schema() -> String {
    indented(&schemars::schema_for!(Event<'_>))
}

pub(super) fn render(of: &Hook, asked: &Asked<'_>, words: &Words<'_>) -> String {
    let page = asked.told.body(asked.delivery, asked.findings);
    let text = match of.format {
        HookFormat::Page => serde_json::to_string(&page),
        HookFormat::Template => return words.templates.render_json(words.kind, "body.json", words.message),
        HookFormat::Cloudevents => serde_json::to_string(&Event {
            specversion: "1.0",
            id: asked.delivery,
            source: "keyward",
            r#type: format!("keyward.alert.{}", asked.told.news),
            subject: &asked.told.alert,
            time: format_rfc3339(asked.at),
            datacontenttype: "application/json",
            data: page,
        }),
    };
    // A page is made of text and numbers, which never fail to be written.
    text.unwrap_or_default()
}

pub(super) async fn send(of: &Hook, http: &Http, parcel: &Parcel<'_>) -> Result<String, Failure> {
    let url = http.checked(&of.url).map_err(temporary)?;
    let content = match of.format {
        HookFormat::Page | HookFormat::Template => "application/json",
        HookFormat::Cloudevents => "application/cloudevents+json",
    };
    let signed = Signed { content, id: parcel.id, body: parcel.body, now: parcel.now };
    let head = signed.head(&of.signing_keys, of.token.as_ref())?;
    http.post(url, head, parcel.body.to_owned(), parcel.now).await
}
