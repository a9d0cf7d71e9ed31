//! Merges two customers, and takes that back. A merge moves nothing: it sets `merged_into` of the
//! absorbed one, so that both are as they were when it is undone, with what came for each since.

use std::collections::HashMap;

use kernel::{CustomerId, MergeId, Person, Timestamp, TypedId, UserId};
use platform::audit::{self, Entry};
use platform::{Ctx, DbError, Tx, outbox};
use serde::Serialize;
use uuid::Uuid;

use crate::events::CustomersChangedV1;
use crate::history::Change;
use crate::roots::FAMILY_MAX;
use crate::store::changes::{self, Locked};
use crate::{names, roots, store};

/// A merge that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Merge {
    /// Its id, by which it is undone.
    pub id: MergeId,
    /// Who remains.
    pub keep: CustomerId,
    /// Who was absorbed.
    pub absorb: CustomerId,
    /// The name of the absorbed one.
    pub absorb_name: String,
    /// When.
    pub at: Timestamp,
    /// Who merged them; `null` for the program itself.
    pub actor: Option<UserId>,
    /// Name and e-mail address of that user, where they were looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor_person: Option<Person>,
}

/// Why two customers cannot be merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// There is no such customer.
    #[error("there is no customer {0}")]
    Unknown(CustomerId),
    /// One customer was given twice.
    #[error("a customer cannot be merged into itself")]
    Same,
    /// One of them was merged before.
    #[error("{customer} was merged into {keeper} already; merge that one")]
    NotRoot {
        /// The customer.
        customer: CustomerId,
        /// Its direct keeper.
        keeper: CustomerId,
    },
    /// Together they would be more than one family may have.
    #[error("together they would be {size} customers; one family has at most {FAMILY_MAX}")]
    FamilyTooLarge {
        /// How many they would be.
        size: usize,
    },
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Merges `absorb`, with all that were merged into it, into `keep`.
///
/// # Errors
/// `Unknown`, `Same`, `NotRoot`, `FamilyTooLarge`.
pub async fn merge(
    tx: &mut Tx,
    cx: &Ctx,
    keep: CustomerId,
    absorb: CustomerId,
) -> Result<Merge, MergeError> {
    let mut merge = join(tx, cx, keep, absorb).await?;
    let mut names = HashMap::from([(absorb.uuid(), merge.absorb_name)]);
    names::mask_hidden(tx, cx, &mut names).await?;
    merge.absorb_name = names.remove(&absorb.uuid()).unwrap_or_default();
    let entry = Entry::new("customers.merge.create")
        .on("customer", keep)
        .with("merge", merge.id)
        .with("absorbed", absorb);
    audit::record(tx, cx, entry).await?;
    Ok(merge)
}

/// As [`merge`], of bulk work that records itself.
pub(crate) async fn join(
    tx: &mut Tx,
    cx: &Ctx,
    keep: CustomerId,
    absorb: CustomerId,
) -> Result<Merge, MergeError> {
    if keep == absorb {
        return Err(MergeError::Same);
    }
    // Both rows are held before they are looked at: of two merges at once, the second sees the first.
    let rows: HashMap<Uuid, Locked> = changes::lock(tx, cx, &[keep.uuid(), absorb.uuid()])
        .await?
        .into_iter()
        .map(|row| (row.id, row))
        .collect();
    let mut absorb_name = String::new();
    for customer in [keep, absorb] {
        let row = rows.get(&customer.uuid()).ok_or(MergeError::Unknown(customer))?;
        if let Some(keeper) = row.merged_into {
            return Err(MergeError::NotRoot { customer, keeper: CustomerId::from_uuid(keeper) });
        }
        absorb_name.clone_from(&row.name);
    }
    let families = roots::families(tx, cx.scope, &[keep.uuid(), absorb.uuid()]).await?;
    let together: Vec<Uuid> = families.into_values().flatten().collect();
    if together.len() > FAMILY_MAX {
        return Err(MergeError::FamilyTooLarge { size: together.len() });
    }
    let id: MergeId = cx.fresh();
    changes::set_merged_into(tx, cx, absorb.uuid(), Some(keep.uuid())).await?;
    changes::bump_versions(tx, cx.scope, cx.now(), &[keep.uuid(), absorb.uuid()]).await?;
    store::merges::add(tx, cx, id.uuid(), keep.uuid(), absorb.uuid()).await?;
    store::suggestions::settle(tx, cx.scope, &together).await?;
    let told = Change::Merge { merge: id, other: absorb, name: absorb_name.clone() };
    changes::tell(tx, cx, vec![(keep.uuid(), told)]).await?;
    outbox::push(tx, cx, &CustomersChangedV1::of(vec![keep, absorb])).await?;
    let actor = cx.scope.user_id();
    Ok(Merge { id, keep, absorb, absorb_name, at: cx.now(), actor, actor_person: None })
}

