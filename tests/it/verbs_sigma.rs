//! Sigma rules on the command line: checked, listed, scanned with, and written.

use crate::support::Keyward;

const TRAIL: &str = "title: Trail stopped
id: 6a1f4a56-2f0e-4c35-9d3a-1f2e3d4c5b6a
status: test
level: high
logsource:
    product: aws
    service: cloudtrail
detection:
    selection:
        eventSource: cloudtrail.amazonaws.com
        eventName: StopLogging
    ours:
        userIdentity.sessionContext.sessionIssuer.userName|startswith: automation-
    condition: selection and not ours
";

const LOGIN: &str = "title: Console login
id: 7a1f4a56-2f0e-4c35-9d3a-1f2e3d4c5b6a
status: test
level: low
logsource: { product: aws, service: cloudtrail }
detection:
    selection: { eventSource: signin.amazonaws.com, eventName: ConsoleLogin }
    condition: selection
";

const BURST: &str = "title: Many trails stopped
id: 8a1f4a56-2f0e-4c35-9d3a-1f2e3d4c5b6a
status: test
level: critical
correlation:
    type: event_count
    rules: [6a1f4a56-2f0e-4c35-9d3a-1f2e3d4c5b6a]
    group-by: [userIdentity.arn]
    timespan: 10m
    condition: { gte: 3 }
generate: true
";

fn record(id: &str, role: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.11","eventTime":"2026-11-20T08:00:00Z","eventID":"{id}","awsRegion":"eu-west-1",
        "eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging","recipientAccountId":"111122223333",
        "userIdentity":{{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/{role}/x",
        "sessionContext":{{"sessionIssuer":{{"type":"Role","userName":"{role}",
        "arn":"arn:aws:iam::111122223333:role/{role}"}}}}}},"requestParameters":{{"name":"main"}}}}"#
    )
    .replace('\n', "")
}

fn with_rules() -> Keyward {
    Keyward::new()
        .file("rules/trail.yml", TRAIL)
        .file("rules/login.yml", LOGIN)
        .file("rules/burst.yml", BURST)
}

#[test]
fn check_lists_what_loads_and_what_does_not_and_why() {
    let ran = with_rules().args(["check", "--detectors", "rules"]).run();
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stdout
            .contains("rules/trail.yml:2:1: loaded: 6a1f4a56-2f0e-4c35-9d3a-1f2e3d4c5b6a Trail stopped\n"),
        "{}",
        ran.stdout
    );
    let why = "rules/login.yml:2:1: warning: 7a1f4a56-2f0e-4c35-9d3a-1f2e3d4c5b6a: not evaluated: keyward reads \
        no such records: ConsoleLogin (signin.amazonaws.com)";
    assert!(ran.stderr.contains(why), "{}", ran.stderr);
    assert!(ran.stdout.contains("2 of 3 Sigma rules evaluated"), "{}", ran.stdout);
    let wrong = with_rules().file("rules/wrong.yml", TRAIL.replace("|startswith", "|begins"));
    let ran = wrong.args(["check", "--detectors", "rules"]).run();
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("rules/wrong.yml:13:9: error: there is no modifier `begins`"),
        "{}",
        ran.stderr
    );
}

#[test]
fn sigma_rules_are_listed_and_shown_like_other_detectors() {
    let keyward = with_rules();
    let list = keyward.args(["detectors", "list", "--detectors", "rules", "--format", "csv"]).run().csv();
    let row = |id: &str| list.iter().find(|row| row[0].starts_with(id)).unwrap().clone();
    let place = |name: &str| list[0].iter().position(|cell| cell == name).unwrap();
    let cell = |id: &str, name: &str| row(id)[place(name)].clone();
    assert_eq!((cell("6a1f", "level"), cell("6a1f", "evaluated")), ("high".to_owned(), "yes".to_owned()));
    let requires = "aws member:userIdentity.sessionContext.sessionIssuer.userName";
    assert_eq!(cell("6a1f", "requires"), requires);
    let aside = cell("7a1f", "evaluated");
    assert!(aside.starts_with("no: keyward reads no such records"), "{aside}");
    let page = keyward
        .args(["detectors", "show", "6A1F4A56-2F0E-4C35-9D3A-1F2E3D4C5B6A", "--detectors", "rules"])
        .run();
    assert!(page.stdout.contains("lower(service) = 'cloudtrail'"), "{}", page.stdout);
}

