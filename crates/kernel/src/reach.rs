//! How far somebody sees.

use std::sync::Arc;

use crate::UserId;

/// Which records somebody sees: all of the organisation, or those that meet every [`Part`].
///
/// More than one part comes of a token whose role reaches less far than its user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Reach(Vec<Arc<Part>>);

/// Records of some owners, and those of some regions whoever owns them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Part {
    owners: Vec<UserId>,
    regions: Vec<String>,
}

impl Part {
    /// Who may own the record.
    #[must_use]
    pub fn owners(&self) -> &[UserId] {
        &self.owners
    }

    /// Or where it may be.
    #[must_use]
    pub fn regions(&self) -> &[String] {
        &self.regions
    }

    /// Whether a record of this owner and region is in it. Without an owner it is nobody's, and
    /// without a region it is nowhere.
    #[must_use]
    pub fn holds(&self, owner: Option<UserId>, region: Option<&str>) -> bool {
        owner.is_some_and(|owner| self.owners.binary_search(&owner).is_ok())
            || region.is_some_and(|region| {
                self.regions.binary_search_by(|known| known.as_str().cmp(region)).is_ok()
            })
    }
}

impl Reach {
    /// All records.
    pub const ALL: Self = Self(Vec::new());

    /// Records owned by one of `owners`, and those in one of `regions`.
    #[must_use]
    pub fn part(mut owners: Vec<UserId>, mut regions: Vec<String>) -> Self {
        owners.sort_unstable();
        owners.dedup();
        regions.sort_unstable();
        regions.dedup();
        Self(vec![Arc::new(Part { owners, regions })])
    }

    /// Whether nothing is out of it.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.0.is_empty()
    }

    /// What is in both.
    #[must_use]
    pub fn both(mut self, other: &Self) -> Self {
        for part in &other.0 {
            if !self.0.contains(part) {
                self.0.push(Arc::clone(part));
            }
        }
        self
    }

    /// The parts, all of which a record must meet.
    #[must_use]
    pub fn parts(&self) -> &[Arc<Part>] {
        &self.0
    }

    /// Whether a record of this owner and region is in it.
    #[must_use]
    pub fn holds(&self, owner: Option<UserId>, region: Option<&str>) -> bool {
        self.0.iter().all(|part| part.holds(owner, region))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::TypedId as _;

    fn user(n: u8) -> UserId {
        UserId::from_uuid(Uuid::from_u128(u128::from(n) + 1))
    }

    fn some() -> impl Strategy<Value = Reach> {
        let region = prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned);
        let part = (
            prop::collection::vec((0_u8..4).prop_map(user), 0..4),
            prop::collection::vec(region, 0..3),
        );
        prop_oneof![
            1 => Just(Reach::ALL),
            4 => part.prop_map(|(owners, regions)| Reach::part(owners, regions)),
        ]
    }

    proptest! {
        #[test]
        fn both_holds_what_each_holds(a in some(), b in some(), c in some()) {
            let both = a.clone().both(&b).both(&c);
            for owner in (0..5).map(|n| (n < 4).then(|| user(n))) {
                for region in [None, Some("a"), Some("b"), Some("d")] {
                    let each = [&a, &b, &c].iter().all(|reach| reach.holds(owner, region));
                    prop_assert_eq!(both.holds(owner, region), each);
                }
            }
        }
    }

    #[test]
    fn a_part_without_anything_holds_nothing() {
        let nothing = Reach::part(Vec::new(), Vec::new());
        assert!(!nothing.is_all());
        assert!(!nothing.holds(Some(user(0)), Some("a")) && !nothing.holds(None, None));
        assert!(Reach::ALL.holds(None, None));
    }
}
