//! What this module tells the others.

use std::collections::BTreeSet;

use kernel::{CustomerId, ProgrammeId, TypedId as _};
use platform::Event;
use platform::webhooks::Published;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Points of these customers changed; one event for some thousand. It says whose, and readers look up what is true
/// now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointsChangedV1 {
    /// Of which programme.
    pub programme: ProgrammeId,
    /// Whose points changed; empty when they are too many to name.
    pub customers: Vec<CustomerId>,
    /// Whether so many changed that a reader does better to read everything again.
    #[serde(default)]
    pub many: bool,
}

impl PointsChangedV1 {
    /// Customers named in one event; beyond, `many` is set.
    pub const NAMED_MAX: usize = 5_000;

    /// Events of a batch; beyond this many each reader would read everything again.
    const EVENTS_MAX: usize = 4;

    /// What is told of a batch: some events that name all, or one that names nobody.
    pub(crate) fn of(programme: ProgrammeId, customers: &BTreeSet<Uuid>) -> Vec<Self> {
        let all: Vec<CustomerId> = customers.iter().copied().map(CustomerId::from_uuid).collect();
        if all.len() > Self::EVENTS_MAX * Self::NAMED_MAX {
            return vec![Self { programme, customers: Vec::new(), many: true }];
        }
        let some = |some: &[CustomerId]| Self { programme, customers: some.to_vec(), many: false };
        all.chunks(Self::NAMED_MAX).map(some).collect()
    }
}

impl Event for PointsChangedV1 {
    const TOPIC: &'static str = "loyalty.points_changed.v1";

    fn key(&self) -> String {
        self.programme.to_string()
    }
}

/// Customers named in one message to the outside; 500 ids are some 17 KB.
const TOLD_AT_ONCE: usize = 500;

impl Published for PointsChangedV1 {
    const TYPE: &'static str = "loyalty.points_changed.v1";

    /// Ids alone: whose points changed. Who may, asks for the rest.
    fn messages(&self) -> Vec<serde_json::Value> {
        let message = |customers: &[CustomerId]| {
            serde_json::json!({
                "programme": self.programme, "customers": customers, "many": self.many,
            })
        };
        if self.customers.is_empty() {
            return vec![message(&[])];
        }
        self.customers.chunks(TOLD_AT_ONCE).map(message).collect()
    }
}

#[cfg(test)]
mod tests {
    use platform::webhooks::BODY_MAX;

    use super::*;

    #[test]
    fn a_message_names_each_once_and_has_room() {
        let programme = ProgrammeId::from_uuid(Uuid::max());
        let customers: BTreeSet<Uuid> = (1..=1_201).map(Uuid::from_u128).collect();
        let messages = PointsChangedV1::of(programme, &customers).remove(0).messages();
        assert!(messages.iter().all(|one| one.to_string().len() < BODY_MAX - 1_000));
        let named = messages.iter().flat_map(|one| one["customers"].as_array().unwrap());
        assert_eq!((messages.len(), named.count()), (3, 1_201));
        let of = |count: usize| {
            PointsChangedV1::of(programme, &(1..=count as u128).map(Uuid::from_u128).collect())
        };
        let named = of(PointsChangedV1::NAMED_MAX + 1);
        let counts: Vec<usize> = named.iter().map(|event| event.customers.len()).collect();
        assert_eq!(counts, [PointsChangedV1::NAMED_MAX, 1]);
        assert!(named.iter().all(|event| !event.many));
        let too_many = of(PointsChangedV1::EVENTS_MAX * PointsChangedV1::NAMED_MAX + 1);
        let [too_many] = too_many.as_slice() else { panic!("{too_many:?}") };
        let messages = too_many.messages();
        let expected = serde_json::json!({ "programme": programme, "customers": [], "many": true });
        assert_eq!(messages, [expected]);
    }
}
