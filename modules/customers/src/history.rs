//! What happened to customers besides orders and notes.

use kernel::{CustomerId, MergeId, Timestamp, TypedId, UserId};
use platform::{DbError, Scope, Tx};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::{IdentityKind, Rating};
use crate::store;

/// The kind of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum ChangeKind {
    Tag,
    Untag,
    Edit,
    Merge,
    Unmerge,
    Owner,
    Identity,
}

impl ChangeKind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Tag,
        Self::Untag,
        Self::Edit,
        Self::Merge,
        Self::Unmerge,
        Self::Owner,
        Self::Identity,
    ];

    /// The stored name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tag => "tag",
            Self::Untag => "untag",
            Self::Edit => "edit",
            Self::Merge => "merge",
            Self::Unmerge => "unmerge",
            Self::Owner => "owner",
            Self::Identity => "identity",
        }
    }
}

/// What somebody did with an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum IdentityDeed {
    Add,
    Correct,
    Remove,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Change {
    /// Tags were put on.
    Tag {
        /// Their names.
        tags: Vec<String>,
    },
    /// Tags were taken off.
    Untag {
        /// Their names.
        tags: Vec<String>,
    },
    /// Name, rating or birthday were edited: before and after.
    Edit {
        /// The name, if it changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<(String, String)>,
        /// The rating, if it changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rating: Option<(Option<Rating>, Option<Rating>)>,
        /// Whether the birthday changed; the day itself is not told.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        birthday: bool,
    },
    /// Another customer was merged into this one.
    Merge {
        /// The merge.
        merge: MergeId,
        /// The absorbed customer.
        other: CustomerId,
        /// Its name.
        name: String,
    },
    /// It came to another owner.
    Owner {
        /// Whose it was.
        from: Option<UserId>,
        /// Whose it is.
        to: Option<UserId>,
    },
    /// What it is known by was changed by hand; the value itself is not told.
    Identity {
        /// What was done.
        deed: IdentityDeed,
        /// With what.
        of: IdentityKind,
    },
    /// A merge was undone.
    Unmerge {
        /// The merge.
        merge: MergeId,
        /// The customer on the other side of it.
        other: CustomerId,
        /// Its name.
        name: String,
    },
}

impl Change {
    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> ChangeKind {
        match self {
            Self::Tag { .. } => ChangeKind::Tag,
            Self::Untag { .. } => ChangeKind::Untag,
            Self::Edit { .. } => ChangeKind::Edit,
            Self::Merge { .. } => ChangeKind::Merge,
            Self::Unmerge { .. } => ChangeKind::Unmerge,
            Self::Owner { .. } => ChangeKind::Owner,
            Self::Identity { .. } => ChangeKind::Identity,
        }
    }

    /// The customer on the other side of a merge.
    #[must_use]
    pub const fn other(&self) -> Option<CustomerId> {
        match self {
            Self::Merge { other, .. } | Self::Unmerge { other, .. } => Some(*other),
            Self::Tag { .. }
            | Self::Untag { .. }
            | Self::Edit { .. }
            | Self::Owner { .. }
            | Self::Identity { .. } => None,
        }
    }

    /// What it is about, in one line without words of a language: names of tags, the new name, the
    /// other customer's name. Of owners the module knows no names.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::Tag { tags } | Self::Untag { tags } => tags.join(", "),
            Self::Edit { name, rating, .. } => {
                let name = name.as_ref().map(|(_, after)| after.clone());
                let rating = rating
                    .map(|(_, after)| after.map_or("–".into(), |after| format!("{after:?}")));
                [name, rating].into_iter().flatten().collect::<Vec<_>>().join(", ")
            }
            Self::Merge { name, .. } | Self::Unmerge { name, .. } => name.clone(),
            Self::Owner { .. } | Self::Identity { .. } => String::new(),
        }
    }
}

/// One change of a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id; with `at` the place in the list.
    pub id: Uuid,
    /// The member of the family to whom it happened.
    pub customer: CustomerId,
    /// When.
    pub at: Timestamp,
    /// Who did it; `None` for the program itself.
    pub actor: Option<UserId>,
    /// What happened.
    pub change: Change,
}

/// A place in a list that begins with the latest: only what lies before it in time comes.
pub type Before = Option<(Timestamp, Uuid)>;

pub(crate) fn place(before: Before) -> (i64, Uuid) {
    before.map_or((i64::MAX, Uuid::max()), |(at, id)| (at.millis(), id))
}

/// Changes of `family` of these `kinds`, the latest first.
///
/// # Errors
/// `Refused` if an entry was written by a newer program; otherwise as the database says.
pub async fn history(
    tx: &mut Tx,
    scope: Scope,
    family: &[Uuid],
    kinds: &[ChangeKind],
    before: Before,
    limit: u16,
) -> Result<Vec<Entry>, DbError> {
    let kinds: Vec<&'static str> = kinds.iter().map(|kind| kind.name()).collect();
    let rows = store::changes::history(tx, scope, family, &kinds, place(before), limit.into());
    rows.await?
        .into_iter()
        .map(|row| {
            let change = serde_json::from_str(&row.detail)
                .map_err(|error| DbError::Refused(format!("history {}: {error}", row.id)))?;
            Ok(Entry {
                id: row.id,
                customer: CustomerId::from_uuid(row.customer_id),
                at: Timestamp::from_millis(row.created_at),
                actor: row.actor.map(UserId::from_uuid),
                change,
            })
        })
        .collect()
}
