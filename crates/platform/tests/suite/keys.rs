//! Keys as rows: made, met by processes that never heard of them, replaced, sealed by another master key.

use std::sync::Arc;

use kernel::OrgId;
use platform::audit::{self, Entry};
use platform::crypto::{CryptoError, MasterKey};
use platform::keys::{self, First, KeyState, MasterError, Sealed};
use platform::{Ctx, Db, DbError, Platform, args, backup, meta};
use testkit::{TestDb, db_test};
use tokio_util::sync::CancellationToken;

use crate::support::MIGRATIONS;

/// What the platform itself declares.
fn columns() -> &'static [Sealed] {
    platform::module().sealed
}

/// A process on the data of `db` that was started as the program starts.
async fn process(db: &TestDb) -> Platform {
    let platform = db.another_process().await;
    meta::check_master_key(&platform, "the key file").await.unwrap();
    keys::load(&platform).await.unwrap();
    platform
}

async fn begin(platform: &Platform, cx: &Ctx) -> keys::Begun {
    let mut tx = platform.db.begin().await.unwrap();
    let begun = keys::begin(&mut tx, platform, cx).await.unwrap();
    tx.commit().await.unwrap();
    begun
}

fn ctx(platform: &Platform) -> Ctx {
    platform.ctx(platform::Scope::system(OrgId::FIRST))
}

