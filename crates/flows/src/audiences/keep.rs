//! Audiences that are kept: list, make, change, delete, sizes by day, overlap.

use std::collections::BTreeSet;
use std::sync::Arc;

use analytics::audience::{self, Definitions, Node};
use customers::mask::mask_text;
use insight::audiences::{self as store, Audience, NewAudience, SizeOfDay};
use kernel::{AudienceId, Person, Timestamp};
use platform::{Ctx, DbError, Platform, Tx};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Asked, AudienceRefused, Definition, GivenTree, Words};
use crate::engine::EngineHandle;
use crate::people::People;
use crate::tag_rules::{check_definition, check_free};

/// Audiences compared with each other at once.
const OVERLAP_MAX: usize = 12;

/// An audience to be kept.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AudienceBody {
    /// Its name, 1 to 60 characters, of which there is one in an organisation.
    pub name: String,
    /// What it is for, at most 500 characters.
    #[serde(default)]
    pub note: String,
    /// Who belongs to it, as text; either this or `tree`.
    pub text: Option<String>,
    /// Who belongs to it, as tree.
    #[schema(value_type = Option<Object>)]
    pub tree: Option<GivenTree>,
    /// Where a live audience gets another definition: who enters and leaves by that is told, too. Those that are
    /// defined by it follow.
    #[serde(default)]
    pub announce: bool,
}

/// An audience in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AudienceRow {
    /// Its id.
    pub id: AudienceId,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub note: String,
    /// The definition as text.
    pub text: String,
    /// Customers whom whoever asks sees, now; absent where the definition cannot be asked.
    pub customers: Option<u64>,
    /// Why it cannot be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// Whether it is kept live: who enters and leaves is told.
    pub live: bool,
    /// Rises with each change; the ETag.
    pub revision: i64,
    /// Who made it.
    pub created_by: Option<Person>,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// An audience by itself.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AudienceView {
    /// What a list tells.
    #[serde(flatten)]
    #[schema(inline)]
    pub row: AudienceRow,
    /// The definition as tree.
    #[schema(value_type = Object)]
    pub tree: Node,
    /// How many belonged to it, by day, as counted for all customers.
    pub sizes: Vec<SizeOfDay>,
}

/// All audiences by name, each with how many belong to it.
///
/// # Errors
/// `NotReady` while the customers are being read; otherwise as the database says.
pub async fn list(engine: &EngineHandle, cx: &Ctx) -> Result<Vec<AudienceRow>, AudienceRefused> {
    engine.fresh().await?;
    let today = engine.shops().frame().today(cx.now());
    let mut tx = engine.platform().db.read_for(cx.scope).await?;
    let audiences = store::all(&mut tx, cx.scope).await?;
    let noted = store::sizes_on(&mut tx, cx.scope, today).await?;
    let words = Arc::new(Words::read_all(&mut tx, cx, engine, &audiences, true).await?);
    let makers = audiences.iter().map(|one| one.created_by);
    let people = People::look_up(&mut tx, cx, &cx.keys(), makers).await?;
    let lives = lives(&mut tx, cx).await?;
    // Counting takes a while; nobody waits for the database meanwhile.
    tx.rollback().await?;
    let named = Arc::new(store::definitions(&audiences));
    let mut rows = Vec::with_capacity(audiences.len());
    let mut sizes = Vec::new();
    for one in audiences.iter().filter(|one| one.behind.is_none()) {
        let mut row = row(engine, cx, &named, one, &words, &people, None).await?;
        row.live = lives.contains(&one.id);
        let size = row.customers.map(|customers| (one.id, customers));
        sizes.extend(size.filter(|(id, customers)| noted.get(id) != Some(customers)));
        rows.push(row);
    }
    // What somebody sees who does not see all is no size of the audience.
    if cx.access.reach().parts().is_empty() && !sizes.is_empty() {
        let mut tx = engine.platform().db.begin_for(cx.scope).await?;
        store::note_sizes(&mut tx, cx.scope, today, &sizes).await?;
        tx.commit().await?;
    }
    Ok(rows)
}

