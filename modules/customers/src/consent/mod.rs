//! Consents: who may be asked, told or sent what, and by which way. An append-only ledger; what holds at
//! a moment is computed from it. README.md of this module tells the rules.

pub mod ledger;
mod rules;
mod spans;
pub mod texts;

pub use rules::{
    ConsentChannel, ConsentPurpose, ConsentSource, Said, Standing, may_contact, may_decide,
    refused_from, standing,
};

pub use spans::{ContactSpan, contact_spans};

#[cfg(test)]
pub(crate) use rules::newest;
