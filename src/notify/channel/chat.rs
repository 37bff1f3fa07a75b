//! Chats: Slack's incoming webhooks with Block Kit (<https://docs.slack.dev/block-kit>), and Adaptive Cards
//! for the workflow webhooks of Microsoft Teams (<https://adaptivecards.io/explorer/>).
//!
//! Both have elements that take text for text: `plain_text` and `TextRun`. What events say is in no other.

use serde_json::{Value, json};

use super::super::http::{Head, Http};
use super::super::retry::Failure;
use super::super::told::Act;
use super::{Parcel, Words, is_summary};
use crate::config::Chat;
use crate::domain::level::Level;

pub(super) fn slack(words: &Words<'_>) -> String {
    let subject = words.subject();
    let plain = |text: &str| json!({ "type": "plain_text", "text": text, "emoji": false });
    let mut blocks = vec![
        json!({ "type": "header", "text": plain(&subject) }),
        json!({ "type": "section", "text": plain(&words.body()) }),
    ];
    blocks.push(json!({ "type": "context", "elements": [plain(&ids(words))] }));
    json!({ "text": subject, "mrkdwn": false, "blocks": blocks }).to_string()
}

pub(super) fn teams(words: &Words<'_>) -> String {
    let text = |text: &str, more: Value| {
        let mut run = json!({ "type": "TextRun", "text": text });
        if let (Some(run), Value::Object(more)) = (run.as_object_mut(), more) {
            run.extend(more);
        }
        json!({ "type": "RichTextBlock", "inlines": [run] })
    };
    let title = json!({ "size": "large", "weight": "bolder", "color": colour(words) });
    let mut body = vec![text(&words.subject(), title)];
    let lines = words.body();
    body.extend(lines.lines().filter(|line| !line.is_empty()).map(|line| text(line, json!({}))));
    body.push(text(&ids(words), json!({ "size": "small", "isSubtle": true })));
    let card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    });
    let attachment = json!({
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": null,
        "content": card,
    });
    json!({ "type": "message", "attachments": [attachment] }).to_string()
}

/// By which ids the message is found again.
fn ids(words: &Words<'_>) -> String {
    let message = words.message;
    if is_summary(message) {
        return format!("keyward, delivery {}", message.delivery);
    }
    format!("keyward, alert {}, delivery {}", message.alert, message.delivery)
}

fn colour(words: &Words<'_>) -> &'static str {
    match (words.message.act, words.message.level) {
        (Act::Resolve | Act::Acknowledge, _) => "good",
        (Act::Trigger, Level::Critical | Level::High) => "attention",
        (Act::Trigger, Level::Medium) => "warning",
        (Act::Trigger, Level::Low | Level::Informational) => "default",
    }
}

pub(super) async fn send(of: &Chat, http: &Http, parcel: &Parcel<'_>) -> Result<String, Failure> {
    let url = http.secret_address(&of.url)?;
    http.post(url, Head::new("application/json", parcel.id)?, parcel.body.to_owned(), parcel.now).await
}
