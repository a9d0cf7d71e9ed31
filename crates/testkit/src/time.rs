//! Time and ids that a test sets.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use kernel::{Clock, Ids, Timestamp};
use rand::rngs::ChaCha8Rng;
use rand::{Rng as _, SeedableRng as _};
use uuid::Uuid;

/// A clock that stands still until told otherwise.
#[derive(Debug)]
pub struct FixedClock(AtomicI64);

impl FixedClock {
    /// A clock that shows `text` (RFC 3339).
    ///
    /// # Panics
    /// When the text is not a time; a mistake in the test.
    #[must_use]
    pub fn at(text: &str) -> Self {
        let now: Timestamp = text.parse().expect("a time in RFC 3339");
        Self(AtomicI64::new(now.millis()))
    }

    /// Moves the clock.
    pub fn advance_millis(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Ids and randomness that are the same in every run.
#[derive(Debug)]
pub struct SeededIds(Mutex<(ChaCha8Rng, u64)>);

impl SeededIds {
    /// A source that begins at `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new((ChaCha8Rng::seed_from_u64(seed), 0)))
    }
}

impl Ids for SeededIds {
    fn uuid(&self, at: Timestamp) -> Uuid {
        let mut state = self.0.lock().expect("no test panics while it holds this");
        state.1 += 1;
        let mut random = [0u8; 10];
        random[2..].copy_from_slice(&state.1.to_be_bytes());
        let millis = u64::try_from(at.millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().expect("no test panics while it holds this").0.fill_bytes(bytes);
    }
}
