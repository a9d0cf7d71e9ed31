//! Hot rows: many requests, one sync to disk.
//!
//! 1,000 requests for one coupon are 1,000 transactions that wait for one row, each for a sync to disk of those
//! before it. Here they wait in a queue of their organisation instead. Whoever finds nobody at its head takes up to
//! [`BATCH_MAX`] requests, does each behind a savepoint of one transaction, commits once and answers all. What one
//! of them fails at is rolled back to its savepoint and touches no other. The queue is only about speed: several
//! processes have a queue each, and what must hold is held by the conditional statements.

use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use kernel::OrgId;
use platform::{Db, DbError, Scope, Tx};
use tokio::sync::oneshot;

/// Requests of one transaction. PostgreSQL keeps so many subtransactions where everybody finds them cheaply.
pub const BATCH_MAX: usize = 64;
/// Requests that wait; more are told to come back.
pub const WAITING_MAX: usize = 10_000;

/// The queues of a process, one an organisation; cheap to clone.
#[derive(Clone, Default)]
pub struct Desk(Arc<Mutex<HashMap<OrgId, Queue>>>);

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Desk(…)")
    }
}

/// There as long as somebody is at its head.
type Queue = VecDeque<Box<dyn Waiting>>;

/// What became of the transaction.
enum Fate {
    Kept,
    Lost(Lost),
}

/// Why nothing was kept; each request is told.
#[derive(Clone)]
enum Lost {
    DiskFull,
    Other(String),
}

impl Lost {
    fn of(error: &DbError) -> Self {
        match error {
            DbError::DiskFull => Self::DiskFull,
            error => Self::Other(format!("nothing was kept, try again: {error}")),
        }
    }

    fn error(&self) -> DbError {
        match self {
            Self::DiskFull => DbError::DiskFull,
            Self::Other(why) => DbError::Unavailable(why.clone()),
        }
    }
}

trait Waiting: Send {
    /// Does the work; gives whether it shall be kept.
    fn work<'a>(&'a mut self, tx: &'a mut Tx) -> BoxFuture<'a, bool>;
    /// Tells whoever waits. They may be gone.
    fn answer(self: Box<Self>, fate: &Fate);
}

struct Request<W, T, E> {
    work: Option<W>,
    result: Option<Result<T, E>>,
    to: oneshot::Sender<Result<T, E>>,
}

impl<W, T, E> Waiting for Request<W, T, E>
where
    W: for<'a> FnOnce(&'a mut Tx) -> BoxFuture<'a, Result<T, E>> + Send,
    T: Send,
    E: From<DbError> + Send,
{
    fn work<'a>(&'a mut self, tx: &'a mut Tx) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            let Some(work) = self.work.take() else { return false };
            let result = work(tx).await;
            let is_good = result.is_ok();
            self.result = Some(result);
            is_good
        })
    }

    fn answer(self: Box<Self>, fate: &Fate) {
        let lost = |lost: &Lost| Err(E::from(lost.error()));
        let result = match (self.result, fate) {
            // A refusal stays one, whatever became of the others.
            (Some(Err(error)), _) => Err(error),
            (Some(Ok(value)), Fate::Kept) => Ok(value),
            (_, Fate::Lost(why)) => lost(why),
            (None, Fate::Kept) => lost(&Lost::Other("it was not done".to_owned())),
        };
        drop(self.to.send(result));
    }
}

impl Desk {
    /// Does `work` in a transaction of the organisation of `scope` together with others, and answers when it is
    /// durable. It must not commit or roll back, and what it fails at is taken back. It is done to its end even if
    /// the caller goes away.
    ///
    /// # Errors
    /// What `work` says; as the database says if the transaction is lost: then nothing was kept.
    pub async fn run<T, E>(
        &self,
        db: &Db,
        scope: Scope,
        work: impl for<'a> FnOnce(&'a mut Tx) -> BoxFuture<'a, Result<T, E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let (to, answer) = oneshot::channel();
        let request = Box::new(Request { work: Some(work), result: None, to });
        let is_first = match self.join(scope.org(), request) {
            Ok(is_first) => is_first,
            Err(error) => return Err(error.into()),
        };
        if is_first {
            // A task of its own: it serves others, whatever becomes of this caller.
            tokio::spawn(lead(self.clone(), db.clone(), scope));
        }
        let gone =
            || DbError::Unavailable("nothing was kept, try again: the work broke".to_owned());
        answer.await.unwrap_or_else(|_| Err(gone().into()))
    }

    /// Puts a request at the end; gives whether nobody is at the head.
    fn join(&self, org: OrgId, request: Box<dyn Waiting>) -> Result<bool, DbError> {
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = queues.get_mut(&org) {
            if queue.len() >= WAITING_MAX {
                return Err(DbError::Unavailable(format!(
                    "{WAITING_MAX} requests wait already; try again"
                )));
            }
            queue.push_back(request);
            return Ok(false);
        }
        queues.insert(org, VecDeque::from([request]));
        Ok(true)
    }

    /// The next requests; with none left the queue is gone.
    fn next(&self, org: OrgId) -> Vec<Box<dyn Waiting>> {
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(queue) = queues.get_mut(&org) else { return Vec::new() };
        let count = queue.len().min(BATCH_MAX);
        let batch: Vec<_> = queue.drain(..count).collect();
        if batch.is_empty() {
            queues.remove(&org);
        }
        batch
    }
}

/// Serves the queue until it is empty.
async fn lead(desk: Desk, db: Db, scope: Scope) {
    loop {
        let mut batch = desk.next(scope.org());
        if batch.is_empty() {
            return;
        }
        // A panic in somebody's work loses the transaction, and not the queue.
        let served = AssertUnwindSafe(serve(&db, scope, &mut batch)).catch_unwind().await;
        let fate = match served {
            Ok(Ok(())) => Fate::Kept,
            Ok(Err(error)) => {
                tracing::warn!(%error, requests = batch.len(), "a batch of requests was lost");
                Fate::Lost(Lost::of(&error))
            }
            Err(_) => Fate::Lost(Lost::Other("nothing was kept: one of the requests broke".into())),
        };
        for request in batch {
            request.answer(&fate);
        }
    }
}

async fn serve(db: &Db, scope: Scope, batch: &mut [Box<dyn Waiting>]) -> Result<(), DbError> {
    let mut tx = db.begin_for(scope).await?;
    tx.savepoint().await?;
    for request in batch {
        if request.work(&mut tx).await {
            tx.renew_savepoint().await?;
        } else {
            tx.rollback_to_savepoint().await?;
        }
    }
    tx.commit().await
}
