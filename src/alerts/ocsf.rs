//! A page as an OCSF Detection Finding, for those who gather events of many products on one topic.
//!
//! In: a page, the same that a webhook gets. Out: JSON of class 2004 of OCSF 1.5 (schema.ocsf.io: classes
//! `detection_finding`, objects `finding_info`, `evidences`, `resource_details`, `attack`). Times are
//! milliseconds. What OCSF has no place for is under `unmapped`, in our words.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::news::News;
use super::page::Page;
use crate::domain::level::Level;
use crate::domain::time::parse_rfc3339;
use crate::store::AlertKind;

/// The version of OCSF that this is written to.
const SCHEMA: &str = "1.5.0";

/// The category `Findings`, and its class `Detection Finding`.
const CATEGORY: u32 = 2;
const CLASS: u32 = 2004;

/// The activity `Close`.
const CLOSE: u32 = 3;

/// Types of observables: `User Name` and `Resource UID`.
const USER_NAME: u32 = 4;
const RESOURCE_UID: u32 = 10;

/// The class's attributes that a page fills.
#[derive(Serialize)]
struct DetectionFinding<'p> {
    activity_id: u32,
    activity_name: &'static str,
    category_uid: u32,
    category_name: &'static str,
    class_uid: u32,
    class_name: &'static str,
    type_uid: u32,
    severity_id: u32,
    severity: &'static str,
    status_id: u32,
    status: &'static str,
    time: i64,
    start_time: i64,
    end_time: i64,
    /// How many findings.
    count: u64,
    is_alert: bool,
    message: &'p str,
    metadata: Value,
    finding_info: Value,
    evidences: Vec<Value>,
    resources: Vec<Value>,
    observables: Vec<Value>,
    unmapped: Value,
}

/// The body of the delivery with the id `delivery`.
///
/// # Errors
/// Never in practice: a page is made of text and numbers.
pub(super) fn body(page: &Page, delivery: &str) -> Result<String, serde_json::Error> {
    let (activity_id, activity_name) = activity(page);
    let (severity_id, severity) = severity(page.level);
    let (status_id, status) = status(page);
    let (start_time, end_time) = (milliseconds(&page.first), milliseconds(&page.last));
    serde_json::to_string(&DetectionFinding {
        activity_id,
        activity_name,
        category_uid: CATEGORY,
        category_name: "Findings",
        class_uid: CLASS,
        class_name: "Detection Finding",
        type_uid: CLASS * 100 + activity_id,
        severity_id,
        severity,
        status_id,
        status,
        time: end_time,
        start_time,
        end_time,
        count: page.count,
        is_alert: activity_id != CLOSE,
        message: &page.message,
        metadata: metadata(page, delivery),
        finding_info: finding_info(page, start_time, end_time),
        evidences: vec![evidence(page)],
        resources: page.key.iter().map(|key| resource(page, key)).collect(),
        observables: observables(page),
        unmapped: unmapped(page),
    })
}

/// The first page creates the finding, every later one updates it, and the one that tells of its end closes
/// it.
fn activity(page: &Page) -> (u32, &'static str) {
    match page.news {
        News::Opened => (1, "Create"),
        News::Digest if page.transition == 1 => (1, "Create"),
        News::Resolved => (CLOSE, "Close"),
        _ => (2, "Update"),
    }
}

/// Whatever else pages, the alert is open then.
fn status(page: &Page) -> (u32, &'static str) {
    match page.news {
        News::Acknowledged => (2, "In Progress"),
        News::Resolved => (4, "Resolved"),
        _ => (1, "New"),
    }
}

fn severity(level: Level) -> (u32, &'static str) {
    match level {
        Level::Informational => (1, "Informational"),
        Level::Low => (2, "Low"),
        Level::Medium => (3, "Medium"),
        Level::High => (4, "High"),
        Level::Critical => (5, "Critical"),
    }
}

fn metadata(page: &Page, delivery: &str) -> Value {
    json!({
        "version": SCHEMA,
        "uid": delivery,
        "correlation_uid": page.alert,
        "product": {
            "name": "keyward",
            "vendor_name": "keyward",
            "version": env!("CARGO_PKG_VERSION"),
        },
    })
}

fn finding_info(page: &Page, first: i64, last: i64) -> Value {
    let kind = match page.kind {
        AlertKind::Misuse => "Key misuse",
        AlertKind::Campaign => "Campaign",
        AlertKind::Digest => "Daily digest",
    };
    let analytics = page.detectors.iter().map(|detector| json!({ "uid": detector, "type_id": 1 }));
    json!({
        "uid": page.alert,
        "title": page.title,
        "desc": page.message,
        "types": [kind],
        "first_seen_time": first,
        "last_seen_time": last,
        "attacks": page.techniques.iter().map(|technique| attack(technique)).collect::<Vec<_>>(),
        "related_analytics": analytics.collect::<Vec<_>>(),
        "related_events": [{ "uid": page.event }],
        "related_events_count": page.count,
    })
}

/// A technique, and which of its kinds: `T1552.004` is of `T1552`.
fn attack(technique: &str) -> Value {
    match technique.split_once('.') {
        Some((whole, _)) => {
            json!({ "technique": { "uid": whole }, "sub_technique": { "uid": technique } })
        }
        None => json!({ "technique": { "uid": technique } }),
    }
}

