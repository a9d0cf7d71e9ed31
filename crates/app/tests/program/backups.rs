//! `guanxi backup`: while an import runs, killed with SIGKILL at seeded moments, and its exit codes.
//! For what a moment is, see `kills`.

use std::path::Path;
use std::time::Duration;

use app::{Boot, DataOptions, modules};
use customers::erase::ErasureReason;
use flows::{erase_again, erase_customer};
use kernel::{CustomerId, TypedId as _};
use platform::backup;
use serde_json::Value;

use super::kills::{Dice, kills, rows_committed, seed};
use super::orders::{generate, in_file, stored};
use super::place::{Done, KEY, Kind, Place};

const ORDERS: u32 = 6_000;
/// Several transactions of an import, as a debug build is slow.
const MANY_ORDERS: u32 = 30_000;

fn other(kind: Kind) -> Kind {
    match kind {
        Kind::Sqlite => Kind::Postgres,
        Kind::Postgres => Kind::Sqlite,
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn import(place: &Place, file: &Path) -> Value {
    place.answer(&["import", "--shop", "茶叶店", text(file)])
}

fn create(place: &Place, folder: &Path) -> Value {
    place.answer(&["backup", "create", "--out", text(folder)])
}

fn verify(place: &Place, folder: &Path) -> Value {
    let answer = place.answer(&["backup", "verify", text(folder)]);
    assert_eq!(answer["ok"], true, "{answer}");
    answer
}

fn restore(place: &Place, folder: &Path) -> Done {
    place.run(&["backup", "restore", "--from", text(folder), "--json"])
}

async fn a_backup_is_a_whole_house(kind: Kind) {
    let place = Place::new(kind).await;
    let file = generate(&place, "orders.csv", ORDERS, seed());
    import(&place, &file);
    let folder = place.path("backups");
    let created = create(&place, &folder);
    let verified = verify(&place, &folder);
    assert_eq!(verified["backups"][0]["backup"], created["backup"]);
    assert_eq!(create(&place, &folder)["new_pieces"], 0, "nothing changed, nothing is stored");

    let listed = place.answer(&["backup", "list", text(&folder)]);
    let backups = listed["folders"][0]["backups"].as_array().unwrap();
    assert_eq!(
        (backups.len(), &backups[1]["ok"], &backups[0]["ok"]),
        (2, &true.into(), &Value::Null)
    );

    for kind in [kind, other(kind)] {
        let there = Place::new(kind).await;
        let done = restore(&there, &folder);
        assert_eq!(done.code, Some(0), "{}", done.err);
        let restored: Value = serde_json::from_str(&done.out).unwrap();
        assert_eq!(restored["data_hash"], created["data_hash"]);
        stored(&there).await.assert_same(&stored(&place).await);
        there.verify();
        let again = import(&there, &file);
        assert_eq!(again["orders_unchanged"], ORDERS, "{again}");
        let refused = restore(&there, &folder);
        assert_eq!(refused.code, Some(1));
        assert!(refused.err.contains("already holds data"), "{}", refused.err);
    }
}

async fn a_backup_during_an_import_is_of_one_moment(kind: Kind) {
    let place = Place::new(kind).await;
    let file = generate(&place, "orders.csv", MANY_ORDERS, seed() + 7);
    let mut running = place.start(&["import", "--shop", "茶叶店", text(&file)]);
    assert!(running.wait_until("a commit", |_| rows_committed(&place) > 0));
    let folder = place.path("backups");
    let created = create(&place, &folder);
    let done = running.finish();
    assert_eq!(done.code, Some(0), "{}", done.err);

    let there = Place::new(kind).await;
    let done = restore(&there, &folder);
    assert_eq!(done.code, Some(0), "{}", done.err);
    there.verify();
    let found = stored(&there).await.orders.len();
    assert!(found > 0 && found <= MANY_ORDERS as usize, "{found}: {created}");
    // The import that was under way goes on there, from its last commit of that moment.
    let finished = import(&there, &file);
    assert_eq!(finished["state"], "finished");
    assert_eq!(stored(&there).await.totals(), in_file(&file));
    there.verify();
}

async fn killed_backups_leave_the_earlier_ones(kind: Kind) {
    let dice = Dice::new(seed());
    let place = Place::new(kind).await;
    import(&place, &generate(&place, "first.csv", ORDERS, seed() + 100));
    let folder = place.path("backups");
    let clean = place.path("clean");
    let args = |folder: &Path| {
        ["backup", "create", "--json", "--out"]
            .map(str::to_owned)
            .into_iter()
            .chain([text(folder).to_owned()])
            .collect::<Vec<_>>()
    };
    let first = create(&place, &folder);
    let (done, worked) = place.start(&args(&clean)).finish_timed();
    assert_eq!(done.code, Some(0), "{}", done.err);
    let mut landed = 0;
    for round in 0..kills(6) {
        import(&place, &generate(&place, "more.csv", 300, seed() + 200 + u64::from(round)));
        let mut running = place.start(&args(&folder));
        let moment = dice.part_of(worked);
        if running.wait_until("a moment to kill it", |running| running.worked() >= moment) {
            running.kill();
            landed += 1;
        }
        let verified = verify(&place, &folder);
        let names: Vec<&Value> =
            verified["backups"].as_array().unwrap().iter().map(|one| &one["backup"]).collect();
        assert!(names.contains(&&first["backup"]), "{names:?}");
    }
    assert!(landed > 0, "no kill landed before the end");
    let last = create(&place, &folder);
    verify(&place, &folder);
    let left: Vec<String> = std::fs::read_dir(folder.join("pieces"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(left.iter().all(|name| !name.contains("part")), "{left:?}");
    let there = Place::new(kind).await;
    let done = restore(&there, &folder);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let restored: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(restored["data_hash"], last["data_hash"]);
    there.verify();
}

async fn killed_restores_can_be_run_again(kind: Kind) {
    let dice = Dice::new(seed() + 1);
    let source = Place::new(Kind::Sqlite).await;
    import(&source, &generate(&source, "orders.csv", ORDERS, seed() + 300));
    let folder = source.path("backups");
    let created = create(&source, &folder);
    let args = ["backup", "restore", "--from", text(&folder)];
    let clean = Place::new(kind).await;
    let (done, worked) = clean.start(&args).finish_timed();
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(worked > Duration::ZERO);
    let place = Place::new(kind).await;
    for _ in 0..kills(4) {
        let mut running = place.start(&args);
        let moment = dice.part_of(worked);
        if !running.wait_until("a moment to kill it", |running| running.worked() >= moment) {
            break;
        }
        running.kill();
    }
    let done = restore(&place, &folder);
    // The last kill may have come after the commit.
    assert!(done.code == Some(0) || done.err.contains("already holds data"), "{}", done.err);
    place.verify();
    stored(&place).await.assert_same(&stored(&source).await);
    assert_eq!(create(&place, &place.path("again"))["rows"], created["rows"]);
}

/// Killed between the data and erasing again, nobody meets who was erased since.
async fn a_restore_goes_on_with_erasing(kind: Kind) {
    let source = Place::new(Kind::Sqlite).await;
    import(&source, &generate(&source, "orders.csv", 200, seed()));
    let folder = source.path("backups");
    let name = create(&source, &folder)["backup"].as_str().unwrap().to_owned();
    let options = |place: &Place| DataOptions {
        folder: place.data().to_owned(),
        database_url: place.postgres_url().map(str::to_owned),
        key: Some(KEY.to_owned()),
    };
    let boot = Boot::open(&options(&source)).await.unwrap();
    let mut tx = boot.platform.db.begin().await.unwrap();
    let (one,): (uuid::Uuid,) =
        tx.fetch_one("SELECT MIN(id) FROM customers_customers", vec![]).await.unwrap();
    tx.rollback().await.unwrap();
    let (cx, one) = (boot.ctx(), CustomerId::from_uuid(one));
    let erased =
        erase_customer::erase(&boot.platform, &cx, one, ErasureReason::Request, None, false).await;
    assert!(erased.unwrap().is_some());
    erase_again::note(&boot.platform, &cx, &folder).await.unwrap();
    boot.close().await;

    // What a run does until it is killed there.
    let place = Place::new(kind).await;
    let db = options(&place).open_database().await.unwrap();
    let master = options(&place).master_key().unwrap();
    let migrations = modules::migrations();
    let choice = backup::choose(&master, &migrations, &folder, None).unwrap();
    backup::restore(&db, &migrations, choice, 1).await.unwrap();
    db.close().await;
    for args in [&["verify"][..], &["serve", "--listen", "127.0.0.1:0"], &["rfm"]] {
        let done = place.run(args);
        assert_eq!(done.code, Some(1), "{args:?}");
        assert!(done.err.contains(&name) && done.err.contains("erased"), "{}", done.err);
    }
    // A backup without that erasure, or of other data, does not let it be used.
    let other = source.path("others");
    create(&source, &other);
    let refused = restore(&place, &other);
    assert!(refused.err.contains("already holds data"), "{}", refused.err);

    // Nor does a copy of its folder that does not name everybody.
    let copy = source.path("copy");
    let copied = std::process::Command::new("cp").arg("-r").args([&folder, &copy]).status();
    assert!(copied.unwrap().success());
    std::fs::remove_dir_all(copy.join("erasures")).unwrap();
    let refused = restore(&place, &copy);
    assert!(refused.err.contains("--erasures"), "{}", refused.err);
    let done = restore(&place, &folder);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let told: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!((&told["backup"], &told["erased_again"]), (&name.as_str().into(), &1.into()));
    place.verify();
    let refused = restore(&place, &folder);
    assert!(refused.err.contains("already holds data"), "{}", refused.err);
}

async fn wrong_uses_are_told(kind: Kind) {
    let place = Place::new(kind).await;
    import(&place, &generate(&place, "orders.csv", 200, seed()));
    let folder = place.path("backups");
    create(&place, &folder);
    let run = |args: &[&str]| place.run(args);
    for args in
        [&["backup"][..], &["backup", "create"], &["backup", "restore"], &["backup", "list"]]
    {
        assert_eq!(run(args).code, Some(2), "{args:?}");
    }
    let missing = place.path("nowhere");
    for command in
        [&["backup", "verify"][..], &["backup", "list"], &["backup", "restore", "--from"]]
    {
        let done = run(&[command, &[text(&missing)]].concat());
        assert_eq!(done.code, Some(1), "{command:?}: {}", done.err);
        assert!(done.err.contains("nowhere"), "{}", done.err);
    }

    // On a machine without the key, and on one with another.
    let there = Place::new(kind).await;
    for (key, words) in
        [("", "key file"), ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "fingerprint")]
    {
        let mut command = there.command(&["backup", "restore", "--from", text(&folder)]);
        command.env("GUANXI_KEY", key);
        let done = super::place::Running::start(command, "").finish();
        assert_eq!(done.code, Some(1));
        assert!(done.err.contains(words), "{}", done.err);
        assert!(!there.data().exists(), "nothing was made for nothing");
    }
    let piece = std::fs::read_dir(folder.join("pieces")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&piece).unwrap();
    bytes[9] ^= 4;
    std::fs::write(&piece, bytes).unwrap();
    let done = run(&["backup", "verify", text(&folder), "--json"]);
    assert_eq!(done.code, Some(1));
    let name = piece.file_name().unwrap().to_str().unwrap();
    let answer: Value = serde_json::from_str(&done.out).unwrap();
    assert!(answer["backups"][0]["damage"][0].as_str().unwrap().contains(name), "{answer}");
    assert!(done.err.contains("DAMAGED"), "{}", done.err);
    let done = restore(&there, &folder);
    assert_eq!(done.code, Some(1));
    assert!(done.err.contains(name), "{}", done.err);
    create(&place, &folder);
    let done = restore(&there, &folder);
    assert_eq!(done.code, Some(0), "mended, and the refused restore left no data: {}", done.err);
}

macro_rules! on_both {
    ($($test:ident: $sqlite:ident, $postgres:ident;)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $sqlite() {
            $test(Kind::Sqlite).await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $postgres() {
            $test(Kind::Postgres).await;
        }
    )+};
}

on_both! {
    a_backup_is_a_whole_house: backup_restores_a_house_on_sqlite, backup_restores_a_house_on_postgres;
    a_backup_during_an_import_is_of_one_moment:
        backup_during_an_import_on_sqlite, backup_during_an_import_on_postgres;
    a_restore_goes_on_with_erasing:
        restore_goes_on_with_erasing_on_sqlite, restore_goes_on_with_erasing_on_postgres;
    killed_backups_leave_the_earlier_ones:
        killed_backups_leave_the_earlier_ones_on_sqlite, killed_backups_leave_the_earlier_ones_on_postgres;
    killed_restores_can_be_run_again:
        killed_restores_of_backups_can_be_run_again_on_sqlite, killed_restores_of_backups_can_be_run_again_on_postgres;
    wrong_uses_are_told: wrong_uses_of_backup_are_told_on_sqlite, wrong_uses_of_backup_are_told_on_postgres;
}
