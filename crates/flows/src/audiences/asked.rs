//! A definition that was read and may be asked by whoever asks, and counts remembered.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use analytics::audience::{self, AsOf, Definitions, Members, Node};
use chrono::NaiveDate;
use insight::audiences::{AudienceStoreError, definitions};
use kernel::{AudienceId, Reach};
use platform::access::{FieldRules, Permissions};
use platform::{Ctx, Tx};

use super::{AudienceRefused, GivenTree, Words};
use crate::engine::EngineHandle;
use crate::fields;

/// A definition in either form: exactly one of both.
#[derive(Debug, Clone, Default)]
pub struct Definition {
    /// The text, as `docs/audiences.md` describes it.
    pub text: Option<String>,
    /// The tree.
    pub tree: Option<GivenTree>,
}

/// A definition that was read, with what is needed to ask it.
pub(crate) struct Asked {
    pub(crate) tree: Node,
    pub(crate) named: Arc<Definitions>,
    pub(crate) words: Arc<Words>,
    pub(crate) as_of: AsOf,
}

impl Asked {
    /// Reads and checks `definition` under the rules of whoever asks.
    pub(crate) async fn read(
        tx: &mut Tx,
        engine: &EngineHandle,
        cx: &Ctx,
        definition: Definition,
        as_of: Option<NaiveDate>,
    ) -> Result<Self, AudienceRefused> {
        let audiences = insight::audiences::all(tx, cx.scope).await?;
        let words = Words::read(tx, cx, engine, &audiences, &definition).await?;
        let tree = match definition {
            Definition { text: Some(text), tree: None } => {
                audience::parse(&text, &words).map_err(AudienceRefused::Text)?
            }
            Definition { text: None, tree: Some(tree) } => {
                let tree = tree.node().map_err(|error| AudienceRefused::Tree(vec![error]))?;
                audience::check(&tree).map_err(AudienceRefused::Tree)?;
                tree
            }
            _ => return Err(AudienceRefused::Form),
        };
        let named = Arc::new(definitions(&audiences));
        Self::of_tree(engine, cx, tree, named, Arc::new(words), as_of)
    }

    /// The definition of an audience that is kept.
    ///
    /// # Errors
    /// `Unknown`; what whoever asks may not ask.
    pub(crate) async fn kept(
        tx: &mut Tx,
        engine: &EngineHandle,
        cx: &Ctx,
        id: AudienceId,
        as_of: Option<NaiveDate>,
    ) -> Result<Self, AudienceRefused> {
        let audiences = insight::audiences::all(tx, cx.scope).await?;
        let one = audiences.iter().find(|one| one.id == id);
        let tree = one.ok_or(AudienceStoreError::Unknown(id))?.definition.clone();
        let words = Words::read_all(tx, cx, engine, &audiences, false).await?;
        let named = Arc::new(definitions(&audiences));
        Self::of_tree(engine, cx, tree, named, Arc::new(words), as_of)
    }

    pub(crate) fn of_tree(
        engine: &EngineHandle,
        cx: &Ctx,
        tree: Node,
        named: Arc<Definitions>,
        words: Arc<Words>,
        as_of: Option<NaiveDate>,
    ) -> Result<Self, AudienceRefused> {
        let shops = engine.shops();
        let frame = shops.frame();
        let day = as_of.unwrap_or_else(|| frame.today(cx.now()));
        let asked = Self { tree, named, words, as_of: AsOf { day, zone: frame.zone } };
        asked.check_seen(cx.access.fields())?;
        asked.check_heard(cx.access.permissions())?;
        asked.check_there()?;
        asked.check_currency(engine)?;
        Ok(asked)
    }

    /// Every node, those of the audiences named too. Circles end where they close.
    fn walk(&self, visit: &mut impl FnMut(&Node)) {
        let mut seen = BTreeSet::new();
        let mut open = vec![&self.tree];
        while let Some(tree) = open.pop() {
            tree.walk(&mut |node| {
                visit(node);
                if let Node::Audience { audience } = node
                    && seen.insert(*audience)
                {
                    open.extend(self.named.get(audience));
                }
            });
        }
    }

    /// A condition on a tag that was deleted would quietly turn to its contrary.
    fn check_there(&self) -> Result<(), AudienceRefused> {
        let mut gone = None;
        self.walk(&mut |node| gone = gone.take().or_else(|| self.words.gone(node)));
        gone.map_or(Ok(()), |what| Err(AudienceRefused::Gone(what)))
    }

