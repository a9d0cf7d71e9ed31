//! `guanxi import` and `guanxi import undo`, killed with SIGKILL at seeded moments and started again.
//!
//! A moment is an amount of processor time that the program has used: seeded, and the same part of
//! the work on a fast machine and on a slow one. The next moment is drawn from what is left to do, so
//! that every kill lands before the end.

use std::path::Path;
use std::time::Duration;

use kernel::Ids as _;
use serde_json::Value;
use testkit::SeededIds;

use super::orders::{Stored, counters, generate, in_file, stored};
use super::place::{Kind, Place};

/// Seed of files and moments.
const SEED: &str = "CRASH_SEED";
/// Kills on each database; imports that are over before begin anew in another place.
const KILLS: &str = "GUANXI_CRASH_KILLS";
/// Kills of one import.
const KILLS_OF_ONE: u32 = 6;
/// Several transactions of an import, as a debug build is slow.
const ORDERS: u32 = 40_000;

pub fn seed() -> u64 {
    std::env::var(SEED).map_or(1, |text| text.parse().unwrap())
}

/// How many kills there shall be on each database: `usual`, ten times as many in `make soak`.
pub fn kills(usual: u32) -> u32 {
    let asked = std::env::var(KILLS).ok().map(|text| text.parse::<u32>().unwrap());
    let factor = if std::env::var_os("GUANXI_SOAK").is_some() { 10 } else { 1 };
    asked.unwrap_or(usual * factor).max(1)
}

/// Randomness that repeats.
pub struct Dice(SeededIds);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(SeededIds::new(seed))
    }

    /// A number below `limit`.
    pub fn below(&self, limit: u64) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes) % limit.max(1)
    }

    /// A part of `whole`.
    pub fn part_of(&self, whole: Duration) -> Duration {
        Duration::from_micros(self.below(whole.as_micros() as u64))
    }
}

/// What an import without kills gives.
pub struct Clean {
    pub counters: std::collections::BTreeMap<&'static str, i64>,
    pub stored: Stored,
    /// Processor time it took.
    pub worked: Duration,
}

fn import_args(file: &Path) -> Vec<&str> {
    vec!["import", "--shop", "茶叶店", file.to_str().unwrap(), "--json"]
}

/// Imports `file` in one go.
pub async fn clean(kind: Kind, file: &Path) -> Clean {
    let place = Place::new(kind).await;
    let (done, worked) = place.start(&import_args(file)).finish_timed();
    assert_eq!(done.code, Some(0), "{}", done.err);
    let answer: Value = serde_json::from_str(&done.out).unwrap();
    Clean { counters: counters(&answer), stored: stored(&place).await, worked }
}

/// The row behind which a started import says that it goes on.
fn goes_on_behind(said: &[String]) -> Option<u64> {
    let line = said.iter().find(|line| line.starts_with("going on with import"))?;
    line.rsplit(' ').next()?.parse().ok()
}

/// Rows that are committed of the newest import of the place.
pub fn rows_committed(place: &Place) -> u64 {
    newest_import(place).1
}

/// The number of the newest import of the place, 0 without one, and how many of its rows are committed. The
/// database is closed again at once, so that there is something to recover when the program is killed.
pub fn newest_import(place: &Place) -> (i64, u64) {
    let read = async {
        if !place.has_database() {
            return (0, 0);
        }
        let db = place.open().await;
        let mut tx = db.read().await.unwrap();
        let sql = "SELECT number, progress FROM commerce_imports ORDER BY number DESC LIMIT 1";
        // The tables may not be there yet.
        let newest: Option<(i64, String)> = tx.fetch_optional(sql, vec![]).await.unwrap_or(None);
        tx.rollback().await.unwrap();
        db.close().await;
        let Some((number, progress)) = newest else { return (0, 0) };
        let progress: Value = serde_json::from_str(&progress).unwrap();
        (number, progress["rows_read"].as_u64().unwrap_or(0))
    };
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(read))
}

