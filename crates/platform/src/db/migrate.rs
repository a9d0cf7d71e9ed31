//! Migrations: numbered SQL scripts per module, run at start.

use std::collections::BTreeMap;

use super::Db;
use super::error::DbError;
use super::tx::Tx;
use super::wall::{self, Wall};
use crate::args;

/// One step of one module's tables.
///
/// The script is written in PostgreSQL's words. For SQLite, `BYTEA` and `UUID` become `BLOB`, and
/// what stands in `/*sqlite … */` is opened; `/*postgres … */` is opened on PostgreSQL.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// The module, which is also the prefix of its tables.
    pub module: &'static str,
    /// 1, 2, 3 … within the module.
    pub version: i64,
    /// The script.
    pub sql: &'static str,
}

const PLATFORM: &str = "platform";

fn dialect(sql: &str, postgres: bool) -> String {
    if postgres {
        return open_comments(sql, "/*postgres");
    }
    let opened = open_comments(sql, "/*sqlite");
    // Whole words only: a column named `uuid_text` keeps its name.
    let mut out = String::with_capacity(opened.len());
    for piece in opened.split_inclusive(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
        let word = piece.trim_end_matches(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        match word {
            "BYTEA" | "UUID" => {
                out.push_str("BLOB");
                out.push_str(&piece[word.len()..]);
            }
            _ => out.push_str(piece),
        }
    }
    out
}

fn open_comments(sql: &str, marker: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some((before, after)) = rest.split_once(marker) {
        out.push_str(before);
        let (inside, behind) = after.split_once("*/").unwrap_or((after, ""));
        out.push_str(inside);
        rest = behind;
    }
    out.push_str(rest);
    out
}

impl Db {
    /// Brings the tables up to date, and on PostgreSQL builds the second wall around those that have none.
    /// Safe when several processes start at once. On SQLite, where a transaction that may write waits for every
    /// other one, nothing but a look is taken at tables that are up to date: a command starts while a server writes.
    ///
    /// # Errors
    /// `Refused` when the data is newer than this program; otherwise as the database says, with
    /// nothing of a failed step kept.
    pub async fn migrate(&self, migrations: &[Migration]) -> Result<(), DbError> {
        if !self.is_postgres() && self.is_up_to_date(migrations).await? {
            return Ok(());
        }
        let mut tx = self.begin_wide().await?;
        lock_migrations(&mut tx).await?;
        let migrated = migrate_in(&mut tx, migrations).await?;
        let (wall, raised) = wall::raise(&mut tx).await?;
        if migrated || raised {
            tx.commit().await?
        } else {
            tx.rollback().await?
        }
        if let Wall::Down(why) = &wall {
            tracing::warn!(
                why,
                "PostgreSQL does not hold organisations apart by itself (docs/security.md); the program does"
            );
        }
        self.wall.set(wall);
        Ok(())
    }

    /// Whether an SQLite database has the tables of these migrations, and no newer ones.
    async fn is_up_to_date(&self, migrations: &[Migration]) -> Result<bool, DbError> {
        let mut tx = self.read_wide().await?;
        let sql =
            "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'platform_migrations'";
        let found: Option<(i32,)> = tx.fetch_optional(sql, vec![]).await?;
        let done = if found.is_some() { newest_versions(&mut tx).await? } else { BTreeMap::new() };
        tx.rollback().await?;
        let known = newest_known(migrations);
        Ok(done.len() == known.len()
            && done.iter().all(|(module, version)| known.get(module.as_str()) == Some(version)))
    }
}

/// Makes whoever else would change tables wait for the end of `tx`.
pub(crate) async fn lock_migrations(tx: &mut Tx) -> Result<(), DbError> {
    if tx.is_postgres() {
        tx.execute("SELECT pg_advisory_xact_lock(4719)", vec![]).await?;
    }
    Ok(())
}

/// Brings the tables up to date as part of `tx`; gives whether there was anything to do.
pub(crate) async fn migrate_in(tx: &mut Tx, migrations: &[Migration]) -> Result<bool, DbError> {
    tx.execute(
        "CREATE TABLE IF NOT EXISTS platform_migrations (
            module TEXT NOT NULL, version BIGINT NOT NULL, PRIMARY KEY (module, version))",
        vec![],
    )
    .await?;
    let done = newest_versions(tx).await?;
    refuse_newer(&done, migrations)?;
    // Platform first: the others may refer to nothing of each other.
    let mut steps: Vec<&Migration> = migrations.iter().collect();
    steps.sort_by_key(|step| (step.module != PLATFORM, step.module, step.version));
    let mut changed = false;
    for step in steps {
        if done.get(step.module).is_some_and(|version| *version >= step.version) {
            continue;
        }
        tracing::info!(module = step.module, version = step.version, "migrating");
        let script = dialect(step.sql, tx.is_postgres());
        tx.run_script(script).await?;
        tx.execute(
            "INSERT INTO platform_migrations (module, version) VALUES ($1, $2)",
            args![step.module, step.version],
        )
        .await?;
        changed = true;
    }
    Ok(changed)
}

/// The newest version of each module that `migrations` lead to.
fn newest_known(migrations: &[Migration]) -> BTreeMap<&str, i64> {
    let mut known = BTreeMap::new();
    for step in migrations {
        let newest = known.entry(step.module).or_default();
        *newest = step.version.max(*newest);
    }
    known
}

fn refuse_newer(done: &BTreeMap<String, i64>, migrations: &[Migration]) -> Result<(), DbError> {
    let known = newest_known(migrations);
    for (module, version) in done {
        let newest = known.get(module.as_str()).copied().unwrap_or(0);
        if *version > newest {
            return Err(DbError::Refused(format!(
                "this data was written by a newer Guanxi (its {module} tables have version \
                 {version}, this program knows {newest}); start the newer program, or restore \
                 a backup made before the upgrade"
            )));
        }
    }
    Ok(())
}

async fn newest_versions(tx: &mut Tx) -> Result<BTreeMap<String, i64>, DbError> {
    let rows: Vec<(String, i64)> = tx
        .fetch_all("SELECT module, MAX(version) FROM platform_migrations GROUP BY module", vec![])
        .await?;
    Ok(rows.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::dialect;

    #[test]
    fn one_text_serves_both_databases() {
        let sql = "CREATE TABLE t (id UUID, uuid_text TEXT, b BYTEA) /*sqlite WITHOUT ROWID*/;/*postgres SELECT 1;*/";
        assert_eq!(
            dialect(sql, false),
            "CREATE TABLE t (id BLOB, uuid_text TEXT, b BLOB)  WITHOUT ROWID;/*postgres SELECT 1;*/"
        );
        assert_eq!(
            dialect(sql, true),
            "CREATE TABLE t (id UUID, uuid_text TEXT, b BYTEA) /*sqlite WITHOUT ROWID*/; SELECT 1;"
        );
    }
}
