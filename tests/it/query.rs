//! `keyward query` through the front door: formats, questions, parameters, and what is wrong with them.

use serde_json::{Value, json};

use crate::made::{KEY, decrypt, deletion, keyward, lines, request, response, scan_uses, with};
use crate::support::{Keyward, Ran};

/// A history of four events.
fn filled() -> Keyward {
    let keyward =
        keyward().file("log", lines([decrypt(1), decrypt(2), deletion(3), request(4), response(4)]) + "{");
    let ran = scan_uses(&keyward, "log", &["--data", "keyward-data", "--catalog", "catalog.yaml"]).run();
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    keyward
}

fn query(keyward: &Keyward, args: &[&str]) -> Ran {
    keyward.args(["query"]).args(args).run()
}

#[test]
fn an_answer_comes_as_table_json_or_csv() {
    let keyward = filled();
    let sql = "SELECT action, count(*) AS uses, max(event_time) AS last FROM events GROUP BY action ORDER BY action";
    let table = query(&keyward, &[sql]);
    assert!(table.stdout.starts_with("ACTION"), "{}{}", table.stdout, table.stderr);
    assert_eq!((table.code, table.stdout.lines().count(), table.stderr.as_str()), (Some(0), 4, ""));
    let json = query(&keyward, &[sql, "--format", "json"]).json();
    assert_eq!(json[0]["action"], "Decrypt");
    assert_eq!((&json[0]["uses"], &json[0]["last"]), (&2.into(), &"2026-11-20T08:00:02Z".into()));
    let csv = query(&keyward, &[sql, "--format", "csv"]).csv();
    assert_eq!((csv.len(), csv[0].join(","), csv[1][1].as_str()), (4, "action,uses,last".to_owned(), "2"));
}

#[test]
fn facts_tell_of_policies_rotations_and_grants() {
    let change = |number: usize, name: &str, request: Value, response: Value| {
        let record = with(decrypt(number), "/eventName", name.into());
        let record = with(record, "/readOnly", false.into());
        with(with(record, "/requestParameters", request), "/responseElements", response)
    };
    let policy = |text: &str| json!({ "keyId": KEY, "policyName": "default", "policy": text });
    let grant = json!({ "keyId": KEY, "grantId": "g-1" });
    let records = [
        change(1, "PutKeyPolicy", policy("{\"Statement\":[]}"), Value::Null),
        change(2, "PutKeyPolicy", policy("{\"Statement\":[{}]}"), Value::Null),
        change(3, "PutKeyPolicy", policy("{\"Statement\":[]}"), Value::Null),
        change(4, "RotateKeyOnDemand", json!({ "keyId": KEY }), json!({ "keyId": KEY })),
        change(
            5,
            "CreateGrant",
            json!({ "keyId": KEY, "granteePrincipal": "arn:aws:iam::111122223333:role/a",
            "operations": ["Decrypt"] }),
            grant.clone(),
        ),
        change(6, "RevokeGrant", grant, Value::Null),
        decrypt(7),
        decrypt(9),
    ];
    let keyward = keyward().file("log", lines(records));
    scan_uses(&keyward, "log", &["--data", "keyward-data", "--catalog", "catalog.yaml"]).run();
    let sql = "SELECT fact, value, events, first_time, last_time FROM facts ORDER BY fact, first_time";
    let told: Vec<_> = query(&keyward, &[sql, "--format", "json"]).json();
    let of = |fact: &str| -> Vec<&Value> { told.iter().filter(|row| row["fact"] == fact).collect() };
    let policies = of("policy");
    assert_eq!((policies.len(), &policies[0]["events"], &policies[1]["events"]), (2, &2.into(), &1.into()));
    assert_eq!(policies[0]["last_time"], "2026-11-20T08:00:03Z");
    assert!(policies.iter().all(|policy| policy["value"].as_str().unwrap().len() == 64), "{told:?}");
    assert_eq!(of("rotation")[0]["value"], "RotateKeyOnDemand");
    assert_eq!((&of("grant")[0]["value"], &of("grant_ended")[0]["value"]), (&"g-1".into(), &"g-1".into()));
    let uses: Vec<_> = of("use").into_iter().filter(|row| row["value"] == "decrypt").collect();
    assert_eq!(uses[0]["events"], 2);
    assert_eq!(
        (&uses[0]["first_time"], &uses[0]["last_time"]),
        (&"2026-11-20T08:00:07Z".into(), &"2026-11-20T08:00:09Z".into())
    );
}

#[test]
fn an_answer_without_rows_still_has_its_columns() {
    let keyward = filled();
    let sql = "SELECT event_id, key_id FROM events WHERE key_id = 'none'";
    assert_eq!(query(&keyward, &[sql, "--format", "csv"]).stdout, "event_id,key_id\r\n");
    assert_eq!(query(&keyward, &[sql]).stdout, "EVENT_ID  KEY_ID\n");
    assert_eq!(query(&keyward, &[sql, "--format", "json"]).stdout, "");
}

