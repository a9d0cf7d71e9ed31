//! Keeping live audiences: who entered and left is tested after each turn, written down once and told by events.
//! `docs/audiences.md` ("Live audiences") says what holds; `analytics::live` tests, `insight::live` writes.

mod look;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use analytics::Snapshot;
use analytics::audience::{AsOf, AudienceError};
use analytics::live::{Live, Transition};
use insight::live::{self as store, Cause, Told};
use kernel::{AudienceId, CustomerId, TagId};
use platform::Ctx;
use tokio::time::Instant;
use uuid::Uuid;

use super::{EngineError, EngineHandle, apart};

/// Customers tested under one lock, a few milliseconds with hundreds of audiences.
const TESTED: usize = 100;
/// Beyond one in so many customers, asking the audiences as a whole is quicker.
const WHOLE_SHARE: usize = 16;
/// So many are tested one by one in any case.
const FEW: usize = 5_000;
/// Transitions written in one transaction.
const BATCH: usize = 5_000;
/// Batches written in one turn; engines are fed between turns.
const BATCHES: usize = 10;
/// After so many transitions the set of an audience is kept anew, which bounds what a start must read.
const SET_EVERY: usize = 20_000;
/// How often a process that does not tell looks whether it should.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// How often one that tells says that it is there.
const HOLD_EVERY: Duration = Duration::from_millis(store::LEASE_MILLIS as u64 / 2);

/// What whoever has the turn knows of live audiences.
#[derive(Debug)]
pub(super) struct Keeper {
    /// Transitions written in one transaction.
    pub(super) batch: usize,
    /// Ourselves, once we have told or tried to.
    owner: Option<Uuid>,
    /// As long as we tell.
    live: Option<Box<Live>>,
    /// Customers of the roll that are written down.
    rolled: usize,
    /// Transitions told since the set of an audience was kept.
    since_set: BTreeMap<AudienceId, usize>,
    /// Tags that definitions name.
    tags: BTreeSet<TagId>,
    /// Shops there were: another one may have another currency, in which amounts cannot be asked together.
    shops: usize,
    /// Whether the definitions were looked at since they changed.
    looked: bool,
    look_at: Option<Instant>,
    held_at: Option<Instant>,
    touched: BTreeSet<CustomerId>,
    reloaded: bool,
    rescored: bool,
    /// Why what is still to be written down is owed; what comes later waits for it.
    left: Option<Cause>,
    /// A day began, and what belongs to that is not done yet.
    new_day: bool,
    /// How long it took to ask after scores.
    scores_took: Duration,
}

impl Default for Keeper {
    fn default() -> Self {
        Self::of(BATCH)
    }
}

impl Keeper {
    fn of(batch: usize) -> Self {
        Self {
            batch,
            owner: None,
            live: None,
            rolled: 0,
            since_set: BTreeMap::new(),
            tags: BTreeSet::new(),
            shops: 0,
            looked: false,
            look_at: None,
            held_at: None,
            touched: BTreeSet::new(),
            reloaded: false,
            rescored: false,
            left: None,
            new_day: false,
            scores_took: Duration::ZERO,
        }
    }

    /// Everything was read again.
    pub(super) fn reloaded(&mut self) {
        self.reloaded = true;
        self.looked = false;
    }

    /// Definitions changed, or which audiences are live.
    pub(super) fn defined(&mut self) {
        self.looked = false;
    }

    /// Scores were set anew.
    pub(super) fn rescored(&mut self) {
        self.rescored = true;
    }

    /// These customers changed.
    pub(super) fn touched(&mut self, customers: BTreeSet<CustomerId>) {
        if self.live.is_some() {
            self.touched.extend(customers);
        }
    }

    /// How long others waited because scores changed.
    pub(super) const fn scores_took(&self) -> Duration {
        self.scores_took
    }

    fn owner(&mut self, cx: &Ctx) -> Uuid {
        *self.owner.get_or_insert_with(|| cx.ids.uuid(cx.now()))
    }

