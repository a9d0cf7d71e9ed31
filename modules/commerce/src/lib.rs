//! Shops, orders and their import. See README.md.

pub mod batch;
pub mod erase;
pub mod events;
mod fingerprint;
pub mod formats;
pub mod http;
pub mod import_view;
pub mod imports;
pub mod invariants;
pub mod lines;
pub mod order;
pub mod orders_list;
pub mod record;
pub mod retention;
pub mod shops;
pub mod state;
pub mod store;

pub use order::{OrderHead, Receiver};
pub use shops::{Channel, Shop};
pub use state::OrderState;

use platform::keys::Sealed;
use platform::{Migration, Module};

/// The tables of this module.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        module: "commerce",
        version: 1,
        sql: include_str!("../migrations/0001_commerce.sql"),
    },
    Migration {
        module: "commerce",
        version: 2,
        sql: include_str!("../migrations/0002_indexes.sql"),
    },
    Migration {
        module: "commerce",
        version: 3,
        sql: include_str!("../migrations/0003_statistics.sql"),
    },
    Migration {
        module: "commerce",
        version: 4,
        sql: include_str!("../migrations/0004_reason_codes.sql"),
    },
    Migration {
        module: "commerce",
        version: 5,
        sql: include_str!("../migrations/0005_unchanged_orders.sql"),
    },
    Migration {
        module: "commerce",
        version: 6,
        sql: include_str!("../migrations/0006_order_numbers_by_bytes.sql"),
    },
    Migration {
        module: "commerce",
        version: 7,
        sql: include_str!("../migrations/0007_files_of_rejects.sql"),
    },
    Migration {
        module: "commerce",
        version: 8,
        sql: include_str!("../migrations/0008_obstacle_codes.sql"),
    },
    Migration {
        module: "commerce",
        version: 9,
        sql: include_str!("../migrations/0009_erased_orders.sql"),
    },
    Migration {
        module: "commerce",
        version: 10,
        sql: include_str!("../migrations/0010_forgotten_imports.sql"),
    },
];

/// What this module keeps sealed.
const SEALED: &[Sealed] = &[
    Sealed::new("commerce_orders", &["id"], "private", &[store::PRIVATE_FIELD]),
    Sealed {
        // An image of a batch may have megabytes, and holds orders as they were, sealed parts and all.
        at_once: 4,
        inside: Some(batch::undo::reseal_image),
        ..Sealed::new(
            "commerce_import_batches",
            &["import_number", "batch_no"],
            "before_orders",
            &[batch::undo::BEFORE_FIELD],
        )
    },
    Sealed::new("commerce_import_rejects", &["import_number", "seq"], "raw", &[imports::RAW_FIELD]),
];

/// The module as the house knows it. Its lists and imports cross modules and are flows.
#[must_use]
pub fn module() -> Module {
    Module {
        name: "commerce",
        migrations: MIGRATIONS,
        routes: http::routes,
        jobs: Vec::new(),
        sealed: SEALED,
        published: &[],
        subscribers: Vec::new(),
    }
}