fn evidence(page: &Page) -> Value {
    let mut evidence = Map::new();
    if let Some(principal) = &page.principal {
        evidence.insert("actor".to_owned(), json!({ "user": { "name": principal } }));
    }
    if let Some(key) = &page.key {
        evidence.insert("resources".to_owned(), json!([resource(page, key)]));
    }
    evidence.insert("uid".to_owned(), json!(page.event));
    evidence.insert("data".to_owned(), json!({ "aspects": page.aspects, "outcomes": page.outcomes }));
    Value::Object(evidence)
}

fn resource(page: &Page, key: &str) -> Value {
    let mut resource = Map::new();
    resource.insert("uid".to_owned(), json!(key));
    resource.insert("type".to_owned(), json!("Cryptographic key"));
    if let Some(name) = &page.catalog_id {
        resource.insert("name".to_owned(), json!(name));
    }
    if let Some(owner) = &page.owner {
        resource.insert("owner".to_owned(), json!({ "name": owner }));
    }
    Value::Object(resource)
}

fn observables(page: &Page) -> Vec<Value> {
    let key = page.key.iter().map(|key| {
        json!({ "name": "resources.uid", "type_id": RESOURCE_UID, "type": "Resource UID", "value": key })
    });
    let principal = page.principal.iter().map(|principal| {
        let name = "evidences.actor.user.name";
        json!({ "name": name, "type_id": USER_NAME, "type": "User Name", "value": principal })
    });
    key.chain(principal).collect()
}

fn unmapped(page: &Page) -> Value {
    json!({
        "kind": page.kind,
        "transition": page.transition,
        "repeat": page.repeat,
        "news": page.news,
        "catalog_id": page.catalog_id,
        "success_after_attempts": page.success_after_attempts,
        "done": page.done,
    })
}

fn milliseconds(time: &str) -> i64 {
    parse_rfc3339(time).unwrap_or_default().div_euclid(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::verdict::Aspect;

    fn page() -> Page {
        Page {
            alert: "a1".to_owned(),
            kind: AlertKind::Misuse,
            transition: 1,
            repeat: 0,
            news: News::Opened,
            level: Level::High,
            title: "Function outside the declared purpose".to_owned(),
            message: "approle:b signed with a".to_owned(),
            key: Some("vault:transit/a".to_owned()),
            catalog_id: Some("a".to_owned()),
            principal: Some("approle:b".to_owned()),
            owner: Some("team-ml".to_owned()),
            event: "event-1".to_owned(),
            detectors: ["KP-001".to_owned()].into(),
            aspects: [Aspect::Function].into(),
            techniques: ["T1552.004".to_owned(), "T1485".to_owned()].into(),
            count: 3,
            outcomes: [("success", 3)].into(),
            first: "2026-11-24T09:00:00Z".to_owned(),
            last: "2026-11-24T09:05:00.5Z".to_owned(),
            success_after_attempts: None,
            done: None,
        }
    }

    fn told(page: &Page) -> Value {
        serde_json::from_str(&body(page, "d1").unwrap()).unwrap()
    }

    #[test]
    fn a_page_has_what_the_class_requires_and_numbers_that_belong_together() {
        let told = told(&page());
        assert_eq!((&told["class_uid"], &told["category_uid"]), (&json!(2004), &json!(2)));
        assert_eq!((&told["activity_id"], &told["type_uid"]), (&json!(1), &json!(200_401)));
        assert_eq!((&told["severity_id"], &told["status_id"]), (&json!(4), &json!(1)));
        assert_eq!(told["time"], json!(1_795_511_100_500_i64));
        assert_eq!(told["metadata"]["product"]["name"], "keyward");
        assert_eq!((&told["metadata"]["uid"], &told["finding_info"]["uid"]), (&json!("d1"), &json!("a1")));
        assert_eq!(told["finding_info"]["attacks"][0]["technique"]["uid"], "T1485");
        assert_eq!(told["finding_info"]["attacks"][1]["sub_technique"]["uid"], "T1552.004");
        assert_eq!(told["resources"][0]["owner"]["name"], "team-ml");
        assert_eq!(told["evidences"][0]["actor"]["user"]["name"], "approle:b");
        assert_eq!(told["observables"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn every_later_page_updates_the_same_finding() {
        let later = Page { news: News::HigherLevel, repeat: 1, level: Level::Critical, ..page() };
        let told = told(&later);
        assert_eq!((&told["activity_id"], &told["type_uid"]), (&json!(2), &json!(200_402)));
        assert_eq!((&told["severity_id"], &told["finding_info"]["uid"]), (&json!(5), &json!("a1")));
        let resolved = super::tests::told(&Page { news: News::Resolved, ..page() });
        assert_eq!((&resolved["activity_id"], &resolved["status_id"]), (&json!(3), &json!(4)));
        assert_eq!(resolved["is_alert"], false);
    }

    #[test]
    fn one_about_nobody_and_no_key_says_so_by_leaving_them_out() {
        let told = told(&Page { key: None, principal: None, owner: None, ..page() });
        assert_eq!((&told["resources"], &told["observables"]), (&json!([]), &json!([])));
        assert!(told["evidences"][0].get("actor").is_none());
    }
}
