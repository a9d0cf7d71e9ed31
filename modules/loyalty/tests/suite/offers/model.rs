//! Any sequence of deeds against a plain model that counts everything anew: the same is allowed, refused for the same
//! reason, and left behind.

use std::collections::BTreeMap;

use kernel::{CouponDefinitionId, CouponId, PromotionId, ReservationId};
use loyalty::Holder;
use loyalty::RefundRule;
use loyalty::counters::Limits;
use loyalty::coupons::{ClaimLimits, CouponRules, State, Validity};
use loyalty::jobs::end_due;
use loyalty::promotions::{PromotionRules, stock};
use loyalty::reservations::{
    self, Brought, CouponUse, Pieces, PromotionUse, Refund, ReservationError, Reserve,
};
use platform::{Ctx, Problem, Tx};
use proptest::prelude::*;
use testkit::{TestDb, db_test};
use tokio_util::sync::CancellationToken;

use super::tools::*;

#[derive(Debug, Clone)]
enum Step {
    Claim { who: usize },
    Reserve { who: usize, coupon: Option<usize>, public: bool, pieces: u32 },
    Commit(usize),
    Cancel(usize),
    Refund { which: usize, minor: i64, pieces: u32, is_whole: bool },
    Sweep,
    Advance { hours: i64 },
    Merge(bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = 0..3_usize;
    let step = prop_oneof![
        4 => who.clone().prop_map(|who| Step::Claim { who }),
        8 => (who, proptest::option::of(0..6_usize), any::<bool>(), 0..3_u32)
            .prop_map(|(who, coupon, public, pieces)| Step::Reserve { who, coupon, public, pieces }),
        5 => (0..8_usize).prop_map(Step::Commit),
        2 => (0..8_usize).prop_map(Step::Cancel),
        3 => (0..8_usize, 0..1_200_i64, 0..2_u32, any::<bool>())
            .prop_map(|(which, minor, pieces, is_whole)| Step::Refund { which, minor, pieces, is_whole }),
        1 => Just(Step::Sweep),
        3 => (1..20_i64).prop_map(|hours| Step::Advance { hours }),
        1 => any::<bool>().prop_map(Step::Merge),
    ];
    proptest::collection::vec(step, 1..45)
}

const BUDGET: i64 = 3_500;
const OFF: i64 = 1_000;
const PIECES: i64 = 6;
const HOLD: i64 = 6 * HOUR;

#[derive(Debug, Clone)]
struct OfCustomer {
    id: CouponId,
    owner: usize,
    state: State,
    until: i64,
    returned: i64,
}

#[derive(Debug, Clone)]
struct Order {
    id: ReservationId,
    state: &'static str,
    until: i64,
    day: i64,
    root: usize,
    coupon: Option<usize>,
    /// Whether its use of the customer's coupon, of the public code and of the promotion count.
    counts: [bool; 3],
    /// Budget and pieces that are not given back.
    minor: i64,
    pieces: i64,
}

#[derive(Debug, Clone)]
struct Model {
    now: i64,
    public_until: i64,
    is_merged: bool,
    claims: Vec<usize>,
    coupons: Vec<OfCustomer>,
    orders: Vec<Order>,
}

type Outcome = Result<(), &'static str>;

impl Model {
    fn root(&self, who: usize) -> usize {
        if self.is_merged && who == 1 { 0 } else { who }
    }

    fn family(&self, root: usize) -> Vec<usize> {
        if self.is_merged && root == 0 { vec![0, 1] } else { vec![root] }
    }

    fn day(&self) -> i64 {
        (self.now + 8 * HOUR).div_euclid(DAY)
    }

    fn used(&self, what: usize, of: impl Fn(&Order) -> bool) -> i64 {
        self.orders.iter().filter(|order| order.counts[what] && of(order)).count() as i64
    }

    fn claim(&mut self, who: usize, id: CouponId) -> Outcome {
        let root = self.root(who);
        let family = self.family(root);
        if self.claims.iter().filter(|owner| family.contains(owner)).count() >= 3 {
            return Err("limit_person");
        }
        self.claims.push(root);
        let until = self.now + 2 * DAY;
        self.coupons.push(OfCustomer {
            id,
            owner: root,
            state: State::Claimed,
            until,
            returned: 0,
        });
        Ok(())
    }

