use serde_json::json;

use super::super::outcome::outcome;
use super::{one, owned};
use crate::domain::event::Outcome;

#[test]
fn error_codes_say_what_became_of_the_call() {
    for (code, expected) in [
        (None, Outcome::Success),
        (Some("200"), Outcome::Success),
        (Some("AccessDenied"), Outcome::Denied),
        (Some("AccessDeniedException"), Outcome::Denied),
        (Some("Client.UnauthorizedOperation"), Outcome::Denied),
        (Some("VpceAccessDenied"), Outcome::Denied),
        (Some("InvalidKeyUsageException"), Outcome::Refused),
        (Some("IncorrectKeyException"), Outcome::Refused),
        (Some("InvalidCiphertextException"), Outcome::Refused),
        (Some("DisabledException"), Outcome::Refused),
        (Some("KMSInvalidStateException"), Outcome::Refused),
        (Some("UnsupportedOperationException"), Outcome::Refused),
        (Some("InvalidGrantTokenException"), Outcome::Refused),
        (Some("KMSInvalidSignatureException"), Outcome::CheckFailed),
        (Some("KMSInvalidMacException"), Outcome::CheckFailed),
        (Some("DryRunOperationException"), Outcome::DryRun),
        (Some("NotFoundException"), Outcome::Failed),
        (Some("ThrottlingException"), Outcome::Failed),
        (Some("KeyUnavailableException"), Outcome::Failed),
        (Some("LimitExceededException"), Outcome::Failed),
    ] {
        assert_eq!(outcome(code, false), expected, "{code:?}");
    }
}

#[test]
fn a_call_that_asked_for_a_dry_run_is_one_whatever_came_of_it() {
    for changes in [
        json!({ "requestParameters": { "dryRun": true } }),
        json!({ "requestParameters": { "dryRun": "true" }, "errorCode": "AccessDenied" }),
    ] {
        assert_eq!(one(changes, |event| event.outcome), Some(Outcome::DryRun));
    }
}

#[test]
fn tls_versions_are_written_one_way() {
    for (logged, written) in [("TLSv1.3", "1.3"), ("1.3", "1.3"), ("TLSv1.2", "1.2"), ("TLSv1", "1.0")] {
        let changes = json!({ "tlsDetails": { "tlsVersion": logged, "keyExchange": "X25519MLKEM768" } });
        let seen = one(changes, |event| (owned(event.tls_version), owned(event.tls_key_exchange)));
        assert_eq!(seen, (Some(written.to_owned()), Some("X25519MLKEM768".to_owned())));
    }
}

#[test]
fn an_addendum_says_what_it_corrects() {
    let changes = json!({
        "addendum": { "reason": "UPDATED_DATA", "originalEventID": "e-1" }, "sharedEventID": "s-1", "vpcEndpointId": "vpce-1"
    });
    let seen = one(changes, |event| {
        [event.addendum, event.corrects, event.shared_event_id, event.vpc_endpoint].map(owned)
    });
    assert_eq!(seen, ["UPDATED_DATA", "e-1", "s-1", "vpce-1"].map(|text| Some(text.to_owned())));
}

#[test]
fn a_record_without_id_is_named_by_its_content() {
    let without = json!({ "eventID": null });
    let id = one(without.clone(), |event| event.event_id.to_owned());
    assert_eq!(id.len(), 32);
    assert_eq!(one(without, |event| event.event_id.to_owned()), id);
    assert_ne!(one(json!({ "eventID": null, "userAgent": "x" }), |event| event.event_id.to_owned()), id);
}
