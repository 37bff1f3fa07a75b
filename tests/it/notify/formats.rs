//! Every outgoing format: as it was, as its receiver documents it, and inert whatever events say.

use std::path::Path;

use insta::assert_snapshot;
use keyward::config::Channel;
use keyward::domain::ownership::Ownership;
use keyward::notify::{Asked, Outlet, Templates, Told, event_schema, page_schema};
use serde_json::{Value, json};

use super::schema::mistakes;
use super::{MORNING, channel, page};

/// Set this variable to write the schemas anew: `KEYWARD_WRITE=1 cargo test formats`.
const WRITE: &str = "KEYWARD_WRITE";

/// One channel of each kind.
fn channels() -> Vec<Channel> {
    let hook = |name: &str, format: &str| json!({ "name": name, "webhook": { "url": "https://a.example/", "format": format } });
    [
        json!({ "name": "email", "email": { "host": "mail.example", "from": "Keyward <k@example.com>",
            "to": ["soc@example.com"] } }),
        json!({ "name": "pagerduty", "pagerduty": { "routing_key": "/none" } }),
        json!({ "name": "opsgenie", "opsgenie": { "api_key": "/none", "teams": ["security"] } }),
        json!({ "name": "slack", "slack": { "url": "/none" } }),
        json!({ "name": "teams", "teams": { "url": "/none" } }),
        json!({ "name": "alertmanager", "alertmanager": { "url": "https://a.example", "labels": { "team": "soc" } } }),
        json!({ "name": "syslog", "syslog": { "host": "siem.example", "hostname": "node-1" } }),
        hook("cloudevents", "cloudevents"),
        hook("page", "page"),
        hook("template", "template"),
    ]
    .map(channel)
    .into()
}

fn told(page: &Value) -> Told {
    Told::read(&page.to_string()).unwrap()
}

/// The body of a page on a channel.
fn render(channel: &Channel, page: &Value, findings: &[Value], parts: &[Told]) -> String {
    let ownership = Ownership {
        owner: Some("team-ml".to_owned()),
        contact: Some("ml@example.com".to_owned()),
        tenant: Some("acme".to_owned()),
        environment: Some("production".to_owned()),
    };
    let (told, templates) = (told(page), Templates::load(None).unwrap());
    let delivery = "0123456789abcdef0123456789abcdef";
    let asked =
        Asked { delivery, told: &told, ownership: &ownership, target: None, findings, parts, at: MORNING };
    let body = Outlet::new(channel).unwrap().render(&asked, &templates);
    assert_eq!(body, Outlet::new(channel).unwrap().render(&asked, &templates), "the same at any time");
    body
}

/// What each snapshot shows.
fn cases() -> Vec<(&'static str, Value, Vec<Value>, Vec<Told>)> {
    let alert = "00000000000000000000000000000a01";
    let done = |news, disposition: Option<&str>| {
        let mut page = page(alert, 1, news, "high");
        page["done"] = json!({ "by": "ann", "reason": "the pipeline moved", "disposition": disposition });
        page
    };
    let mut summary = page("00000000000000000000000000000b02", 0, "summary", "critical");
    for (field, value) in [
        ("kind", json!("summary")),
        ("title", json!("2 pages about 2 alerts told together")),
        ("message", json!("1 critical, 1 low")),
        ("count", json!(2)),
    ] {
        summary[field] = value;
    }
    for field in ["key", "catalog_id", "principal", "owner"] {
        summary[field] = Value::Null;
    }
    for field in ["detectors", "aspects"] {
        summary[field] = json!([]);
    }
    let parts = vec![told(&page("c1", 0, "opened", "critical")), told(&page("c2", 0, "opened", "low"))];
    let finding = json!({ "event_time": "2026-11-24T08:59:00Z", "detector": "KP-001", "event_id": "e-1",
        "session_name": "build-7", "message": "approle:overbroad (session build-7) from 203.0.113.9" });
    vec![
        ("opened", page(alert, 0, "opened", "high"), vec![], vec![]),
        ("in full", page(alert, 0, "success_after_attempts", "critical"), vec![finding], vec![]),
        ("acknowledged", done("acknowledged", None), vec![], vec![]),
        ("resolved", done("resolved", Some("false_positive")), vec![], vec![]),
        ("summary", summary, vec![], parts),
    ]
}

