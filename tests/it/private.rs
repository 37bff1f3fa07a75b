//! What `privacy:` hides is in no table, page or message, and judged all the same; which raw records are kept.

use serde_json::{Value, json};

use crate::made::{CATALOG, decrypt, deletion, lines, response, with};
use crate::serving::Serving;
use crate::support::Keyward;

/// Tells who did what: an address, a person, what the data is about.
const PRIVATE: [&str; 5] = ["203.0.113.77", "alice.quibble", "patient-4711", "quibble-laptop", "ASIAQUIBBLE"];

const TABLES: [&str; 7] = ["events", "findings", "alerts", "journal", "usage", "facts", "raw"];

/// The `number`-th decryption by a person, of data about another.
fn by_alice(number: usize, patient: &str) -> Value {
    let arn = "arn:aws:sts::111122223333:assumed-role/orders-api/alice.quibble";
    let record = with(decrypt(number), "/userIdentity/arn", json!(arn));
    let record = with(record, "/userIdentity/principalId", json!("AROAEXAMPLEORDERSAPI:alice.quibble"));
    let record = with(record, "/userIdentity/accessKeyId", json!("ASIAQUIBBLE"));
    let record = with(record, "/sourceIPAddress", json!("203.0.113.77"));
    let mut record = with(record, "/userAgent", json!("quibble-laptop"));
    record["requestParameters"]["encryptionContext"] = json!({ "subject": patient });
    record
}

/// A service that follows a log of four such decryptions, two of which have a context that is not declared.
fn watching(privacy: &str) -> Serving {
    let catalog = CATALOG.replacen(
        "    owner: team-orders\n",
        "    owner: team-orders\n    context: { require: [subject], allow: { subject: ['order-*'] } }\n",
        1,
    );
    let log = [
        by_alice(1, "order-1"),
        by_alice(2, "patient-4711"),
        by_alice(3, "patient-4711"),
        by_alice(4, "order-2"),
    ];
    let config = format!(
        "data: data\ncatalog: [catalog.yaml]\nhttp: {{ listen: '127.0.0.1:0' }}\nseal: {{ every: 200ms }}\n\
         sources: [{{ name: trail, follow: {{ paths: [trail.ndjson] }} }}]\n{privacy}"
    );
    let keyward = Keyward::new()
        .file("catalog.yaml", catalog)
        .file("trail.ndjson", lines(log))
        .file("key", "a key of its own, for these hashes\n")
        .file("keyward.yaml", config);
    Serving::new(keyward)
}

fn everything(serving: &Serving) -> String {
    TABLES.map(|table| Value::from(serving.ask(&format!("SELECT * FROM {table}"))).to_string()).concat()
}

const COUNT: &str = "SELECT count(*) AS n FROM events";

#[test]
fn what_is_private_is_judged_and_kept_nowhere() {
    let hidden = "privacy:\n  key: key\n  columns: { context: hash, source_ip: hash, session_name: hash, \
                  user_agent: drop, credential_id: drop }\n";
    let mut serving = watching(hidden);
    serving.start();
    serving.until(COUNT, |rows| rows.first().is_some_and(|row| row["n"] == 4));
    serving.until("SELECT * FROM alerts", |rows| !rows.is_empty());
    serving.stop();

    let violations = serving.ask("SELECT event_id FROM events WHERE array_has(violations, 'context')");
    assert_eq!(violations.len(), 2, "judged by what was said");
    let all = everything(&serving);
    for private in PRIVATE {
        assert!(!all.contains(private), "{private} is kept");
    }
    assert!(!serving.log().contains("alice.quibble"));
    let grouped = serving.ask(
        "SELECT source_ip, session_name, user_agent, credential_id, count(*) AS n FROM events GROUP BY 1, 2, 3, 4",
    );
    assert_eq!(grouped.len(), 1, "equal values stay equal: {grouped:?}");
    assert!(grouped[0]["source_ip"].as_str().unwrap().starts_with("hmac-sha256:"));
    assert_eq!(grouped[0]["user_agent"], Value::Null);
    let subjects = serving.ask("SELECT DISTINCT context ->> 'subject' AS subject FROM events");
    assert_eq!(subjects.len(), 3, "the names of a context stay: {subjects:?}");
    assert!(serving.ask("SELECT * FROM raw").is_empty(), "a raw record would tell");
}

#[test]
fn without_privacy_all_of_it_is_kept() {
    let mut serving = watching("");
    serving.start();
    serving.until(COUNT, |rows| rows.first().is_some_and(|row| row["n"] == 4));
    serving.stop();
    let all = everything(&serving);
    for private in PRIVATE {
        assert!(all.contains(private), "{private} is lost");
    }
    assert_eq!(serving.ask("SELECT * FROM raw").len(), 2, "one for each record with a finding");
}

#[test]
fn a_configuration_that_would_show_what_it_hides_is_refused() {
    let refused = |more: &str, told: &str| {
        let config = format!("data: data\nsources: [{{ name: a, follow: {{ paths: [a] }} }}]\n{more}");
        let ran =
            Keyward::new().file("keyward.yaml", config).args(["check", "--config", "keyward.yaml"]).run();
        assert_eq!(ran.code, Some(3), "{}", ran.stderr);
        assert!(ran.stderr.contains(told), "{}", ran.stderr);
    };
    refused("privacy: { columns: { source_ip: drop } }\nhistory: { raw: findings }\n", "history: raw:");
    refused("privacy: { columns: { source_ip: hash } }\n", "needs `key:`");
    refused("privacy: { key: k, columns: { request: hash } }\n", "keep or drop");
    refused("privacy: { columns: { key_id: drop } }\n", "key_id");
}

#[test]
fn raw_records_are_kept_of_findings_of_all_or_of_none() {
    let log = [decrypt(1), deletion(2), decrypt(3)];
    let array = json!({ "Records": [decrypt(4), deletion(5), decrypt(6)] }).to_string();
    let kept = |more: &[&str]| {
        let keyward = Keyward::new()
            .file("catalog.yaml", CATALOG)
            .file("log.ndjson", lines(log.clone()))
            .file("array.json", &array)
            .file("vault.log", lines([response(7)]));
        let scan =
            ["scan", "--catalog", "catalog.yaml", "--data", "data", "log.ndjson", "array.json", "vault.log"];
        // Twice: what history holds already is not kept again.
        for _ in 0..2 {
            let ran = keyward.args(scan.into_iter().chain(more.iter().copied())).run();
            assert!(matches!(ran.code, Some(0 | 1)), "{}", ran.stderr);
        }
        let ask = "SELECT event_id, record FROM raw ORDER BY event_id";
        keyward.args(["query", "--data", "data", "--format", "json", ask]).run().json()
    };
    let of_findings = kept(&[]);
    let events: Vec<_> = of_findings.iter().map(|row| row["event_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(
        events,
        [deletion(2), deletion(5)].map(|record| record["eventID"].as_str().unwrap().to_owned())
    );
    for row in &of_findings {
        let record: Value = serde_json::from_str(row["record"].as_str().unwrap()).unwrap();
        assert_eq!(record["eventName"], "ScheduleKeyDeletion");
        assert_eq!(record["eventID"], row["event_id"]);
    }
    assert_eq!(kept(&["--raw", "all"]).len(), 7);
    assert!(kept(&["--raw", "none"]).is_empty());
}
