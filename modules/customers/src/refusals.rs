//! How the refusals of this module's use cases look at the edge.

use platform::Problem;

use crate::edit::EditError;
use crate::identities::IdentityError;
use crate::merge::{MergeError, UnmergeError};
use crate::notes::NoteError;
use crate::suggestions::DismissError;
use crate::tags::TagError;
use crate::views::ViewError;

impl From<EditError> for Problem {
    fn from(error: EditError) -> Self {
        let detail = error.to_string();
        match error {
            EditError::Unknown(_) => Self::not_found("customer"),
            EditError::ReadOnly(_) => Self::forbidden(error.to_string()),
            EditError::Merged { .. } => Self::conflict("customer_merged", detail),
            EditError::Stale(current) => Self::precondition_failed(&current),
            EditError::Db(error) => error.into(),
        }
    }
}

impl From<IdentityError> for Problem {
    fn from(error: IdentityError) -> Self {
        let detail = error.to_string();
        match error {
            IdentityError::UnknownCustomer(_) => Self::not_found("customer"),
            IdentityError::Unknown => Self::not_found("identity").detail(detail),
            IdentityError::Merged { .. } => Self::conflict("customer_merged", detail),
            IdentityError::ReadOnly(_) => Self::forbidden(detail),
            IdentityError::Stale(current) => Self::precondition_failed(&current),
            IdentityError::Wrong(_) => Self::field("value", detail),
            IdentityError::SharedAccount => Self::field("shared", detail),
            IdentityError::There => Self::conflict("identity_there", detail),
            IdentityError::Taken { holder, .. } => {
                Self::conflict("identity_taken", detail).current(&holder)
            }
            IdentityError::TooMany => Self::conflict("too_many_identities", detail),
            IdentityError::Db(error) => error.into(),
        }
    }
}

impl From<NoteError> for Problem {
    fn from(error: NoteError) -> Self {
        match error {
            NoteError::UnknownCustomer(_) => Self::not_found("customer"),
            NoteError::Unknown(_) => Self::not_found("note"),
            NoteError::ReadOnly => Self::forbidden(error.to_string()),
            NoteError::TooMany => Self::conflict("too_many_notes", error.to_string()),
            NoteError::Db(error) => error.into(),
        }
    }
}

impl From<TagError> for Problem {
    fn from(error: TagError) -> Self {
        let detail = error.to_string();
        match error {
            TagError::Taken(_) => Self::field("name", detail),
            TagError::TooMany(_) => Self::conflict("too_many_tags", detail),
            TagError::Automatic(_) => Self::conflict("tag_automatic", detail),
            TagError::Unknown(_) => Self::field("tags", detail),
            TagError::UnknownCustomers(_) | TagError::TooManyCustomers => {
                Self::field("customers", detail)
            }
            TagError::Both(_) => Self::field("remove", detail),
            TagError::ReadOnly => Self::forbidden(detail),
            TagError::Db(error) => error.into(),
        }
    }
}

impl From<MergeError> for Problem {
    fn from(error: MergeError) -> Self {
        let detail = error.to_string();
        match error {
            MergeError::Unknown(_) => Self::not_found("customer").detail(detail),
            MergeError::Same => Self::field("absorb", detail),
            MergeError::NotRoot { .. } => Self::conflict("customer_merged", detail),
            MergeError::FamilyTooLarge { .. } => Self::conflict("family_too_large", detail),
            MergeError::Db(error) => error.into(),
        }
    }
}

impl From<UnmergeError> for Problem {
    fn from(error: UnmergeError) -> Self {
        match error {
            UnmergeError::Unknown(_) => Self::not_found("merge"),
            UnmergeError::AlreadyUndone => Self::conflict("merge_undone", error.to_string()),
            UnmergeError::Db(error) => error.into(),
        }
    }
}

impl From<DismissError> for Problem {
    fn from(error: DismissError) -> Self {
        match error {
            DismissError::Unknown(_) => Self::not_found("suggestion"),
            DismissError::Merged => Self::conflict("customer_merged", error.to_string()),
            DismissError::Db(error) => error.into(),
        }
    }
}

impl From<ViewError> for Problem {
    fn from(error: ViewError) -> Self {
        match error {
            ViewError::Unknown(_) => Self::not_found("view"),
            ViewError::TooMany => Self::conflict("too_many_views", error.to_string()),
            ViewError::Db(error) => error.into(),
        }
    }
}