#[test]
fn every_outgoing_format_is_as_it_was() {
    for channel in channels() {
        let mut all = String::new();
        for (case, page, findings, parts) in cases() {
            let body = render(&channel, &page, &findings, &parts);
            let shown = serde_json::from_str::<Value>(&body).map_or_else(
                |_| body.replace("\r\n", "\n"),
                |value| serde_json::to_string_pretty(&value).unwrap(),
            );
            all.push_str(&format!("===== {case}\n{shown}\n"));
        }
        let all = all.replace(env!("CARGO_PKG_VERSION"), "VERSION");
        assert_snapshot!(format!("format_{}", channel.name), all);
    }
}

fn fixture(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/notify").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn every_body_is_what_its_receiver_documents() {
    let schemas = [
        ("pagerduty", fixture("pagerduty.schema.json")),
        ("opsgenie", fixture("opsgenie.schema.json")),
        ("slack", fixture("slack.schema.json")),
        ("teams", fixture("teams.schema.json")),
        ("alertmanager", fixture("alertmanager.schema.json")),
        ("cloudevents", fixture("cloudevents.schema.json")),
        ("cloudevents", serde_json::from_str(&event_schema()).unwrap()),
        ("page", serde_json::from_str(&page_schema()).unwrap()),
    ];
    let all = channels();
    for (name, schema) in &schemas {
        let channel = all.iter().find(|channel| channel.name == *name).unwrap();
        let mut pages = cases();
        pages.push(("hostile", hostile(), vec![], vec![told(&hostile())]));
        for (case, page, findings, parts) in pages {
            let mut body: Value = serde_json::from_str(&render(channel, &page, &findings, &parts)).unwrap();
            if *name == "pagerduty" {
                // It comes in when it is sent: it is a secret.
                body["routing_key"] = "0123456789abcdef0123456789abcdef".into();
            }
            let found = mistakes(schema, &body);
            assert!(found.is_empty(), "{name}, {case}: {found:#?}");
        }
    }
}

#[test]
fn the_schemas_of_our_own_bodies_are_published_and_current() {
    for (file, schema) in
        [("deploy/page.schema.json", page_schema()), ("deploy/event.schema.json", event_schema())]
    {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        if std::env::var_os(WRITE).is_some() {
            std::fs::write(&path, &schema).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(written == schema, "{file} is old; run with {WRITE}=1 to write it anew");
    }
}

/// What an attacker may put wherever events have text.
const HOSTILE: [&str; 10] = [
    "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "<!channel> <@U123> <https://evil.example|click>",
    "[click](https://evil.example) ![x](javascript:alert(3)) `code` **bold**",
    "=HYPERLINK(\"https://evil.example\")",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "x\r\nBcc: victim@example.com\r\n\r\n<html>",
    "\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}txt.exe",
    "{{ 7 * 7 }}{% for x in range(9) %}{{ alert }}{% endfor %}",
    "\",\"injected\":true}\\",
    "a|b=c\\|d\\=e] f",
];

fn hostile() -> Value {
    let mut page = page("00000000000000000000000000000a01", 0, "opened", "high");
    let fields = ["title", "message", "key", "catalog_id", "principal", "owner", "first", "last"];
    for (number, field) in fields.into_iter().enumerate() {
        page[field] = HOSTILE[number % HOSTILE.len()].into();
    }
    page["message"] = HOSTILE.join(" ").into();
    page["detectors"] = json!(HOSTILE);
    page["aspects"] = json!(HOSTILE);
    page["success_after_attempts"] = HOSTILE[5].into();
    page["done"] = json!({ "by": HOSTILE[6], "reason": HOSTILE[7] });
    page
}

/// Every text in a body.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(fields) => fields.iter().for_each(|(name, field)| {
            found.push(name.clone());
            texts(field, found);
        }),
        _ => {}
    }
}

