//! What a caller may do: rights by name. Which route needs which is in the interface's description; who
//! has which is in the roles of `identity`.

use std::collections::BTreeSet;
use std::sync::Arc;

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

/// What the caller of a request may do. The sign-in layer puts it into the request's extensions.
#[derive(Debug, Clone)]
pub struct Access(Arc<Permissions>);

impl Access {
    /// Of a caller with these rights.
    #[must_use]
    pub fn new(permissions: Permissions) -> Self {
        Self(Arc::new(permissions))
    }

    /// The rights.
    #[must_use]
    pub fn permissions(&self) -> &Permissions {
        &self.0
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

    proptest! {
        #[test]
        fn what_both_have_is_what_each_allows(a in some(), b in some()) {
            for needed in ["a.read", "a.edit", "b.read", "c.new"] {
                prop_assert_eq!(a.both(&b).allow(needed), a.allow(needed) && b.allow(needed), "{}", needed);
            }
            prop_assert!(a.cover(&a.both(&b)) && b.cover(&a.both(&b)));
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
