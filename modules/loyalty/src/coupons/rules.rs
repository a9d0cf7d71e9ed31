//! What a definition of coupons says.

use kernel::{FieldErrors, Timestamp};
use platform::retention::DAY_MILLIS;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::code;
use crate::counters::Limits;
use crate::rules::{self, Beside, KEY_MAX_BYTES, LEVELS_MAX, RefundRule, check_budget};

/// Days for which a coupon may be valid from its claim.
pub const DAYS_MAX: u16 = 3_660;
/// What a coupon may give: kinds of `pricing`.
pub const BENEFITS: [&str; 5] = ["amount_off", "percent_off", "tiered", "free_shipping", "gift"];

/// What a definition says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CouponRules {
    /// What it gives (`kind`), for what and whom, on which days and hours: the fields of [`pricing::Promotion`] but
    /// for those that stand beside (id, name, coupon, period, limits, budget).
    pub terms: Value,
    /// How often its coupons may be used.
    #[serde(default)]
    pub uses: Limits,
    /// How many may be claimed.
    #[serde(default)]
    pub claims: ClaimLimits,
    /// When a coupon may be used.
    pub validity: Validity,
    /// Whether customers may take one for themselves.
    #[serde(default)]
    pub is_claimable: bool,
    /// When coupons may be claimed; and a code that everybody may know, used.
    #[serde(default)]
    pub window: Window,
    /// Levels whose customers may claim; none named: all.
    #[serde(default)]
    pub levels: Vec<String>,
    /// What all its coupons together may take off, in minor units. A use that would pass it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_minor: Option<i64>,
    /// What happens when the order is refunded.
    pub refund: RefundRule,
    /// A code that everybody may know and use without a claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// How many coupons may be claimed, by button or by code. What is given to an audience does not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClaimLimits {
    /// By everybody.
    pub total: Option<u32>,
    /// On each day.
    pub per_day: Option<u32>,
    /// By each person, with all that were merged into them.
    pub per_person: Option<u32>,
}

/// When a coupon may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Validity {
    /// Between two moments.
    Fixed {
        /// The first.
        from: Option<Timestamp>,
        /// The first moment after it.
        until: Option<Timestamp>,
    },
    /// For so many times 24 hours from its claim.
    Days {
        /// How many.
        days: u16,
    },
}

impl Validity {
    /// From when until when a coupon is valid that was claimed at `claimed`.
    #[must_use]
    pub fn of_claim(self, claimed: Timestamp) -> (Timestamp, Option<Timestamp>) {
        match self {
            Self::Fixed { from, until } => (from.unwrap_or(claimed), until),
            Self::Days { days } => {
                (claimed, Some(claimed.plus_millis(i64::from(days) * DAY_MILLIS)))
            }
        }
    }
}

/// A time; open where nothing is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = ClaimWindow)]
pub struct Window {
    /// The first moment.
    pub from: Option<Timestamp>,
    /// The first moment after it.
    pub until: Option<Timestamp>,
}

impl Window {
    /// Whether `now` is within.
    #[must_use]
    pub fn has(self, now: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }
}

impl CouponRules {
    pub(super) fn beside<'a>(
        &self,
        id: String,
        name: &'a str,
        budget_left_minor: Option<i64>,
    ) -> Beside<'a> {
        // Each coupon has a time of its own, which the reservation looks at.
        let period = pricing::Period::default();
        Beside { id, name, is_coupon: true, period, uses: self.uses, budget_left_minor }
    }

    pub(super) fn check(&self, errors: &mut FieldErrors) {
        let beside = self.beside("new".to_owned(), "", self.budget_minor);
        rules::check_terms(&self.terms, &beside, errors);
        let kind = self.terms.pointer("/kind/type").and_then(Value::as_str);
        if kind.is_some_and(|kind| !BENEFITS.contains(&kind)) {
            errors.push("terms.kind.type", format!("must be one of {}", BENEFITS.join(", ")));
        }
        check_budget(self.budget_minor, errors);
        let (valid_from, valid_until) = match self.validity {
            Validity::Fixed { from, until } => (from, until),
            Validity::Days { days } => {
                if !(1..=DAYS_MAX).contains(&days) {
                    errors.push("validity.days", format!("must be 1 to {DAYS_MAX}"));
                }
                (None, None)
            }
        };
        let window = ("window", self.window.from, self.window.until);
        for (field, from, until) in [("validity", valid_from, valid_until), window] {
            if from.zip(until).is_some_and(|(from, until)| until <= from) {
                errors.push(format!("{field}.until"), "must be after its beginning");
            }
        }
        let is_long = |level: &String| level.is_empty() || level.len() > KEY_MAX_BYTES;
        if self.levels.len() > LEVELS_MAX || self.levels.iter().any(is_long) {
            errors.push(
                "levels",
                format!("at most {LEVELS_MAX}, each of at most {KEY_MAX_BYTES} bytes"),
            );
        }
        let is_bad = |entered: &String| {
            code::normalise(entered).is_none_or(|code| !(4..=32).contains(&code.len()))
        };
        if self.code.as_ref().is_some_and(is_bad) {
            errors.push("code", "must be 4 to 32 letters and digits of English");
        }
    }

    pub(super) fn frozen(&self, next: &Self) -> Option<&'static str> {
        let claims = |rules: &Self| {
            [rules.claims.total, rules.claims.per_day, rules.claims.per_person]
                .map(|limit| limit.is_some())
        };
        if self.uses.shape() != next.uses.shape() {
            return Some("limits of uses");
        }
        if claims(self) != claims(next) {
            return Some("limits of claims");
        }
        (self.budget_minor.is_some() != next.budget_minor.is_some()).then_some("a budget")
    }
}
