//! What customers get for coming back. See README.md.

pub mod counters;
pub mod coupons;
pub mod desk;
pub mod engine_feed;
pub mod events;
mod holder;
pub mod invariants;
pub mod jobs;
pub mod levels;
pub mod points;
pub mod promotions;
pub mod reservations;
mod rules;
pub mod simulations;
mod versions;

pub use holder::Holder;
pub use rules::{OfferState, RefundRule};

use platform::keys::Sealed;
use platform::webhooks::Publication;
use platform::{Migration, Module};

/// The tables of this module.
pub const MIGRATIONS: &[Migration] = &[
    Migration { module: "loyalty", version: 1, sql: include_str!("../migrations/0001_points.sql") },
    Migration {
        module: "loyalty",
        version: 2,
        sql: include_str!("../migrations/0002_coupons.sql"),
    },
    Migration {
        module: "loyalty",
        version: 3,
        sql: include_str!("../migrations/0003_promotions.sql"),
    },
    Migration { module: "loyalty", version: 4, sql: include_str!("../migrations/0004_levels.sql") },
    Migration {
        module: "loyalty",
        version: 5,
        sql: include_str!("../migrations/0005_checkout.sql"),
    },
    Migration { module: "loyalty", version: 6, sql: include_str!("../migrations/0006_gifts.sql") },
    Migration {
        module: "loyalty",
        version: 7,
        sql: include_str!("../migrations/0007_points_and_levels.sql"),
    },
    Migration {
        module: "loyalty",
        version: 8,
        sql: include_str!("../migrations/0008_simulations.sql"),
    },
    Migration {
        module: "loyalty",
        version: 9,
        sql: include_str!("../migrations/0009_lots_by_customer.sql"),
    },
    Migration {
        module: "loyalty",
        version: 10,
        sql: include_str!("../migrations/0010_by_hand.sql"),
    },
];

/// What this module keeps sealed.
const SEALED: &[Sealed] = &[
    Sealed::new("loyalty_adjustments", &["id"], "sealed", &[points::adjust::FIELD]),
    Sealed::new("loyalty_level_deeds", &["id"], "sealed", &[levels::hand::FIELD]),
];

/// What other programs may learn of.
const PUBLISHED: &[Publication] = &[
    Publication::of::<events::PointsChangedV1>(),
    Publication::of::<coupons::events::CouponsChangedV1>(),
    Publication::of::<reservations::events::ReservationCommittedV1>(),
    Publication::of::<reservations::events::ReservationReleasedV1>(),
    Publication::of::<reservations::events::ReservationRefundedV1>(),
];

/// The module as the house knows it. What follows orders is a flow.
#[must_use]
pub fn module() -> Module {
    Module {
        name: "loyalty",
        migrations: MIGRATIONS,
        routes: Default::default,
        jobs: points::jobs::all()
            .into_iter()
            .chain(jobs::all())
            .chain(levels::jobs::all())
            .collect(),
        sealed: SEALED,
        published: PUBLISHED,
        subscribers: Vec::new(),
    }
}
