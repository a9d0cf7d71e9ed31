//! Rules of automatic tags: they follow an audience that somebody keeps, or one that is made of chosen products and
//! kept behind the tag. `settle_tags` puts the tags on and takes them off.

mod circle;

use std::collections::BTreeMap;
use std::sync::Arc;

use analytics::audience::{self, Bounds, Definitions, Measure, Node, Orders, Product, When};
use customers::automatic::{self, Bought, TagRule};
use customers::tags::{self, TagError};
use insight::audiences::{self as store, Audience};
use insight::live;
use kernel::{AudienceId, FieldErrors, TagId, Timestamp};
use platform::{Ctx, DbError, Problem, Tx};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use circle::{Step, circle};

use crate::audiences::{Asked, AudienceRefused, Words};
use crate::engine::EngineHandle;
use crate::settle_tags::settle_soon;

/// The right by which one may know what a rule asks for.
const READ: &str = "insight.read";

/// What a tag shall follow: one of both.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TagRuleBody {
    /// An audience that is kept; it is turned live.
    pub audience: Option<AudienceId>,
    /// Orders of chosen products.
    pub bought: Option<Bought>,
}

/// How far a tag follows its rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TagRuleState {
    /// Who belongs to the audience is not known yet.
    Waiting,
    /// It is being put on and taken off.
    Settling,
    /// Whoever belongs to the audience has it, and nobody else.
    Current,
    /// The audience cannot be asked any more; the tag stays where it is until that is mended.
    Still,
}

/// The rule of a tag.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TagRuleView {
    /// The tag.
    pub tag: TagId,
    /// The audience that it follows.
    pub audience: AudienceId,
    /// Its name; absent where it stands behind the tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience_name: Option<String>,
    /// What it asks for, where it was made of products.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bought: Option<Bought>,
    /// The definition as text; absent where it asks for what whoever asks does not see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// How far it is.
    pub state: TagRuleState,
    /// When all customers were last brought up to date; since then each as they enter or leave.
    pub settled_at: Option<Timestamp>,
    /// Why it stands still.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<String>,
}

