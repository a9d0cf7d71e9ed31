//! Codes that an app shows for thirty seconds.
//!
//! Source: RFC 6238 with HMAC-SHA-1, 6 digits and steps of 30 s, which is what all apps do; RFC 4226
//! for the length of the secret.

use kernel::{Ids, Timestamp};
use totp_rs::{Builder, Totp};
use zeroize::Zeroizing;

/// Bytes of a secret; RFC 4226 recommends as many as the hash has.
const SECRET_LEN: usize = 20;
const STEP_SECONDS: i64 = 30;
/// Digits of a code.
pub(crate) const DIGITS: usize = 6;
/// Steps by which the clocks of app and server may differ, in both directions.
const SKEW: i64 = 1;
/// What an app is told instead of a colon, which parts issuer and account in its label.
const COLON: &str = " ";

/// The secret that app and server share.
pub(crate) struct Shared(pub(crate) Zeroizing<Vec<u8>>);

impl Shared {
    pub(crate) fn fresh(ids: &dyn Ids) -> Self {
        let mut bytes = Zeroizing::new(vec![0u8; SECRET_LEN]);
        ids.fill(&mut bytes);
        Self(bytes)
    }

    /// `None` for bytes that are no secret.
    fn totp(&self, issuer: &str, account: &str) -> Option<Totp> {
        let issuer = issuer.replace(':', COLON);
        let builder = Builder::new().with_secret(self.0.to_vec()).with_issuer(Some(issuer));
        builder.with_account_name(account.replace(':', COLON)).build().ok()
    }

    /// The address that an app reads: `otpauth://totp/…`; `None` for bytes that are no secret.
    pub(crate) fn uri(&self, issuer: &str, account: &str) -> Option<String> {
        self.totp(issuer, account)?.to_url().ok()
    }

    /// The secret in base 32, for who types it.
    pub(crate) fn base32(&self) -> String {
        self.totp("", "").map(|totp| totp.secret().to_base32()).unwrap_or_default()
    }

    /// The step whose code `code` is, if it is a present one and later than `after`.
    pub(crate) fn step_of(&self, code: &str, now: Timestamp, after: i64) -> Option<i64> {
        let totp = self.totp("", "")?;
        let here = now.millis().div_euclid(1000 * STEP_SECONDS);
        let steps = (here - SKEW).max(after + 1).max(0)..=here + SKEW;
        // Compared in constant time, as the crate promises.
        steps.into_iter().find(|step| {
            let seconds = (step * STEP_SECONDS) as u64;
            // Without a skew, so that it says only whether the code is that of this step.
            is_code(&totp, code, seconds)
        })
    }
}

fn is_code(totp: &Totp, code: &str, seconds: u64) -> bool {
    use subtle::ConstantTimeEq as _;
    let right = totp.generate(seconds).to_string();
    right.as_bytes().ct_eq(code.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shared() -> Shared {
        Shared(Zeroizing::new(b"12345678901234567890".to_vec()))
    }

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn the_vectors_of_rfc_6238() {
        // Appendix B, SHA-1; the last six of its eight digits.
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(shared().step_of(code, at(seconds), 0), Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn the_vectors_of_rfc_4226() {
        // Appendix D: the counter is our step. Step 0 is before any that can be accepted.
        let codes = [
            "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871",
            "520489",
        ];
        for (step, code) in (1..).zip(codes) {
            assert_eq!(shared().step_of(code, at(step * 30), 0), Some(step));
        }
    }

    #[test]
    fn a_step_early_or_late_is_accepted_and_no_more() {
        let code = "050471";
        let step = 1_111_111_111 / 30;
        let accepted: Vec<i64> = (-3..=3)
            .filter(|off| shared().step_of(code, at((step + off) * 30), 0).is_some())
            .collect();
        assert_eq!(accepted, [-1, 0, 1]);
        let edges = [(step - 1) * 30, (step + 2) * 30 - 1];
        assert!(edges.iter().all(|second| shared().step_of(code, at(*second), 0).is_some()));
        let beyond = [(step - 1) * 30 - 1, (step + 2) * 30];
        assert!(beyond.iter().all(|second| shared().step_of(code, at(*second), 0).is_none()));
    }

    #[test]
    fn an_app_is_told_who_and_where() {
        let uri = shared().uri("茶:舍", "a:b@example.com").unwrap();
        assert!(uri.starts_with("otpauth://totp/%E8%8C%B6%20%E8%88%8D:a%20b"), "{uri}");
        assert!(uri.contains("secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), "{uri}");
        assert_eq!(shared().base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }

    proptest! {
        #[test]
        fn no_step_is_accepted_twice(second in 60i64..4_000_000_000, later in 0i64..90) {
            let code = shared().totp("", "").unwrap().generate(second as u64).to_string();
            let step = shared().step_of(&code, at(second), 0).unwrap();
            let again = shared().step_of(&code, at(second + later), step);
            // Another step may have the same code by chance; this one is not taken again.
            prop_assert!(again.is_none_or(|again| again > step));
        }

        #[test]
        fn what_is_no_code_is_none(code in "\\PC{0,8}", second in 60i64..4_000_000_000) {
            prop_assume!(!(code.len() == DIGITS && code.bytes().all(|byte| byte.is_ascii_digit())));
            prop_assert_eq!(shared().step_of(&code, at(second), 0), None);
        }
    }
}