    /// A count tells of a field as a list does: whoever does not see it cannot ask for it.
    fn check_seen(&self, rules: &FieldRules) -> Result<(), AudienceRefused> {
        let mut hidden = None;
        self.walk(&mut |node| {
            let needs: &[&'static str] = match node {
                Node::Name { .. } => {
                    &[fields::NAME, fields::ACCOUNTS, fields::PHONE, fields::EMAIL]
                }
                Node::Province { .. } => &[fields::REGION],
                Node::Rating { .. } => &[fields::RATING],
                Node::Tag { .. } => &[fields::TAGS],
                node if node.tells_of_amounts() => &[fields::AMOUNTS],
                _ => &[],
            };
            // A masked name is not searched, for its letters would tell it.
            hidden = hidden.or_else(|| needs.iter().copied().find(|field| !rules.show(field)));
        });
        hidden.map_or(Ok(()), |field| Err(AudienceRefused::Hidden(field)))
    }

    /// Nor can whoever may not read consents, or levels and points, ask for what follows from them.
    fn check_heard(&self, permissions: &Permissions) -> Result<(), AudienceRefused> {
        let mut asks = false;
        let mut asks_loyalty = false;
        self.walk(&mut |node| {
            asks |= matches!(node, Node::MayContact { .. });
            asks_loyalty |= matches!(node, Node::Level { .. } | Node::Points { .. });
        });
        if asks && !permissions.allow("customers.consent_read") {
            return Err(AudienceRefused::Hidden("customers.consents"));
        }
        if asks_loyalty && !permissions.allow("loyalty.read") {
            return Err(AudienceRefused::Hidden("loyalty.read"));
        }
        Ok(())
    }

    /// Amounts of two currencies are never added.
    fn check_currency(&self, engine: &EngineHandle) -> Result<(), AudienceRefused> {
        let shops = engine.shops();
        let mut wrong = None;
        self.walk(&mut |node| {
            let shop = match node {
                Node::Tier { .. } | Node::Cell { .. } => None,
                Node::Orders { of, .. }
                | Node::FirstOrder { of, .. }
                | Node::LastOrder { of, .. }
                    if node.tells_of_amounts() =>
                {
                    of.shop
                }
                _ => return,
            };
            if wrong.is_none() {
                wrong = shops.choose(shop).err();
            }
        });
        wrong.map_or(Ok(()), |error| Err(AudienceRefused::Currency(error.to_string())))
    }

    /// Who of those whom whoever asks sees belongs to it, and the seconds that took.
    pub(crate) async fn members(
        &self,
        engine: &EngineHandle,
        cx: &Ctx,
    ) -> Result<(Members, f64), AudienceRefused> {
        let (tree, named) = (self.tree.clone(), Arc::clone(&self.named));
        let (as_of, reach) = (self.as_of, cx.access.reach().clone());
        engine
            .ask_apart(move |engine| {
                let began = Instant::now();
                let members = engine.audience(&tree, &named, as_of, &reach)?;
                Ok((members, began.elapsed().as_secs_f64()))
            })
            .await?
    }

    /// How many of those whom whoever asks sees belong to it; remembered until anything changes.
    pub(crate) async fn count(
        &self,
        engine: &EngineHandle,
        cx: &Ctx,
    ) -> Result<u64, AudienceRefused> {
        let version = engine.progress().borrow().version;
        let key = (self.tree.clone(), cx.access.reach().clone());
        let known = engine.counted().state(version, self).counts.get(&key).copied();
        if let Some(known) = known {
            return Ok(known);
        }
        let count = self.members(engine, cx).await?.0.count();
        engine.counted().state(version, self).counts.insert(key, count);
        Ok(count)
    }

    /// The same question about everyone.
    pub(super) fn everyone(&self) -> Self {
        Self {
            tree: Node::everyone(),
            named: Arc::clone(&self.named),
            words: Arc::clone(&self.words),
            as_of: self.as_of,
        }
    }
}

/// Counts made of one state of the engine and of the definitions, so that a list of many audiences is not
/// counted anew each time somebody looks at it.
#[derive(Debug, Default)]
pub(crate) struct Counted(Mutex<CountedState>);

#[derive(Debug, Default)]
struct CountedState {
    version: u64,
    as_of: Option<AsOf>,
    named: Arc<Definitions>,
    counts: HashMap<(Node, Reach), u64>,
}

/// Counts remembered at most.
const COUNTED_MAX: usize = 4_000;

impl Counted {
    fn state(&self, version: u64, asked: &Asked) -> MutexGuard<'_, CountedState> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = state.version == version
            && state.as_of == Some(asked.as_of)
            && (Arc::ptr_eq(&state.named, &asked.named) || state.named == asked.named);
        if !is_same || state.counts.len() >= COUNTED_MAX {
            *state = CountedState {
                version,
                as_of: Some(asked.as_of),
                named: Arc::clone(&asked.named),
                counts: HashMap::new(),
            };
        }
        // So that the next comparison with these is of the same.
        state.named = Arc::clone(&asked.named);
        state
    }
}