    /// Another process tells now, or there is nothing to tell.
    fn rest(&mut self, look_at: Option<Instant>) {
        let (owner, shops, new_day) = (self.owner, self.shops, self.new_day);
        *self = Self { owner, shops, new_day, looked: true, look_at, ..Self::of(self.batch) };
    }
}

impl EngineHandle {
    /// Tests who changed since the last time, and everybody's day; writes down and tells who entered and left. Does
    /// nothing as long as no audience is live, or another process tells.
    ///
    /// # Errors
    /// As the database says: what was not written down is next time.
    pub async fn keep_live(&self) -> Result<(), EngineError> {
        let mut turn = self.0.turn.lock().await;
        let keeper = &mut turn.live;
        let done = self.keep_live_in(keeper).await;
        if done.is_err() && !keeper.looked {
            // Half looked at: the next time begins with what is written down.
            keeper.live = None;
        }
        done
    }

    async fn keep_live_in(&self, keeper: &mut Keeper) -> Result<(), EngineError> {
        // What is owed has one cause. Whatever comes next waits until it is written down.
        if let Some(cause) = keeper.left
            && !self.write_down(keeper, cause).await?
        {
            return Ok(());
        }
        let shops = self.shops().all().len();
        keeper.looked &= std::mem::replace(&mut keeper.shops, shops) == shops;
        if keeper.live.is_none() && keeper.look_at.is_some_and(|at| at <= Instant::now()) {
            keeper.looked = false;
        }
        if !keeper.looked || (keeper.live.is_some() && self.is_tag_gone(keeper).await?) {
            keeper.looked = false;
            self.look(keeper).await?;
            keeper.looked = true;
        }
        if keeper.left.is_some() {
            return Ok(());
        }
        let as_of = self.live_day();
        let Some(live) = &keeper.live else { return Ok(()) };
        keeper.new_day |= live.as_of() != as_of;
        if keeper.reloaded {
            self.with_live(keeper, move |live, engine| live.renew(engine, as_of)).await?;
            keeper.touched.clear();
            (keeper.reloaded, keeper.rescored) = (false, false);
            if !self.write_down(keeper, Cause::Found).await? {
                return Ok(());
            }
        }
        if !keeper.touched.is_empty() {
            self.test_touched(keeper).await?;
            if !self.write_down(keeper, Cause::Changed).await? {
                return Ok(());
            }
        }
        if keeper.rescored {
            let began = Instant::now();
            self.with_live(keeper, Live::rescored).await?;
            keeper.rescored = false;
            let is_all = self.write_down(keeper, Cause::Scores).await?;
            keeper.scores_took = began.elapsed();
            if !is_all {
                return Ok(());
            }
        }
        if keeper.new_day && keeper.live.is_some() {
            self.with_live(keeper, move |live, engine| live.turn_to(engine, as_of)).await?;
            if !self.write_down(keeper, Cause::Day).await? {
                return Ok(());
            }
            self.keep_sets(keeper).await?;
            self.prune(keeper).await?;
            keeper.new_day = false;
        }
        // What could not be written down before.
        self.write_down(keeper, Cause::Found).await?;
        self.hold(keeper).await
    }

    pub(super) fn live_day(&self) -> AsOf {
        let frame = self.shops().frame();
        AsOf { day: frame.today(self.platform().now()), zone: frame.zone }
    }

    /// A condition on a tag that was deleted would quietly turn to its contrary for everybody who had it.
    async fn is_tag_gone(&self, keeper: &Keeper) -> Result<bool, EngineError> {
        if keeper.touched.is_empty() || keeper.tags.is_empty() {
            return Ok(false);
        }
        let mut tx = self.platform().db.read_for(self.scope()).await?;
        let tags = customers::tags::plain(&mut tx, &self.ctx()).await?;
        tx.rollback().await?;
        let there: BTreeSet<TagId> = tags.iter().map(|tag| tag.id).collect();
        Ok(!keeper.tags.is_subset(&there))
    }

