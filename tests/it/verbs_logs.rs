//! A small made-up log of one transit key, for the tests of the commands.

use crate::support::Keyward;

/// Declares the key that the log uses, and one that it does not.
pub const CATALOG: &str = "version: 1\nkeys:\n  - id: orders\n    keys: [\"vault:transit/orders\"]\n    \
    purpose: data-encryption\n    principals: [\"approle:shop\"]\n  - id: spare\n    \
    keys: [\"vault:transit/spare\"]\n    purpose: data-encryption\n";

/// The signing with the encryption key.
pub const EVENT_ID: &str = "00000000-0000-4000-8000-0000000000aa";

/// A response of OpenBao's audit log: `role` asked the key `orders` to `verb`.
pub fn record(id: &str, verb: &str, role: &str) -> String {
    record_of(id, verb, role, "orders", 1)
}

/// The same for any key and second.
pub fn record_of(id: &str, verb: &str, role: &str, key: &str, second: u8) -> String {
    format!(
        r#"{{"time":"2026-11-24T09:00:{second:02}Z","type":"response","auth":{{"client_token":"hmac-sha256:aa","accessor":"hmac-sha256:bb","display_name":"approle","policies":["shop"],"policy_results":{{"allowed":true}},"metadata":{{"role_name":"{role}"}},"token_type":"service"}},"request":{{"id":"{id}","operation":"update","mount_point":"transit/","mount_type":"transit","mount_class":"secret","namespace":{{"id":"root"}},"path":"transit/{verb}/{key}","remote_address":"10.1.2.3","data":{{}}}},"response":{{"mount_type":"transit","data":{{}}}}}}"#
    )
}

/// The program with the catalog and the log: an encryption, two misuses by one caller, one by another, and a
/// key that nobody declared.
pub fn company() -> Keyward {
    let lines = [
        record_of("00000000-0000-4000-8000-000000000001", "encrypt", "shop", "orders", 1),
        record_of(EVENT_ID, "sign", "shop", "orders", 2),
        record_of("00000000-0000-4000-8000-000000000003", "hmac", "shop", "orders", 3),
        record_of("00000000-0000-4000-8000-000000000004", "decrypt", "nightly", "orders", 4),
        record_of("00000000-0000-4000-8000-000000000005", "encrypt", "shop", "unheard-of", 5),
    ];
    Keyward::new().file("catalog.yaml", CATALOG).file("logs/audit.log", lines.join("\n"))
}