/// Why a rule was not set.
#[derive(Debug, thiserror::Error)]
pub enum TagRuleRefused {
    /// There is no such tag.
    #[error("there is no tag {0}")]
    Unknown(TagId),
    /// Neither an audience was given nor products, or both.
    #[error("give either `audience` or `bought`")]
    Form,
    /// The role lacks a right.
    #[error("this needs the right {0}")]
    Right(&'static str),
    /// The audience stands behind another tag.
    #[error("this audience belongs to another tag; choose one that is kept by itself")]
    Behind,
    /// The tag would follow itself.
    #[error("{0}")]
    Circle(String),
    /// Wrong fields.
    #[error("{0}")]
    Fields(FieldErrors),
    /// What the audience says.
    #[error(transparent)]
    Audience(#[from] AudienceRefused),
    /// What the tag says.
    #[error(transparent)]
    Tag(#[from] TagError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<TagRuleRefused> for Problem {
    fn from(error: TagRuleRefused) -> Self {
        let detail = error.to_string();
        match error {
            TagRuleRefused::Unknown(_) | TagRuleRefused::Tag(TagError::Unknown(_)) => {
                Self::not_found("tag")
            }
            TagRuleRefused::Form | TagRuleRefused::Behind | TagRuleRefused::Circle(_) => {
                Self::field("audience", detail)
            }
            TagRuleRefused::Right(right) => Self::right_missing(right),
            TagRuleRefused::Fields(errors) => Self::validation(errors),
            TagRuleRefused::Audience(AudienceRefused::Store(
                store::AudienceStoreError::Unknown(_),
            )) => Self::field("audience", detail),
            TagRuleRefused::Audience(error) => error.into(),
            TagRuleRefused::Tag(error) => error.into(),
            TagRuleRefused::Db(error) => error.into(),
        }
    }
}

/// What `bought` says in the language of audiences: so many orders with a line of one of the products.
fn definition(bought: &Bought) -> Node {
    let when = bought.days.map_or(When::Ever, When::LastDays);
    let product = Some(Product::Is(bought.products.clone()));
    Node::Orders {
        measure: Measure::Count,
        of: Orders { when, product, ..Orders::default() },
        bounds: Bounds::at_least(bought.orders.into()),
    }
}

/// The rules of all tags, by the names of the tags; none for whoever does not see tags.
///
/// # Errors
/// As the database says.
pub async fn list(engine: &EngineHandle, cx: &Ctx) -> Result<Vec<TagRuleView>, TagRuleRefused> {
    let mut tx = engine.platform().db.read_for(cx.scope).await?;
    let seen = tags::plain(&mut tx, cx).await?;
    let rules = automatic::all(&mut tx, cx.scope).await?;
    let known = Known::read(&mut tx, engine, cx).await?;
    let mut views = Vec::with_capacity(rules.len());
    for rule in rules.into_iter().filter(|rule| seen.iter().any(|tag| tag.id == rule.tag.id)) {
        views.push(view(&mut tx, engine, cx, &known, rule).await?);
    }
    tx.rollback().await?;
    Ok(views)
}

/// Audiences, and the names by which texts call what they name.
struct Known {
    audiences: Vec<Audience>,
    named: Arc<Definitions>,
    words: Arc<Words>,
}

impl Known {
    async fn read(tx: &mut Tx, engine: &EngineHandle, cx: &Ctx) -> Result<Self, DbError> {
        let audiences = store::all(tx, cx.scope).await?;
        let mut names_owner = false;
        for one in &audiences {
            one.definition.walk(&mut |node| names_owner |= matches!(node, Node::Owner { .. }));
        }
        let words = Words::read_all(tx, cx, engine, &audiences, names_owner).await?;
        let words = Arc::new(words);
        let named = Arc::new(store::definitions(&audiences));
        Ok(Self { audiences, named, words })
    }

    fn asked(
        &self,
        engine: &EngineHandle,
        cx: &Ctx,
        tree: &Node,
    ) -> Result<Asked, AudienceRefused> {
        let (named, words) = (Arc::clone(&self.named), Arc::clone(&self.words));
        Asked::of_tree(engine, cx, tree.clone(), named, words, None)
    }
}

async fn view(
    tx: &mut Tx,
    engine: &EngineHandle,
    cx: &Ctx,
    known: &Known,
    rule: TagRule,
) -> Result<TagRuleView, TagRuleRefused> {
    let audience = known.audiences.iter().find(|one| one.id == rule.audience);
    let live = live::one(tx, cx.scope, rule.audience).await?;
    let obstacle = match &live {
        None => Some("its audience is gone".to_owned()),
        Some(live) => live.obstacle.clone(),
    };
    let begun = live.is_some_and(|live| live.told.is_some());
    let state = match (&obstacle, begun) {
        (Some(_), _) => TagRuleState::Still,
        (None, false) => TagRuleState::Waiting,
        (None, true) if rule.done < rule.wanted => TagRuleState::Settling,
        (None, true) => TagRuleState::Current,
    };
    let shown = audience.and_then(|one| match known.asked(engine, cx, &one.definition) {
        // What it asks for may itself tell of what is hidden.
        Err(AudienceRefused::Hidden(_)) => None,
        _ => Some(audience::print(&one.definition, &*known.words)),
    });
    Ok(TagRuleView {
        tag: rule.tag.id,
        audience: rule.audience,
        audience_name: audience.filter(|one| one.behind.is_none()).map(|one| one.name.clone()),
        // Nor do the reasons tell more than the definition.
        obstacle: obstacle.filter(|_| shown.is_some() || audience.is_none()),
        text: shown,
        bought: rule.bought,
        state,
        settled_at: rule.settled_at,
    })
}

/// Gives a tag a rule, or another one; gives it. From now on the rule alone puts it on and takes it off, once it has
/// been taken off all who do not belong to its audience and put on all who do.
///
/// # Errors
/// What is wrong with the rule; `Circle` if what it asks for depends on the tag.
pub async fn set(
    tx: &mut Tx,
    engine: &EngineHandle,
    cx: &Ctx,
    tag: TagId,
    body: TagRuleBody,
) -> Result<TagRuleView, TagRuleRefused> {
    if body.audience.is_some() == body.bought.is_some() {
        return Err(TagRuleRefused::Form);
    }
    if !cx.access.permissions().allow(READ) {
        return Err(TagRuleRefused::Right(READ));
    }
    // Definitions before tags, as everybody takes them.
    store::lock(tx, cx.scope).await?;
    let old = automatic::hold(tx, cx.scope, tag).await?;
    if !tags::plain(tx, cx).await?.iter().any(|known| known.id == tag) {
        return Err(TagRuleRefused::Unknown(tag));
    }
    let known = Known::read(tx, engine, cx).await?;
    let (audience, bought, is_news) = match body {
        TagRuleBody { audience: Some(id), bought: None } => {
            let one = known.audiences.iter().find(|one| one.id == id);
            let unknown = || AudienceRefused::Store(store::AudienceStoreError::Unknown(id));
            let one = one.ok_or_else(unknown)?;
            if one.behind.is_some() {
                return Err(TagRuleRefused::Behind);
            }
            known.asked(engine, cx, &one.definition)?;
            audience::check_names(&one.definition, Some(id), &known.named)
                .map_err(AudienceRefused::from)?;
            (id, None, false)
        }
        TagRuleBody { audience: None, bought: Some(bought) } => {
            let bought = automatic::check_bought(tx, cx.scope, bought).await?;
            let bought = bought.map_err(TagRuleRefused::Fields)?;
            let tree = definition(&bought);
            audience::check(&tree).map_err(AudienceRefused::Tree)?;
            known.asked(engine, cx, &tree)?;
            let (id, is_news) = store::keep_behind(tx, cx, tag, &tree).await?;
            (id, Some(bought), is_news)
        }
        _ => return Err(TagRuleRefused::Form),
    };
    let rules = rules(tx, cx).await?.into_iter().chain([(tag, audience)]).collect();
    refuse_circle(&known, Step::Tag(tag), &rules, &known.named)?;
    live::switch(tx, cx, audience, true).await.map_err(AudienceRefused::from)?;
    automatic::set(tx, cx, tag, audience, bought.as_ref()).await?;
    if let Some(old) = old.filter(|old| old.audience != audience) {
        leave(tx, cx, &old).await?;
    }
    let begun = live::one(tx, cx.scope, audience).await?.is_some_and(|live| live.told.is_some());
    // Who belongs to a definition that is news is told when it is known.
    let rule = if begun && !is_news {
        settle_soon(tx, cx, tag).await?
    } else {
        automatic::get(tx, cx.scope, tag).await?
    };
    let rule = rule.ok_or(TagRuleRefused::Unknown(tag))?;
    let known = Known::read(tx, engine, cx).await?;
    view(tx, engine, cx, &known, rule).await
}

/// Deletes the audience that was made for a tag alone; one that people keep stays, and stays live.
async fn leave(tx: &mut Tx, cx: &Ctx, old: &TagRule) -> Result<(), TagRuleRefused> {
    let audience = store::get(tx, cx.scope, old.audience).await?;
    if audience.is_some_and(|audience| audience.behind == Some(old.tag.id)) {
        store::delete(tx, cx, old.audience).await.map_err(AudienceRefused::from)?;
    }
    Ok(())
}

/// Turns the rule of a tag off: whoever has it keeps it, and people put it on and take it off.
///
/// # Errors
/// `Unknown`.
pub async fn clear(tx: &mut Tx, cx: &Ctx, tag: TagId) -> Result<(), TagRuleRefused> {
    store::lock(tx, cx.scope).await?;
    if let Some(old) = automatic::clear(tx, cx, tag).await? {
        leave(tx, cx, &old).await?;
    }
    Ok(())
}

/// Deletes a tag with its rule, and takes it off everyone.
///
/// # Errors
/// `Unknown`.
pub async fn delete_tag(tx: &mut Tx, cx: &Ctx, tag: TagId) -> Result<(), TagRuleRefused> {
    store::lock(tx, cx.scope).await?;
    if automatic::hold(tx, cx.scope, tag).await?.is_some() {
        clear(tx, cx, tag).await?;
    }
    Ok(tags::delete(tx, cx, tag).await?)
}

async fn rules(tx: &mut Tx, cx: &Ctx) -> Result<BTreeMap<TagId, AudienceId>, DbError> {
    let rules = automatic::all(tx, cx.scope).await?;
    Ok(rules.into_iter().map(|rule| (rule.tag.id, rule.audience)).collect())
}

fn refuse_circle(
    known: &Known,
    start: Step,
    rules: &BTreeMap<TagId, AudienceId>,
    definitions: &Definitions,
) -> Result<(), TagRuleRefused> {
    let Some(path) = circle(start, rules, definitions) else { return Ok(()) };
    let names: Vec<String> = path.iter().map(|step| known.name(*step)).collect();
    Err(TagRuleRefused::Circle(format!(
        "the tag would follow itself: {}; change one of these first",
        names.join(" → ")
    )))
}

impl Known {
    fn name(&self, step: Step) -> String {
        let node = match step {
            Step::Tag(tag) => Node::Tag { tag },
            Step::Audience(audience) => Node::Audience { audience },
        };
        audience::print(&node, &*self.words)
    }
}

/// Refuses definitions by which the audience `id` would depend on a tag that follows it.
///
/// # Errors
/// `Circle`; otherwise as the database says.
pub(crate) async fn check_definition(
    tx: &mut Tx,
    engine: &EngineHandle,
    cx: &Ctx,
    id: AudienceId,
    definitions: &Definitions,
) -> Result<(), AudienceRefused> {
    let rules = rules(tx, cx).await?;
    if rules.is_empty() {
        return Ok(());
    }
    let known = Known::read(tx, engine, cx).await?;
    refuse_circle(&known, Step::Audience(id), &rules, definitions).map_err(|error| match error {
        TagRuleRefused::Circle(why) => AudienceRefused::Circle(why),
        other => AudienceRefused::Circle(other.to_string()),
    })
}

/// Refuses to let an audience go that a tag follows.
///
/// # Errors
/// `Followed`; otherwise as the database says.
pub(crate) async fn check_free(
    tx: &mut Tx,
    cx: &Ctx,
    id: AudienceId,
) -> Result<(), AudienceRefused> {
    match automatic::following(tx, cx.scope, id).await?.into_iter().next() {
        Some(tag) => Err(AudienceRefused::Followed(tag.name)),
        None => Ok(()),
    }
}
