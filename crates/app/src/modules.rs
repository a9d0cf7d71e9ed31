//! The table of contents: the rooms of the house, in the order in which they stand in documents.

use platform::keys::Sealed;
use platform::webhooks::{Publication, Publications};
use platform::{Migration, Module};

/// All modules.
#[must_use]
pub fn modules() -> Vec<Module> {
    vec![
        platform::module(),
        identity::module(),
        customers::module(),
        commerce::module(),
        insight::module(),
        loyalty::module(),
    ]
}

/// The tables of all modules.
#[must_use]
pub fn migrations() -> Vec<Migration> {
    modules().iter().flat_map(|module| module.migrations).copied().collect()
}

/// The columns of all modules that hold sealed values.
#[must_use]
pub fn sealed() -> Vec<Sealed> {
    modules().iter().flat_map(|module| module.sealed).copied().collect()
}

/// The events of all modules that other programs may learn of.
#[must_use]
pub fn published() -> Publications {
    let all: Vec<Publication> =
        modules().iter().flat_map(|module| module.published).copied().collect();
    Publications(all.into())
}