/// Imports `file` with up to `kills` kills; gives the answer of the last start and how many landed.
fn import_with_kills(
    place: &Place,
    file: &Path,
    dice: &Dice,
    clean: &Clean,
    kills: u32,
) -> (Value, u32) {
    let rows = clean.counters["rows_read"] as u64;
    let mut landed = 0;
    let mut behind = 0;
    loop {
        let mut running = place.start(&import_args(file));
        let known = behind;
        let assert_kept = |said: Option<u64>| {
            let is_kept = said.is_none_or(|row| row >= known);
            assert!(is_kept, "what was committed stays: {said:?} after {known}");
        };
        if landed < kills {
            let left = clean.worked * (rows - behind) as u32 / rows as u32;
            let mut from = Duration::ZERO;
            if landed % 2 == 1 {
                // These come after something of this start is committed, and must find it again.
                let met = running.wait_until("a commit", |_| rows_committed(place) > behind);
                behind = rows_committed(place);
                from = if met { running.worked() } else { from };
            }
            let moment = from + dice.part_of(left * 2 / (kills - landed + 1));
            // After the last commit there is nothing left to go on with.
            if running.wait_until("a moment to kill it", |running| running.worked() >= moment)
                && rows_committed(place) < rows
            {
                let said = goes_on_behind(running.said());
                assert_kept(said);
                behind = behind.max(said.unwrap_or(0));
                running.kill();
                landed += 1;
                if dice.below(3) == 0 {
                    place.verify();
                }
                continue;
            }
        }
        let done = running.finish();
        assert_eq!(done.code, Some(0), "{}", done.err);
        let said: Vec<String> = done.err.lines().map(str::to_owned).collect();
        let said = goes_on_behind(&said);
        assert_kept(said);
        assert!(known == 0 || said.is_some(), "it goes on and does not begin anew: {}", done.err);
        return (serde_json::from_str(&done.out).unwrap(), landed);
    }
}

/// Imports begun for kills that do not land.
const ROUNDS_MAX: u64 = 10;

async fn imports_survive(kind: Kind) {
    let mut left = kills(KILLS_OF_ONE);
    let mut round = 0;
    while left > 0 {
        let dice = Dice::new(seed() + round);
        let source = Place::new(Kind::Sqlite).await;
        let file = generate(&source, "orders.csv", ORDERS, seed() + round);
        let wanted = in_file(&file);
        let clean = clean(kind, &file).await;
        assert_eq!(clean.stored.totals(), wanted);

        let place = Place::new(kind).await;
        let (answer, landed) =
            import_with_kills(&place, &file, &dice, &clean, left.min(KILLS_OF_ONE));
        // On a busy machine an import may be over before its moment comes: then the next one is killed.
        assert!(landed > 0 || round < ROUNDS_MAX, "no kill lands before the end");
        assert_eq!(answer["state"], "finished");
        assert_eq!(counters(&answer), clean.counters);
        let after = stored(&place).await;
        assert_eq!(after.totals(), wanted, "every order once, with its amount");
        assert_eq!(after.orders.len(), wanted.len());
        after.assert_same(&clean.stored);
        place.verify();

        let again = place.answer(&import_args(&file)[..4]);
        assert_ne!(again["import_id"], answer["import_id"]);
        assert_eq!(again["orders_unchanged"], wanted.len());
        assert_eq!(
            (&again["orders_created"], &again["orders_updated"], &again["customers_created"]),
            (&0.into(), &0.into(), &0.into())
        );
        stored(&place).await.assert_same(&after);
        left -= landed.min(left);
        round += 1;
    }
}

async fn undos_survive(kind: Kind) {
    let dice = Dice::new(seed());
    let place = Place::new(kind).await;
    let first = generate(&place, "first.csv", 2_000, seed() + 1_000);
    place.answer(&import_args(&first)[..4]);
    let before = stored(&place).await;
    let file = generate(&place, "orders.csv", ORDERS / 5, seed());
    let undo = |place: &Place, id: &str| place.start(&["import", "undo", id, "--json"]);

    let import = place.answer(&import_args(&file)[..4]);
    let (done, worked) = undo(&place, import["import_id"].as_str().unwrap()).finish_timed();
    assert_eq!(done.code, Some(0), "{}", done.err);
    stored(&place).await.assert_same(&before);

    let import = place.answer(&import_args(&file)[..4]);
    let id = import["import_id"].as_str().unwrap();
    let whole = stored(&place).await;
    for _ in 0..kills(3) {
        let mut running = undo(&place, id);
        let moment = dice.part_of(worked);
        if !running.wait_until("a moment to kill it", |running| running.worked() >= moment) {
            break;
        }
        running.kill();
        let now = stored(&place).await;
        if now.orders.len() == before.orders.len() {
            // The kill came after the commit.
            break;
        }
        now.assert_same(&whole);
    }
    place.verify();
    let done = undo(&place, id).finish();
    if done.code != Some(0) {
        assert!(done.err.contains("there is nothing to take back"), "{}", done.err);
    }
    stored(&place).await.assert_same(&before);
    place.verify();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_imports_end_as_if_nothing_had_been_on_sqlite() {
    imports_survive(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_imports_end_as_if_nothing_had_been_on_postgres() {
    imports_survive(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_undo_has_done_all_or_nothing_on_sqlite() {
    undos_survive(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_undo_has_done_all_or_nothing_on_postgres() {
    undos_survive(Kind::Postgres).await;
}
