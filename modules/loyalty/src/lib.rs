//! What customers get for coming back. See README.md.

pub mod events;
pub mod points;

use platform::keys::Sealed;
use platform::{Migration, Module};

/// The tables of this module.
pub const MIGRATIONS: &[Migration] = &[Migration {
    module: "loyalty",
    version: 1,
    sql: include_str!("../migrations/0001_points.sql"),
}];

/// What this module keeps sealed.
const SEALED: &[Sealed] =
    &[Sealed::new("loyalty_adjustments", &["id"], "sealed", &[points::adjust::FIELD])];

/// The module as the house knows it. What follows orders is a flow.
#[must_use]
pub fn module() -> Module {
    Module {
        name: "loyalty",
        migrations: MIGRATIONS,
        routes: Default::default,
        jobs: points::jobs::all(),
        sealed: SEALED,
        subscribers: Vec::new(),
    }
}
