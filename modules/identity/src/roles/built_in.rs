//! The rights and fields there are, and the roles that come with the program.

use platform::access::{EVERYTHING, FieldRule};

use super::Reach;

/// A role that comes with the program.
pub(super) struct BuiltIn {
    pub(super) name: &'static str,
    pub(super) reach: Reach,
    pub(super) rights: &'static [&'static str],
}

const fn built_in(name: &'static str, reach: Reach, rights: &'static [&'static str]) -> BuiltIn {
    BuiltIn { name, reach, rights }
}

/// Every right that a route asks for; those of modules that come later are added with them.
pub const RIGHTS: &[&str] = &[
    "customers.read",
    "customers.edit",
    "customers.assign",
    "customers.reveal",
    "customers.tags",
    "customers.merge",
    "customers.export",
    "customers.export_approve",
    "customers.settings",
    "customers.consent_read",
    "customers.consent_write",
    "customers.erase",
    "customers.person_export",
    "customers.requests",
    "commerce.read",
    "commerce.import",
    "commerce.shops",
    "insight.read",
    "insight.audiences",
    "insight.models",
    "loyalty.read",
    "loyalty.books",
    "loyalty.points",
    "loyalty.adjust",
    "loyalty.approve",
    "loyalty.levels",
    "loyalty.coupons",
    "loyalty.codes",
    "loyalty.promotions",
    "loyalty.checkout",
    "identity.people",
    "identity.settings",
    "platform.jobs",
    "platform.audit",
    "platform.backups",
    "platform.keys",
    "platform.retention",
    "platform.webhooks",
];

/// Those whose routes cut what they give and take by the reach of the caller. Every other right is about
/// the organisation as a whole, and nobody whose view does not reach all records can have it.
pub(super) const CUT: &[&str] = &[
    "customers.read",
    "customers.edit",
    "customers.assign",
    "customers.reveal",
    "customers.export",
    "customers.consent_read",
    "customers.consent_write",
    "commerce.read",
    "insight.read",
    "loyalty.read",
];

/// Those that show files or records as they came, whatever a role hides.
pub(super) const UNVEILED: &[&str] =
    &["platform.audit", "commerce.import", "customers.person_export"];

/// Whether somebody whose view does not reach all records can have `right`.
#[must_use]
pub fn is_cut(right: &str) -> bool {
    CUT.contains(&right)
}

/// Fields that roles can have rules for, and the rules each can have.
pub const FIELDS: &[(&str, &[FieldRule])] = &[
    ("customers.name", &[FieldRule::ReadOnly, FieldRule::Masked]),
    ("customers.accounts", &[FieldRule::ReadOnly, FieldRule::Masked, FieldRule::Hidden]),
    ("customers.phone", &[FieldRule::ReadOnly, FieldRule::Hidden]),
    ("customers.email", &[FieldRule::ReadOnly, FieldRule::Hidden]),
    ("customers.birthday", &[FieldRule::ReadOnly, FieldRule::Hidden]),
    ("customers.region", &[FieldRule::Hidden]),
    ("customers.rating", &[FieldRule::ReadOnly, FieldRule::Hidden]),
    ("customers.tags", &[FieldRule::ReadOnly, FieldRule::Hidden]),
    ("customers.notes", &[FieldRule::ReadOnly, FieldRule::Hidden]),
    ("commerce.amounts", &[FieldRule::Hidden]),
    ("commerce.receiver", &[FieldRule::Hidden]),
    ("commerce.remarks", &[FieldRule::Hidden]),
];

const READ: &[&str] = &["customers.read", "commerce.read", "insight.read", "loyalty.read"];
const SELL: &[&str] = &[
    "customers.read",
    "customers.edit",
    "customers.reveal",
    "customers.consent_read",
    "customers.consent_write",
    "commerce.read",
    "loyalty.read",
];
const LEAD: &[&str] = &[
    "customers.read",
    "customers.edit",
    "customers.reveal",
    "customers.consent_read",
    "customers.consent_write",
    "customers.assign",
    "commerce.read",
    "loyalty.read",
];

/// Those of domain.md §1. Modules that come later bring their rights.
pub(super) const BUILT_IN: &[BuiltIn] = &[
    built_in("owner", Reach::All, &[EVERYTHING]),
    built_in("administrator", Reach::All, RIGHTS),
    built_in(
        "marketing",
        Reach::All,
        &[
            "customers.read",
            "customers.edit",
            "customers.tags",
            "customers.export",
            "customers.consent_read",
            "commerce.read",
            "insight.read",
            "insight.audiences",
            "insight.models",
            "loyalty.read",
            "loyalty.books",
            "loyalty.points",
            "loyalty.adjust",
            "loyalty.levels",
            "loyalty.coupons",
            "loyalty.codes",
            "loyalty.promotions",
        ],
    ),
    built_in("analyst", Reach::All, READ),
    built_in("service_agent", Reach::All, SELL),
    built_in(
        "service_lead",
        Reach::All,
        &[
            "customers.read",
            "customers.edit",
            "customers.reveal",
            "customers.merge",
            "customers.requests",
            "customers.consent_read",
            "customers.consent_write",
            "commerce.read",
            "insight.read",
            "loyalty.read",
            "loyalty.adjust",
        ],
    ),
    built_in("knowledge_editor", Reach::All, &[]),
    built_in("call_agent", Reach::Own, SELL),
    built_in("partner_manager", Reach::Territory, SELL),
    built_in("channel_sales_specialist", Reach::Own, SELL),
    built_in("sales_representative", Reach::Own, SELL),
    built_in("sales_supervisor", Reach::Team, LEAD),
    built_in("sales_manager", Reach::TeamAndBelow, LEAD),
    built_in("sales_assistant", Reach::Team, SELL),
    built_in("resource_manager", Reach::All, LEAD),
    built_in("lead_entry_clerk", Reach::Own, &[]),
    built_in("premium_advertising_sales", Reach::Own, SELL),
];
