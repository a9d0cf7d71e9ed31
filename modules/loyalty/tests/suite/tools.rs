//! A shop with a programme of points.

use kernel::{
    Currency, CustomerId, OrderId, OrgId, ProgrammeId, ShopId, SpendId, Timestamp, TypedId, Zone,
};
use loyalty::points::programme::{self, NewProgramme, Programme};
use loyalty::points::rules::{Activity, Expiry, Negative, Rules};
use loyalty::points::settle::{Extent, OrderFacts, settle};
use loyalty::points::{Holder, PointsError, invariants, jobs, spend, statement};
use platform::{Ctx, Migration, Scope};
use testkit::TestDb;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// All of this module, and what it stands on.
pub const MIGRATIONS: &[Migration] = &[
    platform::MIGRATIONS[0],
    platform::MIGRATIONS[1],
    platform::MIGRATIONS[2],
    platform::MIGRATIONS[3],
    platform::MIGRATIONS[4],
    loyalty::MIGRATIONS[0],
    loyalty::MIGRATIONS[1],
    loyalty::MIGRATIONS[2],
    loyalty::MIGRATIONS[3],
    loyalty::MIGRATIONS[4],
    loyalty::MIGRATIONS[5],
    loyalty::MIGRATIONS[6],
    loyalty::MIGRATIONS[7],
    loyalty::MIGRATIONS[8],
    loyalty::MIGRATIONS[9],
];

pub const DAY: i64 = 24 * 3_600_000;

/// One point for each yuan, seven days of return window, thirty days of life.
pub fn rules() -> Rules {
    Rules {
        earn_points: 1,
        earn_per_minor: 100,
        products: Vec::new(),
        day_cap: None,
        activities: vec![
            Activity { name: "sign_in".into(), points: 5, times_a_day: 1 },
            Activity { name: "review".into(), points: 20, times_a_day: 2 },
            Activity { name: "birthday".into(), points: 100, times_a_day: 1 },
        ],
        pending_days: 7,
        expiry: Expiry::Days { days: 30 },
        negative: Negative::Allow,
        grace_days: 0,
        approve_above: 1_000,
        value_points: 100,
        value_minor: 100,
    }
}

pub fn customer(number: u128) -> CustomerId {
    CustomerId::from_uuid(Uuid::from_u128(number))
}

pub fn order(number: u128) -> OrderId {
    OrderId::from_uuid(Uuid::from_u128(number))
}

/// A programme in a database.
pub struct Club<'a> {
    pub db: &'a TestDb,
    pub cx: Ctx,
    pub programme: Programme,
}

impl<'a> Club<'a> {
    pub async fn new(db: &'a TestDb, rules: Rules) -> Self {
        Self::in_org(db, OrgId::FIRST, rules).await
    }

    pub async fn in_org(db: &'a TestDb, org: OrgId, rules: Rules) -> Self {
        let cx = db.platform().ctx(Scope::system(org));
        let mut tx = db.db().begin().await.unwrap();
        let new = NewProgramme {
            name: "Club".into(),
            currency: Currency::CNY,
            shops: Vec::new(),
            zone: Zone::CHINA,
            since: cx.now().plus_millis(-DAY),
            rules,
        };
        let id = programme::create(&mut tx, &cx, &new).await.unwrap();
        tx.commit().await.unwrap();
        let programme = Self::read(db, &cx, id).await;
        Self { db, cx, programme }
    }

    pub async fn read(db: &TestDb, cx: &Ctx, id: ProgrammeId) -> Programme {
        let mut tx = db.db().read().await.unwrap();
        programme::get(&mut tx, cx.scope, id).await.unwrap().unwrap()
    }

    /// An order that was paid now.
    pub fn paid(&self, of: CustomerId, id: OrderId, paid_minor: i64) -> OrderFacts {
        OrderFacts {
            order: id,
            customer: of,
            shop: ShopId::from_uuid(Uuid::from_u128(1)),
            currency: Currency::CNY,
            paid_at: Some(self.cx.now()),
            paid_minor,
            refunded_minor: 0,
            lines: Vec::new(),
            level_permille: 1_000,
            void: false,
        }
    }

    pub async fn settle(&self, facts: &[OrderFacts]) {
        let mut tx = self.db.db().begin().await.unwrap();
        settle(&mut tx, &self.cx, &self.programme, &[], facts, Extent::Some).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub async fn settle_all(&self, customers: &[CustomerId], facts: &[OrderFacts]) {
        let mut tx = self.db.db().begin().await.unwrap();
        settle(&mut tx, &self.cx, &self.programme, customers, facts, Extent::All).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub async fn spend(
        &self,
        holder: &Holder,
        id: OrderId,
        points: i64,
        key: &str,
    ) -> Result<SpendId, PointsError> {
        let mut tx = self.db.db().begin().await.unwrap();
        let spent = spend::spend(&mut tx, &self.cx, &self.programme, holder, id, points, key).await;
        if spent.is_ok() {
            tx.commit().await.unwrap();
        }
        spent
    }

    pub async fn reserve(
        &self,
        holder: &Holder,
        id: OrderId,
        points: i64,
        key: &str,
        minutes: u32,
    ) -> Result<SpendId, PointsError> {
        let mut tx = self.db.db().begin().await.unwrap();
        let held =
            spend::reserve(&mut tx, &self.cx, &self.programme, holder, id, points, key, minutes)
                .await;
        if held.is_ok() {
            tx.commit().await.unwrap();
        }
        held
    }

    pub async fn commit(&self, id: SpendId) -> Result<(), PointsError> {
        let mut tx = self.db.db().begin().await.unwrap();
        let done = spend::commit(&mut tx, &self.cx, &self.programme, id).await;
        if done.is_ok() {
            tx.commit().await.unwrap();
        }
        done
    }

    pub async fn cancel(&self, id: SpendId) {
        let mut tx = self.db.db().begin().await.unwrap();
        spend::cancel(&mut tx, &self.cx, &self.programme, id).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub fn days_pass(&self, days: i64) {
        self.db.clock().advance_millis(days * DAY);
    }

    /// Does what is due.
    pub async fn due(&self) -> u64 {
        jobs::do_due(self.db.platform(), &self.cx, &CancellationToken::new()).await.unwrap()
    }

    pub async fn statement(&self, holder: &Holder) -> statement::Statement {
        let mut tx = self.db.db().read().await.unwrap();
        let limit = kernel::Limit::new(Some(200)).unwrap();
        let now: Timestamp = self.cx.now();
        statement::statement(&mut tx, self.cx.scope, &self.programme, holder, now, None, limit)
            .await
            .unwrap()
            .unwrap()
    }

    /// Pending, available, reserved, debt.
    pub async fn balance(&self, of: CustomerId) -> [i64; 4] {
        let balance = self.statement(&Holder::single(of)).await.balance;
        [balance.pending, balance.available, balance.reserved, balance.debt]
    }

    /// Fails if anything in the books is not as it must be.
    pub async fn verify(&self) {
        let mut tx = self.db.db().read().await.unwrap();
        for (name, broken) in invariants::check(&mut tx, self.cx.scope).await.unwrap() {
            assert_eq!(broken, 0, "{name}");
        }
    }
}
