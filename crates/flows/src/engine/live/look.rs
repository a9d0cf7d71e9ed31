//! Which audiences are live, how they are defined, and who was told to belong to them.

use std::collections::BTreeSet;
use std::sync::Arc;

use analytics::audience::{Definitions, Node};
use analytics::live::{Live, Transition};
use insight::audiences::{self, Audience, definitions};
use insight::live::{self as store, Cause, LiveAudience};
use kernel::{AudienceId, TagId};
use platform::{Ctx, DbError, Tx};
use tokio::time::Instant;
use uuid::Uuid;

use super::super::{EngineError, EngineHandle};
use super::{Keeper, LOOK_EVERY, broken};
use crate::audiences::{Asked, Words};

/// A live audience as it is defined now.
struct Defined {
    row: LiveAudience,
    tree: Node,
    named: Arc<Definitions>,
    /// Definition and those it names, as [`LiveAudience::told`] has it.
    text: String,
}

impl EngineHandle {
    /// Looks which audiences are live and how they are defined, and takes over or goes on accordingly.
    pub(super) async fn look(&self, keeper: &mut Keeper) -> Result<(), EngineError> {
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
        // Where the program runs for some hours only, a day may never begin while it does.
        keeper.new_day = true;
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
        let Some(live) = &keeper.live else { return Ok(()) };
        let there: BTreeSet<AudienceId> = defined.iter().map(|one| one.row.audience).collect();
        let gone: Vec<AudienceId> = live.audiences().filter(|id| !there.contains(id)).collect();
        for id in gone {
            // As long as it stands still nobody can say who was told to belong to it but the database.
            self.keep_set(keeper, id, None).await?;
            let Some(live) = &mut keeper.live else { return Ok(()) };
            live.forget(id);
        }
        keeper.tags = tags_of(&defined);
        for Defined { row, tree, named, text } in defined {
            let id = row.audience;
            let Some(live) = &mut keeper.live else { return Ok(()) };
            let same = row.told.as_ref() == Some(&text);
            let is_as_noted = same && !row.announce && row.obstacle.is_none();
            if is_as_noted && live.is_watched_by(id, &tree, &named) {
                continue;
            }
            let was_watched = live.audiences().any(|known| known == id);
            self.with_live(keeper, move |live, engine| live.watch(engine, id, tree, named)).await?;
            keeper.looked = false;
            let tells = row.told.is_some() && (same || row.announce);
            let knows = tells && (was_watched || self.recall(keeper, id).await?);
            if knows {
                let cause = if same { Cause::Found } else { Cause::Definition };
                // After more than one turn's of another audience it waits for the next.
                if keeper.left.is_none() {
                    self.write_down(keeper, cause).await?;
                }
            } else if let Some(live) = &mut keeper.live {
                live.settle(id);
            }
            if !is_as_noted || !knows {
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
