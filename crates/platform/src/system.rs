//! The real clock and the real source of ids; everything else asks the traits.

use std::sync::Mutex;

use kernel::{Clock, Ids, Timestamp};
use rand::Rng as _;
use uuid::Uuid;

/// The machine's clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    // The one place that reads the wall clock.
    #[allow(clippy::disallowed_methods)]
    fn now(&self) -> Timestamp {
        let since =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// Ids and randomness from the operating system's generator.
#[derive(Debug, Default)]
pub struct SystemIds {
    last: Mutex<u128>,
}

impl Ids for SystemIds {
    /// Ids of one process ascend even within a millisecond, so that bulk inserts append to keys.
    fn uuid(&self, at: Timestamp) -> Uuid {
        let mut random = [0u8; 10];
        rand::rng().fill_bytes(&mut random);
        let millis = u64::try_from(at.millis()).unwrap_or(0);
        let candidate =
            uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().as_u128();
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Adding one to the 62 random low bits keeps version and variant as they are.
        *last = if candidate > *last { candidate } else { *last + 1 };
        Uuid::from_u128(*last)
    }

    fn fill(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_ascend_within_a_millisecond() {
        let ids = SystemIds::default();
        let at = Timestamp::from_millis(1_700_000_000_000);
        let made: Vec<Uuid> = (0..1000).map(|_| ids.uuid(at)).collect();
        assert!(made.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(made[999].get_version_num(), 7);
    }
}
