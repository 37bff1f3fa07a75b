//! What a call that creates or tags a key says of the key's tags.
//!
//! In: an event. Out: dated facts for the join step. Read from the request that is kept of such calls, so that
//! history tells the same as the live stream.

use serde::Deserialize;

use crate::domain::event::{KeyEvent, Outcome, Provider};

/// Tags that a key can have (AWS KMS and Secrets Manager quotas); more of one call are not read.
const MOST_TAGS: usize = 50;

/// A tag's value has at most so many characters (AWS tagging limits); of four bytes each.
const LONGEST: usize = 256 * 4;

/// A key had a tag, or had it no more, from a time on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LearntTag {
    /// Microseconds since the epoch.
    pub at: i64,
    pub key: String,
    pub name: String,
    pub value: Option<String>,
}

/// As KMS and as Secrets Manager write it (API reference: `Tag`).
#[derive(Deserialize)]
struct Tag {
    #[serde(alias = "tagKey", alias = "key")]
    name: String,
    #[serde(alias = "tagValue", default)]
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    tag_keys: Vec<String>,
}

/// Appends what `event` says. A request that cannot be read says nothing.
pub fn learn(event: &KeyEvent<'_>, learnt: &mut Vec<LearntTag>) {
    if event.provider == Some(Provider::Aws) && event.outcome == Some(Outcome::Success) {
        let (action, key) = (event.action.unwrap_or_default(), event.key_id.unwrap_or_default());
        said_by(action, key, event.event_time, event.request.unwrap_or_default(), learnt);
    }
}

/// As [`learn`], of a call that succeeded.
pub fn said_by(action: &str, key: &str, at: i64, request: &str, learnt: &mut Vec<LearntTag>) {
    let (sets, removes) = match action {
        "CreateKey" | "ReplicateKey" | "CreateSecret" | "TagResource" => (true, false),
        "UntagResource" => (false, true),
        _ => return,
    };
    let Ok(request) = serde_json::from_str::<Request>(request) else { return };
    if key.is_empty() {
        return;
    }
    let set = request.tags.into_iter().filter(|_| sets).map(|tag| (tag.name, Some(tag.value)));
    let removed = request.tag_keys.into_iter().filter(|_| removes).map(|name| (name, None));
    for (name, value) in set.chain(removed).take(MOST_TAGS) {
        if name.len() <= LONGEST && value.as_ref().is_none_or(|value| value.len() <= LONGEST) {
            learnt.push(LearntTag { at, key: key.to_owned(), name, value });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(action: &str, request: &str) -> Vec<(String, Option<String>)> {
        let mut learnt = Vec::new();
        said_by(action, "key", 7, request, &mut learnt);
        learnt.into_iter().map(|tag| (tag.name, tag.value)).collect()
    }

    #[test]
    fn both_services_tag_in_their_own_words() {
        let customer = [("data".to_owned(), Some("customer".to_owned()))];
        assert_eq!(said("CreateKey", r#"{"tags":[{"tagKey":"data","tagValue":"customer"}]}"#), customer);
        assert_eq!(
            said("CreateSecret", r#"{"name":"a","tags":[{"key":"data","value":"customer"}]}"#),
            customer
        );
        assert_eq!(said("UntagResource", r#"{"tagKeys":["data"]}"#), [("data".to_owned(), None)]);
    }

    #[test]
    fn other_calls_and_what_cannot_be_read_say_nothing() {
        for (action, request) in [
            ("Decrypt", r#"{"tags":[{"tagKey":"data","tagValue":"customer"}]}"#),
            ("TagResource", r#"{"tags":{"data":"customer"}}"#),
            ("TagResource", r#"{"tagKeys":["data"]}"#),
            ("TagResource", "hmac"),
        ] {
            assert_eq!(said(action, request), [], "{action} {request}");
        }
    }
}
