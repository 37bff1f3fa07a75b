//! `keyward alerts` on a data folder.

use keyward::domain::level::Level;
use serde_json::Value;

use super::{HOSTILE, finding, open, raise};
use crate::support::{Keyward, Ran};

/// A folder with one alert of a hostile caller, one of a tame one.
async fn folder() -> Keyward {
    let keyward = Keyward::new();
    std::fs::create_dir(keyward.path("data")).unwrap();
    let store = open(&keyward.path("data")).await;
    raise(
        &store,
        &[finding(1, "orders", HOSTILE, Level::High), finding(2, "orders", "approle:shop", Level::Low)],
    )
    .await;
    store.close().await;
    keyward
}

fn alerts(keyward: &Keyward, args: &[&str]) -> Ran {
    let ran = keyward.args(["alerts"]).args(args).args(["--data", "data"]).run();
    let is_harmless = |text: &str| !text.contains('\u{1b}') && !text.contains('\u{202e}');
    assert!(args.contains(&"json") || is_harmless(&ran.stdout), "{args:?}: {:?}", ran.stdout);
    ran
}

fn done(keyward: &Keyward, args: &[&str]) -> String {
    let ran = alerts(keyward, args);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{args:?}");
    ran.stdout
}

/// The id of the alert about this level.
fn id_of(keyward: &Keyward, level: &str) -> String {
    let found = alerts(keyward, &["list", "--level", level, "--format", "json"]).json();
    assert_eq!(found.len(), 1, "{level}");
    found[0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_alert_lives_through_the_command_line_and_its_journal_tells_who_did_what_when_and_why() {
    let keyward = folder().await;
    let id = id_of(&keyward, "high");
    let by_ada = |args: &[&str]| done(&keyward, &[args, &["--by", "ada"]].concat());
    assert!(by_ada(&["ack", &id]).contains("high acknowledged version 1."));
    by_ada(&["assign", &id, "bob"]);
    by_ada(&["note", &id, "\u{1b}]0;owned\u{7} asked the team"]);
    by_ada(&["resolve", &id, "--as", "false_positive", "--reason", "the catalog lacked the role"]);
    by_ada(&["reopen", &id, "--reason", "it did not"]);
    by_ada(&["level", &id, "critical", "--reason", "it is the payment key"]);

    let shown = &alerts(&keyward, &["show", &id, "--format", "json"]).json()[0];
    let stands = &shown["alert"];
    for (field, value) in [
        ("state", "reopened"),
        ("assignee", "bob"),
        ("disposition", "false_positive"),
        ("level", "critical"),
        ("found_level", "high"),
    ] {
        assert_eq!(stands[field], value, "{field}: {stands}");
    }
    assert_eq!((&stands["transition"], &stands["notes"]), (&2.into(), &1.into()));
    let told =
        |entry: &Value| format!("{} by {}", entry["action"].as_str().unwrap(), entry["by"].as_str().unwrap());
    let journal: Vec<String> = shown["journal"].as_array().unwrap().iter().map(told).collect();
    let by_ada = ["acknowledged", "assigned", "noted", "resolved", "reopened", "level_set"]
        .map(|did| format!("{did} by ada"));
    assert_eq!(journal, [&["opened by keyward".to_owned()], &by_ada[..]].concat());
    let table = done(&keyward, &["show", &id]);
    assert!(table.contains("noted by ada: \\u{1b}]0;owned\\u{7} asked the team"), "{table}");
    assert!(table.contains("open again since ") && table.contains("opened 2 times, of bob"), "{table}");

    let filtered =
        |args: &[&str]| alerts(&keyward, &[&["list", "--format", "json"], args].concat()).json().len();
    assert_eq!(filtered(&[]), 2);
    for (args, count) in [
        (["--assignee", "bob"], 1),
        (["--state", "reopened"], 1),
        (["--key", "vault:transit/orders"], 2),
        (["--principal", "approle:shop"], 1),
        (["--detector", "KP-001"], 2),
        (["--detector", "KP-002"], 0),
        (["--as", "benign"], 0),
    ] {
        assert_eq!(filtered(&args), count, "{args:?}");
    }
}

#[tokio::test]
async fn what_is_refused_says_why_and_has_an_exit_code_of_its_own() {
    let keyward = folder().await;
    let id = id_of(&keyward, "low");
    let refused = |args: &[&str], code: i32, why: &str| {
        let ran = alerts(&keyward, args);
        assert_eq!(ran.code, Some(code), "{args:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(why), "{args:?}: {}", ran.stderr);
    };
    refused(&["reopen", &id, "--reason", "why not"], 1, "it is not resolved");
    refused(&["ack", "0000"], 1, "there is no alert 0000");
    refused(&["ack", &id, "--version", "9.9"], 1, "it has changed meanwhile: it is version 1.");
    refused(&["resolve", &id, "--as", "nonsense", "--reason", "x"], 2, "known: true_positive");
    refused(&["resolve", &id, "--as", "benign"], 2, "--reason");
    refused(&["silence", "add", "--for", "4h", "--reason", "x"], 1, "a silence for everything is no silence");
    let nowhere = keyward.args(["alerts", "ack", &id, "--data", "nowhere"]).run();
    assert_eq!(nowhere.code, Some(4));
    assert!(!keyward.path("nowhere").exists(), "a wrong folder does not become a new one");

    let store = open(&keyward.path("data")).await;
    let ran = alerts(&keyward, &["ack", &id]);
    assert_eq!(ran.code, Some(4), "{}", ran.stderr);
    assert!(ran.stderr.contains("ask the service: `--url"), "{}", ran.stderr);
    assert_eq!(alerts(&keyward, &["list", "--format", "json"]).json().len(), 2, "reading goes beside it");
    store.close().await;
}

#[tokio::test]
async fn silences_are_added_listed_and_ended_and_what_they_mute_is_listed() {
    let keyward = folder().await;
    let add = [
        "silence",
        "add",
        "--key",
        "vault:transit/pay*",
        "--for",
        "4h",
        "--reason",
        "load test",
        "--by",
        "ada",
    ];
    let added = done(&keyward, &add);
    assert!(added.contains("key vault:transit/pay*") && added.contains("load test"), "{added}");
    let store = open(&keyward.path("data")).await;
    raise(&store, &[finding(7, "payments", "approle:shop", Level::Critical)]).await;
    assert_eq!(store.deliveries(10).await.unwrap().len(), 2, "the two from before");
    store.close().await;
    let muted = alerts(&keyward, &["suppressed", "--reason", "silenced", "--format", "json"]).json();
    assert_eq!((muted.len(), &muted[0]["key_id"]), (1, &"vault:transit/payments".into()));
    let silences = alerts(&keyward, &["silence", "list", "--format", "json"]).json();
    let id = silences[0]["id"].as_str().unwrap();
    assert!(done(&keyward, &["silence", "expire", id, "--by", "bob"]).contains("bob"));
    assert!(alerts(&keyward, &["silence", "list", "--format", "json"]).json().is_empty());
    assert_eq!(alerts(&keyward, &["silence", "list", "--all", "--format", "json"]).json().len(), 1);
    let incidents = alerts(&keyward, &["incidents", "--format", "json"]).json();
    let sizes: Vec<usize> = incidents.iter().map(|one| one["alerts"].as_array().unwrap().len()).collect();
    assert_eq!(sizes.iter().sum::<usize>(), 3, "{incidents:?}");
}

#[tokio::test]
async fn the_live_feed_tells_everything_from_where_it_is_asked_to_begin() {
    let keyward = folder().await;
    let id = id_of(&keyward, "high");
    done(&keyward, &["ack", &id, "--by", "ada", "--reason", "looking"]);
    let feed = alerts(&keyward, &["watch", "--after", "0", "--limit", "3", "--format", "json"]).json();
    let told: Vec<&str> = feed.iter().map(|line| line["entry"]["action"].as_str().unwrap()).collect();
    assert_eq!(told, ["opened", "opened", "acknowledged"]);
    assert_eq!((&feed[2]["entry"]["seq"], &feed[2]["alert"]["id"]), (&3.into(), &Value::from(id.as_str())));
    let line = done(&keyward, &["watch", "--after", "2", "--limit", "1"]);
    assert!(line.contains("acknowledged by ada: looking"), "{line}");
    assert!(line.contains("\\u{1b}[2Jshop\\u{202e}\\u{7}"), "{line}");
}

#[tokio::test]
async fn sql_sees_how_alerts_stand_and_what_detectors_are_worth() {
    let keyward = folder().await;
    let (high, low) = (id_of(&keyward, "high"), id_of(&keyward, "low"));
    done(&keyward, &["ack", &high]);
    for (id, disposition) in [(&high, "true_positive"), (&low, "false_positive")] {
        done(&keyward, &["resolve", id, "--as", disposition, "--reason", "looked at it"]);
    }
    let ask = |sql: &str| keyward.args(["query", "--data", "data", sql, "--format", "json"]).run().json();
    let quality = ask("SELECT * FROM detector_quality");
    let [row] = quality.as_slice() else { panic!("{quality:?}") };
    assert_eq!(
        (&row["detector"], &row["alerts"], &row["false_share"]),
        (&"KP-001".into(), &2.into(), &0.5.into())
    );
    assert!(row["median_seconds_to_acknowledge"].as_f64().unwrap() >= 0.0, "{row}");
    let judged =
        ask("SELECT disposition, count(*) AS alerts FROM alerts WHERE resolved_at IS NOT NULL GROUP BY 1");
    assert_eq!(judged.len(), 2, "{judged:?}");
    let journal = ask("SELECT count(*) AS entries FROM journal WHERE action = 'resolved'");
    assert_eq!(journal[0]["entries"], 2);
    for question in ["open-alerts", "time-to-acknowledge", "detector-quality"] {
        let ran = keyward.args(["query", "--data", "data", "-f", question]).run();
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{question}");
    }
}