/// The audience of this name or id.
///
/// # Errors
/// As the database says.
pub async fn find(
    platform: &Platform,
    cx: &Ctx,
    name: &str,
) -> Result<Option<AudienceId>, DbError> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let audiences = store::all(&mut tx, cx.scope).await?;
    tx.rollback().await?;
    let called = |one: &&Audience| one.name == name || one.id.to_string() == name;
    Ok(audiences.iter().find(called).map(|one| one.id))
}

async fn lives(tx: &mut Tx, cx: &Ctx) -> Result<BTreeSet<AudienceId>, AudienceRefused> {
    Ok(insight::live::ids(tx, cx.scope).await?)
}

/// `size`: how many belong to it, where that was counted a moment ago. Whether it is live is for the caller to say.
async fn row(
    engine: &EngineHandle,
    cx: &Ctx,
    named: &Arc<Definitions>,
    one: &Audience,
    words: &Arc<Words>,
    people: &People,
    size: Option<u64>,
) -> Result<AudienceRow, AudienceRefused> {
    let (tree, named) = (one.definition.clone(), Arc::clone(named));
    let asked = Asked::of_tree(engine, cx, tree, named, Arc::clone(words), None);
    let counted = match (asked, size) {
        (Ok(_), Some(size)) => Ok(size),
        (Ok(asked), None) => asked.count(engine, cx).await,
        (Err(error), _) => Err(error),
    };
    let (customers, refused, hidden) = match counted {
        _ if one.unreadable.is_some() => {
            let why = "this version of the program cannot read its definition; define it anew";
            (None, Some(why.to_owned()), true)
        }
        Ok(customers) => (Some(customers), None, false),
        Err(error @ AudienceRefused::Hidden(_)) => (None, Some(error.to_string()), true),
        Err(
            error @ (AudienceRefused::Audience(_)
            | AudienceRefused::Currency(_)
            | AudienceRefused::Gone(_)),
        ) => (None, Some(error.to_string()), false),
        Err(error) => return Err(error),
    };
    Ok(AudienceRow {
        id: one.id,
        name: one.name.clone(),
        note: one.note.clone(),
        // What it asks for may itself tell of what is hidden, such as a part of a name.
        text: if hidden { String::new() } else { audience::print(&one.definition, &**words) },
        customers,
        refused,
        live: false,
        revision: one.revision,
        created_by: people.get(one.created_by),
        updated_at: one.updated_at,
    })
}

/// One audience with the history of its size.
///
/// # Errors
/// `Unknown`; `Hidden` if it asks for fields that whoever asks does not see.
pub async fn get(
    engine: &EngineHandle,
    cx: &Ctx,
    id: AudienceId,
) -> Result<AudienceView, AudienceRefused> {
    engine.fresh().await?;
    let mut tx = engine.platform().db.read_for(cx.scope).await?;
    let view = view(&mut tx, engine, cx, id, None).await?;
    tx.rollback().await?;
    Ok(view)
}

async fn view(
    tx: &mut Tx,
    engine: &EngineHandle,
    cx: &Ctx,
    id: AudienceId,
    size: Option<u64>,
) -> Result<AudienceView, AudienceRefused> {
    let audiences = store::all(tx, cx.scope).await?;
    let one = audiences.iter().find(|one| one.id == id);
    let one = one.ok_or(store::AudienceStoreError::Unknown(id))?;
    let words = Arc::new(Words::read_all(tx, cx, engine, &audiences, true).await?);
    let people = People::look_up(tx, cx, &cx.keys(), [one.created_by]).await?;
    let lives = lives(tx, cx).await?;
    let named = Arc::new(store::definitions(&audiences));
    let mut row = row(engine, cx, &named, one, &words, &people, size).await?;
    row.live = lives.contains(&id);
    if row.customers.is_none() && row.text.is_empty() {
        let (tree, named) = (one.definition.clone(), Arc::clone(&named));
        // Says which field it is.
        Asked::of_tree(engine, cx, tree, named, Arc::clone(&words), None)?;
    }
    let today = engine.shops().frame().today(cx.now());
    let sizes = if cx.access.reach().parts().is_empty() {
        store::sizes(tx, cx.scope, id, today).await?
    } else {
        Vec::new()
    };
    Ok(AudienceView { row, tree: one.definition.clone(), sizes })
}

