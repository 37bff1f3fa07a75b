//! Every envelope of the transports, and streams that mix them.

use keyward::domain::reject::{Aside, RejectReason};
use keyward::source::Shape;

use super::{base64, cloudtrail, gzip, plain, quoted, read, vault, zstd};

#[track_caller]
fn holds(text: impl AsRef<[u8]>, records: &[String]) {
    let seen = read(text.as_ref());
    assert_eq!(seen.texts(), records.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!((seen.refused.len(), seen.asides.len()), (0, 0), "{seen:?}");
    assert_eq!(seen.received, records.len() as u64);
    for packed in [gzip(text.as_ref()), zstd(text.as_ref())] {
        let unpacked = read(packed);
        assert_eq!(unpacked.records, seen.records);
    }
}

#[track_caller]
fn aside(text: &str, aside: Aside) {
    let seen = read(text);
    assert_eq!(seen.asides, [(aside, 1)], "{seen:?}");
    assert_eq!(seen.received, 1);
}

fn three() -> Vec<String> {
    (0..3).map(cloudtrail).collect()
}

#[test]
fn an_s3_file_is_streamed_record_by_record() {
    holds(format!(r#"{{"Records":[{}]}}"#, three().join(",")), &three());
    holds(format!("{{ \"Records\" : [ {} ] }}\n", three().join(" ,\n ")), &three());
    holds(
        format!(r#"{{"version":1,"a":[1,{{}}],"Records":[{}],"more":{{"x":[]}}}}"#, three().join(",")),
        &three(),
    );
    holds(format!(r#"{{"\u0052ecords":[{}]}}"#, three().join(",")), &three());
    holds(r#"{"Records":[]}"#, &[]);
}

#[test]
fn the_records_of_an_s3_file_have_the_position_of_the_file_and_their_index() {
    let seen = read(format!("\n {{\"Records\":[{},{}]}}\n{}\n", plain(0), plain(1), plain(2)));
    let places: Vec<_> = seen.records.iter().map(|(_, position, index, _)| (*position, *index)).collect();
    let third = 2 + 12 + 1 + 3 + plain(0).len() as u64 * 2;
    assert_eq!(places, [(2, 0), (2, 1), (third, 0)]);
}

#[test]
fn bare_arrays_lines_and_concatenated_objects_are_records() {
    holds(format!("[{}]", three().join(",")), &three());
    holds(format!("[\n  {}\n]\n", three().join(",\n  ")), &three());
    holds(format!("[]\n[ ]\n[{}]\n[{}]", cloudtrail(0), cloudtrail(1)), &three()[..2]);
    holds(three().join("\n"), &three());
    holds(three().join("\r\n") + "\r\n", &three());
    holds(three().join("\n\n \n"), &three());
    holds(three().concat(), &three());
    holds(three().join(" "), &three());
    holds(three().join(",\n"), &three());
    holds(three().join("\n\u{1E}"), &three());
    let plain: Vec<_> = (0..3).map(plain).collect();
    holds(plain.join("\n"), &plain);
    holds(plain.concat(), &plain);
    holds(format!("{}{}\n{}", plain[0], plain[1], plain[2]), &plain);
}

#[test]
fn records_over_several_lines_are_whole() {
    let pretty: Vec<String> = three()
        .iter()
        .map(|text| serde_json::from_str::<serde_json::Value>(text).unwrap())
        .map(|value| serde_json::to_string_pretty(&value).unwrap())
        .collect();
    holds(pretty.join("\n"), &pretty);
    holds(pretty.concat(), &pretty);
    holds(format!("[{}]", pretty.join(",")), &pretty);
    let odd = "{\"eventVersion\":\"1.08\",\"userIdentity\":{}\n,\"eventName\":\"x\"}".to_owned();
    holds(format!("{odd}\n{odd}\n{}", plain(1)), &[odd.clone(), odd, plain(1)]);
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_record() {
    holds(format!("\u{FEFF}{}\n\u{FEFF}{}\n", plain(0), plain(1)), &[plain(0), plain(1)]);
    holds(format!("\u{FEFF}{{\"Records\":[{}]}}", plain(0)), &[plain(0)]);
}

#[test]
fn vault_lines_may_have_a_prefix() {
    let lines: Vec<_> = (0..3).map(vault).collect();
    holds(lines.join("\n"), &lines);
    for prefix in
        ["@cee: ", "vault: ", "Nov 24 07:58:00 host vault[123]: ", "[2026-11-24T07:58:00Z] ", "17 ", "\0\0"]
    {
        let text: String = lines.iter().map(|line| format!("{prefix}{line}\n")).collect();
        holds(&text, &lines);
    }
    let seen = read(format!("@cee: {}\n", vault(1)));
    assert_eq!((seen.records[0].1, seen.records[0].3), (6, Shape::Vault));
}

#[test]
fn event_bridge_carries_records_and_other_events() {
    let event = |kind: &str, source: &str, detail: &str| {
        format!(
            r#"{{"version":"0","id":"i","detail-type":"{kind}","source":"{source}","resources":[],"detail":{detail}}}"#
        )
    };
    for kind in [
        "AWS API Call via CloudTrail",
        "AWS Service Event via CloudTrail",
        "AWS Console Sign In via CloudTrail",
    ] {
        holds(event(kind, "aws.kms", &cloudtrail(0)), &[cloudtrail(0)]);
    }
    holds(event("AWS Insight via CloudTrail", "aws.cloudtrail", &cloudtrail(0)), &[cloudtrail(0)]);
    aside(&event("KMS CMK Rotation", "aws.kms", r#"{"key-id":"k"}"#), Aside::OtherCall);
    aside(&event("Object Created", "aws.s3", r#"{"bucket":{}}"#), Aside::Notification);
    let lines: String =
        (0..3).map(|n| event("AWS API Call via CloudTrail", "aws.kms", &cloudtrail(n)) + "\n").collect();
    holds(&lines, &three());
}

#[test]
fn a_cloudwatch_logs_subscription_holds_records_as_text() {
    let data = |kind: &str, messages: &[String]| {
        let events: Vec<_> = messages
            .iter()
            .map(|text| format!(r#"{{"id":"1","timestamp":1,"message":{}}}"#, quoted(text)))
            .collect();
        format!(
            r#"{{"messageType":"{kind}","owner":"111122223333","logGroup":"g","logStream":"s","subscriptionFilters":["f"],"logEvents":[{}]}}"#,
            events.join(",")
        )
    };
    let message = data("DATA_MESSAGE", &three());
    holds(&message, &three());
    holds(format!(r#"{{"awslogs":{{"data":"{}"}}}}"#, base64(gzip(&message))), &three());
    holds(
        format!(
            r#"{{"Records":[{{"kinesis":{{"data":"{}"}},"eventSource":"aws:kinesis","eventVersion":"1.0"}}]}}"#,
            base64(gzip(&message))
        ),
        &three(),
    );
    holds([gzip(&message), gzip(&message)].concat(), &[three(), three()].concat());
    aside(
        &data("CONTROL_MESSAGE", &["CWL CONTROL MESSAGE: Checking health of destination".into()]),
        Aside::Control,
    );
    let late = r#"{"logEvents":[{"id":"","message":"CWL CONTROL MESSAGE: Checking health"}],"messageType":"CONTROL_MESSAGE"}"#;
    aside(late, Aside::Control);
}

#[test]
fn lookup_events_holds_records_as_text() {
    let events: Vec<_> = three()
        .iter()
        .map(|text| format!(r#"{{"EventId":"i","EventName":"Decrypt","CloudTrailEvent":{}}}"#, quoted(text)))
        .collect();
    holds(format!(r#"{{"Events":[{}],"NextToken":"n"}}"#, events.join(",")), &three());
}

#[test]
fn notifications_are_set_aside_one_by_one() {
    let s3 =
        r#"{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{}}}"#;
    let seen = read(format!(r#"{{"Records":[{s3},{s3}]}}"#));
    assert_eq!((seen.asides.as_slice(), seen.received), (&[(Aside::Notification, 2)][..], 2));
    let written = r#"{"s3Bucket":"b","s3ObjectKey":["AWSLogs/1.json.gz"]}"#;
    aside(written, Aside::Notification);
    aside(&format!(r#"{{"Message":{}}}"#, quoted(written)), Aside::Notification);
    let sns = |message: &str| {
        format!(
            r#"{{"Type":"Notification","MessageId":"m","TopicArn":"arn:aws:sns:r:1:t","Message":{}}}"#,
            quoted(message)
        )
    };
    aside(&sns(written), Aside::Notification);
    aside(&sns("just text"), Aside::Notification);
    let queue = format!(r#"{{"Messages":[{{"MessageId":"m","Body":{}}}]}}"#, quoted(&sns(written)));
    aside(&queue, Aside::Notification);
    let lambda = format!(
        r#"{{"Records":[{{"messageId":"m","body":{},"eventSource":"aws:sqs","awsRegion":"r"}}]}}"#,
        quoted(&format!(r#"{{"Records":[{s3}]}}"#))
    );
    aside(&lambda, Aside::Notification);
}

#[test]
fn a_topic_can_also_carry_records() {
    let event = format!(
        r#"{{"detail-type":"AWS API Call via CloudTrail","source":"aws.kms","detail":{}}}"#,
        cloudtrail(0)
    );
    let sns =
        format!(r#"{{"Type":"Notification","TopicArn":"arn:aws:sns:r:1:t","Message":{}}}"#, quoted(&event));
    holds(&sns, &[cloudtrail(0)]);
}

#[test]
fn a_digest_is_set_aside() {
    aside(
        r#"{"awsAccountId":"111122223333","digestStartTime":"t","digestEndTime":"t","digestS3Bucket":"b","digestS3Object":"o","logFiles":[{"s3Bucket":"b"}]}"#,
        Aside::Digest,
    );
}

#[test]
fn exports_of_other_tools_are_opened() {
    let record = cloudtrail(0);
    let text = quoted(&record);
    for wrapped in [
        format!(r#"{{"@timestamp":"t","event":{{"kind":"event","original":{text}}},"log":{{"file":{{}}}}}}"#),
        format!(r#"{{"@timestamp":"t","event.original":{text}}}"#),
        format!(r#"{{"@timestamp":"t","event":{{"kind":"event"}},"log":{{"file":{{}}}},"message":{text}}}"#),
        format!(r#"{{"_index":"i","_source":{{"message":{text}}}}}"#),
        format!(r#"{{"preview":false,"result":{{"_raw":{text}}}}}"#),
        format!(r#"{{"time":1,"event":{record}}}"#),
        format!(r#"{{"log":{},"stream":"stdout","time":"t"}}"#, quoted(&format!("{record}\n"))),
        format!(r#"{{"MESSAGE":{text},"PRIORITY":"6"}}"#),
        format!(r#"{{"data":{{"Records":[{record}]}},"description":"d"}}"#),
        format!(r#"{{"records":[{{"recordId":"r","data":"{}"}}]}}"#, base64(&record)),
    ] {
        holds(&wrapped, std::slice::from_ref(&record));
    }
    let panther = record.replacen('{', r#"{"p_log_type":"AWS.CloudTrail","#, 1);
    holds(&panther, std::slice::from_ref(&panther));
}

#[test]
fn a_stream_may_mix_everything() {
    let text = format!(
        "{}\n{}{{\"Records\":[{}]}}\n[{}]{}\nprefix: {}\n{}",
        plain(0),
        vault(1),
        cloudtrail(2),
        plain(3),
        vault(4),
        vault(5),
        vault(6)
    );
    holds(text, &[plain(0), vault(1), cloudtrail(2), plain(3), vault(4), vault(5), vault(6)]);
}

#[test]
fn what_is_well_formed_and_unknown_is_refused_one_by_one() {
    let seen = read("{\"a\":1}\n{}\n17\n\"text\"\n[1,2]\n[{\"b\":2},3,[4]]\nnull\n");
    assert_eq!(seen.reasons(), [RejectReason::UnknownFormat; 9]);
    assert_eq!(seen.received, 9);
    assert_eq!(seen.refused[5].position, 27);
    assert_eq!(seen.places()[5..8], [(27, 0), (27, 1), (27, 2)]);
}

#[test]
fn members_and_frames_follow_one_another() {
    let one = plain(0) + "\n";
    let two = plain(1) + "\n";
    let records = [plain(0), plain(1), plain(2)];
    let three = plain(2);
    let mixed = [gzip(&one), zstd(&two), gzip(&three)].concat();
    holds_packed(&mixed, &records);
    let mut skippable = vec![0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3];
    skippable.extend(zstd(&one));
    skippable.extend([0x5F, 0x2A, 0x4D, 0x18, 0, 0, 0, 0]);
    skippable.extend(zstd(&two));
    holds_packed(&skippable, &records[..2]);
    let padded = [gzip(&one), vec![0; 1000], gzip(&two), vec![0; 5]].concat();
    holds_packed(&padded, &records[..2]);
    // a record across two members
    let (left, right) = one.split_at(20);
    holds_packed(&[gzip(left), gzip(right)].concat(), &records[..1]);
}

#[track_caller]
fn holds_packed(bytes: &[u8], records: &[String]) {
    let seen = read(bytes);
    assert_eq!(seen.texts(), records);
    assert_eq!(seen.refused, []);
}
