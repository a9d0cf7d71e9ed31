//! Limits on guessing: each e-mail address and each peer address waits longer after every failure.
//!
//! An attempt is counted before the password is looked at, so that a thousand guesses at once are a
//! thousand attempts.

use std::net::IpAddr;

use kernel::{Timestamp, UserId};
use platform::crypto::{INDEX_LEN, OrgKeys};
use platform::{Ctx, DbError, Tx};

use crate::store;

/// Failures of one e-mail address before it waits.
const FREE_PER_EMAIL: i64 = 5;
/// Failures from one peer address before it waits; a whole office may share one.
const FREE_PER_PEER: i64 = 20;
/// First wait; doubled with each failure.
const WAIT_MILLIS: i64 = 1_000;
/// Longest wait. Not longer, since anybody can make the owner wait.
const WAIT_CAP_MILLIS: i64 = 15 * 60 * 1000;
/// Failures are forgotten when there was none for so long.
pub(crate) const FORGET_MILLIS: i64 = 24 * 3600 * 1000;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counter {
    pub(crate) key: [u8; INDEX_LEN],
    free: i64,
}

impl Counter {
    pub(crate) fn of_email(keys: &OrgKeys, normal_email: &str) -> Self {
        let key = keys.blind_index("identity.attempts.email", normal_email);
        Self { key, free: FREE_PER_EMAIL }
    }

    /// Passwords that were shown by a session of `user`; nobody else counts under it.
    pub(crate) fn of_password(keys: &OrgKeys, user: UserId) -> Self {
        let key = keys.blind_index("identity.attempts.password", user.to_string());
        Self { key, free: FREE_PER_EMAIL }
    }

    /// Codes of a second factor that were tried for `user`.
    pub(crate) fn of_codes(keys: &OrgKeys, user: UserId) -> Self {
        let key = keys.blind_index("identity.attempts.codes", user.to_string());
        Self { key, free: FREE_PER_EMAIL }
    }

    pub(crate) fn of_peer(keys: &OrgKeys, peer: IpAddr) -> Self {
        let key = keys.blind_index("identity.attempts.peer", household(peer));
        Self { key, free: FREE_PER_PEER }
    }

    /// Sign-ins through providers that were begun from there.
    pub(crate) fn of_provider_peer(keys: &OrgKeys, peer: IpAddr) -> Self {
        let key = keys.blind_index("identity.attempts.provider", household(peer));
        Self { key, free: FREE_PER_PEER }
    }

    /// The key as text: equal for equal addresses, and nothing else can be learned from it.
    pub(crate) fn text(self) -> String {
        format!("{:032x}", u128::from_be_bytes(self.key))
    }

    fn wait_millis(self, failures: i64) -> i64 {
        let over = failures - self.free;
        if over < 0 {
            return 0;
        }
        WAIT_MILLIS.checked_shl(over.min(30) as u32).unwrap_or(WAIT_CAP_MILLIS).min(WAIT_CAP_MILLIS)
    }
}

/// One household has a /64 and all its addresses.
fn household(peer: IpAddr) -> String {
    match peer.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("{:x}", address.to_bits() >> 64),
    }
}

/// When the next attempt may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Blocked {
    pub(crate) until: Timestamp,
}

/// Counts an attempt under each of `counters`, or says until when none is admitted; then the caller
/// rolls back. Concurrent callers name the peer first, so that none waits for the other in a circle.
pub(crate) async fn admit(
    tx: &mut Tx,
    cx: &Ctx,
    counters: &[Counter],
) -> Result<Result<(), Blocked>, DbError> {
    for counter in counters {
        match store::attempts::count(tx, cx, &counter.key).await? {
            Some(failures) => {
                let until = cx.now().plus_millis(counter.wait_millis(failures));
                store::attempts::block(tx, cx.scope, &counter.key, until).await?;
            }
            None => {
                let until = store::attempts::blocked_until(tx, cx.scope, &counter.key).await?;
                return Ok(Err(Blocked { until }));
            }
        }
    }
    Ok(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::OrgId;
    use platform::crypto::MasterKey;

    #[test]
    fn waits_double_up_to_a_quarter_of_an_hour() {
        let keys = MasterKey::new([1; 32]).org_keys(OrgId::FIRST);
        let email = Counter::of_email(&keys, "a@b.c");
        let waits: Vec<i64> = (1..=8).map(|failures| email.wait_millis(failures)).collect();
        assert_eq!(waits, [0, 0, 0, 0, 1_000, 2_000, 4_000, 8_000]);
        assert_eq!(email.wait_millis(1_000_000), WAIT_CAP_MILLIS);
        assert_eq!(Counter::of_peer(&keys, [127, 0, 0, 1].into()).wait_millis(19), 0);
    }

    #[test]
    fn addresses_of_one_household_count_together() {
        let keys = MasterKey::new([1; 32]).org_keys(OrgId::FIRST);
        let of = |text: &str| Counter::of_peer(&keys, text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
        assert_ne!(of("10.0.0.2"), of("10.0.0.1"));
    }
}
