//! Events that a subscriber could not handle.

use kernel::{Cursor, Limit, OrgId, Page, Timestamp};
use serde::Serialize;

use super::{Position, StoredEvent};
use crate::audit::{self, Entry};
use crate::{Ctx, DbError, ListError, Tx, args};

/// An event that a subscriber could not handle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct DeadLetter {
    /// Who could not handle it.
    pub subscriber: String,
    /// Its place in the order.
    #[schema(value_type = i64)]
    pub position: Position,
    /// What kind of event it is.
    pub topic: String,
    /// What it is about.
    pub key: String,
    /// How often it was tried.
    pub attempts: i64,
    /// What went wrong the last time.
    pub last_error: String,
    /// When it was given up.
    pub died_at: Timestamp,
    /// Whether it will be delivered again.
    pub redeliver: bool,
}

type LetterRow = (String, i64, String, String, i64, String, i64, bool);

/// Dead letters of the organisation, by subscriber and position.
///
/// # Errors
/// `Cursor` if `after` is of another list; otherwise as the database says.
pub async fn dead_letters(
    tx: &mut Tx,
    cx: &Ctx,
    after: Option<&str>,
    limit: Limit,
) -> Result<Page<DeadLetter>, ListError> {
    let (subscriber, position) = match after {
        Some(cursor) => Cursor::decode::<(String, i64)>(cursor)?,
        None => (String::new(), 0),
    };
    let rows: Vec<LetterRow> = tx
        .fetch_all(
            "SELECT subscriber, position, topic, key, attempts, last_error, died_at, redeliver
             FROM platform_dead_letters
             WHERE org_id = $1 AND (subscriber, position) > ($2, $3)
             ORDER BY subscriber, position LIMIT $4",
            args![cx.scope.org_arg(), subscriber, position, limit.get() as i64 + 1],
        )
        .await?;
    let mut items: Vec<DeadLetter> = rows
        .into_iter()
        .map(|(subscriber, position, topic, key, attempts, last_error, died_at, redeliver)| {
            DeadLetter {
                subscriber,
                position: Position(position),
                topic,
                key,
                attempts,
                last_error,
                died_at: Timestamp::from_millis(died_at),
                redeliver,
            }
        })
        .collect();
    let more = items.len() > limit.get();
    items.truncate(limit.get());
    let next = items
        .last()
        .filter(|_| more)
        .map(|last| Cursor::encode(&(last.subscriber.as_str(), last.position)));
    Ok(Page { items, next })
}

/// Has a dead letter delivered again, out of order, by whoever delivers to its subscriber. Gives
/// whether there is such a letter.
///
/// # Errors
/// As the database says.
pub async fn redeliver(
    tx: &mut Tx,
    cx: &Ctx,
    subscriber: &str,
    position: Position,
) -> Result<bool, DbError> {
    let marked = tx
        .execute(
            "UPDATE platform_dead_letters SET redeliver = TRUE
             WHERE org_id = $1 AND subscriber = $2 AND position = $3",
            args![cx.scope.org_arg(), subscriber, position.get()],
        )
        .await?;
    if marked == 1 {
        let entry = Entry::new("platform.letter.redeliver")
            .with("subscriber", subscriber)
            .with("position", position);
        audit::record(tx, cx, entry).await?;
    }
    Ok(marked == 1)
}

/// The first letter of `subscriber` that someone wants delivered again.
pub(super) async fn next_to_redeliver(
    tx: &mut Tx,
    subscriber: &str,
) -> Result<Option<StoredEvent>, DbError> {
    let row = tx
        .fetch_optional(
            "SELECT position, org_id, topic, key, payload, created_at FROM platform_dead_letters
             WHERE subscriber = $1 AND redeliver ORDER BY position LIMIT 1",
            args![subscriber],
        )
        .await?;
    Ok(row.map(super::store::stored_event))
}

pub(super) async fn bury(
    tx: &mut Tx,
    subscriber: &str,
    event: &StoredEvent,
    attempts: i64,
    error: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO platform_dead_letters (org_id, subscriber, position, topic, key, payload,
             created_at, attempts, last_error, died_at, redeliver)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, FALSE)
         ON CONFLICT (org_id, subscriber, position) DO UPDATE SET redeliver = FALSE,
             attempts = platform_dead_letters.attempts + 1, last_error = excluded.last_error,
             died_at = excluded.died_at",
        args![
            org_arg(event.org),
            subscriber,
            event.position.get(),
            event.topic.as_str(),
            event.key.as_str(),
            event.payload.as_str(),
            event.created_at,
            attempts,
            error,
            now
        ],
    )
    .await
    .map(drop)
}

/// Takes the letter away as part of its delivery; `false` if someone else did.
pub(super) async fn take(
    tx: &mut Tx,
    subscriber: &str,
    event: &StoredEvent,
) -> Result<bool, DbError> {
    let taken = tx
        .execute(
            "DELETE FROM platform_dead_letters
             WHERE org_id = $1 AND subscriber = $2 AND position = $3 AND redeliver",
            args![org_arg(event.org), subscriber, event.position.get()],
        )
        .await?;
    Ok(taken == 1)
}

fn org_arg(org: OrgId) -> i64 {
    i64::from(org.get())
}
