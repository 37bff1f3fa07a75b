//! Everything that `keyward scan` can be given, through the front door.

use serde_json::{Value, json};

use crate::made::{decrypt, delivered, gzip, keyward, lines, response, scan_uses, zstd};
use crate::support::Keyward;

/// The event ids of all findings of a scan, sorted.
fn ids(keyward: &Keyward, path: &str, stdin: &[u8]) -> Vec<String> {
    let ran = scan_uses(keyward, path, &[]).stdin(stdin).run();
    assert!(ran.code == Some(0) || ran.code == Some(1), "{path} {}", ran.stderr);
    assert_eq!(ran.account().sum(), ran.account().received, "{path} {}", ran.stderr);
    let mut ids: Vec<_> =
        ran.json().iter().map(|finding| finding["event_id"].as_str().unwrap().to_owned()).collect();
    ids.sort_unstable();
    ids
}

fn ids_of(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    numbers.into_iter().map(|number| decrypt(number)["eventID"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn files_folders_globs_and_standard_input_give_the_same_events() {
    let keyward = keyward()
        .file("logs/a.json", delivered([decrypt(0), decrypt(1)]))
        .file("logs/deep/er/b.json.gz", gzip(delivered([decrypt(2)])))
        .file("logs/deep/c", zstd(lines([decrypt(3)])))
        .file("logs/.hidden.ndjson", lines([decrypt(4)]))
        .file("one.json", delivered((0..5).map(decrypt)));
    let all = ids_of(0..5);
    for path in ["one.json", "logs", "logs/**", "{one.json,nothing}", "on?.json"] {
        assert_eq!(ids(&keyward, path, b""), all, "{path}");
    }
    assert_eq!(ids(&keyward, "logs/**/*.gz", b""), all[2..3]);
    assert_eq!(ids(&keyward, "-", lines((0..5).map(decrypt)).as_bytes()), all);
    assert_eq!(ids(&keyward, "-", &gzip(delivered((0..5).map(decrypt)))), all);
    assert_eq!(ids(&keyward, "-", b""), [""; 0]);
}

#[test]
fn a_file_that_several_paths_name_is_read_once() {
    let keyward = keyward().file("logs/a.ndjson", lines([decrypt(0), decrypt(1)]));
    let ran = scan_uses(&keyward, "logs", &["logs/a.ndjson", "logs/*.ndjson"]).run();
    assert_eq!((ran.account().received, ran.json().len()), (2, 2), "{}", ran.stderr);
}

#[test]
fn compression_is_told_by_content_and_members_follow_one_another() {
    let members = [gzip(lines([decrypt(0)])), gzip(lines([decrypt(1)])), zstd(lines([decrypt(2)]))].concat();
    let keyward = keyward().file("members.txt", members).file("plain.gz", lines([decrypt(3)]));
    assert_eq!(ids(&keyward, "members.txt", b""), ids_of(0..3));
    assert_eq!(ids(&keyward, "plain.gz", b""), ids_of([3]));
}

#[test]
fn every_envelope_gives_its_records_and_they_may_be_mixed_in_one_file() {
    let event_bridge = json!({
        "version": "0", "id": "i", "detail-type": "AWS API Call via CloudTrail", "source": "aws.kms",
        "resources": [], "detail": decrypt(1)
    });
    let logs = json!({
        "messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": "g", "logStream": "s",
        "subscriptionFilters": ["f"],
        "logEvents": [{ "id": "1", "timestamp": 1, "message": decrypt(2).to_string() }]
    });
    let looked_up = json!({ "Events": [{ "EventId": "e", "CloudTrailEvent": decrypt(3).to_string() }] });
    let mut exported = decrypt(4);
    exported["index"] = json!("siem-2026");
    exported["_time"] = json!(1_795_420_800);
    let vault = format!("Nov 20 09:00:05 host vault[7]: {}", response(5));
    let texts = [
        delivered([decrypt(0)]),
        event_bridge.to_string(),
        logs.to_string(),
        looked_up.to_string(),
        exported.to_string(),
        Value::Array(vec![decrypt(6), decrypt(7)]).to_string(),
        vault,
        format!("{}{}", decrypt(8), decrypt(9)),
    ];
    let mut wanted = ids_of([0, 1, 2, 3, 4, 6, 7, 8, 9]);
    wanted.insert(0, response(5)["request"]["id"].as_str().unwrap().to_owned());
    let keyward = keyward().file("mixed", texts.join("\n"));
    assert_eq!(ids(&keyward, "mixed", b""), wanted);
}

#[test]
fn what_is_no_log_is_set_aside_or_refused_and_no_finding() {
    let notification = json!({ "Records": [{
        "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "s3": { "bucket": { "name": "b" }, "object": { "key": "k" } }
    }] });
    let digest = json!({
        "awsAccountId": "111122223333", "digestStartTime": "2026-11-20T08:00:00Z",
        "digestEndTime": "2026-11-20T09:00:00Z", "digestS3Bucket": "b", "logFiles": []
    });
    let text = format!("{notification}\n{digest}\n{{\"hello\":\"world\"}}\nplain words\n");
    let ran = scan_uses(&keyward().file("odd", text), "odd", &[]).run();
    let account = ran.account();
    assert_eq!((ran.code, account.irrelevant, account.rejects), (Some(0), 2, 2), "{}", ran.stderr);
}
