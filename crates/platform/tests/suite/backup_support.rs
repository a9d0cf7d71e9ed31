//! Data to back up, and a folder for it.

use std::path::{Path, PathBuf};

use platform::backup::{self, BackupError, BackupKeys, Created, Restored, Verdict};
use platform::crypto::MasterKey;
use platform::{Migration, args};
use tempfile::TempDir;
use testkit::TestDb;
use tokio_util::sync::CancellationToken;

/// Those of the platform, and tables to put data into.
pub fn migrations() -> &'static [Migration] {
    let mut all = platform::MIGRATIONS.to_vec();
    all.push(Migration {
        module: "platform",
        // Behind all that the platform will ever have.
        version: 1_000,
        sql: "CREATE TABLE platform_probe (org_id BIGINT NOT NULL, name TEXT NOT NULL,
                  n BIGINT NOT NULL, PRIMARY KEY (org_id, name, n));
              CREATE TABLE platform_counters (org_id BIGINT NOT NULL, name TEXT NOT NULL,
                  n BIGINT NOT NULL, PRIMARY KEY (org_id, name)) /*sqlite WITHOUT ROWID*/;
              CREATE TABLE platform_kinds (org_id BIGINT NOT NULL, id UUID NOT NULL, whole BIGINT,
                  part DOUBLE PRECISION, yes BOOLEAN, words TEXT, raw BYTEA, other UUID,
                  PRIMARY KEY (org_id, id));
              CREATE TABLE platform_blobs (org_id BIGINT NOT NULL, id BIGINT NOT NULL,
                  raw BYTEA NOT NULL, PRIMARY KEY (org_id, id)) /*sqlite WITHOUT ROWID*/;",
    });
    all.leak()
}

/// What no file of a backup may hold.
pub const SECRET: &str = "a name that nobody may read 张三";

/// A folder for backups.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Not there before the first backup.
    pub fn path(&self) -> PathBuf {
        self.0.path().join("backups")
    }

    /// All files but the lock, by their path in the folder.
    pub fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        for place in ["", "pieces/"] {
            for entry in std::fs::read_dir(self.path().join(place)).unwrap() {
                let entry = entry.unwrap();
                let name = entry.file_name().into_string().unwrap();
                if entry.file_type().unwrap().is_file() && name != ".lock" {
                    files.push(format!("{place}{name}"));
                }
            }
        }
        files.sort();
        files
    }

    pub fn pieces(&self) -> Vec<String> {
        self.files().into_iter().filter(|file| file.starts_with("pieces/")).collect()
    }

    pub fn read(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.path().join(file)).unwrap()
    }

    pub fn write(&self, file: &str, bytes: &[u8]) {
        std::fs::write(self.path().join(file), bytes).unwrap();
    }

    pub fn remove(&self, file: &str) {
        std::fs::remove_file(self.path().join(file)).unwrap();
    }

    pub async fn create(&self, db: &TestDb) -> Created {
        db.clock().advance_millis(1_000);
        backup::create(db.platform(), &self.path()).await.unwrap()
    }

    pub fn verify(&self, db: &TestDb) -> Vec<Verdict> {
        let platform = db.platform();
        let (keys, stop) = (BackupKeys::new(&platform.master), CancellationToken::new());
        let ids = &*platform.ids;
        backup::verify(&keys, &self.path(), None, platform.now(), ids, &stop).unwrap()
    }

    /// What is wrong, in all backups.
    pub fn damage(&self, db: &TestDb) -> String {
        let verdicts = self.verify(db);
        let damage: Vec<String> = verdicts.into_iter().flat_map(|verdict| verdict.damage).collect();
        damage.join("\n")
    }

    pub async fn restore(&self, into: &TestDb) -> Result<Restored, BackupError> {
        restore(&self.path(), into, migrations(), &into.platform().master, None).await
    }
}

pub async fn restore(
    folder: &Path,
    into: &TestDb,
    migrations: &'static [Migration],
    master: &MasterKey,
    only: Option<&str>,
) -> Result<Restored, BackupError> {
    let choice = backup::choose(master, migrations, folder, only)?;
    backup::restore(into.db(), migrations, choice, 0).await
}

/// Rows of every kind, with values at the ends of their ranges.
pub async fn fill_kinds(db: &TestDb) {
    let id = || db.platform().ids.uuid(db.platform().now());
    let mut tx = db.db().begin().await.unwrap();
    let insert = "INSERT INTO platform_kinds (org_id, id, whole, part, yes, words, raw, other)
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    for (whole, part, yes, words, raw) in [
        (i64::MAX, f64::MIN_POSITIVE, true, SECRET, vec![0_u8; 300]),
        (i64::MIN, -1.5, false, "", vec![]),
        (0, 0.0, true, "\u{10ffff}\n\t\"'\\", vec![0xff, 0, 0x80]),
    ] {
        tx.execute(insert, args![1_i64, id(), whole, part, yes, words, raw, id()]).await.unwrap();
    }
    let nothing = args![
        1_i64,
        id(),
        None::<i64>,
        None::<f64>,
        None::<bool>,
        None::<String>,
        None::<Vec<u8>>,
        None::<uuid::Uuid>
    ];
    tx.execute(insert, nothing).await.unwrap();
    tx.commit().await.unwrap();
}

/// Rows of 10 kB that compress well: the cipher is slow without optimisation.
pub async fn fill_blobs(db: &TestDb, rows: std::ops::Range<i64>) {
    let mut tx = db.db().begin().await.unwrap();
    for id in rows {
        let mut raw = vec![0; 100];
        db.platform().ids.fill(&mut raw);
        let raw = raw.repeat(100);
        let insert = "INSERT INTO platform_blobs (org_id, id, raw) VALUES (1, $1, $2)";
        tx.execute(insert, args![id, raw]).await.unwrap();
    }
    tx.commit().await.unwrap();
}

pub async fn count(db: &TestDb, sql: &'static str) -> i64 {
    let mut tx = db.db().read().await.unwrap();
    let (count,): (i64,) = tx.fetch_one(sql, vec![]).await.unwrap();
    tx.rollback().await.unwrap();
    count
}
