//! `guanxi keys change-master`, with the key in its file.

use super::http::owner_token;
use super::orders::generate;
use super::place::{Done, Kind, Place};

/// The program with its key in the file beside the data folder.
fn run(place: &Place, args: &[&str]) -> Done {
    let mut command = place.command(args);
    command.env_remove("GUANXI_KEY");
    super::place::Running::start(command, "").finish()
}

async fn the_master_key_is_changed(kind: Kind) {
    let place = Place::new(kind).await;
    let file = generate(&place, "orders.csv", 60, 7);
    owner_token(&place);
    place.answer(&["import", "--shop", "茶叶店", file.to_str().unwrap()]);
    let key_file = place.path("data.key");
    let old = "KioqKioqKioqKioqKioqKioqKioqKioqKioqKioqKio=";
    std::fs::write(&key_file, old).unwrap();
    let backups = place.path("backups");
    let backups = backups.to_str().unwrap();
    assert_eq!(run(&place, &["backup", "create", "--out", backups]).code, Some(0));

    let new_key = place.path("new.key");
    let new_key = new_key.to_str().unwrap();
    let done = run(&place, &["keys", "change-master", "--new-key", key_file.to_str().unwrap()]);
    assert_eq!(done.code, Some(1), "{done:?}");
    let done = run(&place, &["keys", "change-master", "--new-key", new_key]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let kept = place.path("data.key.old-1");
    assert_eq!(std::fs::read_to_string(kept).unwrap(), old);
    let new = std::fs::read_to_string(&key_file).unwrap();
    assert_eq!(new, std::fs::read_to_string(new_key).unwrap());
    assert_ne!(new, old);

    // The new one opens everything, old and new; the old one is refused by name.
    for args in [&["verify"][..], &["keys", "rotate"], &["verify"], &["audit", "verify"]] {
        let done = run(&place, args);
        assert_eq!(done.code, Some(0), "{args:?}: {done:?}");
    }
    let refused = place.run(&["verify"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("fingerprint"), "{}", refused.err);

    // A backup of before is opened by the key of before, and brings its keys along.
    let there = Place::new(Kind::Sqlite).await;
    let restored = there.run(&["backup", "restore", "--from", backups]);
    assert_eq!(restored.code, Some(0), "{}", restored.err);
    there.verify();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_master_key_is_changed_on_sqlite() {
    the_master_key_is_changed(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_master_key_is_changed_on_postgres() {
    the_master_key_is_changed(Kind::Postgres).await;
}
