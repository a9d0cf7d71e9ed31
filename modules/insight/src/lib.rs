//! What a shop wants to know of its customers: in which currency and zone figures are told, what each tier
//! calls for, what the workbench shows, and the audiences that were defined. See README.md.

mod action;
pub mod audiences;
pub mod events;
mod frame;
pub mod live;
pub mod models;
mod workbench;

pub use action::Action;
pub use frame::{DEFAULT_BINS, Frame, FrameError, ShopFrame};
pub use workbench::{Attention, AttentionKind, CHART_DAYS, Delta, UNSHIPPED_AFTER_MILLIS};

use platform::{Migration, Module};

/// The tables of this module.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        module: "insight",
        version: 1,
        sql: include_str!("../migrations/0001_audiences.sql"),
    },
    Migration { module: "insight", version: 2, sql: include_str!("../migrations/0002_live.sql") },
    Migration { module: "insight", version: 3, sql: include_str!("../migrations/0003_models.sql") },
    Migration {
        module: "insight",
        version: 4,
        sql: include_str!("../migrations/0004_behind_tags.sql"),
    },
];

/// This module: its tables. Its routes ask the engine, so they stand in `app`.
#[must_use]
pub fn module() -> Module {
    Module {
        name: "insight",
        migrations: MIGRATIONS,
        routes: Default::default,
        jobs: Vec::new(),
        sealed: &[],
        published: &[],
        subscribers: Vec::new(),
    }
}
