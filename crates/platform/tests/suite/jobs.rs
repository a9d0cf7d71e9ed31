use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use kernel::{JobId, Limit, Timestamp};
use platform::jobs::{self, Handlers, JobOptions, JobRunner, JobState, JobView, RunnerOptions};
use platform::live::Topic;
use platform::{DbError, Job, JobError, JobHandler, JobOutcome, Platform, args};
use testkit::{TestDb, db_test, eventually};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::support::{MIGRATIONS, mark, marks};

const KIND: &str = "test.work";
const GRACE: Duration = Duration::from_secs(30);

fn options() -> RunnerOptions {
    RunnerOptions { poll: Duration::from_millis(5), ..RunnerOptions::default() }
}

fn runner(platform: &Platform, handler: Arc<dyn JobHandler>) -> JobRunner {
    JobRunner::start(platform, Handlers::from([(KIND, handler)]), options())
}

async fn enqueue(db: &TestDb, n: i64, options: JobOptions) -> JobId {
    let mut tx = db.db().begin().await.unwrap();
    let id = jobs::enqueue(&mut tx, &db.ctx(), KIND, &n, options).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn job(db: &TestDb, id: JobId) -> JobView {
    let mut tx = db.db().read().await.unwrap();
    jobs::get(&mut tx, db.ctx().scope, id).await.unwrap().unwrap()
}

async fn until_state(db: &TestDb, id: JobId, state: JobState, attempts: i64) -> JobView {
    eventually("a job's state", async || {
        let view = job(db, id).await;
        (view.state == state && view.attempts == attempts).then_some(view)
    })
    .await
}

type Ending = fn() -> Result<JobOutcome, JobError>;

/// Marks the payload, then ends as told; well when nothing was told.
#[derive(Default)]
struct Worker {
    endings: Mutex<VecDeque<Ending>>,
    order: Mutex<Vec<i64>>,
}

impl Worker {
    fn that(endings: &[Ending]) -> Arc<Self> {
        Arc::new(Self { endings: Mutex::new(endings.iter().copied().collect()), ..Self::default() })
    }
}

#[async_trait]
impl JobHandler for Worker {
    async fn run(
        &self,
        platform: &Platform,
        job: &Job,
        _: CancellationToken,
    ) -> Result<JobOutcome, JobError> {
        let n: i64 = job.payload()?;
        self.order.lock().unwrap().push(n);
        let ending = self.endings.lock().unwrap().pop_front();
        if let Some(ending) = ending {
            return ending();
        }
        let mut tx = platform.db.begin().await?;
        mark(&mut tx, "job", n).await?;
        tx.commit().await?;
        Ok(JobOutcome::Done)
    }
}

/// Says that it has begun, then waits to be stopped, and heeds it or not.
#[derive(Default)]
struct Patient {
    begun: Notify,
    stubborn: bool,
}

#[async_trait]
impl JobHandler for Patient {
    async fn run(
        &self,
        _: &Platform,
        _: &Job,
        cancel: CancellationToken,
    ) -> Result<JobOutcome, JobError> {
        self.begun.notify_one();
        if self.stubborn {
            std::future::pending::<()>().await;
        }
        cancel.cancelled().await;
        Err(JobError::Cancelled)
    }
}

db_test! { MIGRATIONS;
    async fn a_job_runs_if_and_only_if_its_work_commits(db) {
        let mut hints = db.platform().live.subscribe();
        let mut tx = db.db().begin().await.unwrap();
        jobs::enqueue(&mut tx, &db.ctx(), KIND, &1_i64, JobOptions::default()).await.unwrap();
        tx.rollback().await.unwrap();
        let runner = runner(db.platform(), Worker::that(&[]));
        let id = enqueue(&db, 2, JobOptions::default()).await;
        let done = until_state(&db, id, JobState::Done, 1).await;
        runner.stop(GRACE).await;
        assert_eq!(marks(db.db(), "job").await, [2]);
        assert_eq!((done.last_error, done.finished_at), (None, Some(db.ctx().now())));
        for state in ["running", "done"] {
            let hint = hints.recv().await.unwrap();
            assert_eq!(hint.topic, Topic::Job);
            let view: serde_json::Value = serde_json::from_str(&hint.data).unwrap();
            assert_eq!((view["id"].as_str(), view["state"].as_str()), (Some(id.to_string().as_str()), Some(state)));
        }
    }

    async fn two_runners_run_each_job_once(db) {
        let mut ids = Vec::new();
        for n in 0..40 {
            ids.push(enqueue(&db, n, JobOptions::default()).await);
        }
        let worker = Worker::that(&[]);
        let other = db.another_process().await;
        let runners = [runner(db.platform(), worker.clone()), runner(&other, worker.clone())];
        eventually("all jobs", async || (marks(db.db(), "job").await.len() == 40).then_some(())).await;
        for id in ids {
            until_state(&db, id, JobState::Done, 1).await;
        }
        for runner in runners {
            runner.stop(GRACE).await;
        }
        assert_eq!(worker.order.lock().unwrap().len(), 40, "none ran twice");
    }

    async fn the_urgent_go_first_and_the_future_waits(db) {
        let later = db.ctx().now().plus_millis(60_000);
        enqueue(&db, 1, JobOptions::default()).await;
        enqueue(&db, 2, JobOptions { priority: 5, ..JobOptions::default() }).await;
        let future = enqueue(&db, 3, JobOptions { run_at: Some(later), priority: 9, ..JobOptions::default() }).await;
        let worker = Worker::that(&[]);
        let one = RunnerOptions { concurrency: 1, ..options() };
        let runner = JobRunner::start(db.platform(), Handlers::from([(KIND, worker.clone() as Arc<dyn JobHandler>)]), one);
        eventually("two jobs", async || (marks(db.db(), "job").await.len() == 2).then_some(())).await;
        assert_eq!(*worker.order.lock().unwrap(), [2, 1]);
        assert_eq!(job(&db, future).await.state, JobState::Waiting);
        db.clock().advance_millis(60_000);
        until_state(&db, future, JobState::Done, 1).await;
        runner.stop(GRACE).await;
    }

    async fn failures_wait_longer_each_time_and_end_dead(db) {
        let fail: Ending = || Err(JobError::retry("no answer"));
        let panic: Ending = || panic!("as told");
        let runner = runner(db.platform(), Worker::that(&[fail, panic, fail]));
        let id = enqueue(&db, 1, JobOptions { max_attempts: 3, ..JobOptions::default() }).await;
        let mut wait = 2_000;
        for (attempt, error) in [(1, "no answer"), (2, "panicked: as told")] {
            let view = until_state(&db, id, JobState::Waiting, attempt).await;
            assert_eq!(view.last_error.as_deref(), Some(error));
            let waits = view.run_at.millis() - db.ctx().now().millis();
            assert!((wait * 8 / 10..=wait * 12 / 10).contains(&waits), "{waits} ms");
            db.clock().advance_millis(waits);
            wait *= 2;
        }
        let dead = until_state(&db, id, JobState::Dead, 3).await;
        assert_eq!(dead.finished_at, Some(db.ctx().now()));

        let mut tx = db.db().begin().await.unwrap();
        jobs::retry(&mut tx, &db.ctx(), id).await.unwrap();
        tx.commit().await.unwrap();
        until_state(&db, id, JobState::Done, 1).await;
        runner.stop(GRACE).await;
        let mut tx = db.db().begin().await.unwrap();
        let refused = jobs::retry(&mut tx, &db.ctx(), id).await.unwrap_err();
        assert!(matches!(refused, jobs::RetryError::NotDead(JobState::Done)), "{refused}");
    }

    async fn hopeless_jobs_are_dead_at_once_and_others_come_back_when_they_say(db) {
        let again: Ending = || Ok(JobOutcome::Again("2026-01-01T01:00:00Z".parse().unwrap()));
        let first = runner(db.platform(), Worker::that(&[|| Err(JobError::fatal("no such file"))]));
        let id = enqueue(&db, 1, JobOptions::default()).await;
        until_state(&db, id, JobState::Dead, 1).await;
        first.stop(GRACE).await;
        let second = runner(db.platform(), Worker::that(&[again]));
        let id = enqueue(&db, 2, JobOptions::default()).await;
        let view = until_state(&db, id, JobState::Waiting, 0).await;
        let due: Timestamp = "2026-01-01T01:00:00Z".parse().unwrap();
        assert_eq!(eventually("its time", async || {
            let view = job(&db, id).await;
            (view.run_at == due).then_some(view.run_at)
        }).await, due, "{view:?}");
        db.clock().advance_millis(3_600_000);
        until_state(&db, id, JobState::Done, 1).await;
        second.stop(GRACE).await;
    }

    async fn the_jobs_of_a_killed_process_run_again_when_their_lease_ends(db) {
        let patient = Arc::new(Patient::default());
        let killed = runner(&db.another_process().await, patient.clone());
        let id = enqueue(&db, 1, JobOptions { max_attempts: 2, ..JobOptions::default() }).await;
        patient.begun.notified().await;
        drop(killed);
        let again = Arc::new(Patient::default());
        let second = runner(&db.another_process().await, again.clone());
        db.clock().advance_millis(14_000);
        let other = enqueue(&db, 2, JobOptions { priority: -1, ..JobOptions::default() }).await;
        again.begun.notified().await;
        until_state(&db, other, JobState::Running, 1).await;
        assert_eq!(job(&db, id).await.attempts, 1, "its lease still holds");
        db.clock().advance_millis(1_000);
        until_state(&db, id, JobState::Running, 2).await;
        again.begun.notified().await;
        drop(second);
        db.clock().advance_millis(15_000);
        let third = runner(db.platform(), Worker::that(&[]));
        let dead = until_state(&db, id, JobState::Dead, 2).await;
        assert_eq!(dead.last_error.as_deref(), Some("the process that ran it ended, each time"));
        until_state(&db, other, JobState::Done, 2).await;
        third.stop(GRACE).await;
    }

    async fn a_stop_lets_jobs_end_and_cuts_off_those_that_do_not(db) {
        for stubborn in [false, true] {
            let patient = Arc::new(Patient { stubborn, ..Patient::default() });
            let runner = runner(db.platform(), patient.clone());
            let id = enqueue(&db, 1, JobOptions::default()).await;
            patient.begun.notified().await;
            runner.stop(if stubborn { Duration::ZERO } else { GRACE }).await;
            let view = job(&db, id).await;
            assert_eq!((view.state, view.attempts, view.last_error), (JobState::Waiting, 0, None));
            let mut tx = db.db().begin().await.unwrap();
            tx.execute("DELETE FROM platform_jobs", vec![]).await.unwrap();
            tx.commit().await.unwrap();
        }
    }

    async fn a_lost_lease_stops_the_job_and_its_end_does_not_count(db) {
        let patient = Arc::new(Patient::default());
        let quick = RunnerOptions { heartbeat: Duration::from_millis(5), ..options() };
        let handlers = Handlers::from([(KIND, patient.clone() as Arc<dyn JobHandler>)]);
        let runner = JobRunner::start(db.platform(), handlers, quick);
        let id = enqueue(&db, 1, JobOptions::default()).await;
        patient.begun.notified().await;
        let mut tx = db.db().begin().await.unwrap();
        tx.execute("UPDATE platform_jobs SET lease_token = $1, attempts = 7", args![uuid::Uuid::from_u128(1)])
            .await.unwrap();
        tx.commit().await.unwrap();
        // Had the handler not been stopped by the heartbeat, this would wait for ever.
        runner.stop(GRACE).await;
        let view = job(&db, id).await;
        assert_eq!((view.state, view.attempts), (JobState::Running, 7), "it belongs to another now");
    }

    async fn a_heartbeat_keeps_the_lease(db) {
        let patient = Arc::new(Patient::default());
        let quick = RunnerOptions { heartbeat: Duration::from_millis(5), ..options() };
        let handlers = Handlers::from([(KIND, patient.clone() as Arc<dyn JobHandler>)]);
        let runner = JobRunner::start(db.platform(), handlers, quick);
        enqueue(&db, 1, JobOptions::default()).await;
        patient.begun.notified().await;
        for _ in 0..3 {
            db.clock().advance_millis(10_000);
            let wanted = db.ctx().now().plus_millis(15_000).millis();
            eventually("a heartbeat", async || {
                let mut tx = db.db().read().await.unwrap();
                let (until,): (i64,) =
                    tx.fetch_one("SELECT lease_until FROM platform_jobs", vec![]).await.unwrap();
                (until == wanted).then_some(())
            }).await;
        }
        runner.stop(GRACE).await;
    }

    async fn one_job_of_a_key_waits(db) {
        let keyed = |n: i64| JobOptions {
            run_at: Some(Timestamp::from_millis(n)), unique_key: Some("k".into()), ..JobOptions::default()
        };
        let first = enqueue(&db, 1, keyed(9)).await;
        assert_eq!(enqueue(&db, 2, keyed(5)).await, first);
        assert_eq!(enqueue(&db, 3, keyed(7)).await, first);
        assert_eq!(job(&db, first).await.run_at, Timestamp::from_millis(5), "the earlier of the times");
        let patient = Arc::new(Patient::default());
        let runner = runner(db.platform(), patient.clone());
        patient.begun.notified().await;
        let later = db.ctx().now().plus_millis(60_000).millis();
        let second = enqueue(&db, 4, keyed(later)).await;
        assert_ne!(second, first, "the first may have begun too early to see the change");
        runner.stop(GRACE).await;
        let replaced = job(&db, first).await;
        assert_eq!(replaced.state, JobState::Done);
        assert!(replaced.last_error.unwrap().contains("newer job"));
        assert_eq!(job(&db, second).await.state, JobState::Waiting);
    }

    async fn jobs_are_listed_newest_first_in_pages(db) {
        let mut ids = Vec::new();
        for n in 0..5 {
            ids.insert(0, enqueue(&db, n, JobOptions::default()).await);
        }
        let mut tx = db.db().read().await.unwrap();
        let (scope, limit) = (db.ctx().scope, Limit::new(Some(2)).unwrap());
        let (mut after, mut seen) = (None, Vec::new());
        loop {
            let page = jobs::list(&mut tx, scope, Some(JobState::Waiting), after.as_deref(), limit).await.unwrap();
            seen.extend(page.items.into_iter().map(|item| item.id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, ids);
        let none = jobs::list(&mut tx, scope, Some(JobState::Dead), None, limit).await.unwrap();
        assert!(none.items.is_empty());
        let elsewhere = platform::Scope::system(kernel::OrgId::new(2));
        assert!(jobs::list(&mut tx, elsewhere, None, None, limit).await.unwrap().items.is_empty());
        assert!(jobs::list(&mut tx, scope, None, Some("nonsense"), limit).await.is_err());
    }

    async fn housekeeping_forgets_what_is_old(db) {
        let runner = runner(db.platform(), Worker::that(&[]));
        let id = enqueue(&db, 1, JobOptions::default()).await;
        until_state(&db, id, JobState::Done, 1).await;
        runner.stop(GRACE).await;
        let later = enqueue(&db, 2, JobOptions::default()).await;
        platform::housekeeping::keep(db.platform()).await.unwrap();
        job(&db, id).await;
        db.clock().advance_millis(15 * 24 * 3_600_000);
        platform::housekeeping::keep(db.platform()).await.unwrap();
        let mut tx = db.db().read().await.unwrap();
        let gone: Result<_, DbError> = jobs::get(&mut tx, db.ctx().scope, id).await;
        assert_eq!(gone.unwrap(), None);
        assert!(jobs::get(&mut tx, db.ctx().scope, later).await.unwrap().is_some(), "it waits");
    }
}