/// What must be in no text of a body for this kind of channel.
fn live(kind: &str) -> &'static [&'static str] {
    match kind {
        "slack" => &["<", ">", "https://"],
        "teams" | "opsgenie" | "pagerduty" | "alertmanager" => &["<", ">", "](", "`", "**", "https://"],
        _ => &[],
    }
}

#[test]
fn hostile_event_content_stays_inert_in_every_channel() {
    let finding = json!({ "event_time": HOSTILE[0], "detector": HOSTILE[3], "event_id": HOSTILE[5],
        "session_name": HOSTILE[1], "message": HOSTILE.join(" ") });
    for channel in channels() {
        let kind = channel.kind.as_str();
        for (page, findings, parts) in [
            (hostile(), vec![], vec![]),
            (hostile(), vec![finding.clone()], vec![told(&hostile()), told(&hostile())]),
        ] {
            let body = render(&channel, &page, &findings, &parts);
            let steering = body.chars().find(|letter| {
                let breaks = kind == "email" && matches!(letter, '\r' | '\n');
                (letter.is_control() && !breaks) || *letter == '\u{202e}'
            });
            assert!(kind == "webhook" || steering.is_none(), "{kind}: {steering:?} in {body}");
            assert!(!body.contains("49"), "{kind}: a template was evaluated: {body}");
            match kind {
                "email" => hostile_mail(&body),
                "syslog" => hostile_syslog(&body),
                _ => hostile_json(&channel, &body, &page),
            }
        }
    }
}

fn hostile_json(channel: &Channel, body: &str, page: &Value) {
    let kind = channel.kind.as_str();
    let parsed: Value = serde_json::from_str(body).unwrap();
    if kind == "webhook" {
        // Data for machines: every text arrives as it is, and as nothing but text.
        let data = parsed.get("data").unwrap_or(&parsed);
        if channel.name != "template" {
            assert_eq!(data["message"], page["message"]);
            assert_eq!(data["principal"], page["principal"]);
        }
        assert!(parsed.get("injected").is_none() && data.get("injected").is_none());
        return;
    }
    let mut found = Vec::new();
    texts(&parsed, &mut found);
    for text in found.iter().filter(|text| !text.starts_with("http://adaptivecards.io/")) {
        assert!(
            !text.starts_with(['=', '+', '-', '@']) || text.starts_with("- "),
            "{kind}: a formula: {text}"
        );
        assert!(!text.chars().any(|letter| letter.is_control() && letter != '\n'), "{kind}: {text:?}");
        for live in live(kind) {
            assert!(!text.contains(live), "{kind}: {live} in {text}");
        }
    }
    if kind == "slack" {
        assert!(!body.contains("\"mrkdwn\":true") && !body.contains("\"type\":\"mrkdwn\""), "{body}");
    }
}

fn hostile_mail(mail: &str) {
    let (head, rest) = mail.split_once("\r\n\r\n").unwrap();
    let names: Vec<&str> = head
        .lines()
        .filter(|line| !line.starts_with([' ', '\t']))
        .map(|line| line.split_once(':').unwrap().0)
        .collect();
    let known = [
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "In-Reply-To",
        "References",
        "MIME-Version",
        "Content-Type",
        "Auto-Submitted",
        "X-Keyward-Alert",
        "X-Keyward-Delivery",
    ];
    assert!(names.iter().all(|name| known.contains(name)), "{head}");
    let boundary = "--keyward-0123456789abcdef0123456789abcdef";
    let parts: Vec<&str> = rest.split(boundary).collect();
    assert_eq!(parts.len(), 4, "two parts and the end: {mail}");
    let html = decoded(parts[2]);
    let tags: Vec<&str> = html.split('<').skip(1).map(|tag| tag.split(['>', ' ']).next().unwrap()).collect();
    let ours = [
        "!doctype", "html", "head", "meta", "/head", "body", "h2", "/h2", "p", "b", "/b", "/p", "table",
        "tr", "th", "/th", "td", "/td", "/tr", "/table", "ul", "li", "/li", "/ul", "/body", "/html",
    ];
    assert!(tags.iter().all(|tag| ours.contains(tag)), "{tags:?}");
    assert!(html.contains("&lt;script&gt;"), "it is shown all the same: {html}");
    assert!(!html.contains("https://") && !decoded(parts[1]).contains("https://"), "no live link");
}

