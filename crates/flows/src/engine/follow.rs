//! Keeping the engine true: load, catch up with events, score, compact.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use analytics::{Engine, RfmQuery};
use commerce::events::OrdersChangedV1;
use customers::events::CustomersChangedV1;
use insight::DEFAULT_BINS;
use insight::events::AudiencesDefinedV1;
use kernel::CustomerId;
use loyalty::events::PointsChangedV1;
use loyalty::levels::events::LevelChangedV1;
use platform::live::Topic;
use platform::{Event, Position, outbox};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::feed::{self, Change, ShopBook};
use super::live::Keeper;
use super::saved::LastSaved;
use super::{EngineError, EngineHandle, apart};

/// How often to look for what other processes wrote.
const POLL: Duration = Duration::from_millis(250);
/// Wait after the database failed.
const AFTER_ERROR: Duration = Duration::from_secs(1);
/// Scores are computed again no oftener than this.
const RESCORE_EVERY: Duration = Duration::from_millis(500);
/// Events read at once.
const EVENTS: u32 = 200;
/// Customers read at once, which bounds memory.
const CUSTOMERS: usize = 1_000;
/// Customers put into the engine under one lock, well below a millisecond.
const PUT: usize = 200;
/// So many changes are read one by one even if they are a large share of few customers.
const FEW: usize = 2_000;
/// Beyond one in so many customers, reading everything is quicker.
const RELOAD_SHARE: usize = 5;
/// More changes than this in one turn mean that an import is under way; people change at most a
/// thousand customers at once.
const BUSY: usize = 2_000;
/// After a turn under load, so many times its length is left to others.
const REST: u32 = 2;
/// The longest such rest.
const REST_MAX: Duration = Duration::from_secs(6);

/// Events that say whose data changed.
const FEEDING: [&str; 4] = [
    OrdersChangedV1::TOPIC,
    CustomersChangedV1::TOPIC,
    LevelChangedV1::TOPIC,
    PointsChangedV1::TOPIC,
];

/// What only whoever has the turn knows.
#[derive(Debug, Default)]
pub(super) struct Turn {
    scored_at: Option<Instant>,
    scoring_took: Duration,
    rescore: bool,
    pub(super) live: Keeper,
    pub(super) saved: LastSaved,
}

/// What a turn of catching up did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaughtUp {
    /// There was nothing new.
    Idle,
    /// So many customers were read again.
    Changed(usize),
    /// Everything was read again.
    Reloaded,
}

/// What an event names; every one of [`FEEDING`] has at least this.
#[derive(Debug, Deserialize)]
struct Touched {
    #[serde(default)]
    customers: Vec<CustomerId>,
    #[serde(default)]
    many: bool,
}

/// What new events say.
#[derive(Default)]
pub(super) struct News {
    position: Position,
    pub(super) customers: BTreeSet<CustomerId>,
    pub(super) all: bool,
    /// Definitions of audiences, or which of them are live.
    defined: bool,
}

#[derive(Serialize)]
struct Hint {
    version: u64,
}

