//! `Idempotency-Key`: the first answer is stored in the same transaction as the work, and given
//! again.
//!
//! ```ignore
//! let mut tx = platform.db.begin_for(cx.scope).await?;
//! let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
//!     Begun::Replay(answer) => return Ok(answer),
//!     Begun::Fresh(ticket) => ticket,
//! };
//! let note = add_note(&mut tx, &cx, body).await?;
//! let answer = ticket.finish(&mut tx, &cx, StatusCode::CREATED, &note).await?;
//! tx.commit().await?;
//! Ok(answer)
//! ```
//! A refusal rolls back, so it is not stored: the same key may be tried again.

use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use kernel::TypedId;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::crypto::OrgKeys;
use crate::{Ctx, DbError, Problem, Tx, args};

/// How long a first answer is kept.
pub const KEPT_MILLIS: i64 = 24 * 3600 * 1000;
/// Longest key, in bytes.
pub const KEY_MAX: usize = 100;
/// What an answer is sealed as: it may hold a secret that is shown once.
pub(crate) const SEALED_AS: &str = "idempotent_answer";

/// A key that the caller sent, with the hash of what it came with.
#[derive(Debug, Clone)]
pub struct RequestKey {
    key: String,
    hash: [u8; 32],
    keys: OrgKeys,
}

impl RequestKey {
    /// Binds `key` to a method and URI. Answers are sealed with `keys`.
    ///
    /// # Errors
    /// 422 when the key is not 1 to 100 visible ASCII characters.
    pub fn new(key: &str, method: &Method, uri: &Uri, keys: OrgKeys) -> Result<Self, Problem> {
        let visible = key.bytes().all(|b| b.is_ascii_graphic());
        if !visible || !(1..=KEY_MAX).contains(&key.len()) {
            let message = format!("must be 1 to {KEY_MAX} visible ASCII characters");
            return Err(Problem::field("Idempotency-Key", message));
        }
        let mut hash = Sha256::new();
        for part in [method.as_str(), uri.path(), uri.query().unwrap_or_default()] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        Ok(Self { key: key.to_owned(), hash: hash.finalize().into(), keys })
    }

    /// Binds the key to a body, too. For an upload, `body` may be a digest of it.
    #[must_use]
    pub fn with_body(mut self, body: &[u8]) -> Self {
        self.hash = Sha256::new().chain_update(self.hash).chain_update(body).finalize().into();
        self
    }
}

/// The answer to a POST: a status and JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// JSON, or nothing for 202 and 204 without a body.
    pub json: Vec<u8>,
    /// Whether it is the first answer given again.
    pub replayed: bool,
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = if self.json.is_empty() {
            self.status.into_response()
        } else {
            let json = HeaderValue::from_static("application/json");
            (self.status, [(header::CONTENT_TYPE, json)], self.json).into_response()
        };
        if self.replayed {
            let yes = HeaderValue::from_static("true");
            response.headers_mut().insert("idempotency-replayed", yes);
        }
        response
    }
}

/// What [`begin`] found.
#[derive(Debug)]
pub enum Begun {
    /// The work was done before; give this answer and do nothing.
    Replay(Answer),
    /// Do the work, then [`Ticket::finish`].
    Fresh(Ticket),
}

/// The right to do the work of one key, until the transaction ends.
#[derive(Debug)]
#[must_use = "finish it with the answer, or the same key cannot be used again"]
pub struct Ticket(Option<Box<RequestKey>>);

fn actor(cx: &Ctx) -> Uuid {
    cx.scope.user_id().map_or(Uuid::nil(), TypedId::uuid)
}

/// Begins the work of `key` in `tx`. Without a key it is always fresh.
///
/// Of two concurrent requests with one key, the second waits here for the first to commit.
///
/// # Errors
/// 422 `idempotency_key_reused` if the key came with another request; otherwise as the database says.
pub async fn begin(tx: &mut Tx, cx: &Ctx, key: Option<RequestKey>) -> Result<Begun, Problem> {
    let Some(request) = key else { return Ok(Begun::Fresh(Ticket(None))) };
    let now = cx.now();
    let taken = tx
        .execute(
            "INSERT INTO platform_idempotency (org_id, actor, key, request_hash, created_at)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (org_id, actor, key) DO UPDATE SET request_hash = excluded.request_hash,
                 status = NULL, answer = NULL, created_at = excluded.created_at
             WHERE platform_idempotency.created_at <= $6",
            args![
                cx.scope.org_arg(),
                actor(cx),
                request.key.as_str(),
                request.hash,
                now,
                now.plus_millis(-KEPT_MILLIS)
            ],
        )
        .await?;
    if taken == 1 {
        return Ok(Begun::Fresh(Ticket(Some(Box::new(request)))));
    }
    let (hash, status, answer): (Vec<u8>, Option<i64>, Option<Vec<u8>>) = tx
        .fetch_one(
            "SELECT request_hash, status, answer FROM platform_idempotency
             WHERE org_id = $1 AND actor = $2 AND key = $3",
            args![cx.scope.org_arg(), actor(cx), request.key.as_str()],
        )
        .await?;
    if hash != request.hash {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_key_reused",
            "This Idempotency-Key came with another request",
        )
        .detail("use a new key for a new request"));
    }
    let (Some(status), Some(answer)) = (status, answer) else {
        return Err(Problem::internal(&"an idempotent request was committed without its answer"));
    };
    let status = u16::try_from(status).ok().and_then(|code| StatusCode::from_u16(code).ok());
    let json = request.keys.open(SEALED_AS, &answer).map_err(|error| Problem::internal(&error))?;
    Ok(Begun::Replay(Answer { status: status.unwrap_or(StatusCode::OK), json, replayed: true }))
}

impl Ticket {
    /// Stores the answer in the transaction of the work. Commit before giving it to the caller.
    ///
    /// # Errors
    /// As the database says.
    pub async fn finish(
        self,
        tx: &mut Tx,
        cx: &Ctx,
        status: StatusCode,
        body: &impl Serialize,
    ) -> Result<Answer, Problem> {
        let json = serde_json::to_vec(body).map_err(|error| Problem::internal(&error))?;
        self.store(tx, cx, Answer { status, json, replayed: false }).await
    }

    /// As [`Ticket::finish`], for an answer without a body.
    ///
    /// # Errors
    /// As the database says.
    pub async fn finish_empty(
        self,
        tx: &mut Tx,
        cx: &Ctx,
        status: StatusCode,
    ) -> Result<Answer, Problem> {
        self.store(tx, cx, Answer { status, json: Vec::new(), replayed: false }).await
    }

    async fn store(self, tx: &mut Tx, cx: &Ctx, answer: Answer) -> Result<Answer, Problem> {
        if let Some(request) = self.0 {
            let sealed = request.keys.seal(&*cx.ids, SEALED_AS, &answer.json);
            tx.execute(
                "UPDATE platform_idempotency SET status = $4, answer = $5
                 WHERE org_id = $1 AND actor = $2 AND key = $3",
                args![cx.scope.org_arg(), actor(cx), request.key, answer.status.as_u16(), sealed],
            )
            .await?;
        }
        Ok(answer)
    }
}

/// Forgets answers older than a day; gives how many. At most 1,000 at once.
///
/// # Errors
/// As the database says.
pub async fn prune(tx: &mut Tx, now: kernel::Timestamp) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM platform_idempotency WHERE (org_id, actor, key) IN (
             SELECT org_id, actor, key FROM platform_idempotency WHERE created_at <= $1 LIMIT 1000)",
        args![now.plus_millis(-KEPT_MILLIS)],
    )
    .await
}