/// An audience that was read, checked and counted, ready to be kept.
#[derive(Debug)]
pub struct Prepared {
    new: NewAudience,
    size: u64,
    announce: bool,
}

/// Reads what shall be kept, and asks it once: what cannot be asked is not kept. No transaction waits for it.
///
/// # Errors
/// All wrong fields.
pub async fn prepare(
    engine: &EngineHandle,
    cx: &Ctx,
    body: AudienceBody,
) -> Result<Prepared, AudienceRefused> {
    engine.fresh().await?;
    let definition = Definition { text: body.text, tree: body.tree };
    let mut tx = engine.platform().db.read_for(cx.scope).await?;
    let read = Asked::read(&mut tx, engine, cx, definition, None).await;
    tx.rollback().await?;
    // What is wrong with the name is told together with what is wrong with the definition.
    let named = NewAudience::parse(&body.name, &body.note, Node::everyone()).err();
    let asked = match (read, named) {
        (Ok(asked), None) => asked,
        (Ok(_), Some(errors)) => return Err(AudienceRefused::Fields(errors)),
        (Err(refused), named) => {
            let mut errors = named.unwrap_or_default();
            if errors.is_empty() || !refused.name_fields(&mut errors) {
                return Err(refused);
            }
            return Err(AudienceRefused::Fields(errors));
        }
    };
    for (field, text) in [("name", &body.name), ("note", &body.note)] {
        if mask_text(text) != **text {
            return Err(AudienceRefused::Personal(field));
        }
    }
    let mut is_personal = false;
    asked.tree.walk(&mut |node| {
        is_personal |= matches!(node, Node::Name { contains } if mask_text(contains) != *contains);
    });
    if is_personal {
        return Err(AudienceRefused::Personal("text"));
    }
    let size = asked.count(engine, cx).await?;
    let new =
        NewAudience::parse(&body.name, &body.note, asked.tree).map_err(AudienceRefused::Fields)?;
    Ok(Prepared { new, size, announce: body.announce })
}

/// Keeps a new audience; gives it.
///
/// # Errors
/// `NameTaken`, `TooMany`; `Audience` if one that it names went meanwhile.
pub async fn create(
    tx: &mut Tx,
    engine: &EngineHandle,
    cx: &Ctx,
    prepared: &Prepared,
) -> Result<AudienceView, AudienceRefused> {
    check_names(tx, engine, cx, None, prepared).await?;
    let id = store::create(tx, cx, &prepared.new).await?;
    let today = engine.shops().frame().today(cx.now());
    store::note_sizes(tx, cx.scope, today, &[(id, prepared.size)]).await?;
    view(tx, engine, cx, id, Some(prepared.size)).await
}

/// Replaces an audience of version `revision`; gives it.
///
/// # Errors
/// `Unknown`, `Changed`, `NameTaken`; `Audience` if it would be part of its own definition, `Circle` if a tag would be
/// that follows it; `Followed` if it stands behind a tag; `Hidden` if the old one asks
/// for fields that whoever asks does not see.
pub async fn change(
    tx: &mut Tx,
    engine: &EngineHandle,
    cx: &Ctx,
    id: AudienceId,
    revision: i64,
    prepared: &Prepared,
) -> Result<AudienceView, AudienceRefused> {
    check_names(tx, engine, cx, Some(id), prepared).await?;
    super::live::check_seen(tx, engine, cx, id).await?;
    let old = store::get(tx, cx.scope, id).await?;
    if old.as_ref().is_some_and(|old| old.behind.is_some()) {
        // What it asks for is changed with the rule of the tag.
        check_free(tx, cx, id).await?;
    }
    store::change(tx, cx, id, revision, &prepared.new).await?;
    // Else the next change would be told instead.
    let redefined = old.is_some_and(|old| old.definition != *prepared.new.definition());
    if prepared.announce && redefined {
        super::live::announce(tx, cx, id).await?;
    }
    let today = engine.shops().frame().today(cx.now());
    store::note_sizes(tx, cx.scope, today, &[(id, prepared.size)]).await?;
    view(tx, engine, cx, id, Some(prepared.size)).await
}

