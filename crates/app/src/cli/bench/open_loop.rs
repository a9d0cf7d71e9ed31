//! Requests at a fixed rate, whether or not the answers keep up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use axum::body::Bytes;
use serde_json::Value;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinError, JoinSet};

use super::client::Client;
use super::figures::percentile;

/// Connections used at once. A request that finds none waits, and its time runs on.
const CONNECTIONS: usize = 64;
/// Opened before times are taken.
const CONNECTIONS_READY: usize = 16;
/// A server that cannot keep up is given so many times the length of the run to answer the rest.
const PATIENCE: f64 = 2.0;

/// How fast and how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    pub(super) per_second: u32,
    pub(super) seconds: f64,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    /// What it is counted under.
    pub(super) kind: &'static str,
    pub(super) path: String,
    /// JSON that is posted; nothing is sent with a GET.
    pub(super) body: Option<Bytes>,
}

impl Ask {
    pub(super) fn get(kind: &'static str, path: String) -> Self {
        Self { kind, path, body: None }
    }

    pub(super) fn post(kind: &'static str, path: String, body: &Value) -> Self {
        Self { kind, path, body: Some(body.to_string().into()) }
    }
}

/// Times of all requests of a run in milliseconds.
#[derive(Debug)]
pub(super) struct Latencies {
    /// Sorted upwards.
    all: Vec<f64>,
    /// By kind, each sorted upwards.
    kinds: BTreeMap<&'static str, Vec<f64>>,
}

impl Latencies {
    fn new(times: Vec<(&'static str, f64)>) -> Self {
        let mut all = Vec::with_capacity(times.len());
        let mut kinds: BTreeMap<_, Vec<f64>> = BTreeMap::new();
        for (kind, time) in times {
            all.push(time);
            kinds.entry(kind).or_default().push(time);
        }
        for times in kinds.values_mut().chain([&mut all]) {
            times.sort_by(f64::total_cmp);
        }
        Self { all, kinds }
    }

    pub(super) fn at(&self, percent: usize) -> f64 {
        percentile(&self.all, percent).unwrap_or(f64::NAN)
    }

    /// A line for each kind.
    pub(super) fn by_kind(&self) -> impl Iterator<Item = String> {
        self.kinds.iter().map(|(kind, times)| {
            let at = |percent| percentile(times, percent).unwrap_or(f64::NAN);
            let (count, p50, p99) = (times.len(), at(50), at(99));
            format!("{kind:<10} {count:>6} times, p50 {p50:>7.2} p99 {p99:>7.2} ms")
        })
    }
}

/// Sends `asks` in turn, over and over, each as the next one of `people`. The time of a request runs from
/// the moment it was due, not from when it could be sent: a server that stalls for a second makes a
/// hundred requests slow, not one. What is still unsent long after the end is not sent any more, and
/// counts with the time it waited.
///
/// # Errors
/// When a request is not answered, or not with success.
pub(super) async fn run(people: &[Client], load: Load, asks: &[Ask]) -> Result<Latencies> {
    for person in people {
        person.connect(CONNECTIONS_READY.div_ceil(people.len())).await?;
    }
    let count = (f64::from(load.per_second) * load.seconds).ceil().max(1.0) as u32;
    let gap = Duration::from_secs(1) / load.per_second;
    let free = Arc::new(Semaphore::new(CONNECTIONS));
    let mut due = pace(count, gap)?;
    let mut running = JoinSet::new();
    let mut turns = people.iter().cycle().zip(asks.iter().cycle());
    let mut times = Vec::with_capacity(count as usize);
    while let Some(at) = due.recv().await {
        let (person, ask) = turns.next().context("nobody, or nothing to ask for")?;
        let (person, ask, free) = (person.clone(), ask.clone(), Arc::clone(&free));
        running.spawn(async move {
            if let Ok(_permit) = free.acquire().await {
                person.ask(&ask).await?;
            }
            Ok((ask.kind, at.elapsed()))
        });
        while let Some(done) = running.try_join_next() {
            times.push(millis(done)?);
        }
    }
    let end = Instant::now() + Duration::from_secs_f64(load.seconds * PATIENCE);
    while !running.is_empty() {
        match tokio::time::timeout_at(end.into(), running.join_next()).await {
            Ok(done) => times.extend(done.map(millis).transpose()?),
            Err(_) => {
                free.close();
                times.extend(running.join_next().await.map(millis).transpose()?);
            }
        }
    }
    Ok(Latencies::new(times))
}

type Answered = (&'static str, Duration);

fn millis(done: Result<Result<Answered>, JoinError>) -> Result<(&'static str, f64)> {
    let (kind, time) = done??;
    Ok((kind, time.as_secs_f64() * 1000.0))
}

/// Gives the moments at which requests are due, each when it comes. On a thread of its own: the
/// timers of the runtime are a millisecond coarse.
fn pace(count: u32, gap: Duration) -> Result<mpsc::UnboundedReceiver<Instant>> {
    let (tell, due) = mpsc::unbounded_channel();
    let pacer = std::thread::Builder::new().name("pace".into());
    pacer.spawn(move || {
        let begin = Instant::now();
        for n in 0..count {
            let at = begin + gap * n;
            loop {
                let left = at.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                std::thread::park_timeout(left);
            }
            if tell.send(at).is_err() {
                return;
            }
        }
    })?;
    Ok(due)
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::handler::Handler;
    use axum::routing::get;
    use tokio::net::TcpListener;
    use tokio::sync::Mutex;
    use tokio::task::JoinHandle;

    use super::*;

    async fn serve<H, T>(answer: H) -> (Client, JoinHandle<()>)
    where
        H: Handler<T, ()>,
        T: 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/", get(answer));
        let serving = tokio::spawn(async { drop(axum::serve(listener, router).await) });
        (Client::new(&url).unwrap(), serving)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_stall_makes_every_request_slow_that_was_due_in_it() {
        // One answer at a time; the first takes 300 ms.
        let turn = Arc::new(Mutex::new(true));
        let answer = move || {
            let turn = Arc::clone(&turn);
            async move {
                let mut is_first = turn.lock().await;
                if std::mem::take(&mut *is_first) {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                }
                "ok"
            }
        };
        let (client, serving) = serve(answer).await;
        let load = Load { per_second: 100, seconds: 0.6 };
        let times = run(&[client], load, &[Ask::get("all", "/".to_owned())]).await.unwrap();
        serving.abort();
        assert_eq!(times.all.len(), 60);
        assert!(times.at(100) >= 299.0, "{times:?}");
        let waited = times.all.iter().filter(|time| **time > 100.0).count();
        assert!(waited >= 19, "{waited} requests were due in the first 200 ms of the stall");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_server_that_cannot_keep_up_does_not_hold_the_measurement_up() {
        let turn = Arc::new(Mutex::new(0));
        let served = Arc::clone(&turn);
        let answer = move || {
            let turn = Arc::clone(&turn);
            async move {
                *turn.lock().await += 1;
                let _one_at_a_time = turn.lock().await;
                tokio::time::sleep(Duration::from_millis(20)).await;
                "ok"
            }
        };
        let (client, serving) = serve(answer).await;
        let load = Load { per_second: 400, seconds: 0.3 };
        let times = run(&[client], load, &[Ask::get("all", "/".to_owned())]).await.unwrap();
        serving.abort();
        assert_eq!(times.all.len(), 120, "all of them count");
        assert!(*served.lock().await < 120, "not all of them are sent");
        assert!(times.at(95) >= 500.0, "{times:?}");
    }
}
