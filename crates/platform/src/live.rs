//! Server-sent events: hints to open pages that something changed and is worth asking for again.
//!
//! A hint lives in this process only and may be lost; what is true stands in the database.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::future::BoxFuture;
use futures::{FutureExt as _, Stream, StreamExt as _};
use kernel::OrgId;
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::Access;
use crate::http::Cx;
use crate::{Platform, Problem};

/// Hints kept for a client that reads slowly; beyond, it is told to ask for everything again.
const BUFFER: usize = 256;
/// Open streams of this process.
const STREAMS_MAX: usize = 1_000;
/// Proxies close what is silent; a comment this often keeps a stream open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How often it is asked whether the caller of a silent stream is still known.
const ASK_AGAIN: Duration = Duration::from_secs(15);

/// What a hint is about; the name of the server-sent event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// An import moved on.
    Import,
    /// A job changed its state.
    Job,
    /// The customer engine has a new version.
    Insight,
}

impl Topic {
    /// The right without which nobody is told of it.
    const fn right(self) -> Option<&'static str> {
        match self {
            Self::Import => Some("commerce.import"),
            Self::Job => Some("platform.jobs"),
            Self::Insight => None,
        }
    }

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Job => "job",
            Self::Insight => "insight",
        }
    }
}

/// One hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// Whose pages it is for.
    pub org: OrgId,
    /// What it is about.
    pub topic: Topic,
    /// JSON.
    pub data: Arc<str>,
}

/// Carries hints from the work to the open pages of the same organisation; cheap to clone.
#[derive(Debug, Clone)]
pub struct LiveBus {
    hints: broadcast::Sender<Hint>,
    streams: Arc<Semaphore>,
    closed: CancellationToken,
}

impl Default for LiveBus {
    fn default() -> Self {
        Self {
            hints: broadcast::Sender::new(BUFFER),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            closed: CancellationToken::new(),
        }
    }
}

impl LiveBus {
    /// Tells the open pages of `org`. Nobody listening is fine.
    pub fn publish(&self, org: OrgId, topic: Topic, body: &impl Serialize) {
        if self.hints.receiver_count() == 0 {
            return;
        }
        match serde_json::to_string(body) {
            Ok(json) => drop(self.hints.send(Hint { org, topic, data: json.into() })),
            Err(error) => tracing::error!(%error, topic = topic.name(), "a hint is no JSON"),
        }
    }

    /// All hints of this process from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Hint> {
        self.hints.subscribe()
    }

    /// Ends all open streams, so that the server can stop.
    pub fn close(&self) {
        self.closed.cancel();
    }

    /// Hints for one caller, until they are not known any more. It is asked before each hint, so that none
    /// goes to a session that ended, and between hints now and then, so that its stream ends too.
    fn stream(
        &self,
        org: OrgId,
        standing: Standing,
        permit: OwnedSemaphorePermit,
    ) -> impl Stream<Item = Event> + use<> {
        let mut due = tokio::time::interval(ASK_AGAIN);
        due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (hints, closed) = (self.hints.subscribe(), self.closed.clone());
        // The permit lives as long as the stream.
        let state = (hints, closed, standing, due, permit);
        futures::stream::unfold(state, move |mut state| async move {
            loop {
                let (hints, closed, standing, due, _) = &mut state;
                let hint = tokio::select! {
                    () = closed.cancelled() => return None,
                    _ = due.tick() => None,
                    hint = hints.recv() => Some(hint),
                };
                let event = match hint {
                    None => {
                        standing.access().await?;
                        continue;
                    }
                    Some(Err(RecvError::Closed)) => return None,
                    Some(Err(RecvError::Lagged(_))) => Event::default().event("resync").data("{}"),
                    Some(Ok(hint)) if hint.org == org => {
                        if !may_hear(&standing.access().await?, hint.topic) {
                            continue;
                        }
                        Event::default().event(hint.topic.name()).data(&*hint.data)
                    }
                    Some(Ok(_)) => continue,
                };
                return Some((event, state));
            }
        })
    }
}

/// Tells, whenever it is asked, what the caller of a request may do now; nothing once their session or
/// token has ended. Whoever says who asks puts it into the request's extensions.
#[derive(Clone)]
pub struct Standing(Arc<dyn Fn() -> BoxFuture<'static, Option<Access>> + Send + Sync>);

impl Standing {
    /// As `ask` says.
    pub fn new<F>(ask: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Option<Access>> + Send + 'static,
    {
        Self(Arc::new(move || ask().boxed()))
    }

    async fn access(&self) -> Option<Access> {
        (self.0)().await
    }
}

impl std::fmt::Debug for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Standing(…)")
    }
}

/// Hints of imports and jobs tell names and counts of the organisation as a whole.
fn may_hear(access: &Access, topic: Topic) -> bool {
    topic.right().is_none_or(|right| access.permissions().allow(right) && access.reach().is_all())
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new().routes(routes!(events))
}

/// Server-sent events: `import`, `job` and `insight`, each a hint to ask again; `resync` when hints
/// were lost. Of imports and jobs only whoever has a right to them is told.
#[utoipa::path(get, path = "/events", tag = "platform",
    extensions(("x-right" = json!("signed_in"))),
    responses((status = 200, content_type = "text/event-stream", body = String), Problem))]
async fn events(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Extension(standing): Extension<Standing>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let permit = platform
        .live
        .streams
        .clone()
        .try_acquire_owned()
        .map_err(|_| Problem::unavailable("too many open pages"))?;
    let stream = platform.live.stream(cx.scope.org(), standing, permit).map(Ok);
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}