    /// Does something long with the live audiences and the engine as it is now, on a thread of its own.
    async fn with_live(
        &self,
        keeper: &mut Keeper,
        work: impl FnOnce(&mut Live, &Snapshot) -> Result<(), AudienceError> + Send + 'static,
    ) -> Result<(), EngineError> {
        let Some(mut live) = keeper.live.take() else { return Ok(()) };
        let snapshot = self.read().snapshot();
        // If it panics, the next time begins with what is written down.
        keeper.looked = false;
        let (live, done) = apart(move || {
            let done = work(&mut live, &snapshot);
            (live, done)
        })
        .await?;
        keeper.live = Some(live);
        keeper.looked = true;
        done.map_err(|error| EngineError::Broken(error.to_string()))
    }

    async fn test_touched(&self, keeper: &mut Keeper) -> Result<(), EngineError> {
        let touched: Vec<CustomerId> = keeper.touched.iter().copied().collect();
        if touched.len() > FEW.max(self.read().len() / WHOLE_SHARE) {
            let Some(as_of) = keeper.live.as_ref().map(|live| live.as_of()) else { return Ok(()) };
            self.with_live(keeper, move |live, engine| live.renew(engine, as_of)).await?;
        } else if let Some(mut live) = keeper.live.take() {
            let handle = self.clone();
            keeper.looked = false;
            let live = apart(move || {
                for some in touched.chunks(TESTED) {
                    live.touch(&handle.read(), some);
                }
                live
            })
            .await?;
            keeper.live = Some(live);
            keeper.looked = true;
        }
        keeper.touched.clear();
        Ok(())
    }

    /// Writes down what is owed, and tells it: each batch with its events in one transaction, so that a batch is told
    /// once or not at all. What is too much for one turn is left to the next; says whether nothing is.
    async fn write_down(&self, keeper: &mut Keeper, cause: Cause) -> Result<bool, EngineError> {
        let cx = self.ctx();
        let owner = keeper.owner(&cx);
        let (mut told_any, mut batches) = (false, 0);
        keeper.left = None;
        while let Some(live) = &mut keeper.live {
            let owed = live.owed(keeper.batch);
            if owed.is_empty() {
                break;
            }
            if batches == BATCHES {
                keeper.left = Some(cause);
                break;
            }
            batches += 1;
            let mut tx = self.platform().db.begin_for(self.scope()).await?;
            // Whoever switches an audience off waits from here on, and so its rows are not written after they went.
            let Some(seq) = store::advance(&mut tx, &cx, owner, owed.len()).await? else {
                tx.rollback().await?;
                self.rest(keeper);
                return Ok(true);
            };
            let still = store::ids(&mut tx, self.scope()).await?;
            let (now, off): (Vec<Transition>, Vec<Transition>) =
                owed.into_iter().partition(|one| still.contains(&one.audience));
            let told: Vec<Told> = now.iter().map(told).collect();
            let sizes =
                told.iter().filter_map(|one| Some((one.audience, live.size(one.audience)?)));
            let sizes: BTreeMap<AudienceId, u64> = sizes.collect();
            let day = live.as_of().day;
            store::append(&mut tx, &cx, seq, &told, cause, day, &sizes).await?;
            if let Err(error) = tx.commit().await {
                // Whether it was written down is not known: the next time begins with what is.
                (keeper.live, keeper.looked) = (None, false);
                return Err(error.into());
            }
            live.told(&now);
            off.iter().for_each(|one| live.forget(one.audience));
            for one in &now {
                *keeper.since_set.entry(one.audience).or_default() += 1;
            }
            keeper.held_at = Some(Instant::now());
            told_any = true;
        }
        if told_any {
            self.tell();
        }
        let many = keeper.since_set.iter().filter(|(_, since)| **since > SET_EVERY);
        let many: Vec<AudienceId> = many.map(|(id, _)| *id).collect();
        for id in many {
            self.keep_set(keeper, id, None).await?;
        }
        Ok(keeper.left.is_none())
    }

