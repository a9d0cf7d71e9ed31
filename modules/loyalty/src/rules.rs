//! What coupons and promotions have in common: terms, refunds, states.

use kernel::FieldErrors;
use platform::DbError;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::counters::Limits;

/// Longest name, in characters.
pub const NAME_MAX: usize = 60;
/// Bytes of JSON that terms may have.
pub const TERMS_MAX_BYTES: usize = 16 * 1024;
/// Largest amount, in minor units.
pub const AMOUNT_MAX_MINOR: i64 = 1_000_000_000_000;
/// Levels named by one definition.
pub const LEVELS_MAX: usize = 50;
/// Levels' and SKUs' longest name, in bytes.
pub const KEY_MAX_BYTES: usize = 200;

/// What happens to a coupon, or to the uses of a promotion, when its order is refunded as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum RefundRule {
    /// It comes back. A coupon whose time is over meanwhile lives for so many days from the refund; with 0 it comes
    /// back expired.
    Return {
        /// Days of grace.
        #[serde(default)]
        grace_days: u16,
    },
    /// It comes back if it is still valid, else it stays used.
    ReturnIfValid,
    /// It stays used.
    KeepUsed,
}

/// Where a definition or promotion is in its life.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum OfferState {
    /// Being written; nobody gets anything.
    Draft,
    /// In force.
    Live,
    /// Halted; can go on.
    Stopped,
    /// Over for good.
    Ended,
}

impl OfferState {
    /// The name, as stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Live => "live",
            Self::Stopped => "stopped",
            Self::Ended => "ended",
        }
    }

    pub(crate) fn parse(name: &str) -> Result<Self, DbError> {
        [Self::Draft, Self::Live, Self::Stopped, Self::Ended]
            .into_iter()
            .find(|state| state.name() == name)
            .ok_or_else(|| unreadable(format!("the state {name:?}")))
    }

    /// Whether it can be put into `next`: a draft goes live, what is live halts and goes on, and all but an end
    /// can end.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Draft | Self::Stopped, Self::Live)
                | (Self::Live, Self::Stopped)
                | (Self::Draft | Self::Live | Self::Stopped, Self::Ended)
        )
    }
}

/// What stands beside the terms of a promotion or definition, and goes into what pricing takes.
pub(crate) struct Beside<'a> {
    pub id: String,
    pub name: &'a str,
    pub is_coupon: bool,
    pub period: pricing::Period,
    pub uses: Limits,
    pub budget_left_minor: Option<i64>,
}

/// The fields of [`Beside`], which terms must not have.
const BESIDE: [&str; 6] = ["id", "name", "coupon", "period", "limits", "budget_left_minor"];

/// The promotion that `terms` describe with what stands beside them.
///
/// # Errors
/// All wrong fields.
pub(crate) fn promotion(
    terms: &Value,
    beside: &Beside<'_>,
) -> Result<pricing::Promotion, FieldErrors> {
    let mut errors = FieldErrors::default();
    let Some(fields) = terms.as_object().filter(|_| terms.to_string().len() <= TERMS_MAX_BYTES)
    else {
        errors.push("terms", format!("must be an object of at most {TERMS_MAX_BYTES} bytes"));
        return Err(errors);
    };
    for field in BESIDE.iter().filter(|field| fields.contains_key(**field)) {
        errors.push(format!("terms.{field}"), "stands beside the terms");
    }
    let mut fields = fields.clone();
    fields.insert("id".into(), beside.id.as_str().into());
    let promotion: Result<pricing::Promotion, _> = serde_json::from_value(fields.into());
    let promotion = errors.keep("terms", promotion);
    let promotion = errors.finish(|| promotion)?;
    let uses = &beside.uses;
    let limits = pricing::Limits {
        total: uses.total.map(u64::from),
        per_person: uses.per_person.map(u64::from),
        per_person_per_day: uses.per_person_per_day.map(u64::from),
    };
    let promotion = pricing::Promotion {
        name: beside.name.to_owned(),
        coupon: beside.is_coupon,
        period: beside.period,
        limits,
        budget_left_minor: beside.budget_left_minor,
        ..promotion
    };
    match promotion.check(&pricing::Platform::default()) {
        Ok(()) => Ok(promotion),
        Err(wrong) => {
            let mut errors = FieldErrors::default();
            for error in wrong.into_vec() {
                errors.push(format!("terms.{}", error.field), error.message);
            }
            Err(errors)
        }
    }
}

/// Adds what is wrong with the terms to `errors`.
pub(crate) fn check_terms(terms: &Value, beside: &Beside<'_>, errors: &mut FieldErrors) {
    if let Err(wrong) = promotion(terms, beside) {
        for error in wrong.into_vec() {
            errors.push(error.field, error.message);
        }
    }
}

pub(crate) fn checked_name(name: &str, errors: &mut FieldErrors) -> String {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME_MAX || name.contains(char::is_control) {
        errors.push("name", format!("must be 1 to {NAME_MAX} characters on one line"));
    }
    name.to_owned()
}

pub(crate) fn check_budget(budget_minor: Option<i64>, errors: &mut FieldErrors) {
    if budget_minor.is_some_and(|budget| !(1..=AMOUNT_MAX_MINOR).contains(&budget)) {
        errors.push("budget_minor", format!("must be 1 to {AMOUNT_MAX_MINOR}"));
    }
}

pub(crate) fn json(value: &impl Serialize) -> Result<String, DbError> {
    serde_json::to_string(value)
        .map_err(|error| DbError::Refused(format!("cannot be written as JSON: {error}")))
}

pub(crate) fn unreadable(error: impl std::fmt::Display) -> DbError {
    DbError::Refused(format!("a stored coupon, promotion or reservation is unreadable: {error}"))
}