    fn free(&mut self, index: usize, state: &'static str) {
        let now = self.now;
        let order = &mut self.orders[index];
        order.state = state;
        order.counts = [false; 3];
        (order.minor, order.pieces) = (0, 0);
        if let Some(coupon) = order.coupon {
            let coupon = &mut self.coupons[coupon];
            coupon.state = if coupon.until <= now { State::Expired } else { State::Claimed };
        }
    }

    fn overdue(&self) -> Vec<usize> {
        let is_over = |order: &Order| order.state == "held" && order.until <= self.now;
        (0..self.orders.len()).filter(|index| is_over(&self.orders[*index])).collect()
    }

    fn reserve(&mut self, id: ReservationId, wanted: (usize, Option<usize>, bool, u32)) -> Outcome {
        let (who, coupon, public, pieces) = wanted;
        let root = self.root(who);
        let family = self.family(root);
        if let Some(index) = coupon
            && !family.contains(&self.coupons[index].owner)
        {
            return Err("no_coupon");
        }
        if public && self.public_until <= self.now {
            return Err("not_now");
        }
        for index in self.overdue() {
            let order = &self.orders[index];
            let in_the_way = coupon.is_some() && order.coupon.is_some()
                || public && order.counts[1]
                || pieces > 0 && order.counts[2];
            if in_the_way {
                self.free(index, "timed_out");
            }
        }
        if let Some(index) = coupon {
            let coupon = &mut self.coupons[index];
            match coupon.state {
                State::Locked => return Err("coupon_locked"),
                State::Claimed if coupon.until <= self.now => return Err("coupon_expired"),
                State::Expired => return Err("coupon_expired"),
                State::Claimed => coupon.state = State::Locked,
                _ => return Err("coupon_used"),
            }
        }
        if coupon.is_some() && self.used(0, |_| true) >= 3 {
            return Err("limit_total");
        }
        let spent: i64 = self.orders.iter().map(|order| order.minor).sum();
        if coupon.is_some() && spent + OFF > BUDGET {
            return Err("budget_spent");
        }
        if public && self.used(1, |order| family.contains(&order.root)) >= 1 {
            return Err("limit_person");
        }
        let day = self.day();
        let today = |order: &Order| family.contains(&order.root) && order.day == day;
        if pieces > 0 && self.used(2, today) >= 2 {
            return Err("limit_person_day");
        }
        let taken: i64 = self.orders.iter().map(|order| order.pieces).sum();
        if pieces > 0 && taken + i64::from(pieces) > PIECES {
            return Err("sold_out");
        }
        self.orders.push(Order {
            id,
            state: "held",
            until: self.now + HOLD,
            day,
            root,
            coupon,
            counts: [coupon.is_some(), public, pieces > 0],
            minor: if coupon.is_some() { OFF } else { 0 },
            pieces: i64::from(pieces),
        });
        Ok(())
    }

