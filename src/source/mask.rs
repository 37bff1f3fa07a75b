//! Shows a refused record without showing what is in it.
//!
//! Masked, a sample keeps brackets, punctuation and the names of fields that are no secret; every other
//! letter becomes `x` and every other digit `0`. Lengths stay visible.

use super::limits::{SAMPLE_BYTES, Sample};

/// Field names that stay readable: those of the formats that are read, no free ones.
const KNOWN_NAMES: &[&str] = &[
    "Records",
    "Events",
    "CloudTrailEvent",
    "Message",
    "message",
    "Type",
    "detail",
    "detail-type",
    "logEvents",
    "messageType",
    "awslogs",
    "data",
    "source",
    "account",
    "region",
    "resources",
    "version",
    "id",
    "eventVersion",
    "userIdentity",
    "eventTime",
    "eventSource",
    "eventName",
    "awsRegion",
    "sourceIPAddress",
    "userAgent",
    "errorCode",
    "errorMessage",
    "requestParameters",
    "responseElements",
    "additionalEventData",
    "requestID",
    "eventID",
    "eventId",
    "eventType",
    "eventCategory",
    "apiVersion",
    "managementEvent",
    "readOnly",
    "recipientAccountId",
    "sharedEventID",
    "vpcEndpointId",
    "tlsDetails",
    "principalId",
    "arn",
    "accountId",
    "accessKeyId",
    "userName",
    "sessionContext",
    "invokedBy",
    "keyId",
    "encryptionContext",
    "encryptionAlgorithm",
    "time",
    "type",
    "auth",
    "request",
    "response",
    "error",
    "client_token",
    "accessor",
    "display_name",
    "policies",
    "token_type",
    "operation",
    "namespace",
    "path",
    "mount_type",
    "mount_point",
    "remote_address",
];

/// The beginning of `text`, at most [`SAMPLE_BYTES`] of it, as `mode` allows.
pub(super) fn sample(text: &[u8], mode: Sample) -> String {
    let head = text.get(..SAMPLE_BYTES).unwrap_or(text);
    match mode {
        Sample::None => String::new(),
        Sample::Raw => String::from_utf8_lossy(head).into_owned(),
        Sample::Masked => masked(head),
    }
}

fn masked(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut shown = String::with_capacity(text.len());
    for (place, part) in text.split('"').enumerate() {
        if place > 0 {
            shown.push('"');
        }
        if KNOWN_NAMES.contains(&part) {
            shown.push_str(part);
        } else {
            shown.extend(part.chars().map(masked_char));
        }
    }
    shown
}

fn masked_char(char: char) -> char {
    match char {
        '0'..='9' => '0',
        _ if char.is_ascii_alphabetic() => 'x',
        ' ' | '!'..='~' => char,
        _ if char.is_control() => ' ',
        _ => 'x',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_sample_keeps_structure_and_known_names_only() {
        let text = br#"{"eventName":"Decrypt","password":"hunter2","n":17,"x":"\u00e9"#;
        assert_eq!(
            sample(text, Sample::Masked),
            r#"{"eventName":"xxxxxxx","xxxxxxxx":"xxxxxx0","x":00,"x":"\x00x0"#
        );
    }

    #[test]
    fn a_sample_is_bounded_and_survives_bytes_that_are_no_text() {
        let text = vec![0xFF; 10_000];
        assert_eq!(sample(&text, Sample::Masked).chars().count(), SAMPLE_BYTES);
        assert_eq!(sample(&text, Sample::None), "");
        assert!(sample(b"secret", Sample::Raw).contains("secret"));
    }
}
