//! Takes back what a batch of an import did to customers.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use kernel::{CustomerId, MergeId, Timestamp, TypedId};
use platform::{Ctx, DbError, Scope, Tx};
use uuid::Uuid;

use crate::history::Change;
use crate::merge::{self, UnmergeError};
use crate::model::Rating;
use crate::resolve::Resolved;
use crate::store::merges::MergeRow;
use crate::store::suggestions::{MERGED_SINCE, SuggestionRow};
use crate::{roots, store};

/// What people did with the customers since, in numbers of customers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct TakeBackRefused {
    pub noted: i64,
    pub tagged: i64,
    pub edited: i64,
    pub merged: i64,
}

impl TakeBackRefused {
    /// Whether there is nothing to refuse.
    #[must_use]
    pub fn is_nothing(self) -> bool {
        self == Self::default()
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            noted: self.noted + other.noted,
            tagged: self.tagged + other.tagged,
            edited: self.edited + other.edited,
            merged: self.merged + other.merged,
        }
    }
}

impl fmt::Display for TakeBackRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("people have worked with customers of this import:")?;
        let parts = [
            (self.noted, "with notes"),
            (self.tagged, "with tags"),
            (self.edited, "edited"),
            (self.merged, "merged"),
        ];
        let mut separator = "";
        for (count, what) in parts.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, "{separator} {count} {what}")?;
            separator = ",";
        }
        f.write_str(
            "; take that back first: remove the notes and tags, give names, ratings, phone \
             numbers, e-mail addresses and accounts back as they were, undo the merges",
        )
    }
}

impl std::error::Error for TakeBackRefused {}

/// Why a batch could not be taken back. The transaction must be rolled back.
#[derive(Debug, thiserror::Error)]
pub enum TakeBackError {
    /// People have worked with the customers since.
    #[error(transparent)]
    Refused(#[from] TakeBackRefused),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// What stands against taking a batch back; nothing if it can be. Changes nothing.
///
/// # Errors
/// As the database says.
pub async fn check_take_back(
    tx: &mut Tx,
    scope: Scope,
    done: &Resolved,
) -> Result<TakeBackRefused, DbError> {
    let suggestions = suggestions_to_remove(tx, scope, done).await?;
    let own = own_merges(tx, scope, done, &suggestions).await?;
    dependents(tx, scope, done, &suggestions, &own).await
}

/// Removes the customers, identities and suggestions that a batch made, and the suggestions that
/// later imports made because of them; merges that the program made by itself because of them are
/// undone. The batch's orders must be gone already, and orders of other imports for the customers
/// that it made are the caller's to check: they bring identities, which would go, too. Gives the
/// customers that are gone, have lost identities, or are apart again.
///
/// # Errors
/// `Refused` with what people did since; then the caller rolls back.
pub async fn take_back(tx: &mut Tx, cx: &Ctx, done: &Resolved) -> Result<Vec<Uuid>, TakeBackError> {
    // First: importers wait here, and forget what they remember.
    store::bump_identity_epoch(tx, cx.scope).await?;
    let created = created(done);
    // Nobody merges, edits or tags these until the transaction ends.
    store::changes::lock(tx, cx, &created).await?;
    let mut suggestions = suggestions_to_remove(tx, cx.scope, done).await?;
    let own = own_merges(tx, cx.scope, done, &suggestions).await?;
    let refused = dependents(tx, cx.scope, done, &suggestions, &own).await?;
    if !refused.is_nothing() {
        return Err(refused.into());
    }
    let mut touched: Vec<Uuid> = Vec::new();
    for row in own.merges.iter().rev() {
        touched.extend([row.keep, row.absorb]);
        match merge::part(tx, cx, MergeId::from_uuid(row.id)).await {
            Ok(parted) => touched.push(parted.kept.uuid()),
            // Somebody parted them just now.
            Err(UnmergeError::Unknown(_) | UnmergeError::AlreadyUndone) => {}
            Err(UnmergeError::Db(error)) => return Err(error.into()),
        }
    }
    if !own.merges.is_empty() {
        suggestions = suggestions_to_remove(tx, cx.scope, done).await?;
    }
    let ids: Vec<Uuid> = suggestions.into_iter().map(|row| row.id).collect();
    store::take_back::remove_suggestions(tx, cx.scope, &ids).await?;
    store::take_back::remove_identities(tx, cx.scope, &done.added).await?;
    store::take_back::remove_customers(tx, cx.scope, &created).await?;
    touched.extend(done.added.iter().map(|(customer, ..)| customer.uuid()));
    touched.extend(created);
    Ok(roots::distinct(&touched))
}

/// Customers with whom people have worked, by what they did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct WorkedWith {
    pub noted: Vec<CustomerId>,
    pub tagged: Vec<CustomerId>,
    pub edited: Vec<CustomerId>,
    pub merged: Vec<CustomerId>,
}

impl WorkedWith {
    /// Whether it is nobody.
    #[must_use]
    pub fn is_nobody(&self) -> bool {
        [&self.noted, &self.tagged, &self.edited, &self.merged].iter().all(|ids| ids.is_empty())
    }

