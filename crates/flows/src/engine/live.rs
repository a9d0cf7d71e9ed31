//! Keeping live audiences: who entered and left is tested after each turn, written down once and told by events.
//! `docs/audiences.md` ("Live audiences") says what holds; `analytics::live` tests, `insight::live` writes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use analytics::Snapshot;
use analytics::audience::{AsOf, AudienceError, Definitions, Node};
use analytics::live::{Live, Transition};
use insight::audiences::{self, Audience, definitions};
use insight::live::{self as store, Cause, LiveAudience, Told};
use kernel::{AudienceId, CustomerId, TagId};
use platform::{Ctx, DbError, Tx};
use tokio::time::Instant;
use uuid::Uuid;

use super::{EngineError, EngineHandle, apart};
use crate::audiences::{Asked, Words};

/// Customers tested under one lock, a few milliseconds with hundreds of audiences.
const TESTED: usize = 100;
/// Beyond one in so many customers, asking the audiences as a whole is quicker.
const WHOLE_SHARE: usize = 16;
/// So many are tested one by one in any case.
const FEW: usize = 5_000;
/// Transitions written in one transaction.
const BATCH: usize = 5_000;
/// After so many transitions the set of an audience is kept anew, which bounds what a start must read.
const SET_EVERY: usize = 20_000;
/// How often a process that does not tell looks whether it should.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// How often one that tells says that it is there.
const HOLD_EVERY: Duration = Duration::from_millis(store::LEASE_MILLIS as u64 / 2);

/// What whoever has the turn knows of live audiences.
#[derive(Debug, Default)]
pub(super) struct Keeper {
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
    /// Whether the definitions were looked at since they changed.
    looked: bool,
    look_at: Option<Instant>,
    held_at: Option<Instant>,
    touched: BTreeSet<CustomerId>,
    reloaded: bool,
    rescored: bool,
}

impl Keeper {
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

    fn owner(&mut self, cx: &Ctx) -> Uuid {
        *self.owner.get_or_insert_with(|| cx.ids.uuid(cx.now()))
    }

    /// Another process tells now, or there is nothing to tell.
    fn rest(&mut self, look_at: Option<Instant>) {
        *self = Self { owner: self.owner, looked: true, look_at, ..Self::default() };
    }
}

