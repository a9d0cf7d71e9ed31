//! Whatever is done to the tables behind the program's back is found.

use kernel::TypedId as _;
use platform::audit::{self, Entry, Verified};
use platform::db::AnyRow;
use platform::{Arg, Tx, args};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use sqlx::AssertSqlSafe;
use testkit::{TestDb, db_test};
use uuid::Uuid;

use crate::audit::{asked, disarm, rename, verified, write};
use crate::support::MIGRATIONS;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Int,
    Id,
    Text,
    Bytes,
}

/// Every column of an entry, and whether it may be null.
const COLUMNS: [(&str, Kind, bool); 17] = [
    ("org_id", Kind::Int, false),
    ("id", Kind::Id, false),
    ("version", Kind::Int, false),
    ("at", Kind::Int, false),
    ("actor", Kind::Id, true),
    ("token", Kind::Id, true),
    ("action", Kind::Text, false),
    ("record_kind", Kind::Text, true),
    ("record_id", Kind::Text, true),
    ("before_json", Kind::Text, true),
    ("after_json", Kind::Text, true),
    ("sealed_digest", Kind::Bytes, true),
    ("peer", Kind::Text, true),
    ("request_id", Kind::Text, true),
    ("mac", Kind::Bytes, false),
    ("position", Kind::Int, true),
    ("hash", Kind::Bytes, true),
];

/// A log with entries of every shape; gives their ids in the order of the chain.
async fn log_of(db: &TestDb, entries: u128) -> Vec<Uuid> {
    let mut ids = Vec::new();
    for n in 0..entries {
        db.clock().advance_millis(1);
        let (cx, entry) = match n % 4 {
            0 => (asked(db, n), rename(n)),
            1 => (db.ctx(), Entry::new("platform.job.retry").with("attempts", 3)),
            2 => (
                asked(db, 2),
                Entry::new("customers.export").with("count", n as u64).personal("q", "Li"),
            ),
            _ => (
                asked(db, 3),
                Entry::new("customers.tag.delete").on("tag", n).without("name", "VIP"),
            ),
        };
        ids.push(write(db, &cx, entry).await.uuid());
    }
    audit::chain(db.platform()).await.unwrap();
    let sound = verified(db).await;
    assert_eq!((sound.count, sound.broken), (entries as i64, None));
    ids
}

async fn check(db: &TestDb, tx: &mut Tx) -> Verified {
    audit::verify(tx, db.ctx().scope, &db.keys(), None).await.unwrap()
}

async fn execute(tx: &mut Tx, sql: &str, args: Vec<Arg>) -> u64 {
    tx.execute(AssertSqlSafe(sql.to_owned()), args).await.unwrap()
}

async fn value<T: AnyRow>(tx: &mut Tx, table: &str, column: &str, id: Uuid) -> T {
    let sql = format!("SELECT {column} FROM {table} WHERE id = $1");
    tx.fetch_one(AssertSqlSafe(sql), args![id]).await.unwrap()
}

/// What `column` can be changed to: one byte another, another length, null or no longer null.
async fn changes(tx: &mut Tx, table: &str, column: (&str, Kind, bool), id: Uuid) -> Vec<Arg> {
    let (name, kind, nullable) = column;
    let (mut changes, null, filled) = match kind {
        Kind::Int => {
            let (was,): (Option<i64>,) = value(tx, table, name, id).await;
            let flips = (0..8).map(|byte| was.map(|was| was ^ (1 << (8 * byte))));
            let all: Vec<Arg> = flips.flatten().map(Arg::from).collect();
            (all, Arg::Int(None), was.is_none().then(|| Arg::from(0_i64)))
        }
        Kind::Id => {
            let (was,): (Option<Uuid>,) = value(tx, table, name, id).await;
            let flips = (0..16).map(|byte| was.map(|was| was.as_u128() ^ (1 << (8 * byte))));
            let all = flips.flatten().map(|bits| Arg::from(Uuid::from_u128(bits))).collect();
            (all, Arg::Uuid(None), was.is_none().then(|| Arg::from(Uuid::from_u128(5))))
        }
        Kind::Text => {
            let (was,): (Option<String>,) = value(tx, table, name, id).await;
            let all = of_bytes(was.as_ref().map(String::as_bytes))
                .into_iter()
                .map(|bytes| Arg::from(String::from_utf8(bytes).unwrap()))
                .collect();
            (all, Arg::Text(None), was.is_none().then(|| Arg::from("")))
        }
        Kind::Bytes => {
            let (was,): (Option<Vec<u8>>,) = value(tx, table, name, id).await;
            let all = of_bytes(was.as_deref()).into_iter().map(Arg::from).collect();
            (all, Arg::Bytes(None), was.is_none().then(|| Arg::from(Vec::new())))
        }
    };
    match filled {
        Some(filled) => changes.push(filled),
        None if nullable => changes.push(null),
        None => {}
    }
    changes
}