#[test]
fn a_question_takes_typed_parameters() {
    let keyward = filled();
    let key = format!("key={KEY}");
    let by_name = query(&keyward, &["-f", "uses-of-a-key", "--param", &key, "--format", "json"]);
    assert_eq!((by_name.code, by_name.json().len()), (Some(0), 3), "{}", by_name.stderr);
    let text = "-- title: Uses since\n-- description: Uses since a time.\n-- param since timestamp required: the first moment\n\
                -- param least integer default 0: ordinals from here on\n\
                -- reads: events\n-- columns: event_id\n\
                SELECT event_id FROM events WHERE event_time >= $since AND ordinal >= $least\n";
    let keyward = keyward.file("mine/since.sql", text);
    let ask = |param: &[&str]| query(&keyward, &[&["-f", "mine/since.sql"], param].concat());
    let ran = ask(&["--param", "since=2026-11-20T08:30:00Z"]);
    assert_eq!((ran.code, ran.stdout.lines().count()), (Some(0), 2), "{}{}", ran.stdout, ran.stderr);
    for wrong in
        [&[][..], &["--param", "since=soon"], &["--param", "until=2026-11-20"], &["--param", "since"]]
    {
        let ran = ask(wrong);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{wrong:?} {}", ran.stderr);
        assert!(!ran.stderr.is_empty());
    }
}

#[test]
fn what_one_caller_did_last_comes_first_and_no_more_than_asked_for() {
    let keyward = filled();
    let ask = |more: &[&str]| {
        let principal = "principal=arn:aws:iam::111122223333:role/orders-api";
        let args = ["-f", "principal-activity", "--param", principal, "--format", "json"];
        query(&keyward, &[&args, more].concat()).json()
    };
    let all = ask(&[]);
    let times: Vec<&str> = all.iter().filter_map(|row| row["last_time"].as_str()).collect();
    assert!(times.len() >= 2 && times.is_sorted_by(|one, next| one >= next), "{times:?}");
    assert_eq!(ask(&["--param", "rows=1"]), all[..1]);
}

#[test]
fn a_wrong_question_is_3_and_says_what_is_wrong() {
    let keyward = filled().file("bad.sql", "-- title: x\n-- nonsense\nSELECT 1\n");
    for (sql, told) in [
        ("SELECT pricipal FROM events", "pricipal"),
        ("SELEC 1", "SELEC"),
        ("SELECT * FROM nowhere", "nowhere"),
        ("DROP TABLE events", ""),
        ("SELECT 1; SELECT 2", ""),
        ("COPY events TO '/tmp/x.csv'", ""),
        ("SELECT * FROM '/etc/passwd'", ""),
    ] {
        let ran = query(&keyward, &[sql]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(3), ""), "{sql} {}", ran.stderr);
        assert!(ran.stderr.contains(told), "{sql} {}", ran.stderr);
    }
    let ran = query(&keyward, &["-f", "bad.sql"]);
    assert_eq!(ran.code, Some(3));
    assert!(ran.stderr.contains("bad.sql:2"), "{}", ran.stderr);
}

#[test]
fn a_history_or_question_that_is_not_there_is_4() {
    let keyward = Keyward::new();
    let ran = query(&keyward, &["--data", "absent", "SELECT 1"]);
    assert_eq!(ran.code, Some(4));
    assert!(ran.stderr.contains("absent") && ran.stderr.contains("keyward scan --data"), "{}", ran.stderr);
    assert!(!keyward.path("absent").exists(), "asking makes no folder");
    let ran = query(&keyward, &["-f", "no-such-question"]);
    assert_eq!(ran.code, Some(4));
    assert!(ran.stderr.contains("--list"), "{}", ran.stderr);
}

#[test]
fn every_built_in_question_has_an_answer_on_a_small_history() {
    let keyward = filled();
    let list = query(&keyward, &["--list"]).stdout;
    let mut asked = 0;
    let mut lines = list.lines().peekable();
    while let Some(name) = lines.next() {
        let mut args = vec!["-f".to_owned(), name.to_owned(), "--format".to_owned(), "csv".to_owned()];
        while let Some(line) = lines.next_if(|line| line.starts_with(' ')) {
            if let Some((parameter, _)) = line.split_once(" (required)") {
                let name = parameter.trim().strip_prefix("--param ").unwrap().split('=').next().unwrap();
                args.extend(["--param".to_owned(), format!("{name}={KEY}")]);
            }
        }
        let ran = keyward.args(["query"]).args(args).run();
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{name}");
        assert!(!ran.csv().is_empty(), "{name}");
        asked += 1;
    }
    assert!(asked >= 15, "{asked}");
}