/// A live audience as it is defined now.
struct Defined {
    row: LiveAudience,
    tree: Node,
    named: Arc<Definitions>,
    /// Definition and those it names, as [`LiveAudience::told`] has it.
    text: String,
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
        if keeper.live.is_none() && keeper.look_at.is_some_and(|at| at <= Instant::now()) {
            keeper.looked = false;
        }
        if !keeper.looked || (keeper.live.is_some() && self.is_tag_gone(keeper).await?) {
            keeper.looked = false;
            self.look(keeper).await?;
            keeper.looked = true;
        }
        let as_of = self.live_day();
        let Some(live) = &keeper.live else { return Ok(()) };
        let is_new_day = live.as_of() != as_of;
        if keeper.reloaded {
            self.with_live(keeper, move |live, engine| live.renew(engine, as_of)).await?;
            keeper.touched.clear();
            (keeper.reloaded, keeper.rescored) = (false, false);
            self.write_down(keeper, Cause::Found).await?;
        }
        if !keeper.touched.is_empty() {
            self.test_touched(keeper).await?;
            self.write_down(keeper, Cause::Changed).await?;
        }
        if keeper.rescored {
            self.with_live(keeper, Live::rescored).await?;
            keeper.rescored = false;
            self.write_down(keeper, Cause::Scores).await?;
        }
        if is_new_day && keeper.live.is_some() {
            self.with_live(keeper, move |live, engine| live.turn_to(engine, as_of)).await?;
            self.write_down(keeper, Cause::Day).await?;
            self.keep_sets(keeper).await?;
            self.prune(keeper).await?;
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
    /// once or not at all.
    async fn write_down(&self, keeper: &mut Keeper, cause: Cause) -> Result<(), EngineError> {
        let cx = self.ctx();
        let owner = keeper.owner(&cx);
        let mut told_any = false;
        while let Some(live) = &mut keeper.live {
            let owed = live.owed(BATCH);
            if owed.is_empty() {
                break;
            }
            let mut tx = self.platform().db.begin_for(self.scope()).await?;
            let still: BTreeSet<AudienceId> =
                store::all(&mut tx, self.scope()).await?.iter().map(|row| row.audience).collect();
            let (now, off): (Vec<Transition>, Vec<Transition>) =
                owed.into_iter().partition(|one| still.contains(&one.audience));
            let told: Vec<Told> = now.iter().map(told).collect();
            let Some(seq) = store::advance(&mut tx, &cx, owner, told.len()).await? else {
                tx.rollback().await?;
                self.rest(keeper);
                return Ok(());
            };
            let sizes =
                told.iter().filter_map(|one| Some((one.audience, live.size(one.audience)?)));
            let sizes: BTreeMap<AudienceId, u64> = sizes.collect();
            let day = live.as_of().day;
            store::append(&mut tx, &cx, seq, &told, cause, day, &sizes).await?;
            tx.commit().await?;
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
        if keeper.since_set.values().any(|since| *since > SET_EVERY) {
            self.keep_sets(keeper).await?;
        }
        Ok(())
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
            Some(text) => store::begin(&mut tx, self.scope(), id, text, size).await?,
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

    async fn prune(&self, keeper: &Keeper) -> Result<(), EngineError> {
        while keeper.live.is_some() {
            let mut tx = self.platform().db.begin_for(self.scope()).await?;
            let gone = store::prune(&mut tx, &self.ctx()).await?;
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

    /// Looks which audiences are live and how they are defined, and takes over or goes on accordingly.
    async fn look(&self, keeper: &mut Keeper) -> Result<(), EngineError> {
        let cx = self.ctx();
        let mut tx = self.platform().db.read_for(self.scope()).await?;
        let rows = store::all(&mut tx, self.scope()).await?;
        if rows.is_empty() {
            tx.rollback().await?;
            if keeper.live.is_some() {
                let mut tx = self.platform().db.begin_for(self.scope()).await?;
                store::forget_roll(&mut tx, self.scope()).await?;
                tx.commit().await?;
            }
            keeper.rest(None);
            return Ok(());
        }
        let is_first = keeper.owner.is_none();
        let owner = keeper.owner(&cx);
        if keeper.live.is_none()
            && !is_first
            && !store::free_to_tell(&mut tx, self.scope(), owner, cx.now()).await?
        {
            tx.rollback().await?;
            keeper.rest(Some(Instant::now() + LOOK_EVERY));
            return Ok(());
        }
        let audiences = audiences::all(&mut tx, self.scope()).await?;
        let words = Arc::new(Words::read_all(&mut tx, &cx, self, &audiences, false).await?);
        tx.rollback().await?;
        if keeper.live.is_none() {
            self.take_over(keeper, &cx, owner).await?;
        }
        let defined = self.defined(&cx, rows, &audiences, &words).await?;
        self.watch(keeper, defined).await
    }

    async fn take_over(
        &self,
        keeper: &mut Keeper,
        cx: &Ctx,
        owner: Uuid,
    ) -> Result<(), EngineError> {
        let mut tx = self.platform().db.begin_for(self.scope()).await?;
        store::take_over(&mut tx, cx, owner).await?;
        let roll = store::roll(&mut tx, self.scope()).await?;
        tx.commit().await?;
        keeper.rest(None);
        keeper.looked = false;
        keeper.rolled = roll.len();
        keeper.live = Some(Box::new(Live::with_roll(self.live_day(), roll)));
        Ok(())
    }

    /// The live audiences that can be asked; of the others it notes why not.
    async fn defined(
        &self,
        cx: &Ctx,
        rows: Vec<LiveAudience>,
        audiences: &[Audience],
        words: &Arc<Words>,
    ) -> Result<Vec<Defined>, EngineError> {
        let all = Arc::new(definitions(audiences));
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let Some(tree) = all.get(&row.audience) else { continue };
            let (words, named) = (Arc::clone(words), Arc::clone(&all));
            let asked = Asked::of_tree(self, cx, tree.clone(), named, words, None);
            let refused = asked.err().map(|error| error.to_string());
            let names = analytics::audience::check_names(tree, Some(row.audience), &all);
            let refused = refused.or(names.err().map(|error| error.to_string()));
            if let Some(why) = refused {
                self.note_obstacle(&row, &why).await?;
                continue;
            }
            let named = Arc::new(named_by(tree, &all));
            let text = serde_json::to_string(&(tree, &*named)).map_err(broken)?;
            found.push(Defined { row, tree: tree.clone(), named, text });
        }
        Ok(found)
    }

    async fn note_obstacle(&self, row: &LiveAudience, why: &str) -> Result<(), EngineError> {
        if row.obstacle.as_deref() == Some(why) {
            return Ok(());
        }
        let mut tx = self.platform().db.begin_for(self.scope()).await?;
        store::note_obstacle(&mut tx, self.scope(), row.audience, why).await?;
        tx.commit().await?;
        self.tell();
        Ok(())
    }

    async fn watch(&self, keeper: &mut Keeper, defined: Vec<Defined>) -> Result<(), EngineError> {
        let Some(live) = &mut keeper.live else { return Ok(()) };
        let there: BTreeSet<AudienceId> = defined.iter().map(|one| one.row.audience).collect();
        let gone: Vec<AudienceId> = live.audiences().filter(|id| !there.contains(id)).collect();
        gone.into_iter().for_each(|id| live.forget(id));
        keeper.tags = tags_of(&defined);
        for Defined { row, tree, named, text } in defined {
            let id = row.audience;
            let Some(live) = &mut keeper.live else { return Ok(()) };
            if live.is_watched_by(id, &tree, &named) && row.told.as_ref() == Some(&text) {
                continue;
            }
            let was_watched = live.audiences().any(|known| known == id);
            self.with_live(keeper, move |live, engine| live.watch(engine, id, tree, named)).await?;
            keeper.looked = false;
            let same = row.told.as_ref() == Some(&text);
            let tells = row.told.is_some() && (same || row.announce);
            let knows = tells && (was_watched || self.recall(keeper, id).await?);
            if knows {
                let cause = if same { Cause::Found } else { Cause::Definition };
                self.write_down(keeper, cause).await?;
            } else if let Some(live) = &mut keeper.live {
                live.settle(id);
            }
            if !same || !knows || row.obstacle.is_some() {
                self.keep_set(keeper, id, Some(&text)).await?;
                self.tell();
            }
        }
        self.with_live(keeper, |live, engine| {
            live.ready(engine);
            Ok(())
        })
        .await
    }

    /// Reads who was told to belong to an audience; false if that is not known.
    async fn recall(&self, keeper: &mut Keeper, id: AudienceId) -> Result<bool, EngineError> {
        let mut tx = self.platform().db.read_for(self.scope()).await?;
        let told = read_told(&mut tx, self, id).await?;
        tx.rollback().await?;
        let (Some(live), Some((members, since))) = (&mut keeper.live, told) else {
            return Ok(false);
        };
        keeper.since_set.insert(id, since.len());
        live.was_told(id, &members, &since).map_err(broken)?;
        Ok(true)
    }
}

async fn read_told(
    tx: &mut Tx,
    handle: &EngineHandle,
    id: AudienceId,
) -> Result<Option<(Vec<u8>, Vec<Transition>)>, DbError> {
    let Some((seq, members)) = store::set(tx, handle.scope(), id).await? else { return Ok(None) };
    let since = store::told_since(tx, handle.scope(), id, seq).await?;
    let since = since.into_iter().map(|one| Transition {
        audience: one.audience,
        customer: one.customer,
        entered: one.entered,
    });
    Ok(Some((members, since.collect())))
}

fn told(one: &Transition) -> Told {
    Told { audience: one.audience, customer: one.customer, entered: one.entered }
}

fn broken(error: impl std::fmt::Display) -> EngineError {
    EngineError::Broken(error.to_string())
}

/// The definitions that one names, and those that they name.
fn named_by(tree: &Node, all: &Definitions) -> Definitions {
    let mut named = Definitions::new();
    let mut open = tree.audiences();
    while let Some(id) = open.pop() {
        if let Some(definition) = all.get(&id)
            && named.insert(id, definition.clone()).is_none()
        {
            open.extend(definition.audiences());
        }
    }
    named
}

fn tags_of(defined: &[Defined]) -> BTreeSet<TagId> {
    let mut tags = BTreeSet::new();
    let trees = defined.iter().flat_map(|one| std::iter::once(&one.tree).chain(one.named.values()));
    for tree in trees {
        tree.walk(&mut |node| {
            if let Node::Tag { tag } = node {
                tags.insert(*tag);
            }
        });
    }
    tags
}
