//! Merges customers without asking, where the organisation turned that on.

use customers::{settings, suggestions};
use kernel::OrgId;
use platform::{DbError, Platform, Scope};

/// Merges in one transaction: few enough that other writers get in between.
const AT_ONCE: usize = 200;

/// Merges by every open suggestion that allows it, in many short transactions; gives how many merges
/// there were, none while the setting is off. Done by the program itself, whoever turned it on, so
/// that undoing an import undoes what was merged because of it.
///
/// Safe to call again after any crash; what was merged stays.
///
/// # Errors
/// As the database says.
pub async fn merge_by_itself(platform: &Platform, org: OrgId) -> Result<usize, DbError> {
    let cx = platform.ctx(Scope::system(org));
    let mut tx = platform.db.read_for(cx.scope).await?;
    let is_on = settings::merge_by_itself(&mut tx, cx.scope).await?;
    tx.rollback().await?;
    if !is_on {
        return Ok(0);
    }
    let (mut merged, mut after) = (0, None);
    loop {
        let mut tx = platform.db.begin_for(cx.scope).await?;
        let done = suggestions::apply_open(&mut tx, &cx, after, AT_ONCE).await?;
        tx.commit().await?;
        merged += done.merged;
        after = done.next;
        if after.is_none() {
            return Ok(merged);
        }
    }
}