/// A part of a mail without its transfer encoding.
fn decoded(part: &str) -> String {
    let (head, body) = part.trim_start().split_once("\r\n\r\n").unwrap();
    if head.contains("base64") {
        use base64::Engine;
        let bytes =
            base64::engine::general_purpose::STANDARD.decode(body.replace("\r\n", "").trim()).unwrap();
        return String::from_utf8(bytes).unwrap();
    }
    if !head.contains("quoted-printable") {
        return body.to_owned();
    }
    let joined = body.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = joined.as_bytes();
    while let [first, tail @ ..] = rest {
        match (first, tail) {
            (b'=', [high, low, after @ ..]) => {
                let digits = [*high, *low];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn hostile_syslog(line: &str) {
    assert_eq!(line.lines().count(), 1);
    let cef = line.split_once("CEF:").unwrap().1;
    let mut bars = 0;
    let mut header_end = 0;
    let mut escaped = false;
    for (place, letter) in cef.char_indices() {
        if letter == '|' && !escaped && bars < 7 {
            bars += 1;
            header_end = place;
        }
        escaped = letter == '\\' && !escaped;
    }
    assert_eq!(bars, 7, "{line}");
    // Every `name=` in the extension is one of ours; those of events are escaped.
    let extension = &cef[header_end + 1..];
    let names = extension.split(' ').filter_map(|word| word.split_once('='));
    let ours = [
        "rt",
        "cat",
        "act",
        "externalId",
        "start",
        "end",
        "cnt",
        "suser",
        "cs1Label",
        "cs1",
        "cs2Label",
        "cs2",
        "cs3Label",
        "cs3",
        "cs4Label",
        "cs4",
        "msg",
    ];
    for (name, _) in names.filter(|(name, _)| !name.ends_with('\\')) {
        assert!(ours.contains(&name), "{name} in {line}");
    }
}

#[test]
fn a_template_of_the_operator_takes_the_place_of_a_built_in_one_and_one_that_is_wrong_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("subject.txt", "{{ level }}: {{ principal }}");
    write("slack/subject.txt", "slack {{ principal }}");
    write("webhook/body.json", "{\"who\": {{ principal }}, \"n\": {{ count }}}");
    let templates = Templates::load(Some(folder.path())).unwrap();
    let mut page = page("a1", 0, "opened", "high");
    page["principal"] = "<b> \"x\"".into();
    let (told, ownership) = (told(&page), Ownership::default());
    let asked = Asked {
        delivery: "d",
        told: &told,
        ownership: &ownership,
        target: None,
        findings: &[],
        parts: &[],
        at: 0,
    };
    let body = |name: &str| {
        let channel = channels().into_iter().find(|channel| channel.name == name).unwrap();
        serde_json::from_str::<Value>(&Outlet::new(&channel).unwrap().render(&asked, &templates)).unwrap()
    };
    assert_eq!(body("slack")["text"], "slack &lt;b&gt; \"x\"");
    assert_eq!(body("pagerduty")["payload"]["summary"], "high: ‹b› \"x\"");
    assert_eq!(body("template"), json!({ "who": "<b> \"x\"", "n": 3 }));
    for (name, text, told) in [
        ("subject.txt", "{{ level", "syntax error"),
        ("subject.txt", "{{ levle }}", "undefined value"),
        ("webhook/body.json", "{{ level }},", "no JSON"),
        ("slack/footer.txt", "x", "nothing asks for `slack/footer.txt`"),
    ] {
        write(name, text);
        let error = Templates::load(Some(folder.path())).unwrap_err().to_string();
        assert!(error.contains(told), "{name}: {error}");
        std::fs::remove_file(folder.path().join(name)).unwrap();
    }
}
