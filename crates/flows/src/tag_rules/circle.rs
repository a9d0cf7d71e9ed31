//! Tags and audiences that would follow themselves.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};

use analytics::audience::{Definitions, Node};
use kernel::{AudienceId, TagId};

/// What asks for something, or is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// A tag; if it is automatic it asks for its audience.
    Tag(TagId),
    /// An audience; it asks for the tags and audiences of its definition.
    Audience(AudienceId),
}

/// The shortest way from `start` back to it, both ends included: what follows itself never comes to rest.
pub(crate) fn circle(
    start: Step,
    rules: &BTreeMap<TagId, AudienceId>,
    definitions: &Definitions,
) -> Option<Vec<Step>> {
    let mut came_from: BTreeMap<Step, Step> = BTreeMap::new();
    let mut open = VecDeque::from([start]);
    while let Some(step) = open.pop_front() {
        for next in asked_by(step, rules, definitions) {
            if next == start {
                let mut path = vec![start, step];
                while let Some(before) = path.last().and_then(|last| came_from.get(last)) {
                    path.push(*before);
                }
                path.reverse();
                return Some(path);
            }
            if let Entry::Vacant(entry) = came_from.entry(next) {
                entry.insert(step);
                open.push_back(next);
            }
        }
    }
    None
}

fn asked_by(
    step: Step,
    rules: &BTreeMap<TagId, AudienceId>,
    definitions: &Definitions,
) -> Vec<Step> {
    let id = match step {
        Step::Tag(tag) => {
            return rules.get(&tag).copied().map(Step::Audience).into_iter().collect();
        }
        Step::Audience(id) => id,
    };
    let mut asked = Vec::new();
    if let Some(tree) = definitions.get(&id) {
        tree.walk(&mut |node| match node {
            Node::Tag { tag } => asked.push(Step::Tag(*tag)),
            Node::Audience { audience } => asked.push(Step::Audience(*audience)),
            _ => {}
        });
    }
    asked
}

#[cfg(test)]
mod tests {
    use kernel::TypedId as _;
    use uuid::Uuid;

    use super::*;

    fn tag(n: u128) -> TagId {
        TagId::from_uuid(Uuid::from_u128(n))
    }

    fn audience(n: u128) -> AudienceId {
        AudienceId::from_uuid(Uuid::from_u128(n))
    }

    #[test]
    fn the_way_back_is_named_whatever_stands_between() {
        let asks_tag = |n| Node::Not { of: Box::new(Node::Tag { tag: tag(n) }) };
        let asks =
            |n| Node::Any { of: vec![Node::everyone(), Node::Audience { audience: audience(n) }] };
        // tag 1 → 1 → 2 → tag 2 → 3 → tag 1; 4 stands beside.
        let definitions: Definitions = [
            (audience(1), asks(2)),
            (audience(2), asks_tag(2)),
            (audience(3), asks_tag(1)),
            (audience(4), asks(1)),
        ]
        .into_iter()
        .collect();
        let rules: BTreeMap<_, _> = [(tag(1), audience(1)), (tag(2), audience(3))].into();
        let (t, a) = (|n| Step::Tag(tag(n)), |n| Step::Audience(audience(n)));
        let path = circle(t(1), &rules, &definitions).unwrap();
        assert_eq!(path, [t(1), a(1), a(2), t(2), a(3), t(1)]);
        let path = circle(a(2), &rules, &definitions).unwrap();
        assert_eq!(path, [a(2), t(2), a(3), t(1), a(1), a(2)]);
        assert_eq!(
            circle(a(4), &rules, &definitions),
            None,
            "it leads there, and nothing leads back"
        );
        let shorter: BTreeMap<_, _> = [(tag(1), audience(3))].into();
        assert_eq!(circle(t(1), &shorter, &definitions).unwrap(), [t(1), a(3), t(1)]);
        assert_eq!(circle(t(2), &shorter, &definitions), None, "it has no rule");
        let own: Definitions = [(audience(5), asks(5))].into_iter().collect();
        assert_eq!(circle(a(5), &rules, &own).unwrap(), [a(5), a(5)]);
    }
}
