//! What a caller may do and see: rights and fields by name, and how far their view reaches. Which route
//! needs which right is in the interface's description; who has which is in the roles of `identity`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use kernel::Reach;
use serde::{Deserialize, Serialize};

/// The right to do everything, those things included that later releases bring.
pub const EVERYTHING: &str = "*";

/// Rights, each `module.action` (`customers.read`), or [`EVERYTHING`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Permissions(BTreeSet<String>);

impl Permissions {
    /// The right to do everything.
    #[must_use]
    pub fn everything() -> Self {
        [EVERYTHING].into_iter().collect()
    }

    /// Whether they hold `needed`.
    #[must_use]
    pub fn allow(&self, needed: &str) -> bool {
        self.0.contains(EVERYTHING) || self.0.contains(needed)
    }

    /// Whether whoever has these may hand all of `others` on.
    #[must_use]
    pub fn cover(&self, others: &Self) -> bool {
        others.iter().all(|needed| self.allow(needed))
    }

    /// What both have.
    #[must_use]
    pub fn both(&self, other: &Self) -> Self {
        if self.0.contains(EVERYTHING) {
            return other.clone();
        }
        Self(self.0.iter().filter(|right| other.allow(right)).cloned().collect())
    }

    /// Their names, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl<'a> FromIterator<&'a str> for Permissions {
    fn from_iter<I: IntoIterator<Item = &'a str>>(names: I) -> Self {
        Self(names.into_iter().map(str::to_owned).collect())
    }
}

/// What is done with a field before a caller sees it; the later, the stricter.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum FieldRule {
    /// Shown, not to be changed.
    ReadOnly,
    /// Shown in part, and neither changed nor searched, filtered or sorted by.
    Masked,
    /// Not shown.
    Hidden,
}

/// Rules for fields by name, `module.field` (`customers.phone`); a field without one is shown as the
/// program shows it to everybody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldRules(BTreeMap<String, FieldRule>);

impl FieldRules {
    /// The rule of `field`.
    #[must_use]
    pub fn of(&self, field: &str) -> Option<FieldRule> {
        self.0.get(field).copied()
    }

    /// Whether `field` is not shown at all.
    #[must_use]
    pub fn hide(&self, field: &str) -> bool {
        self.of(field) == Some(FieldRule::Hidden)
    }

    /// Whether `field` is shown whole: as it is, and for searching, filtering and sorting.
    #[must_use]
    pub fn show(&self, field: &str) -> bool {
        self.of(field).is_none_or(|rule| rule == FieldRule::ReadOnly)
    }

    /// Whether `field` may be changed.
    #[must_use]
    pub fn let_change(&self, field: &str) -> bool {
        self.of(field).is_none()
    }

    /// Whether whoever sees with these may let somebody see with `others`: no field is shown more.
    #[must_use]
    pub fn cover(&self, others: &Self) -> bool {
        self.0.iter().all(|(field, rule)| others.of(field) >= Some(*rule))
    }

    /// The stricter rule of each field.
    #[must_use]
    pub fn both(mut self, other: &Self) -> Self {
        for (field, rule) in &other.0 {
            let own = self.0.entry(field.clone()).or_insert(*rule);
            *own = (*own).max(*rule);
        }
        self
    }

    /// Fields and rules, by name of the field.
    pub fn iter(&self) -> impl Iterator<Item = (&str, FieldRule)> {
        self.0.iter().map(|(field, rule)| (field.as_str(), *rule))
    }
}

impl<'a> FromIterator<(&'a str, FieldRule)> for FieldRules {
    fn from_iter<I: IntoIterator<Item = (&'a str, FieldRule)>>(rules: I) -> Self {
        Self(rules.into_iter().map(|(field, rule)| (field.to_owned(), rule)).collect())
    }
}

/// What the caller of a request may do and see. The sign-in layer puts it into the request's
/// extensions, and [`Ctx`](crate::Ctx) carries it to where records are read and written.
#[derive(Debug, Clone)]
pub struct Access {
    inner: Arc<Inner>,
    before_second_factor: bool,
}

#[derive(Debug)]
struct Inner {
    permissions: Permissions,
    reach: Reach,
    fields: FieldRules,
}

/// Of the program itself; made once, because every context has one.
static OF_THE_PROGRAM: LazyLock<Access> =
    LazyLock::new(|| Access::new(Permissions::everything(), Reach::ALL, FieldRules::default()));

impl Access {
    /// Of a caller with these rights, who sees so far, under these rules.
    #[must_use]
    pub fn new(permissions: Permissions, reach: Reach, fields: FieldRules) -> Self {
        let inner = Arc::new(Inner { permissions, reach, fields });
        Self { inner, before_second_factor: false }
    }

    /// Of the program itself: everything.
    #[must_use]
    pub fn everything() -> Self {
        OF_THE_PROGRAM.clone()
    }

    /// The rights.
    #[must_use]
    pub fn permissions(&self) -> &Permissions {
        &self.inner.permissions
    }

    /// How far the caller sees.
    #[must_use]
    pub fn reach(&self) -> &Reach {
        &self.inner.reach
    }

    /// What is done with fields.
    #[must_use]
    pub fn fields(&self) -> &FieldRules {
        &self.inner.fields
    }

    /// Of a caller who must set up a second factor before anything else, if `is_due`.
    #[must_use]
    pub fn before_second_factor(self, is_due: bool) -> Self {
        Self { before_second_factor: is_due, ..self }
    }

    /// Whether the caller must set up a second factor before anything else.
    #[must_use]
    pub const fn is_before_second_factor(&self) -> bool {
        self.before_second_factor
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn some() -> impl Strategy<Value = Permissions> {
        prop::collection::vec(prop::sample::select(vec!["a.read", "a.edit", "b.read", "*"]), 0..4)
            .prop_map(|names| names.into_iter().collect())
    }

    fn rules() -> impl Strategy<Value = FieldRules> {
        let rule =
            prop::sample::select(vec![FieldRule::ReadOnly, FieldRule::Masked, FieldRule::Hidden]);
        prop::collection::vec((prop::sample::select(vec!["a.x", "a.y", "b.z"]), rule), 0..3)
            .prop_map(|rules| rules.into_iter().collect())
    }

    proptest! {
        #[test]
        fn what_both_have_is_what_each_allows(a in some(), b in some()) {
            for needed in ["a.read", "a.edit", "b.read", "c.new"] {
                prop_assert_eq!(a.both(&b).allow(needed), a.allow(needed) && b.allow(needed), "{}", needed);
            }
            prop_assert!(a.cover(&a.both(&b)) && b.cover(&a.both(&b)));
        }

        #[test]
        fn the_stricter_rule_holds(a in rules(), b in rules(), c in rules()) {
            let both = a.clone().both(&b).both(&c);
            for field in ["a.x", "a.y", "b.z"] {
                prop_assert_eq!(both.of(field), a.of(field).max(b.of(field)).max(c.of(field)));
                prop_assert!(!both.show(field) || (a.show(field) && b.show(field) && c.show(field)));
            }
            prop_assert!(a.cover(&both) && both.cover(&both));
            prop_assert!(!a.cover(&b) || ["a.x", "a.y", "b.z"].iter().all(|f| a.show(f) || !b.show(f)));
        }

        #[test]
        fn nobody_hands_on_what_they_have_not(a in some(), b in some()) {
            let all = ["a.read", "a.edit", "b.read", "c.new"];
            if a.cover(&b) {
                prop_assert!(all.iter().all(|needed| a.allow(needed) || !b.allow(needed)));
            }
        }
    }
}
