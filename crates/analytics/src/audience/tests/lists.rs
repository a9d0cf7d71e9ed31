//! Lists of an audience: who is in both the list and the audience, page after page, whatever changes between them.

use std::sync::Arc;

use kernel::Reach;
use proptest::prelude::*;

use super::strategy::tree;
use super::world::{as_of, definitions, lived, op, put};
use crate::tests::model::{filter_strategy, pages, sort_strategy};
use crate::{Engine, Filter, ListQuery, Sort};

fn all_of(engine: &Engine, filter: Filter, sort: Sort) -> Vec<kernel::CustomerId> {
    engine.list(&ListQuery { filter, sort, after: None, limit: 100 }).ids
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    #[test]
    fn a_list_of_an_audience_holds_its_members_alone(
        loaded in prop::collection::vec(put(), 0..60),
        ops in prop::collection::vec(op(), 0..40),
        later in prop::collection::vec(op(), 0..6),
        asked in prop::collection::vec((tree(), filter_strategy(), sort_strategy(), 1_usize..9), 1..5),
        named in definitions(),
        day in -1_i64..5,
    ) {
        let named = Arc::new(named);
        let (_, mut engine) = lived(&loaded, &ops);
        let mut older: Option<Vec<Arc<crate::audience::Members>>> = None;
        for round in 0..2 {
            let mut found = Vec::new();
            for (at, (tree, filter, sort, limit)) in asked.iter().enumerate() {
                let everyone = engine.snapshot().audience(tree, &named, as_of(day), &Reach::ALL).unwrap();
                // Twice: the second answer comes from what was remembered.
                for _ in 0..2 {
                    let members = engine.snapshot().audience_of_list(tree, &named, as_of(day)).unwrap();
                    prop_assert_eq!(&members, &everyone);
                }
                let mut wanted = all_of(&engine, filter.clone(), *sort);
                let others = wanted.clone();
                wanted.retain(|id| everyone.has(*id));
                let members = Arc::new(everyone);
                let with = Filter { members: Some(Arc::clone(&members)), ..filter.clone() };
                prop_assert_eq!(&pages(&engine, &with, *sort, *limit), &wanted, "{:?}", tree);
                // Members of an earlier state are still told by their ids.
                if let Some(older) = &older {
                    let before = Arc::clone(&older[at]);
                    let mut wanted = others;
                    wanted.retain(|id| before.has(*id));
                    let with = Filter { members: Some(before), ..filter.clone() };
                    prop_assert_eq!(&pages(&engine, &with, *sort, *limit), &wanted);
                }
                found.push(members);
            }
            if round == 0 {
                older = Some(found);
                later.iter().for_each(|op| op.apply(&mut engine));
            }
        }
    }
}