/// Records `count` entries, each with a text that is sealed.
async fn record(platform: &Platform, count: usize) {
    let cx = ctx(platform);
    let mut tx = platform.db.begin().await.unwrap();
    for number in 0..count {
        let entry = Entry::new("test.done").personal("text", format!("secret {number}"));
        audit::record(&mut tx, &cx, entry).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn sealed(db: &Db) -> Vec<Vec<u8>> {
    let mut tx = db.read().await.unwrap();
    let rows: Vec<(Vec<u8>,)> =
        tx.fetch_all("SELECT sealed FROM platform_audit_sealed", vec![]).await.unwrap();
    rows.into_iter().map(|row| row.0).collect()
}

async fn is_sound(platform: &Platform) {
    let mut tx = platform.db.read().await.unwrap();
    let keys = platform.keys(OrgId::FIRST);
    let log = audit::verify(&mut tx, ctx(platform).scope, &keys, None).await.unwrap();
    assert!(log.broken.is_none(), "{log:?}");
    tx.rollback().await.unwrap();
    for value in sealed(&platform.db).await {
        keys.open("platform.audit", &value).unwrap();
    }
}

async fn states(platform: &Platform) -> Vec<(i64, KeyState)> {
    let mut tx = platform.db.read().await.unwrap();
    let versions = keys::list(&mut tx, ctx(platform).scope).await.unwrap();
    versions.into_iter().map(|key| (key.version, key.state)).collect()
}

async fn reseal(platform: &Platform) -> u64 {
    let never = CancellationToken::new();
    keys::reseal(platform, &ctx(platform), columns(), &never).await.unwrap()
}

db_test! { MIGRATIONS;
    async fn a_new_installation_has_keys_of_its_own(db) {
        let platform = process(&db).await;
        let sealed = platform.keys(OrgId::FIRST).seal(&*platform.ids, "f", b"tea");
        assert_eq!(sealed[..3], [2, 0, 1]);
        let derived = platform.master.org_keys(OrgId::FIRST);
        assert!(derived.open("f", &sealed).is_err(), "the master key alone opens nothing");
        let index = platform.keys(OrgId::FIRST).blind_index("f", "tea");
        assert_ne!(index, derived.blind_index("f", "tea"));
        // Every process of it has the same.
        let other = process(&db).await;
        assert_eq!(other.keys(OrgId::FIRST).open("f", &sealed).unwrap(), b"tea");
        assert_eq!(other.keys(OrgId::FIRST).blind_index("f", "tea"), index);
        assert_eq!(states(&other).await, [(1, KeyState::Active)]);
        // And none of it stands in the database as it is.
        let mut tx = db.db().read().await.unwrap();
        let rows: Vec<(Vec<u8>,)> =
            tx.fetch_all("SELECT wrapped FROM platform_keys", vec![]).await.unwrap();
        assert_eq!(rows.len(), 3);
        assert!(rows.iter().all(|(wrapped,)| matches!(wrapped.len(), 60 | 92)), "{rows:?}");
    }

    async fn data_of_0_1_0_keeps_its_keys(db) {
        let derived = db.platform().master.org_keys(OrgId::FIRST);
        let mut value = derived.seal(&*db.platform().ids, "f", b"tea");
        // Its values had one byte instead of three.
        value.splice(..3, [1]);
        let mut tx = db.db().begin().await.unwrap();
        let fingerprint = db.platform().master.fingerprint();
        meta::set(&mut tx, "master_key_fingerprint", &fingerprint).await.unwrap();
        tx.commit().await.unwrap();

        let platform = process(&db).await;
        let cx = ctx(&platform);
        let keys = platform.keys(OrgId::FIRST);
        assert_eq!(keys.open("f", &value).unwrap(), b"tea");
        assert_eq!(keys.blind_index("f", "tea"), derived.blind_index("f", "tea"));
        assert_eq!(keys.authenticate("f", &[b"tea"]), derived.authenticate("f", &[b"tea"]));
        // Also when it has newer ones.
        begin(&platform, &cx).await;
        reseal(&platform).await;
        assert_eq!(keys.seal(&*platform.ids, "f", b"")[..3], [2, 0, 2]);
        assert_eq!(keys.open("f", &value).unwrap(), b"tea");
    }

    async fn a_process_that_never_heard_of_a_version_opens_its_values(db) {
        let (one, other) = (process(&db).await, process(&db).await);
        let cx = ctx(&one);
        let theirs = other.keys(OrgId::FIRST);
        let before = theirs.seal(&*other.ids, "f", b"before");
        assert_eq!(begin(&one, &cx).await, keys::Begun { version: 2, is_new: true });
        keys::load(&one).await.unwrap();
        let after = one.keys(OrgId::FIRST).seal(&*one.ids, "f", b"after");
        assert_eq!(after[..3], [2, 0, 2]);
        // It has not heard of it, and even holds the connection that writes.
        assert_eq!(theirs.active(), 1);
        let tx = other.db.begin().await.unwrap();
        assert_eq!(theirs.open("f", &after).unwrap(), b"after");
        assert_eq!(theirs.active(), 2, "and seals with it from now on");
        tx.rollback().await.unwrap();
        assert_eq!(one.keys(OrgId::FIRST).open("f", &before).unwrap(), b"before");

        let mut never_made = after.clone();
        never_made[2] = 9;
        for _ in 0..2 {
            let error = theirs.open("f", &never_made).unwrap_err();
            assert!(matches!(error, CryptoError::UnknownKey { version: 9 }), "{error}");
        }
        // A changed value is another thing than an unknown key.
        let mut changed = after;
        changed[20] ^= 1;
        assert!(matches!(theirs.open("f", &changed), Err(CryptoError::Unreadable)));
    }

    async fn everything_is_sealed_anew_by_several_at_once_while_others_write(db) {
        let (one, other, late) =
            (process(&db).await, process(&db).await, process(&db).await);
        record(&one, 700).await;
        let cx = ctx(&one);
        let begun = begin(&one, &cx).await;
        // Asked for twice, it is one.
        assert_eq!(begin(&other, &cx).await, keys::Begun { is_new: false, ..begun });
        assert_eq!(states(&one).await, [(2, KeyState::Active), (1, KeyState::Old)]);
        // This one still seals with the version it knows.
        record(&late, 30).await;
        let (by_one, by_other) = tokio::join!(reseal(&one), reseal(&other));
        assert_eq!(by_one + by_other, 730, "each value once");
        assert!(sealed(&one.db).await.iter().all(|value| value[..3] == [2, 0, 2]));
        assert_eq!(states(&one).await, [(2, KeyState::Active), (1, KeyState::Retired)]);
        is_sound(&one).await;
        // What a process that slept seals with a retired version opens, and goes with the next rotation.
        record(&late, 1).await;
        is_sound(&other).await;
        begin(&one, &cx).await;
        reseal(&other).await;
        assert!(sealed(&one.db).await.iter().all(|value| value[..3] == [2, 0, 3]));
        is_sound(&late).await;
        let mut tx = one.db.read().await.unwrap();
        let progress = keys::progress(&mut tx, cx.scope, columns()).await.unwrap().unwrap();
        assert!(progress.finished_at.is_some());
        assert_eq!((progress.version, progress.column), (3, progress.columns + 1));
    }

    async fn a_rotation_that_was_stopped_goes_on_where_it_was(db) {
        let platform = process(&db).await;
        record(&platform, 600).await;
        let cx = ctx(&platform);
        begin(&platform, &cx).await;
        let old = |all: Vec<Vec<u8>>| all.iter().filter(|value| value[2] == 1).count();
        let mut left = vec![old(sealed(&db.db().clone()).await)];
        // Cut off after each batch, as by a crash: the place is in the same transaction.
        for _ in 0..20 {
            let stop = CancellationToken::new();
            let mut commits = platform.db.commits();
            commits.mark_unchanged();
            let work = keys::reseal(&platform, &cx, columns(), &stop);
            tokio::select! {
                done = work => { done.unwrap(); }
                _ = commits.changed() => {}
            }
            left.push(old(sealed(db.db()).await));
        }
        assert!(left.windows(2).all(|pair| pair[1] <= pair[0]), "{left:?}");
        assert!(left.iter().any(|count| (1..600).contains(count)), "it was cut off: {left:?}");
        assert_eq!(left.last(), Some(&0), "{left:?}");
        is_sound(&platform).await;
        assert_eq!(states(&platform).await[1], (1, KeyState::Retired));
    }

    async fn another_master_key_opens_what_was_sealed_before(db) {
        let platform = process(&db).await;
        record(&platform, 10).await;
        let cx = ctx(&platform);
        begin(&platform, &cx).await;
        reseal(&platform).await;
        let index = platform.keys(OrgId::FIRST).blind_index("f", "tea");
        let new = MasterKey::new([7; 32]);
        let same = keys::change_master(&platform, &cx, &platform.master).await.unwrap_err();
        assert!(matches!(same, MasterError::Same));
        assert_eq!(keys::change_master(&platform, &cx, &new).await.unwrap(), 4);

        // Whoever comes with the old one is refused; who is there already goes on, but for backups and
        // new versions.
        let late = meta::check_master_key(&db.another_process().await, "the key file").await;
        assert!(matches!(late, Err(DbError::Refused(_))), "{late:?}");
        record(&platform, 1).await;
        let mut tx = platform.db.begin().await.unwrap();
        let refused = keys::begin(&mut tx, &platform, &cx).await.unwrap_err().to_string();
        assert!(refused.contains("start it again"), "{refused}");
        tx.rollback().await.unwrap();
        let folder = db.folder().join("backups");
        let refused = backup::create(&platform, &folder).await.unwrap_err().to_string();
        assert!(refused.contains("start it again"), "{refused}");
        let again = keys::change_master(&platform, &cx, &MasterKey::new([8; 32])).await;
        assert!(again.is_err());

        let process = db.another_process().await;
        let (clock, ids) = (process.clock.clone(), Arc::clone(&process.ids));
        let process = Platform::new(process.db.clone(), new, clock, ids, db.folder());
        meta::check_master_key(&process, "the new key file").await.unwrap();
        keys::load(&process).await.unwrap();
        is_sound(&process).await;
        assert_eq!(process.keys(OrgId::FIRST).blind_index("f", "tea"), index);
        begin(&process, &ctx(&process)).await;
        reseal(&process).await;
        is_sound(&process).await;
        // The old process meets a version that it cannot have, and says so.
        let theirs = process.keys(OrgId::FIRST).seal(&*process.ids, "f", b"x");
        let error = platform.keys(OrgId::FIRST).open("f", &theirs).unwrap_err();
        assert!(matches!(error, CryptoError::OtherMaster), "{error}");
    }

    async fn keys_of_one_organisation_are_not_those_of_another(db) {
        let platform = process(&db).await;
        let mut tx = platform.db.begin().await.unwrap();
        keys::ensure(&mut tx, &platform, OrgId::new(2), First::Random).await.unwrap();
        tx.commit().await.unwrap();
        keys::load(&platform).await.unwrap();
        let value = platform.keys(OrgId::new(2)).seal(&*platform.ids, "f", b"tea");
        assert!(platform.keys(OrgId::FIRST).open("f", &value).is_err());
        // A row moved to another organisation or version opens nothing: it is sealed as what it is.
        let mut tx = platform.db.begin().await.unwrap();
        let moved = "UPDATE platform_keys SET wrapped = (SELECT wrapped FROM platform_keys
            WHERE org_id = 2 AND purpose = 'seal') WHERE org_id = 1 AND purpose = $1";
        tx.execute(moved, args!["seal"]).await.unwrap();
        tx.commit().await.unwrap();
        let error = keys::load(&db.another_process().await).await.unwrap_err();
        assert!(error.to_string().contains("another master key"), "{error}");
    }
}