impl EngineHandle {
    /// Loads the engine and keeps it true until stopped; spawn it once for each organisation served.
    pub async fn run(self, stop: CancellationToken) {
        let mut commits = self.platform().db.commits();
        while !stop.is_cancelled() {
            commits.mark_unchanged();
            let began = Instant::now();
            let pause = match self.turn().await {
                Ok(CaughtUp::Idle) => self.until_rescore().await.min(POLL),
                // Whoever waits for a list meanwhile is told not to wait long.
                Ok(_) if self.0.progress.borrow().busy => (began.elapsed() * REST).min(REST_MAX),
                Ok(_) => Duration::ZERO,
                Err(error) => {
                    tracing::warn!(%error, "the customer engine cannot follow");
                    AFTER_ERROR
                }
            };
            let is_rest = pause > POLL;
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
                // A rest is a rest: what is written meanwhile is read in one go.
                _ = commits.changed(), if !is_rest => {}
            }
        }
    }

    async fn turn(&self) -> Result<CaughtUp, EngineError> {
        let done = if self.is_ready() {
            self.catch_up().await?
        } else {
            if !self.begin().await? {
                self.delete_saved();
            }
            CaughtUp::Reloaded
        };
        self.drop_distrusted().await?;
        // Who entered and left is told before scores are computed, which takes longer; what the scores change, after.
        self.keep_live().await?;
        self.save_if_due().await;
        self.rescore_if_due().await?;
        self.keep_live().await?;
        self.compact_if_due().await?;
        Ok(done)
    }

    /// Takes what is on disk and what came since, or else reads everything; says whether it was on disk.
    ///
    /// # Errors
    /// As the database says; `Capacity` if there is too much.
    pub(super) async fn begin(&self) -> Result<bool, EngineError> {
        let mut turn = self.0.turn.lock().await;
        turn.saved.doubtful = Some(Instant::now());
        if self.restore(&mut turn).await? {
            drop(turn);
            self.catch_up().await?;
            return Ok(true);
        }
        self.reload_in(&mut turn, false).await?;
        Ok(false)
    }

    /// Reads everything again and swaps; the old engine answers meanwhile.
    ///
    /// # Errors
    /// As the database says; `Capacity` if there is too much.
    pub async fn reload(&self) -> Result<(), EngineError> {
        let mut turn = self.0.turn.lock().await;
        self.reload_in(&mut turn, false).await
    }

    async fn reload_in(&self, turn: &mut Turn, busy: bool) -> Result<(), EngineError> {
        let began = Instant::now();
        let commits = *self.platform().db.commits().borrow();
        let mut tx = self.platform().db.read_for(self.scope()).await?;
        let position = outbox::head(&mut tx).await?;
        let shops = ShopBook::read(&mut tx, &self.ctx()).await?;
        let mut engine = feed::load(&mut tx, self.scope(), &shops).await?;
        tx.rollback().await?;
        let query = self.todays(&shops)?;
        let engine = apart(move || {
            engine.warm();
            let scores = engine.rfm(&query);
            engine.set_scores(scores);
            engine
        })
        .await?;
        tracing::info!(customers = engine.len(), took = ?began.elapsed(), "customers read");
        self.set_shops(shops);
        let old = std::mem::replace(&mut *self.write(), engine);
        drop(old);
        turn.scored_now();
        turn.live.reloaded();
        turn.saved.doubtful = Some(Instant::now());
        self.moved_on(position, commits, busy, true);
        Ok(())
    }

    /// Takes in what was committed since the last time.
    ///
    /// # Errors
    /// As the database says; then nothing is lost, and the next call begins at the same place.
    pub async fn catch_up(&self) -> Result<CaughtUp, EngineError> {
        let mut turn = self.0.turn.lock().await;
        let commits = *self.platform().db.commits().borrow();
        outbox::sequence(&self.platform().db).await?;
        let position = self.0.progress.borrow().position;
        let Some(news) = self.news(position).await? else {
            self.reload_in(&mut turn, false).await?;
            return Ok(CaughtUp::Reloaded);
        };
        if news.defined {
            turn.live.defined();
        }
        if news.customers.is_empty() && !news.all {
            self.moved_on(news.position, commits, false, false);
            return Ok(CaughtUp::Idle);
        }
        let count = news.customers.len();
        if news.all || (count > FEW && count > self.read().len() / RELOAD_SHARE) {
            self.0.progress.send_modify(|progress| progress.busy = true);
            self.reload_in(&mut turn, true).await?;
            return Ok(CaughtUp::Reloaded);
        }
        let mut changed = self.read_again(&news.customers).await?;
        turn.saved.doubtful = Some(Instant::now());
        changed.extend(news.customers);
        turn.live.touched(changed);
        turn.rescore = true;
        self.moved_on(news.position, commits, count >= BUSY, true);
        Ok(CaughtUp::Changed(count))
    }

    /// What events after `position` say; `None` if some of them are gone.
    pub(super) async fn news(&self, position: Position) -> Result<Option<News>, EngineError> {
        let mut news = News { position, ..News::default() };
        let mut tx = self.platform().db.read_wide().await?;
        if !outbox::can_replay_from(&mut tx, news.position).await? {
            return Ok(None);
        }
        loop {
            let events = outbox::read_after(&mut tx, news.position, EVENTS).await?;
            let is_last = events.len() < EVENTS as usize;
            for event in events {
                news.position = event.position;
                let is_of_us = event.org == self.scope().org();
                news.defined |= is_of_us && event.topic == AudiencesDefinedV1::TOPIC;
                if !is_of_us || !FEEDING.contains(&event.topic.as_str()) {
                    continue;
                }
                match serde_json::from_str::<Touched>(&event.payload) {
                    Ok(touched) => {
                        news.all |= touched.many;
                        news.customers.extend(touched.customers);
                    }
                    // Written by a newer program: only reading everything is sure to be right.
                    Err(error) => {
                        tracing::warn!(%error, topic = event.topic, "an event cannot be read");
                        news.all = true;
                    }
                }
            }
            if is_last {
                tx.rollback().await?;
                return Ok(Some(news));
            }
        }
    }

    /// Reads the families of `touched`; gives whose data that put or took away: of who was merged, the root's.
    async fn read_again(
        &self,
        touched: &BTreeSet<CustomerId>,
    ) -> Result<BTreeSet<CustomerId>, EngineError> {
        let mut changed = BTreeSet::new();
        let touched: Vec<CustomerId> = touched.iter().copied().collect();
        let mut tx = self.platform().db.read_for(self.scope()).await?;
        let shops = ShopBook::read(&mut tx, &self.ctx()).await?;
        for some in touched.chunks(CUSTOMERS) {
            let mut changes =
                feed::changes(&mut tx, self.scope(), &shops, some).await?.into_iter().peekable();
            while changes.peek().is_some() {
                let mut engine = self.write();
                for change in changes.by_ref().take(PUT) {
                    match change {
                        Change::Put(feed, [bought, refunds]) => {
                            changed.insert(feed.id);
                            engine.put(&feed, bought.fed(), refunds.fed());
                        }
                        Change::Remove(id) => {
                            changed.insert(id);
                            engine.remove(id);
                        }
                    }
                }
            }
        }
        tx.rollback().await?;
        self.set_shops(shops);
        Ok(changed)
    }

    fn moved_on(&self, position: Position, commits: u64, busy: bool, changed: bool) {
        self.0.progress.send_if_modified(|progress| {
            let before = *progress;
            progress.ready = true;
            progress.position = progress.position.max(position);
            progress.commits = progress.commits.max(commits);
            progress.busy = busy;
            progress.version += u64::from(changed);
            *progress != before
        });
        if changed {
            self.tell();
        }
    }

    pub(super) fn tell(&self) {
        let version = self.0.progress.borrow().version;
        let org = self.scope().org();
        self.platform().live.publish(org, Topic::Insight, &Hint { version });
    }

    pub(super) fn todays(&self, shops: &ShopBook) -> Result<RfmQuery, EngineError> {
        let frame = shops.frame();
        frame
            .rfm(frame.today(self.platform().now()), DEFAULT_BINS)
            .map_err(|error| EngineError::Broken(error.to_string()))
    }

    /// How long until scores are due, if they are to be computed again.
    async fn until_rescore(&self) -> Duration {
        let turn = self.0.turn.lock().await;
        if turn.rescore { turn.wait() } else { POLL }
    }

    async fn rescore_if_due(&self) -> Result<(), EngineError> {
        let mut turn = self.0.turn.lock().await;
        let query = self.todays(&self.shops())?;
        let is_new_day = self.read().scores().is_none_or(|scores| *scores.query() != query);
        if is_new_day || (turn.rescore && turn.wait().is_zero()) {
            self.rescore_in(&mut turn, query).await?;
        }
        Ok(())
    }

    /// Scores all customers as of today, whatever was scored before.
    ///
    /// # Errors
    /// `Broken` if the engine panics.
    pub async fn rescore(&self) -> Result<(), EngineError> {
        let mut turn = self.0.turn.lock().await;
        let query = self.todays(&self.shops())?;
        self.rescore_in(&mut turn, query).await
    }

    async fn rescore_in(&self, turn: &mut Turn, query: RfmQuery) -> Result<(), EngineError> {
        let began = Instant::now();
        let scores = self.ask_long(move |engine: &Engine| engine.rfm(&query)).await?;
        // Tags and names change no score.
        let is_new = !self.read().scores().is_some_and(|set| Arc::ptr_eq(set, &scores));
        if is_new {
            self.write().set_scores(scores);
            turn.live.rescored();
        }
        turn.rescore = false;
        turn.scoring_took = began.elapsed();
        turn.scored_at = Some(Instant::now());
        if is_new {
            self.0.progress.send_modify(|progress| progress.version += 1);
            self.tell();
        }
        Ok(())
    }

    async fn compact_if_due(&self) -> Result<(), EngineError> {
        let Some(work) = self.read().compaction() else { return Ok(()) };
        let done = apart(move || work.run()).await??;
        let retired = self.write().install(done);
        drop(retired);
        // What lists need of the new base is built here, not by the first who asks.
        self.ask_long(Engine::warm).await
    }
}

impl Turn {
    pub(super) fn scored_now(&mut self) {
        self.rescore = false;
        self.scored_at = Some(Instant::now());
    }

    fn wait(&self) -> Duration {
        let spacing = RESCORE_EVERY.max((self.scoring_took + self.live.scores_took()) * 5);
        self.scored_at.map_or(Duration::ZERO, |at| spacing.saturating_sub(at.elapsed()))
    }
}
