//! Member levels and points in the small shop, and what the engine says of them.

use analytics::audience::{Definitions, NoNames, parse};
use kernel::{Currency, CustomerId, Limit, OrderId, Reach, TypedId as _, Zone};
use loyalty::Holder;
use loyalty::levels::{self, Scheme, membership, scheme};
use loyalty::points::rules::{Activity, Expiry, Negative};
use loyalty::points::{self, Programme, award, programme, spend, statement};
use platform::{Ctx, Tx};

use super::world::{self, World};
use crate::engine::EngineHandle;
use crate::{settle_levels, settle_points};

/// Makes a scheme by orders and a programme whose points can be used at once.
pub(super) async fn found(tx: &mut Tx, cx: &Ctx) -> (Scheme, Programme) {
    let new = scheme::NewScheme {
        name: "members".into(),
        currency: Currency::CNY,
        shops: Vec::new(),
        zone: Zone::CHINA,
        rules: levels::rules::Rules { window_days: None, ..levels::rules::Rules::by_orders() },
    };
    let id = scheme::create(tx, cx, &new, 0).await.unwrap();
    let scheme = scheme::get(tx, cx.scope, id).await.unwrap().unwrap();
    let rules = points::rules::Rules {
        earn_points: 1,
        earn_per_minor: 100,
        products: Vec::new(),
        day_cap: None,
        activities: vec![Activity { name: "gift".into(), points: 20, times_a_day: 1_000 }],
        pending_days: 0,
        // Longer than the orders of the shop are old.
        expiry: Expiry::Months { months: 36 },
        negative: Negative::Allow,
        grace_days: 0,
        approve_above: 1_000,
        value_points: 100,
        value_minor: 100,
    };
    let new = programme::NewProgramme {
        name: "points".into(),
        currency: Currency::CNY,
        shops: Vec::new(),
        zone: Zone::CHINA,
        since: cx.now().plus_millis(-3_000 * 86_400_000),
        rules,
    };
    let id = programme::create(tx, cx, &new).await.unwrap();
    (scheme, programme::get(tx, cx.scope, id).await.unwrap().unwrap())
}

impl World {
    async fn family(&self, tx: &mut Tx, id: CustomerId) -> Holder {
        let family = customers::roots::family(tx, self.cx.scope, id.uuid()).await.unwrap();
        let family: Vec<CustomerId> = family.into_iter().map(CustomerId::from_uuid).collect();
        Holder::new(id, &family)
    }

    async fn spendable(&self, tx: &mut Tx, holder: &Holder) -> i64 {
        let (cx, limit) = (&self.cx, Limit::new(None).unwrap());
        let found =
            statement::statement(tx, cx.scope, &self.programme, holder, cx.now(), None, limit);
        found.await.unwrap().unwrap().spendable
    }

    /// Gives points, or spends as many of them as there are.
    pub(super) async fn give_points(&self, tx: &mut Tx, id: CustomerId, points: i64) {
        let (cx, programme) = (&self.cx, &self.programme);
        let holder = self.family(tx, id).await;
        let key = cx.ids.uuid(cx.now()).to_string();
        if points > 0 {
            award::award(tx, cx, programme, &holder, "gift", &key).await.unwrap();
            return;
        }
        let points = self.spendable(tx, &holder).await.min(-points);
        if points > 0 {
            let order: OrderId = cx.fresh();
            spend::spend(tx, cx, programme, &holder, order, points, &key).await.unwrap();
        }
    }

    /// What the subscribers do after an event that names somebody.
    pub(super) async fn settle(&self, tx: &mut Tx, id: CustomerId) {
        settle_levels::settle(tx, &self.cx, &[id]).await.unwrap();
        settle_points::settle(tx, &self.cx, &[id]).await.unwrap();
    }

    /// Texts that ask for every level and some numbers of points.
    pub(super) fn loyalty_texts(&self) -> Vec<String> {
        let levels = (0..=4).map(|rank| format!("level(scheme \"{}\") = {rank}", self.scheme.id));
        let points = [1, 5, 20, 21, 40, 100];
        let points = points.map(|n| format!("points(programme \"{}\") >= {n}", self.programme.id));
        levels.chain(points).collect()
    }

    /// The engine's answers are those of the module, once levels have followed all orders and merges.
    pub(super) async fn says_what_loyalty_says(&self, engine: &EngineHandle) {
        let day = engine.live_day();
        let mut tx = self.platform.db.read().await.unwrap();
        for account in 0..world::ACCOUNTS {
            let Some(id) = self.holder(account).await else { continue };
            let holder = self.family(&mut tx, id).await;
            let spendable = self.spendable(&mut tx, &holder).await;
            let found = membership::of(&mut tx, &self.cx, &self.scheme, id).await.unwrap();
            for text in [
                format!("level(scheme \"{}\") = {}", self.scheme.id, found.rank),
                format!("points(programme \"{}\") = {spendable}", self.programme.id),
            ] {
                let tree = parse(&text, &NoNames).unwrap();
                let members = engine
                    .ask(|engine| engine.snapshot())
                    .audience(&tree, &Definitions::new(), day, &Reach::ALL)
                    .unwrap();
                assert!(members.has(id), "{id}: {text}");
            }
        }
    }
}
