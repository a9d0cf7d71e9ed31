//! Customers, their identities, tags, notes and merges. See README.md.

pub mod automatic;
pub mod birthdays;
pub mod consent;
mod consent_http;
pub mod edit;
pub mod engine_feed;
pub mod erase;
pub mod events;
pub mod exports;
pub mod fields;
pub mod history;
mod http;
pub mod identities;
pub mod invariants;
pub mod mask;
pub mod merge;
pub mod model;
pub mod names;
pub mod notes;
pub mod owners;
pub mod person_requests;
pub mod profiles;
pub mod reach;
mod refusals;
pub mod resolve;
pub mod retention;
pub mod reveal;
pub mod roots;
pub mod search;
pub mod settings;
mod store;
pub mod suggestions;
pub mod tags;
pub mod take_back;
pub mod views;

pub use model::{AccountSpace, IdentityKind, Rating};

use platform::keys::Sealed;
use platform::{Migration, Module};

/// The tables of this module.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        module: "customers",
        version: 1,
        sql: include_str!("../migrations/0001_customers.sql"),
    },
    Migration {
        module: "customers",
        version: 2,
        sql: include_str!("../migrations/0002_statistics.sql"),
    },
    Migration {
        module: "customers",
        version: 3,
        sql: include_str!("../migrations/0003_owners.sql"),
    },
    Migration {
        module: "customers",
        version: 4,
        sql: include_str!("../migrations/0004_consent.sql"),
    },
    Migration {
        module: "customers",
        version: 5,
        sql: include_str!("../migrations/0005_erasures.sql"),
    },
    Migration {
        module: "customers",
        version: 6,
        sql: include_str!("../migrations/0006_rights.sql"),
    },
    Migration {
        module: "customers",
        version: 7,
        sql: include_str!("../migrations/0007_consents_sealed_anew.sql"),
    },
    Migration {
        module: "customers",
        version: 8,
        sql: include_str!("../migrations/0008_corrections.sql"),
    },
    Migration {
        module: "customers",
        version: 9,
        sql: include_str!("../migrations/0009_automatic_tags.sql"),
    },
    Migration {
        module: "customers",
        version: 10,
        sql: include_str!("../migrations/0010_birthdays.sql"),
    },
];

/// What this module keeps sealed.
const SEALED: &[Sealed] = &[
    Sealed::new(
        "customers_identities",
        &["customer_id", "kind", "hash"],
        "sealed",
        &[IdentityKind::Phone.field(), IdentityKind::Email.field(), IdentityKind::Account.field()],
    ),
    Sealed::new("customers_notes", &["customer_id", "id"], "sealed", &[notes::FIELD]),
    Sealed::new("customers_birthdays", &["customer_id"], "sealed", &[birthdays::FIELD]),
    Sealed::new("customers_consents", &["customer_id", "id"], "sealed", &[consent::ledger::FIELD]),
    Sealed::new("customers_exports", &["id"], "sealed", &[exports::FIELD]),
    Sealed::new("customers_exports", &["id"], "decision", &[exports::FIELD]),
    Sealed::new("customers_person_requests", &["id"], "sealed", &[person_requests::FIELD]),
];

/// This module: its tables and the routes that need no other module.
#[must_use]
pub fn module() -> Module {
    Module {
        name: "customers",
        migrations: MIGRATIONS,
        routes: || http::routes().merge(consent_http::routes()),
        jobs: Vec::new(),
        sealed: SEALED,
        published: &[],
        subscribers: Vec::new(),
    }
}
