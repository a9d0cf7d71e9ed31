//! An engine read from disk is the engine that was written.

use proptest::prelude::*;

use super::model;
use crate::{Engine, RestoreError};

/// The bytes of a saved engine.
pub(crate) fn saved(engine: &Engine) -> Vec<u8> {
    let mut bytes = Vec::new();
    engine.snapshot().save("position 7", &mut bytes).unwrap();
    bytes
}

/// The engine, by way of its bytes.
pub(crate) fn through_disk(engine: &Engine) -> Engine {
    let bytes = saved(engine);
    assert_eq!(Engine::note_of_saved(&*bytes).unwrap(), "position 7");
    Engine::restore(&*bytes).unwrap().0
}

fn engine() -> impl Strategy<Value = Engine> {
    prop::collection::vec(model::feed_strategy(), 1..12).prop_map(|rows| {
        let model = rows.into_iter().map(|row| (row.0.id, row)).collect();
        let mut engine = model::fresh(&model);
        engine.remove(model::customer(1));
        engine
    })
}

#[test]
fn an_engine_of_another_version_is_told_apart() {
    let mut bytes = saved(&Engine::new());
    let restored = |bytes: &[u8]| Engine::restore(bytes).map(|_| ());
    assert!(restored(&bytes).is_ok());
    bytes[8] ^= 2;
    assert!(matches!(restored(&bytes), Err(RestoreError::Version)));
    bytes[0] ^= 2;
    assert!(matches!(restored(&bytes), Err(RestoreError::Corrupt(_))));
    bytes.clear();
    assert!(matches!(restored(&bytes), Err(RestoreError::Corrupt(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn damage_is_found(engine in engine(), at in any::<prop::sample::Index>(), flip in 1_u8..=255) {
        let mut bytes = saved(&engine);
        let cut = at.index(bytes.len());
        prop_assert!(Engine::restore(&bytes[..cut]).is_err(), "cut at {}", cut);
        bytes[cut] ^= flip;
        prop_assert!(Engine::restore(&*bytes).is_err(), "flipped at {}", cut);
    }
}