fn of_bytes(was: Option<&[u8]>) -> Vec<Vec<u8>> {
    let Some(was) = was else { return Vec::new() };
    let mut all: Vec<Vec<u8>> = (0..was.len())
        .map(|at| {
            let mut bytes = was.to_vec();
            bytes[at] ^= 1;
            bytes
        })
        .collect();
    all.push(was[..was.len() - 1].to_vec());
    all.push([was, b"x"].concat());
    all
}

/// Something done to the order or the number of entries.
#[derive(Debug, Clone)]
enum Deed {
    Remove(usize),
    /// The last so many, with the head made to fit as far as one can without the key.
    Truncate(usize, bool),
    /// The places of two; the second says whether the hashes go along.
    Swap(usize, usize, bool),
    /// Contents of two, each under the other's place and hash.
    Exchange(usize, usize),
    /// One is taken out of the chain, as if it still waited.
    Unplace(usize),
    /// Its twin under another id is put at the end.
    Repeat(usize),
    SwapSealed(usize, usize),
}

fn deeds(entries: usize) -> impl Strategy<Value = Deed> {
    let one = 0..entries;
    prop_oneof![
        one.clone().prop_map(Deed::Remove),
        (1..=entries, any::<bool>()).prop_map(|(count, fits)| Deed::Truncate(count, fits)),
        (one.clone(), one.clone(), any::<bool>()).prop_map(|(a, b, hash)| Deed::Swap(a, b, hash)),
        (one.clone(), one.clone()).prop_map(|(a, b)| Deed::Exchange(a, b)),
        one.clone().prop_map(Deed::Unplace),
        one.clone().prop_map(Deed::Repeat),
        (one.clone(), one).prop_map(|(a, b)| Deed::SwapSealed(a, b)),
    ]
}

const CONTENTS: &str = "org_id, version, at, actor, token, action, record_kind, record_id, before_json, \
     after_json, sealed_digest, peer, request_id, mac";

/// Does it; gives where the break begins, where that is told.
async fn apply(tx: &mut Tx, ids: &[Uuid], deed: &Deed) -> Option<usize> {
    match *deed {
        Deed::Remove(at) => {
            execute(tx, "DELETE FROM platform_audit WHERE id = $1", args![ids[at]]).await;
            execute(tx, "DELETE FROM platform_audit_sealed WHERE id = $1", args![ids[at]]).await;
            Some(at + 1)
        }
        Deed::Truncate(count, fits) => {
            let left = ids.len() - count;
            for id in &ids[left..] {
                execute(tx, "DELETE FROM platform_audit WHERE id = $1", args![*id]).await;
                execute(tx, "DELETE FROM platform_audit_sealed WHERE id = $1", args![*id]).await;
            }
            if fits {
                let sql = "UPDATE platform_audit_heads SET count = $1, hash = COALESCE(
                    (SELECT hash FROM platform_audit WHERE position = $1), hash)";
                execute(tx, sql, args![left as i64]).await;
                return None;
            }
            Some(left + 1)
        }
        Deed::Swap(a, b, with_hash) => {
            swap_places(tx, (a, ids[a]), (b, ids[b]), with_hash).await;
            Some(a.min(b) + 1)
        }
        Deed::Exchange(a, b) => {
            // The other's contents are this one's under the other's place: only ids tell them apart.
            swap_places(tx, (a, ids[a]), (b, ids[b]), true).await;
            let other = Uuid::from_u128(1);
            for (from, to) in [(ids[a], other), (ids[b], ids[a]), (other, ids[b])] {
                for table in ["platform_audit", "platform_audit_sealed"] {
                    let sql = format!("UPDATE {table} SET id = $2 WHERE id = $1");
                    execute(tx, &sql, args![from, to]).await;
                }
            }
            Some(a.min(b) + 1)
        }
        Deed::Unplace(at) => {
            let sql = "UPDATE platform_audit SET position = NULL, hash = NULL WHERE id = $1";
            execute(tx, sql, args![ids[at]]).await;
            Some(at + 1)
        }
        Deed::Repeat(at) => {
            let sql = format!(
                "INSERT INTO platform_audit (id, position, hash, {CONTENTS})
                 SELECT $2, $3, hash, {CONTENTS} FROM platform_audit WHERE id = $1"
            );
            let place = ids.len() as i64 + 1;
            execute(tx, &sql, args![ids[at], Uuid::from_u128(2), place]).await;
            Some(ids.len() + 1)
        }
        Deed::SwapSealed(a, b) => {
            let other = Uuid::from_u128(1);
            for (from, to) in [(ids[a], other), (ids[b], ids[a]), (other, ids[b])] {
                let sql = "UPDATE platform_audit_sealed SET id = $2 WHERE id = $1";
                execute(tx, sql, args![from, to]).await;
            }
            Some(a.min(b) + 1)
        }
    }
}

