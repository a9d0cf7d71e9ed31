//! Imports as pages and programs see them: with their shop and who began them.

use commerce::import_view::ImportView;
use commerce::imports::{self, Import, ImportState};
use commerce::shops;
use platform::crypto::OrgKeys;
use platform::{Ctx, DbError, Tx};

use crate::people::People;
use crate::undo_import;

/// Imports with their shops and the people who began them.
///
/// # Errors
/// As the database says.
pub async fn views(
    tx: &mut Tx,
    cx: &Ctx,
    keys: &OrgKeys,
    imports: &[Import],
) -> Result<Vec<ImportView>, DbError> {
    let shops = shops::all(tx, cx).await?;
    let began = imports.iter().map(|import| import.created_by);
    let people = People::look_up(tx, cx, keys, began).await?;
    let view = |import: &Import| ImportView {
        created_by_person: people.get(import.created_by),
        ..ImportView::of(import, &shops)
    };
    Ok(imports.iter().map(view).collect())
}

/// One import, without looking for what stands against taking it back.
///
/// # Errors
/// As the database says.
pub async fn view(
    tx: &mut Tx,
    cx: &Ctx,
    keys: &OrgKeys,
    import: &Import,
) -> Result<ImportView, DbError> {
    let shops = shops::all(tx, cx).await?;
    let people = People::look_up(tx, cx, keys, [import.created_by]).await?;
    let created_by_person = people.get(import.created_by);
    Ok(ImportView { created_by_person, ..ImportView::of(import, &shops) })
}

/// One import with what stands against taking it back and, unless it is under way, what each file is
/// rejected of.
///
/// # Errors
/// As the database says.
pub async fn view_in_full(
    tx: &mut Tx,
    cx: &Ctx,
    keys: &OrgKeys,
    import: &Import,
) -> Result<ImportView, DbError> {
    let mut shown = view(tx, cx, keys, import).await?;
    if let Some(refusal) = undo_import::refusal(tx, cx, keys, import).await? {
        shown.can_undo = false;
        let obstacle = refusal.obstacle();
        shown.undo_refusal = Some(obstacle.text);
        shown.undo_refusal_code = obstacle.code;
    }
    // While it is under way pages ask again and again.
    if ImportState::UNDOABLE.contains(&import.state) {
        let counts = imports::count_rejects(tx, cx.scope, import).await?;
        for (file, count) in shown.files.iter_mut().zip(counts) {
            file.rejected = Some(count);
        }
    }
    Ok(shown)
}