    /// What stands against taking back those of whom `made` says so.
    #[must_use]
    pub fn among(&self, made: impl Fn(CustomerId) -> bool) -> TakeBackRefused {
        let count = |ids: &[CustomerId]| ids.iter().filter(|id| made(**id)).count() as i64;
        TakeBackRefused {
            noted: count(&self.noted),
            tagged: count(&self.tagged),
            edited: count(&self.edited),
            merged: count(&self.merged),
        }
    }
}

/// With whom people have worked of those who became known in `from..=until`, at most `most` for each
/// kind of work. Costs as much as there was work, however many became known.
///
/// # Errors
/// As the database says.
pub async fn worked_with(
    tx: &mut Tx,
    scope: Scope,
    from: Timestamp,
    until: Timestamp,
    most: usize,
) -> Result<WorkedWith, DbError> {
    // Ids begin with the millisecond in which they were made.
    let at = |millis: i64| Uuid::from_u128(u128::from(millis.max(0).unsigned_abs()) << 80);
    let range = (at(from.millis()), at(until.millis() + 1));
    let mut found = store::take_back::worked_with(tx, scope, range, most).await?.map(|ids| {
        roots::distinct(&ids).into_iter().map(CustomerId::from_uuid).collect::<Vec<_>>()
    });
    let [noted, tagged, mut edited, merged] = found.each_mut().map(std::mem::take);
    let ids: Vec<Uuid> = edited.iter().map(|id| id.uuid()).collect();
    let still = self::edited(tx, scope, &ids).await?;
    edited.retain(|id| still.contains(&id.uuid()));
    Ok(WorkedWith { noted, tagged, edited, merged })
}

fn created(done: &Resolved) -> Vec<Uuid> {
    done.created.iter().map(|customer| customer.uuid()).collect()
}

/// Suggestions that the batch made, and those of others that rest on a customer or an identity it
/// made, by id.
async fn suggestions_to_remove(
    tx: &mut Tx,
    scope: Scope,
    done: &Resolved,
) -> Result<Vec<SuggestionRow>, DbError> {
    let made: Vec<Uuid> = done.suggested.iter().map(|id| id.uuid()).collect();
    let created: HashSet<Uuid> = created(done).into_iter().collect();
    let added: HashSet<(Uuid, i64, Uuid)> =
        done.added.iter().map(|(customer, kind, hash)| (customer.uuid(), *kind, *hash)).collect();
    let touched: Vec<Uuid> =
        added.iter().map(|(customer, ..)| *customer).chain(created.iter().copied()).collect();
    let mut remove = BTreeMap::new();
    for row in store::suggestions::rows(tx, scope, &made).await? {
        remove.insert(row.id, row);
    }
    for row in store::suggestions::of(tx, scope, &roots::distinct(&touched)).await? {
        let hash = Uuid::from_slice(&row.hash).unwrap_or_default();
        let rests_on_it = [row.a, row.b]
            .into_iter()
            .any(|side| created.contains(&side) || added.contains(&(side, row.kind, hash)));
        if rests_on_it {
            remove.insert(row.id, row);
        }
    }
    Ok(remove.into_values().collect())
}

/// What the program merged by itself because of what a batch brought.
#[derive(Debug, Default)]
struct OwnMerges {
    /// The merges, the first made first.
    merges: Vec<MergeRow>,
    /// Suggestions that came true by them.
    settled: HashSet<Uuid>,
}

async fn own_merges(
    tx: &mut Tx,
    scope: Scope,
    done: &Resolved,
    suggestions: &[SuggestionRow],
) -> Result<OwnMerges, DbError> {
    let created = created(done);
    let mut own: BTreeMap<(i64, Uuid), MergeRow> = BTreeMap::new();
    let by_itself = |row: &MergeRow| row.actor.is_none();
    for row in store::merges::that_touch(tx, scope, &created).await? {
        if by_itself(&row) {
            own.insert((row.created_at, row.id), row);
        }
    }
    // Which merge came of which suggestion is not kept, so all since the suggestion that hold the
    // family together are taken for it. What rests on other evidence is suggested again.
    let merged: Vec<&SuggestionRow> =
        suggestions.iter().filter(|row| row.state == MERGED_SINCE).collect();
    let sides: Vec<Uuid> = merged.iter().map(|row| row.a).collect();
    let root_of = roots::roots(tx, scope, &sides).await?;
    let mut since: HashMap<Uuid, i64> = HashMap::new();
    for row in &merged {
        let first = since.entry(root_of[&row.a]).or_insert(row.created_at);
        *first = row.created_at.min(*first);
    }
    let roots: Vec<Uuid> = since.keys().copied().collect();
    let families = roots::families(tx, scope, &roots).await?;
    let root_of_member: HashMap<Uuid, Uuid> = families
        .iter()
        .flat_map(|(root, family)| family.iter().map(|member| (*member, *root)))
        .collect();
    let members: Vec<Uuid> = root_of_member.keys().copied().collect();
    let mut parted: HashSet<Uuid> = HashSet::new();
    for row in store::merges::that_touch(tx, scope, &roots::distinct(&members)).await? {
        let Some(root) = root_of_member.get(&row.keep) else { continue };
        if by_itself(&row) && row.created_at >= since[root] {
            parted.insert(*root);
            own.insert((row.created_at, row.id), row);
        }
    }
    let settled =
        merged.iter().filter(|row| parted.contains(&root_of[&row.a])).map(|row| row.id).collect();
    Ok(OwnMerges { merges: own.into_values().collect(), settled })
}

/// Those of `ids` whose name or rating is another than before the first edit, whose birthday is known, or who are known by others
/// things than files said.
async fn edited(tx: &mut Tx, scope: Scope, ids: &[Uuid]) -> Result<HashSet<Uuid>, DbError> {
    type Ends<T> = Option<(T, T)>;
    let mut ends: HashMap<Uuid, (Ends<String>, Ends<Option<Rating>>)> = HashMap::new();
    for (customer, detail) in store::take_back::edits(tx, scope, ids).await? {
        let change = serde_json::from_str(&detail)
            .map_err(|error| DbError::Refused(format!("history of {customer}: {error}")))?;
        let Change::Edit { name, rating, .. } = change else { continue };
        let (names, ratings) = ends.entry(customer).or_default();
        if let Some((before, after)) = name {
            names.get_or_insert((before, String::new())).1 = after;
        }
        if let Some((before, after)) = rating {
            ratings.get_or_insert((before, None)).1 = after;
        }
    }
    let differs = |(names, ratings): &(Ends<String>, Ends<Option<Rating>>)| {
        names.as_ref().is_some_and(|(first, last)| first != last)
            || ratings.is_some_and(|(first, last)| first != last)
    };
    let differ = ends.into_iter().filter(|(_, ends)| differs(ends)).map(|(customer, _)| customer);
    let mut found: HashSet<Uuid> = differ.collect();
    found.extend(store::birthdays::of(tx, scope, ids).await?.into_iter().map(|(id, _)| id));
    found.extend(store::identities::corrected(tx, scope, ids).await?);
    Ok(found)
}

async fn dependents(
    tx: &mut Tx,
    scope: Scope,
    done: &Resolved,
    suggestions: &[SuggestionRow],
    own: &OwnMerges,
) -> Result<TakeBackRefused, DbError> {
    let created = created(done);
    let merges = store::merges::that_touch(tx, scope, &created).await?;
    let by_people = merges.iter().filter(|row| row.actor.is_some()).count();
    let mut found = TakeBackRefused {
        noted: store::take_back::noted(tx, scope, &created).await?
            + store::take_back::consented(tx, scope, &created).await?
            + store::take_back::requested(tx, scope, &created).await?,
        tagged: store::take_back::tagged(tx, scope, &created).await?,
        edited: edited(tx, scope, &created).await?.len() as i64,
        merged: by_people as i64,
    };
    if found.merged == 0 {
        // Two that were there before, merged by people because of what this batch brought.
        let merged = suggestions
            .iter()
            .filter(|row| row.state == MERGED_SINCE && !own.settled.contains(&row.id));
        found.merged = merged.count() as i64;
    }
    Ok(found)
}