async fn swap_places(tx: &mut Tx, a: (usize, Uuid), b: (usize, Uuid), with_hash: bool) {
    let (of_a,): (Vec<u8>,) = value(tx, "platform_audit", "hash", a.1).await;
    let (of_b,): (Vec<u8>,) = value(tx, "platform_audit", "hash", b.1).await;
    let sql = "UPDATE platform_audit SET position = $2 WHERE id = $1";
    execute(tx, sql, args![a.1, -1_i64]).await;
    execute(tx, sql, args![b.1, a.0 as i64 + 1]).await;
    execute(tx, sql, args![a.1, b.0 as i64 + 1]).await;
    if with_hash {
        let sql = "UPDATE platform_audit SET hash = $2 WHERE id = $1";
        execute(tx, sql, args![a.1, of_b]).await;
        execute(tx, sql, args![b.1, of_a]).await;
    }
}

/// Whether the deed changes anything: two that are one, or two without a personal part.
fn is_idle(deed: &Deed) -> bool {
    match *deed {
        Deed::Swap(a, b, _) | Deed::Exchange(a, b) => a == b,
        // Entries of every other kind have one.
        Deed::SwapSealed(a, b) => a == b || (a % 2 == 1 && b % 2 == 1),
        _ => false,
    }
}

db_test! { MIGRATIONS;
    async fn any_byte_of_any_field_that_is_changed_is_found(db) {
        let ids = log_of(&db, 4).await;
        disarm(&db).await;
        let mut cases = 0;
        for (at, id) in ids.iter().enumerate() {
            for column in COLUMNS {
                let mut tx = db.db().begin().await.unwrap();
                let changes = changes(&mut tx, "platform_audit", column, *id).await;
                tx.rollback().await.unwrap();
                for change in changes {
                    let mut tx = db.db().begin().await.unwrap();
                    let sql = format!("UPDATE platform_audit SET {} = $2 WHERE id = $1", column.0);
                    // A place that is taken is refused even here.
                    if tx.execute(AssertSqlSafe(sql), vec![Arg::from(*id), change.clone()]).await.is_ok() {
                        let found = check(&db, &mut tx).await.broken;
                        let told = format!("entry {} {}: {change:?}", at + 1, column.0);
                        let found = found.unwrap_or_else(|| panic!("not found: {told}"));
                        if !["position", "id"].contains(&column.0) {
                            assert_eq!(found.position, Some(at as i64 + 1), "{told}: {found:?}");
                        }
                        cases += 1;
                    }
                    tx.rollback().await.unwrap();
                }
            }
        }
        assert!(cases > 900, "{cases}");
    }

    async fn any_byte_of_a_sealed_part_or_of_the_head_is_found(db) {
        let ids = log_of(&db, 3).await;
        disarm(&db).await;
        let column = ("sealed", Kind::Bytes, false);
        for id in [ids[0], ids[2]] {
            let mut tx = db.db().begin().await.unwrap();
            let changes = changes(&mut tx, "platform_audit_sealed", column, id).await;
            tx.rollback().await.unwrap();
            for change in changes {
                let mut tx = db.db().begin().await.unwrap();
                let sql = "UPDATE platform_audit_sealed SET sealed = $2 WHERE id = $1";
                tx.execute(sql, vec![Arg::from(id), change]).await.unwrap();
                assert!(check(&db, &mut tx).await.broken.is_some());
                tx.rollback().await.unwrap();
            }
        }
        let mut tx = db.db().begin().await.unwrap();
        let (count, hash, mac): (i64, Vec<u8>, Vec<u8>) =
            tx.fetch_one("SELECT count, hash, mac FROM platform_audit_heads", vec![]).await.unwrap();
        tx.rollback().await.unwrap();
        let mut changed: Vec<(&str, Arg)> =
            (0..8).map(|byte| ("count", Arg::from(count ^ (1 << (8 * byte))))).collect();
        changed.extend(of_bytes(Some(&hash)).into_iter().map(|bytes| ("hash", Arg::from(bytes))));
        changed.extend(of_bytes(Some(&mac)).into_iter().map(|bytes| ("mac", Arg::from(bytes))));
        for (name, change) in changed {
            let mut tx = db.db().begin().await.unwrap();
            execute(&mut tx, &format!("UPDATE platform_audit_heads SET {name} = $1"), vec![change]).await;
            assert!(check(&db, &mut tx).await.broken.is_some(), "{name}");
            tx.rollback().await.unwrap();
        }
        for sql in ["DELETE FROM platform_audit_heads", "UPDATE platform_audit_heads SET org_id = 2"] {
            let mut tx = db.db().begin().await.unwrap();
            execute(&mut tx, sql, vec![]).await;
            assert!(check(&db, &mut tx).await.broken.is_some(), "{sql}");
            tx.rollback().await.unwrap();
        }
        let mut tx = db.db().begin().await.unwrap();
        let sql = "INSERT INTO platform_audit_sealed (org_id, id, sealed) VALUES (1, $1, $2)";
        execute(&mut tx, sql, args![Uuid::from_u128(77), vec![1_u8, 2]]).await;
        assert!(check(&db, &mut tx).await.broken.unwrap().what.contains("no entry"));
    }

    async fn any_removal_swap_and_truncation_is_found(db) {
        const ENTRIES: usize = 9;
        let ids = log_of(&db, ENTRIES as u128).await;
        disarm(&db).await;
        let mut runner = TestRunner::deterministic();
        let strategy = deeds(ENTRIES);
        for _ in 0..300 {
            let deed = strategy.new_tree(&mut runner).unwrap().current();
            if is_idle(&deed) {
                continue;
            }
            let mut tx = db.db().begin().await.unwrap();
            let place = apply(&mut tx, &ids, &deed).await;
            let found = check(&db, &mut tx).await.broken;
            let found = found.unwrap_or_else(|| panic!("not found: {deed:?}"));
            if let Some(place) = place {
                assert_eq!(found.position, Some(place as i64), "{deed:?}: {found:?}");
            }
            tx.rollback().await.unwrap();
        }
        assert_eq!(verified(&db).await.broken, None, "every case was taken back");
    }

    async fn an_entry_that_waits_is_protected_by_its_code(db) {
        disarm(&db).await;
        let id = write(&db, &asked(&db, 1), rename(1)).await;
        let mut tx = db.db().begin().await.unwrap();
        let sql = "UPDATE platform_audit SET position = NULL, hash = NULL";
        execute(&mut tx, sql, vec![]).await;
        execute(&mut tx, "DELETE FROM platform_audit_heads", vec![]).await;
        assert_eq!(check(&db, &mut tx).await.broken, None);
        execute(&mut tx, "UPDATE platform_audit SET action = 'x'", vec![]).await;
        let broken = check(&db, &mut tx).await.broken.unwrap();
        assert_eq!((broken.position, broken.entry), (None, Some(id)));
    }
}
