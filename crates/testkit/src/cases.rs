//! Properties over a database.

use std::sync::atomic::{AtomicI32, Ordering};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Runs `body` for many generated values, the same each time. Each has an organisation of its own and the 999 numbers
/// after it, so that all share one database.
///
/// # Panics
/// If `body` does, with the value that it was found with.
pub async fn for_each_case<T: std::fmt::Debug>(
    cases: u32,
    strategy: impl Strategy<Value = T>,
    body: impl AsyncFn(i32, T),
) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let org = AtomicI32::new(1_000);
    let runtime = tokio::runtime::Handle::current();
    let outcome = runner.run(&strategy, |value| {
        let org = org.fetch_add(1_000, Ordering::Relaxed);
        tokio::task::block_in_place(|| runtime.block_on(body(org, value)));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
