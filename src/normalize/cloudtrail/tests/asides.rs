use serde_json::{Value, json};

use super::super::{normalize, normalize_plain};
use crate::domain::reject::Aside;
use crate::normalize::{Arena, Normalized};

fn aside(record: &Value) -> Aside {
    let text = record.to_string();
    let arena = Arena::new();
    let fast = normalize(text.as_bytes(), &arena, &mut |_| panic!("no event")).unwrap();
    assert_eq!(normalize_plain(text.as_bytes(), &arena, &mut |_| panic!("no event")), Ok(fast));
    let Normalized::Irrelevant(aside) = fast else { panic!("{fast:?}") };
    aside
}

#[test]
fn what_is_no_api_call_is_set_aside_by_what_it_is() {
    let insight = json!({
        "eventVersion": "1.08", "eventTime": "2026-09-01T07:00:00Z", "eventID": "e", "eventType": "AwsCloudTrailInsight",
        "insightDetails": { "eventSource": "autoscaling.amazonaws.com", "eventName": "CompleteLifecycleAction" }
    });
    assert_eq!(aside(&insight), Aside::Insight);
    let aggregated = json!({
        "eventVersion": "1.0", "accountId": "1", "eventId": "e", "eventCategory": "Aggregated", "eventSource": "s3.amazonaws.com"
    });
    assert_eq!(aside(&aggregated), Aside::Aggregated);
    let digest = json!({ "awsAccountId": "1", "digestS3Object": "x", "logFiles": [] });
    assert_eq!(aside(&digest), Aside::Digest);
    let notification = json!({
        "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "userIdentity": { "principalId": "AWS:x" }
    });
    assert_eq!(aside(&notification), Aside::Notification);
}

#[test]
fn calls_that_touch_no_key_are_other_calls() {
    for (source, name) in [
        ("ec2.amazonaws.com", "DescribeInstances"),
        ("iam.amazonaws.com", "ListRoles"),
        ("s3.amazonaws.com", "PutObject"),
        ("ram.amazonaws.com", "CreateResourceShare"),
        ("example.com", "Decrypt"),
    ] {
        let call = json!({
            "eventVersion": "1.11", "eventTime": "2026-09-01T07:00:00Z", "eventSource": source, "eventName": name,
            "userIdentity": {}
        });
        assert_eq!(aside(&call), Aside::OtherCall);
    }
}
