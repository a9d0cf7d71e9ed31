//! Secrets, and what is signed with them.
//!
//! Source: Standard Webhooks 1.0.0, "Signature scheme" and "Webhook headers".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::Ids;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Bytes of a secret; the specification asks for 24 to 64.
const SECRET_LEN: usize = 32;
/// How a secret begins when it is shown.
const PREFIX: &str = "whsec_";

/// A new secret.
pub(super) fn fresh(ids: &dyn Ids) -> Zeroizing<Vec<u8>> {
    let mut secret = Zeroizing::new(vec![0; SECRET_LEN]);
    ids.fill(&mut secret);
    secret
}

/// `secret` as it is shown, once: `whsec_` and base 64.
pub(super) fn shown(secret: &[u8]) -> String {
    format!("{PREFIX}{}", STANDARD.encode(secret))
}

/// The header `webhook-signature` of `body` under the id `id`, sent at `at_seconds` since 1970: `v1,` and the
/// HMAC-SHA-256 of `id.at_seconds.body` as base 64 for each of `secrets`, with a blank between. A receiver is
/// content if one of them fits.
#[must_use]
pub fn signature(secrets: &[impl AsRef<[u8]>], id: &str, at_seconds: i64, body: &str) -> String {
    let signed = secrets.iter().filter_map(|secret| {
        // HMAC takes keys of every length.
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_ref()).ok()?;
        mac.update(format!("{id}.{at_seconds}.{body}").as_bytes());
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    });
    signed.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::SystemIds;

    /// The vector of the reference libraries (`test_sign_function` of each of them).
    #[test]
    fn signs_as_the_reference_libraries_do() {
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let (id, at) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330);
        let body = r#"{"test": 2432232314}"#;
        let one = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signature(&[&secret], id, at, body), one);
        let two = signature(&[b"another".to_vec(), secret.clone()], id, at, body);
        assert_eq!(two.split(' ').nth(1), Some(one));
        for (id, at, body) in [("msg_x", at, body), (id, at + 1, body), (id, at, "{}")] {
            assert_ne!(signature(&[&secret], id, at, body), one);
        }
    }

    #[test]
    fn a_secret_is_shown_as_the_specification_says() {
        let (one, other) = (fresh(&SystemIds::default()), fresh(&SystemIds::default()));
        assert_ne!(one, other);
        let text = shown(&one);
        let bytes = STANDARD.decode(text.strip_prefix("whsec_").unwrap()).unwrap();
        assert_eq!(bytes, *one);
        assert!((24..=64).contains(&bytes.len()));
    }
}
