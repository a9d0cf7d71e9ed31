//! Members by level and points turn where these change, and only then.

use std::collections::BTreeSet;

use super::{DAY_MS, follow, tree};
use crate::engine::tests::world::{MIGRATIONS, Step, World};

testkit::db_test! { MIGRATIONS;
    async fn levels_and_points_turn_members_where_they_change(db) {
        let world = World::new(&db).await;
        world.take(&Step::Import(vec![(1, 1, 100), (2, 2, 100)])).await;
        let (one, two) = (world.holder(1).await.unwrap(), world.holder(2).await.unwrap());
        let text = format!("level(scheme \"{}\") in (3, 4)", world.scheme.id);
        let level = world.keep("level", tree(&text), true).await;
        let text = format!("points(programme \"{}\") >= 120", world.programme.id);
        let points = world.keep("points", tree(&text), true).await;
        let handle = world.handle().await;
        follow(&handle).await;
        world.take(&Step::Pin(1, 3)).await;
        follow(&handle).await;
        // An order of 100.00 earns 100 points.
        for step in [Step::Settle(2), Step::Points(2, 20), Step::Points(2, -1), Step::Points(1, 20)] {
            world.take(&step).await;
            follow(&handle).await;
        }
        let changed = |id, who, entered| (id, who, entered, "changed".to_owned());
        let log = [changed(level, one, true), changed(points, two, true), changed(points, two, false)];
        assert_eq!(world.log().await, log);
        // Together they have 119 + 20 points; the level of who is left is that of both.
        world.take(&Step::Merge(1, 2)).await;
        let root = world.holder(1).await.unwrap();
        let mut tx = world.platform.db.begin_for(world.cx.scope).await.unwrap();
        world.settle(&mut tx, root).await;
        tx.commit().await.unwrap();
        follow(&handle).await;
        assert_eq!(world.asked(&handle, &tree(&text)), BTreeSet::from([root]));
        let pinned = format!("level(scheme \"{}\") = 3", world.scheme.id);
        assert_eq!(world.asked(&handle, &tree(&pinned)), BTreeSet::from([root]));
        // Points lapse by the job, and nobody looks at a clock for it.
        db.clock().advance_millis(1_300 * DAY_MS);
        follow(&handle).await;
        assert_eq!(world.asked(&handle, &tree(&text)), BTreeSet::from([root]));
        let stop = tokio_util::sync::CancellationToken::new();
        loyalty::points::jobs::do_due(&world.platform, &world.cx, &stop).await.unwrap();
        follow(&handle).await;
        assert_eq!(world.asked(&handle, &tree(&text)), BTreeSet::new());
        assert_eq!(world.log().await.last(), Some(&changed(points, root, false)));
    }
}
