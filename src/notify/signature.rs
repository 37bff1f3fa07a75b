//! Signatures as Standard Webhooks 1.0 has them: HMAC-SHA256 over `id.timestamp.body`, in base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use crate::domain::keyed::hmac_sha256;

/// What a key begins with when it is written in base64.
const ENCODED: &str = "whsec_";

/// The value of `webhook-signature`. A key that begins with `whsec_` is base64, any other is taken as it is.
/// Nothing where the base64 is wrong.
pub(super) fn signature(key: &SecretString, id: &str, timestamp: i64, body: &str) -> Option<String> {
    let text = key.expose_secret();
    let key = match text.strip_prefix(ENCODED) {
        Some(encoded) => STANDARD.decode(encoded).ok()?,
        None => text.as_bytes().to_vec(),
    };
    let timestamp = timestamp.to_string();
    let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body.as_bytes()];
    Some(format!("v1,{}", STANDARD.encode(hmac_sha256(&key, &signed))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_standard_webhooks_comes_out() {
        let key = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signed =
            signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signed.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
        assert_eq!(signature(&SecretString::from("whsec_!"), "a", 1, "b"), None);
    }
}