#[test]
fn a_scan_finds_what_a_rule_reads_of_the_record() {
    let log = [record("e-1", "admin"), record("e-2", "automation-trails")].join("\n");
    let keyward = with_rules().file("log.ndjson", log);
    let ran = keyward.args(["scan", "log.ndjson", "--detectors", "rules", "--format", "json"]).run();
    let found: Vec<_> =
        ran.json().iter().map(|found| (found["event_id"].clone(), found["detector"].clone())).collect();
    assert_eq!(found.len(), 1, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(found[0].0, "e-1");
    assert_eq!(ran.code, Some(1));
    let kept = keyward.args(["scan", "log.ndjson", "--detectors", "rules", "--data", "data"]).run();
    assert_eq!(kept.code, Some(1), "{}", kept.stderr);
    let query = keyward
        .args(["query", "--data", "data", "--format", "csv", "SELECT record FROM events ORDER BY event_id"])
        .run();
    let path = "userIdentity.sessionContext.sessionIssuer.userName";
    assert_eq!(
        query.csv()[1..],
        [[format!("{{\"{path}\":\"admin\"}}")], [format!("{{\"{path}\":\"automation-trails\"}}")]]
    );
}

#[test]
fn a_correlation_finds_what_several_records_make() {
    let log: Vec<_> = ["e-1", "e-2", "e-3"].iter().map(|id| record(id, "admin")).collect();
    let keyward = with_rules().file("log.ndjson", log.join("\n"));
    let ran = keyward.args(["scan", "log.ndjson", "--detectors", "rules", "--format", "json"]).run();
    let found: Vec<_> =
        ran.json().iter().map(|found| found["detector"].as_str().unwrap().to_owned()).collect();
    let of = |start: &str| found.iter().filter(|id| id.starts_with(start)).count();
    assert_eq!((of("6a1f"), of("8a1f")), (3, 1), "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn nothing_is_read_of_records_where_no_rule_asks_for_it() {
    let keyward = Keyward::new().file("log.ndjson", record("e-1", "admin"));
    let ran = keyward.args(["scan", "log.ndjson", "--emit", "events", "--format", "json"]).run();
    assert!(
        ran.json().iter().all(|event| event.get("record").is_none_or(serde_json::Value::is_null)),
        "{}",
        ran.stdout
    );
}

#[test]
fn our_detectors_are_written_as_sigma_where_sigma_can_say_it() {
    let keyward = Keyward::new();
    let ran = keyward.args(["detectors", "export", "--format", "sigma"]).run();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(
        ran.stdout.contains("logsource: {\"product\":\"aws\",\"service\":\"cloudtrail\"}"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stderr.contains("KP-001 is not exported: `verdict` comes from the catalog"),
        "{}",
        ran.stderr
    );
    let again = Keyward::new().file("rules/ours.yml", &ran.stdout);
    let checked = again.args(["check", "--detectors", "rules"]).run();
    assert_eq!(checked.code, Some(0), "{}{}", checked.stdout, checked.stderr);
    let one = keyward.args(["detectors", "export", "KP-036"]).run();
    assert!(
        one.stdout.contains("eventName: [\"DeleteImportedKeyMaterial\",\"DeleteExpiredKeyMaterial\"]"),
        "{}",
        one.stdout
    );
    assert_eq!(keyward.args(["detectors", "export", "KP-999"]).run().code, Some(3));
}