/// Why a merge cannot be undone.
#[derive(Debug, thiserror::Error)]
pub enum UnmergeError {
    /// There is no such merge.
    #[error("there is no merge {0}")]
    Unknown(MergeId),
    /// It was undone before.
    #[error("this merge was undone already")]
    AlreadyUndone,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Who stands apart after a merge was undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unmerged {
    /// The root of the customer that was kept.
    pub kept: CustomerId,
    /// The customer that is a root again.
    pub parted: CustomerId,
}

/// Undoes a merge: the absorbed customer, with all that were merged into it, is on its own again.
///
/// This is never ambiguous. An absorbed customer is no root, so nothing was merged into it since, and
/// it was not merged again; what the keeper did since does not matter to it. If the keeper was merged
/// further, the absorbed one leaves that larger family.
///
/// # Errors
/// `Unknown`, `AlreadyUndone`.
pub async fn unmerge(tx: &mut Tx, cx: &Ctx, id: MergeId) -> Result<Unmerged, UnmergeError> {
    let unmerged = part(tx, cx, id).await?;
    let entry = Entry::new("customers.merge.undo")
        .on("customer", unmerged.kept)
        .without("merge", id)
        .with("parted", unmerged.parted);
    audit::record(tx, cx, entry).await?;
    Ok(unmerged)
}

/// As [`unmerge`], of bulk work that records itself.
pub(crate) async fn part(tx: &mut Tx, cx: &Ctx, id: MergeId) -> Result<Unmerged, UnmergeError> {
    let row =
        store::merges::get(tx, cx.scope, id.uuid()).await?.ok_or(UnmergeError::Unknown(id))?;
    let held = changes::lock(tx, cx, &[row.keep, row.absorb]).await?;
    if !store::merges::undo(tx, cx, id.uuid()).await? {
        return Err(UnmergeError::AlreadyUndone);
    }
    let root = roots::root(tx, cx.scope, row.keep).await?;
    let parted = roots::family(tx, cx.scope, row.absorb).await?;
    changes::set_merged_into(tx, cx, row.absorb, None).await?;
    let rest = roots::family(tx, cx.scope, root).await?;
    changes::bump_versions(tx, cx.scope, cx.now(), &[root, row.absorb]).await?;
    store::suggestions::reopen(tx, cx.scope, &parted, &rest).await?;
    let named = |id: Uuid| {
        held.iter().find(|row| row.id == id).map(|row| row.name.clone()).unwrap_or_default()
    };
    let told = |other: Uuid| Change::Unmerge {
        merge: id,
        other: CustomerId::from_uuid(other),
        name: named(other),
    };
    let happened = vec![(row.keep, told(row.absorb)), (row.absorb, told(row.keep))];
    changes::tell(tx, cx, happened).await?;
    let unmerged =
        Unmerged { kept: CustomerId::from_uuid(root), parted: CustomerId::from_uuid(row.absorb) };
    let changed = vec![unmerged.kept, unmerged.parted, CustomerId::from_uuid(row.keep)];
    outbox::push(tx, cx, &CustomersChangedV1::of(changed)).await?;
    Ok(unmerged)
}

/// The merges that hold `family` together, the first made first; names as whoever asks is shown them.
///
/// # Errors
/// As [`names::mask_hidden`].
pub async fn merges(tx: &mut Tx, cx: &Ctx, family: &[Uuid]) -> Result<Vec<Merge>, DbError> {
    let rows = store::merges::that_absorbed(tx, cx.scope, family).await?;
    let absorbed: Vec<Uuid> = rows.iter().map(|row| row.absorb).collect();
    let absorbed = store::family::names(tx, cx.scope, &roots::distinct(&absorbed)).await?;
    let mut names: HashMap<Uuid, String> = absorbed.into_iter().collect();
    names::mask_hidden(tx, cx, &mut names).await?;
    Ok(rows
        .into_iter()
        .filter(|row| row.undone_at.is_none() && family.contains(&row.keep))
        .map(|row| Merge {
            id: MergeId::from_uuid(row.id),
            keep: CustomerId::from_uuid(row.keep),
            absorb: CustomerId::from_uuid(row.absorb),
            absorb_name: names.get(&row.absorb).cloned().unwrap_or_default(),
            at: Timestamp::from_millis(row.created_at),
            actor: row.actor.map(UserId::from_uuid),
            actor_person: None,
        })
        .collect())
}
