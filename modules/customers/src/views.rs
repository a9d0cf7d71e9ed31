//! Saved views of lists: a name for the filters in the address of a page.

use kernel::{FieldErrors, TypedId, UserId, ViewId};
use platform::audit::{self, Entry};
use platform::{Ctx, DbError, Tx};
use serde::Serialize;
use uuid::Uuid;

use crate::store;
use crate::store::views::ViewRow;

/// Views of one person.
pub const VIEWS_MAX: i64 = 100;
/// Longest name of a view, in characters.
pub const NAME_MAX: usize = 60;
/// Longest query, in bytes.
pub const QUERY_MAX: usize = 2_000;
/// Longest name of a page, in bytes.
const PAGE_MAX: usize = 40;

/// A saved view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct View {
    /// Its id.
    pub id: ViewId,
    /// The page it is of.
    pub page: String,
    /// Its name.
    pub name: String,
    /// The text after `?` in the page's address.
    pub query: String,
    /// Whether everyone of the organisation sees it.
    pub shared: bool,
    /// Whether the caller saved it.
    pub own: bool,
}

/// A view to be saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewView {
    page: String,
    name: String,
    query: String,
    shared: bool,
}

impl NewView {
    /// Reads a view.
    ///
    /// # Errors
    /// All wrong fields.
    pub fn parse(page: &str, name: &str, query: &str, shared: bool) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let (name, query) = (name.trim(), query.trim_start_matches('?'));
        if !is_page(page) {
            errors.push("page", format!("must be 1 to {PAGE_MAX} lower-case letters"));
        }
        if name.is_empty() || name.chars().count() > NAME_MAX || name.contains(char::is_control) {
            errors.push("name", format!("must be 1 to {NAME_MAX} characters"));
        }
        if query.len() > QUERY_MAX || query.contains(char::is_control) {
            errors.push("query", format!("must be at most {QUERY_MAX} bytes on one line"));
        }
        errors.finish(|| {
            let (page, name, query) = (page.to_owned(), name.to_owned(), query.to_owned());
            Some(Self { page, name, query, shared })
        })
    }
}

fn is_page(page: &str) -> bool {
    (1..=PAGE_MAX).contains(&page.len())
        && page.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b == b'-')
}

/// Why a view was refused.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// There is no such view, or it is somebody else's.
    #[error("you have no view {0}")]
    Unknown(ViewId),
    /// The person has as many views as one may have.
    #[error("one person can have at most {VIEWS_MAX} views; delete one first")]
    TooMany,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

fn owner(cx: &Ctx) -> Uuid {
    cx.scope.user_id().map_or(Uuid::nil(), TypedId::uuid)
}

/// Views of `page` that the caller sees: own ones and shared ones, by name.
///
/// # Errors
/// As the database says.
pub async fn list(tx: &mut Tx, cx: &Ctx, page: &str) -> Result<Vec<View>, DbError> {
    let me = owner(cx);
    let rows = store::views::of_page(tx, cx.scope, me, page).await?;
    Ok(rows
        .into_iter()
        .map(|row| View {
            id: ViewId::from_uuid(row.id),
            page: row.page,
            name: row.name,
            query: row.query,
            shared: row.shared,
            own: row.owner == me,
        })
        .collect())
}

/// Saves a view.
///
/// # Errors
/// `TooMany`.
pub async fn create(tx: &mut Tx, cx: &Ctx, new: NewView) -> Result<View, ViewError> {
    let id: ViewId = cx.fresh();
    let NewView { page, name, query, shared } = new;
    let row = ViewRow { id: id.uuid(), owner: owner(cx), page, name, query, shared };
    if !store::views::add(tx, cx, &row, VIEWS_MAX).await? {
        return Err(ViewError::TooMany);
    }
    let entry = Entry::new("customers.view.create")
        .on("view", id)
        .with("page", &row.page)
        .with("shared", row.shared)
        .personal("name", &row.name)
        .personal("query", &row.query);
    audit::record(tx, cx, entry).await?;
    let ViewRow { page, name, query, shared, .. } = row;
    Ok(View { id, page, name, query, shared, own: true })
}

/// Deletes a view of the caller.
///
/// # Errors
/// `Unknown`.
pub async fn delete(tx: &mut Tx, cx: &Ctx, view: ViewId) -> Result<(), ViewError> {
    let row = store::views::delete(tx, cx.scope, owner(cx), view.uuid())
        .await?
        .ok_or(ViewError::Unknown(view))?;
    let entry = Entry::new("customers.view.delete")
        .on("view", view)
        .without("page", row.page)
        .without("shared", row.shared)
        .personal_gone("name", row.name)
        .personal_gone("query", row.query);
    audit::record(tx, cx, entry).await?;
    Ok(())
}

/// Gives the shared views of one user to another; gives how many. They may be more than one can make.
///
/// # Errors
/// As the database says.
pub async fn hand_over(tx: &mut Tx, cx: &Ctx, from: UserId, to: UserId) -> Result<u64, DbError> {
    let count = store::views::hand_over(tx, cx.scope, from, to).await?;
    if count > 0 {
        let entry = Entry::new("customers.view.hand_over").on("user", from).with("to", to);
        audit::record(tx, cx, entry.with("views", count)).await?;
    }
    Ok(count)
}
