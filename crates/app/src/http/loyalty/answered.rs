//! What changes of loyalty share: a repeated request is answered as the first one was.

use axum::http::StatusCode;
use platform::idempotency::{self, Answer, Begun, RequestKey};
use platform::{Ctx, Platform, Problem, Tx};
use serde::Serialize;

/// Does `work` in one transaction and answers `status` with what it gives (nothing under 204); a request with the same `key` and the same
/// body has been done already and gets the same answer.
///
/// # Errors
/// As `work`; nothing was written then.
pub(super) async fn answered<T, E, F>(
    platform: &Platform,
    cx: &Ctx,
    key: Option<RequestKey>,
    status: StatusCode,
    work: F,
) -> Result<Answer, Problem>
where
    T: Serialize,
    Problem: From<E>,
    F: AsyncFnOnce(&mut Tx) -> Result<T, E>,
{
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let done = work(&mut tx).await?;
    let answer = if status == StatusCode::NO_CONTENT {
        ticket.finish_empty(&mut tx, cx, status).await?
    } else {
        ticket.finish(&mut tx, cx, status, &done).await?
    };
    tx.commit().await?;
    Ok(answer)
}