/// One change of definitions at a time: what two find sound may be a circle together.
async fn check_names(
    tx: &mut Tx,
    engine: &EngineHandle,
    cx: &Ctx,
    of: Option<AudienceId>,
    prepared: &Prepared,
) -> Result<(), AudienceRefused> {
    store::lock(tx, cx.scope).await?;
    let mut named = store::definitions(&store::all(tx, cx.scope).await?);
    if let Some(id) = of {
        named.insert(id, prepared.new.definition().clone());
    }
    audience::check_names(prepared.new.definition(), of, &named)?;
    match of {
        // Nothing depends on what is new.
        None => Ok(()),
        Some(id) => check_definition(tx, engine, cx, id, &named).await,
    }
}

/// Deletes an audience.
///
/// # Errors
/// `Unknown`; `Named` as long as another one is defined by it; `Followed` as long as a tag follows it; `Hidden` if it asks for fields that whoever asks does not
/// see.
pub async fn delete(
    tx: &mut Tx,
    engine: &EngineHandle,
    cx: &Ctx,
    id: AudienceId,
) -> Result<(), AudienceRefused> {
    store::lock(tx, cx.scope).await?;
    super::live::check_seen(tx, engine, cx, id).await?;
    check_free(tx, cx, id).await?;
    Ok(store::delete(tx, cx, id).await?)
}

/// Whether an audience, or one by which it is defined, was changed after a moment.
///
/// # Errors
/// As the database says.
pub(crate) async fn changed_since(
    platform: &Platform,
    cx: &Ctx,
    id: AudienceId,
    since: Timestamp,
) -> Result<bool, DbError> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let audiences = store::all(&mut tx, cx.scope).await?;
    tx.rollback().await?;
    let (mut seen, mut open) = (BTreeSet::new(), vec![id]);
    while let Some(id) = open.pop() {
        let one = audiences.iter().find(|one| one.id == id).filter(|_| seen.insert(id));
        let Some(one) = one else { continue };
        if one.updated_at > since {
            return Ok(true);
        }
        open.extend(one.definition.audiences());
    }
    Ok(false)
}

/// How many customers each two of some audiences share: row by row, in the order asked, the diagonal being
/// their sizes.
///
/// # Errors
/// `Unknown`; `Fields` if there are too many.
pub async fn overlap(
    engine: &EngineHandle,
    cx: &Ctx,
    ids: &[AudienceId],
) -> Result<Vec<Vec<u64>>, AudienceRefused> {
    if ids.is_empty() || ids.len() > OVERLAP_MAX {
        let mut errors = kernel::FieldErrors::default();
        errors.push("audiences", format!("compare 1 to {OVERLAP_MAX} audiences"));
        return Err(AudienceRefused::Fields(errors));
    }
    engine.fresh().await?;
    let mut tx = engine.platform().db.read_for(cx.scope).await?;
    let audiences = store::all(&mut tx, cx.scope).await?;
    let words = Arc::new(Words::read_all(&mut tx, cx, engine, &audiences, false).await?);
    tx.rollback().await?;
    let named = Arc::new(store::definitions(&audiences));
    let mut all = Vec::with_capacity(ids.len());
    for id in ids {
        let one = audiences.iter().find(|one| one.id == *id);
        let one = one.ok_or(store::AudienceStoreError::Unknown(*id))?;
        let (tree, named) = (one.definition.clone(), Arc::clone(&named));
        let asked = Asked::of_tree(engine, cx, tree, named, Arc::clone(&words), None)?;
        all.push(asked.members(engine, cx).await?.0);
    }
    Ok(all.iter().map(|a| all.iter().map(|b| a.overlap(b)).collect()).collect())
}
