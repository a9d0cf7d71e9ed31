//! A shop with a scheme of levels.

use kernel::{Currency, CustomerId, Limit, OrderId, OrgId, ShopId, TypedId, Zone};
use loyalty::levels::membership::{self, Change, Membership};
use loyalty::levels::replay::Cause;
use loyalty::levels::rules::{Downgrade, Level, Measure, Refunds, Rules};
use loyalty::levels::scheme::{self, NewScheme, Scheme};
use loyalty::levels::settle::{OrderFacts, settle};
use loyalty::levels::{LevelsError, hand, invariants, jobs};
use loyalty::points::Holder;
use loyalty::points::settle::Extent;
use platform::{Ctx, Scope};
use testkit::TestDb;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use crate::tools::MIGRATIONS;

pub const DAY: i64 = 24 * 3_600_000;

/// Levels from 100.00, 200.00 and 300.00 on, paid in 30 days, taken away at once.
pub fn rules() -> Rules {
    Rules {
        measure: Measure::Amount,
        window_days: Some(30),
        downgrade: Downgrade::AtOnce,
        refunds: Refunds::TakeBack,
        levels: levels(&[10_000, 20_000, 30_000]),
    }
}

pub fn levels(bounds: &[i64]) -> Vec<Level> {
    let level = |(at, bound): (usize, &i64)| Level {
        name: format!("Level {}", at + 1),
        bound: *bound,
        pay_bps: 9_900 - 100 * at as i64,
        multiplier_permille: 1_000 + 100 * at as i64,
        benefits: String::new(),
    };
    bounds.iter().enumerate().map(level).collect()
}

pub fn customer(number: u128) -> CustomerId {
    CustomerId::from_uuid(Uuid::from_u128(number + 1))
}

/// A scheme in a database.
pub struct Club<'a> {
    pub db: &'a TestDb,
    pub cx: Ctx,
    pub scheme: Scheme,
}

impl<'a> Club<'a> {
    pub async fn new(db: &'a TestDb, rules: Rules) -> Self {
        Self::in_org(db, OrgId::FIRST, rules).await
    }

    pub async fn in_org(db: &'a TestDb, org: OrgId, rules: Rules) -> Self {
        let cx = db.platform().ctx(Scope::system(org));
        let mut tx = db.db().begin().await.unwrap();
        let new = NewScheme {
            name: "Club".into(),
            currency: Currency::CNY,
            shops: Vec::new(),
            zone: Zone::CHINA,
            rules,
        };
        let id = scheme::create(&mut tx, &cx, &new, 0).await.unwrap();
        let scheme = scheme::get(&mut tx, cx.scope, id).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        Self { db, cx, scheme }
    }

    /// An edit, and all who are due by it.
    pub async fn edit(&mut self, rules: &Rules) {
        let mut tx = self.db.db().begin().await.unwrap();
        let Scheme { id, version, .. } = self.scheme;
        scheme::change(&mut tx, &self.cx, id, version, "Club", rules, 0).await.unwrap();
        self.scheme = scheme::get(&mut tx, self.cx.scope, id).await.unwrap().unwrap();
        tx.commit().await.unwrap();
    }

    /// An order that was paid now.
    pub fn paid(&self, of: CustomerId, order: u128, paid_minor: i64) -> OrderFacts {
        OrderFacts {
            order: OrderId::from_uuid(Uuid::from_u128(order + 1)),
            customer: of,
            shop: ShopId::from_uuid(Uuid::from_u128(1)),
            currency: Currency::CNY,
            paid_at: Some(self.cx.now()),
            paid_minor,
            refunded_minor: 0,
            void: false,
        }
    }

    pub async fn settle(&self, facts: &[OrderFacts]) {
        self.settle_families(&[], facts, Extent::Some).await;
    }

    pub async fn settle_families(&self, families: &[Holder], facts: &[OrderFacts], extent: Extent) {
        let mut tx = self.db.db().begin().await.unwrap();
        settle(&mut tx, &self.cx, families, facts, extent).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub fn days_pass(&self, days: i64) {
        self.db.clock().advance_millis(days * DAY);
    }

    /// Time passes until then.
    pub fn go(&self, to: &str) {
        let to: kernel::Timestamp = to.parse().unwrap();
        self.db.clock().advance_millis(to.millis() - self.cx.now().millis());
    }

    /// Looks at all who are due.
    pub async fn due(&self) -> u64 {
        jobs::do_due(self.db.platform(), &self.cx, &CancellationToken::new()).await.unwrap()
    }

    pub async fn pin(&self, of: CustomerId, rank: usize) -> Result<(), LevelsError> {
        let mut tx = self.db.db().begin().await.unwrap();
        let done = hand::pin(&mut tx, &self.cx, &self.scheme, of, rank, "she asked").await;
        if done.is_ok() {
            tx.commit().await.unwrap();
        }
        done
    }

    pub async fn release(&self, of: CustomerId) -> Result<(), LevelsError> {
        let mut tx = self.db.db().begin().await.unwrap();
        let done = hand::release(&mut tx, &self.cx, &self.scheme, of, "enough").await;
        if done.is_ok() {
            tx.commit().await.unwrap();
        }
        done
    }

    pub async fn of(&self, who: CustomerId) -> Membership {
        let mut tx = self.db.db().read().await.unwrap();
        membership::of(&mut tx, &self.cx, &self.scheme, who).await.unwrap()
    }

    pub async fn rank(&self, who: CustomerId) -> usize {
        self.of(who).await.rank
    }

    pub async fn history(&self, who: CustomerId) -> Vec<Change> {
        let mut tx = self.db.db().read().await.unwrap();
        let limit = Limit::new(Some(200)).unwrap();
        membership::history(&mut tx, self.cx.scope, &self.scheme, who, None, limit).await.unwrap()
    }

    /// From, to and cause of each change, the oldest first.
    pub async fn story(&self, who: CustomerId) -> Vec<(usize, usize, Cause)> {
        let mut story: Vec<_> =
            self.history(who).await.iter().map(|it| (it.from, it.to, it.cause)).collect();
        story.reverse();
        story
    }

    /// Rows of `loyalty_memberships`: rank, pinned, measured.
    pub async fn stored(&self) -> Vec<(Uuid, i64, i64, i64)> {
        let mut tx = self.db.db().read().await.unwrap();
        let sql = "SELECT customer_id, rank, pinned, measured FROM loyalty_memberships
                    WHERE org_id = $1 ORDER BY customer_id";
        tx.fetch_all(sql, platform::args![self.cx.scope.org_arg()]).await.unwrap()
    }

    /// Fails if anything is not as it must be.
    pub async fn verify(&self) {
        let mut tx = self.db.db().read().await.unwrap();
        for (name, broken) in invariants::check(&mut tx, self.cx.scope).await.unwrap() {
            assert_eq!(broken, 0, "{name}");
        }
    }
}