    fn rest(&self, keeper: &mut Keeper) {
        tracing::info!(org = ?self.scope().org(), "another process tells of live audiences now");
        keeper.rest(Some(Instant::now() + LOOK_EVERY));
    }

    /// Keeps who was told to belong to the audiences of which something was told since.
    async fn keep_sets(&self, keeper: &mut Keeper) -> Result<(), EngineError> {
        let cx = self.ctx();
        let owner = keeper.owner(&cx);
        if keeper.live.is_none() {
            return Ok(());
        }
        let mut tx = self.platform().db.begin_for(self.scope()).await?;
        let Some(seq) = store::advance(&mut tx, &cx, owner, 0).await? else {
            tx.rollback().await?;
            self.rest(keeper);
            return Ok(());
        };
        let due = store::move_sets(&mut tx, self.scope(), seq).await?;
        tx.commit().await?;
        for id in due {
            self.keep_set(keeper, id, None).await?;
        }
        Ok(())
    }

    /// Keeps who was told to belong to an audience; with `text`, as of which definition from now on.
    async fn keep_set(
        &self,
        keeper: &mut Keeper,
        id: AudienceId,
        text: Option<&str>,
    ) -> Result<(), EngineError> {
        let cx = self.ctx();
        let owner = keeper.owner(&cx);
        let Some(live) = &mut keeper.live else { return Ok(()) };
        let (Some(members), Some(size)) = (live.told_set(id), live.size(id)) else { return Ok(()) };
        let mut tx = self.platform().db.begin_for(self.scope()).await?;
        let Some(seq) = store::advance(&mut tx, &cx, owner, 0).await? else {
            tx.rollback().await?;
            self.rest(keeper);
            return Ok(());
        };
        let is_live = match text {
            Some(text) => store::begin(&mut tx, &cx, id, text, size).await?,
            None => store::one(&mut tx, self.scope(), id).await?.is_some(),
        };
        if !is_live {
            tx.rollback().await?;
            live.forget(id);
            return Ok(());
        }
        let rolled = live.roll_len();
        if rolled > keeper.rolled {
            let new: Vec<CustomerId> = live.roll_from(store::part_start(keeper.rolled)).collect();
            store::add_to_roll(&mut tx, self.scope(), keeper.rolled, &new).await?;
        }
        store::keep_set(&mut tx, self.scope(), id, seq, members).await?;
        tx.commit().await?;
        keeper.rolled = rolled;
        keeper.since_set.insert(id, 0);
        Ok(())
    }

    async fn prune(&self, keeper: &mut Keeper) -> Result<(), EngineError> {
        while keeper.live.is_some() {
            let cx = self.ctx();
            let owner = keeper.owner(&cx);
            let mut tx = self.platform().db.begin_for(self.scope()).await?;
            // Before any row of the log goes, as whoever switches an audience off does it.
            if store::advance(&mut tx, &cx, owner, 0).await?.is_none() {
                tx.rollback().await?;
                self.rest(keeper);
                break;
            }
            let gone = store::prune(&mut tx, &cx).await?;
            tx.commit().await?;
            if gone == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Says now and then that we are still there.
    async fn hold(&self, keeper: &mut Keeper) -> Result<(), EngineError> {
        if keeper.live.is_none() || keeper.held_at.is_some_and(|at| at.elapsed() < HOLD_EVERY) {
            return Ok(());
        }
        let cx = self.ctx();
        let owner = keeper.owner(&cx);
        let mut tx = self.platform().db.begin_for(self.scope()).await?;
        let holds = store::advance(&mut tx, &cx, owner, 0).await?.is_some();
        tx.commit().await?;
        keeper.held_at = Some(Instant::now());
        if !holds {
            self.rest(keeper);
        }
        Ok(())
    }
}

fn told(one: &Transition) -> Told {
    Told { audience: one.audience, customer: one.customer, entered: one.entered }
}

fn broken(error: impl std::fmt::Display) -> EngineError {
    EngineError::Broken(error.to_string())
}