    fn commit(&mut self, index: usize) -> Outcome {
        let order = &mut self.orders[index];
        match order.state {
            "held" if order.until <= self.now => Err("reservation_timed_out"),
            "timed_out" => Err("reservation_timed_out"),
            "cancelled" => Err("wrong_state"),
            "held" => {
                order.state = "committed";
                if let Some(coupon) = order.coupon {
                    self.coupons[coupon].state = State::Redeemed;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn cancel(&mut self, index: usize) -> Outcome {
        match self.orders[index].state {
            "held" => self.free(index, "cancelled"),
            "cancelled" | "timed_out" => {}
            _ => return Err("wrong_state"),
        }
        Ok(())
    }

    fn refund(&mut self, index: usize, (minor, pieces, is_whole): (i64, u32, bool)) -> Outcome {
        let now = self.now;
        let order = &mut self.orders[index];
        if order.state != "committed" {
            return Err("wrong_state");
        }
        let has_stock = order.counts[2] || order.pieces > 0;
        if order.coupon.is_some() && minor > order.minor {
            return Err("too_much");
        }
        if pieces > 0 && (!has_stock || i64::from(pieces) > order.pieces) {
            return Err("too_much");
        }
        if order.coupon.is_some() {
            order.minor -= minor;
        }
        order.pieces -= i64::from(pieces);
        if is_whole {
            order.state = "refunded";
            order.minor = 0;
            // Use of the customer's coupon comes back, that of the public code while it is valid, that of the
            // promotion always.
            order.counts[0] = false;
            order.counts[1] &= self.public_until <= now;
            order.counts[2] = false;
            if let Some(coupon) = order.coupon {
                let coupon = &mut self.coupons[coupon];
                if coupon.until <= now {
                    coupon.until = now + DAY;
                }
                coupon.state = State::Claimed;
                coupon.returned += 1;
            }
        }
        Ok(())
    }

    fn sweep(&mut self) {
        for index in self.overdue() {
            self.free(index, "timed_out");
        }
        for coupon in &mut self.coupons {
            if coupon.state == State::Claimed && coupon.until <= self.now {
                coupon.state = State::Expired;
            }
        }
    }
}

struct Shop<'a> {
    db: &'a TestDb,
    cx: Ctx,
    own: CouponDefinitionId,
    code: String,
    flash: PromotionId,
}

fn code_of(error: ReservationError) -> &'static str {
    Problem::from(error).code().to_owned().leak()
}

impl<'a> Shop<'a> {
    async fn open(db: &'a TestDb, org: i32, public_until: kernel::Timestamp) -> Shop<'a> {
        let cx = ctx_of_org(db, org);
        let code = format!("PUBLIC{org}");
        let mut tx = db.db().begin_for(cx.scope).await.unwrap();
        let of = CouponRules {
            validity: Validity::Days { days: 2 },
            claims: ClaimLimits { per_person: Some(3), ..ClaimLimits::default() },
            uses: Limits { total: Some(3), ..Limits::default() },
            budget_minor: Some(BUDGET),
            refund: RefundRule::Return { grace_days: 1 },
            ..rules()
        };
        let own = live(&mut tx, &cx, of).await;
        let of = CouponRules {
            validity: Validity::Fixed { from: None, until: Some(public_until) },
            uses: Limits { per_person: Some(1), ..Limits::default() },
            refund: RefundRule::ReturnIfValid,
            code: Some(code.clone()),
            ..rules()
        };
        live(&mut tx, &cx, of).await;
        let uses = Limits { per_person_per_day: Some(2), ..Limits::default() };
        let flash =
            live_promotion(&mut tx, &cx, PromotionRules { uses, ..promotion_rules() }).await;
        stock::set(&mut tx, &cx, flash, "s", PIECES).await.unwrap();
        tx.commit().await.unwrap();
        Self { db, cx, own, code, flash }
    }

    fn wanted(&self, model: &Model, wanted: (usize, Option<usize>, bool, u32)) -> Reserve {
        let (who, coupon, public, pieces) = wanted;
        let root = model.root(who);
        let family: Vec<_> = model.family(root).iter().map(|n| customer(*n as u128)).collect();
        let mut reserve = order(Holder::new(customer(root as u128), &family));
        reserve.hold_seconds = (HOLD / 1_000) as u32;
        let own = coupon.map(|index| Brought::Coupon(model.coupons[index].id));
        let public = public.then(|| Brought::Code(self.code.clone()));
        let brought = own.into_iter().chain(public);
        reserve.coupons = brought.map(|brought| CouponUse { brought, minor: OFF }).collect();
        if pieces > 0 {
            let pieces = vec![Pieces { sku: "s".into(), pieces }];
            reserve.promotions = vec![PromotionUse { promotion: self.flash, minor: 500, pieces }];
        }
        reserve
    }

    async fn refund(&self, model: &Model, which: usize, asked: (i64, u32, bool)) -> Outcome {
        let (minor, pieces, is_whole) = asked;
        let order = &model.orders[which];
        let coupons = order.coupon.map(|coupon| (model.coupons[coupon].id, minor));
        let pieces = (pieces > 0).then(|| (self.flash, vec![Pieces { sku: "s".into(), pieces }]));
        let asked = Refund {
            coupons: coupons.into_iter().collect(),
            promotions: BTreeMap::new(),
            pieces: pieces.into_iter().collect(),
            is_whole,
        };
        let key = fresh("refund");
        let work = async |tx: &mut Tx| {
            let first = reservations::refund(tx, &self.cx, order.id, &key, &asked).await?;
            let again = reservations::refund(tx, &self.cx, order.id, &key, &asked).await?;
            assert_eq!(first, again);
            Ok(())
        };
        in_tx(self.db.platform(), &self.cx, work).await.map_err(code_of)
    }
}

async fn play(db: &TestDb, org: i32, steps: &[Step]) {
    let platform = db.platform();
    let now = db.ctx().now();
    let public_until = now.plus_millis(3 * DAY);
    let shop = Shop::open(db, org, public_until).await;
    let mut model = Model {
        now: now.millis(),
        public_until: public_until.millis(),
        is_merged: false,
        claims: vec![],
        coupons: vec![],
        orders: vec![],
    };
    for step in steps {
        let mut next = model.clone();
        let (said, expected) = match *step {
            Step::Claim { who } => {
                let root = model.root(who);
                let family: Vec<_> =
                    model.family(root).iter().map(|n| customer(*n as u128)).collect();
                let holder = Holder::new(customer(root as u128), &family);
                let said = claim(platform, &shop.cx, shop.own, &holder, &fresh("claim")).await;
                let id = *said.as_ref().unwrap_or(&kernel::TypedId::from_uuid(uuid::Uuid::nil()));
                (said.map(drop).map_err(|error| code_of(error.into())), next.claim(who, id))
            }
            Step::Reserve { who, coupon, public, pieces } => {
                let has = model.coupons.len();
                let coupon = coupon.filter(|_| has > 0).map(|index| index % has);
                let wanted = (who, coupon, public, pieces);
                let asked = shop.wanted(&model, wanted);
                let said = reserve(platform, &shop.cx, &asked).await;
                if let Ok(held) = &said {
                    assert_eq!(&reserve(platform, &shop.cx, &asked).await.unwrap(), held);
                }
                let nil = kernel::TypedId::from_uuid(uuid::Uuid::nil());
                let id = said.as_ref().map_or(nil, |held| held.id);
                (said.map(drop).map_err(code_of), next.reserve(id, wanted))
            }
            Step::Commit(n) if !model.orders.is_empty() => {
                let n = n % model.orders.len();
                let said = commit(platform, &shop.cx, model.orders[n].id).await;
                (said.map(drop).map_err(code_of), next.commit(n))
            }
            Step::Cancel(n) if !model.orders.is_empty() => {
                let n = n % model.orders.len();
                let said = cancel(platform, &shop.cx, model.orders[n].id).await;
                (said.map(drop).map_err(code_of), next.cancel(n))
            }
            Step::Refund { which, minor, pieces, is_whole } if !model.orders.is_empty() => {
                let n = which % model.orders.len();
                let asked = (minor, pieces, is_whole);
                (shop.refund(&model, n, asked).await, next.refund(n, asked))
            }
            Step::Sweep => {
                end_due(platform, &shop.cx, &CancellationToken::new()).await.unwrap();
                next.sweep();
                (Ok(()), Ok(()))
            }
            Step::Advance { hours } => {
                db.clock().advance_millis(hours * HOUR);
                next.now += hours * HOUR;
                (Ok(()), Ok(()))
            }
            Step::Merge(is_merged) => {
                next.is_merged = is_merged;
                (Ok(()), Ok(()))
            }
            _ => continue,
        };
        assert_eq!(said, expected, "{step:?}");
        if expected.is_ok() {
            model = next;
        }
    }
    compare(&shop, &model).await;
    verify(db, &shop.cx).await;
}

async fn compare(shop: &Shop<'_>, model: &Model) {
    let mut states: BTreeMap<State, i64> = BTreeMap::new();
    for coupon in &model.coupons {
        *states.entry(coupon.state).or_default() += 1;
    }
    let found = funnel(shop.db, &shop.cx, shop.own).await;
    assert_eq!(found.states, states);
    assert_eq!(found.refunded, model.coupons.iter().map(|coupon| coupon.returned).sum::<i64>());
    let mut tx = shop.db.db().read_for(shop.cx.scope).await.unwrap();
    let stock = stock::of(&mut tx, shop.cx.scope, &[shop.flash]).await.unwrap();
    let of = |state: &str| -> i64 {
        let is_it = |order: &&Order| (order.state == "held") == (state == "held");
        model.orders.iter().filter(is_it).map(|order| order.pieces).sum()
    };
    let left = &stock[&shop.flash][0];
    assert_eq!((left.held, left.sold), (of("held"), of("sold")));
    for order in &model.orders {
        let found = reservations::get(&mut tx, shop.cx.scope, order.id).await.unwrap().unwrap();
        assert_eq!(found.state.name(), order.state);
    }
}

db_test! { MIGRATIONS;
    async fn any_sequence_is_as_the_model_says(db) {
        testkit::for_each_case(60, steps(), async |org, steps| play(&db, org, &steps).await).await;
    }
}
