//! Sealing anew, column by column, what earlier versions sealed.
//!
//! Rows are read beside those who write, sealed anew outside of any transaction, and written back in a
//! small one that changes a row only if its value is still the one that was read, together with the
//! place where to go on. What was changed meanwhile is found by the next pass; the pass that finds
//! nothing is the last. Several processes may do so at once.

use kernel::Ids;
use sqlx::AssertSqlSafe;
use tokio_util::sync::CancellationToken;

use super::place::Place;
use super::rotate::{self, Row};
use super::{KeyState, Sealed, load};
use crate::audit::{self, Entry};
use crate::crypto::{CryptoError, OrgKeys, SEAL, head_of};
use crate::{Arg, Args, Ctx, DbError, Platform, Tx, args};

/// Until somebody's lock is given up: far less than the second after which PostgreSQL looks for deadlocks,
/// so that whoever is in the way of this is never told of one.
const LOCK_WAIT_MILLIS: u32 = 200;
/// PostgreSQL's code for that.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Goes on with the resealing of the organisation of `cx`, if there is one, until it is done or `cancel`
/// says to stop. Gives how many values it sealed anew.
///
/// # Errors
/// As the database says; what was done stays done.
pub async fn reseal(
    platform: &Platform,
    cx: &Ctx,
    columns: &[Sealed],
    cancel: &CancellationToken,
) -> Result<u64, DbError> {
    let mut done = 0;
    load(platform).await?;
    while !cancel.is_cancelled() {
        let mut tx = platform.db.read_for(cx.scope).await?;
        let row = rotate::row(&mut tx, cx.scope).await?;
        tx.rollback().await?;
        let Some(row) = row.filter(|row| row.finished_at.is_none()) else { break };
        if i64::from(cx.keys().active()) < row.version {
            // Another process has made a newer version since; sealed with ours, nothing would ever be done.
            load(platform).await?;
            if i64::from(cx.keys().active()) < row.version {
                let why = format!(
                    "this process cannot seal with version {}; start it again",
                    row.version
                );
                return Err(DbError::Refused(why));
            }
        }
        match Place::parse(&row.place).next(columns) {
            Some((number, sealed, after)) => {
                let batch = Batch { platform, cx, row: &row, sealed };
                done += batch.run(columns, number, after).await?;
            }
            None => end_of_pass(platform, cx, &row).await?,
        }
    }
    Ok(done)
}

struct Batch<'a> {
    platform: &'a Platform,
    cx: &'a Ctx,
    row: &'a Row,
    sealed: &'a Sealed,
}

/// A row to be changed: its key, what it held, what it shall hold.
struct Change {
    key: Args,
    old: Vec<u8>,
    new: Vec<u8>,
}

impl Batch<'_> {
    async fn run(&self, columns: &[Sealed], number: usize, after: Args) -> Result<u64, DbError> {
        let rows = self.read(after).await?;
        let is_last = rows.len() < self.sealed.at_once as usize;
        let place = match rows.last() {
            Some((key, _)) if !is_last => Place::behind(self.sealed, key),
            _ => Place::behind_column(columns, number),
        };
        let changes = self.reseal_all(rows)?;
        let mut tx = self.platform.db.begin_for(self.cx.scope).await?;
        let written = match self.write(&mut tx, &changes).await {
            Ok(written) => written,
            Err(error) if is_locked(&error) => {
                // They are found again.
                tx.rollback().await?;
                tx = self.platform.db.begin_for(self.cx.scope).await?;
                0
            }
            Err(error) => return Err(error),
        };
        if tx.is_postgres() {
            // Another process at the same work may hold the note of the place; that one is waited for.
            tx.execute("SET LOCAL lock_timeout = 0", vec![]).await?;
        }
        self.go_to(&mut tx, &place, changes.len() as i64, written as i64).await?;
        tx.commit().await?;
        Ok(written)
    }

    /// The next rows behind `after` whose value was not sealed by the version that seals now.
    async fn read(&self, after: Args) -> Result<Vec<(Args, Vec<u8>)>, DbError> {
        let Sealed { table, key, column, at_once, .. } = self.sealed;
        let version = u16::try_from(self.row.version).unwrap_or(u16::MAX);
        let list = key.join(", ");
        let mut arguments = args![self.cx.scope.org_arg(), head_of(version).as_slice()];
        let behind = match after.len() {
            0 => String::new(),
            count => {
                let places: Vec<String> = (3..3 + count).map(|at| format!("${at}")).collect();
                arguments.extend(after);
                format!("AND ({list}) > ({})", places.join(", "))
            }
        };
        let sql = format!(
            "SELECT {list}, {column} FROM {table}
             WHERE org_id = $1 AND LENGTH({column}) > 0 AND SUBSTR({column}, 1, 3) <> $2 {behind}
             ORDER BY {list} LIMIT {at_once}"
        );
        let mut tx = self.platform.db.read_for(self.cx.scope).await?;
        let rows = tx.fetch_values(AssertSqlSafe(sql), arguments).await?;
        tx.rollback().await?;
        let split = |mut row: Args| match row.pop() {
            Some(Arg::Bytes(Some(value))) => Some((row, value)),
            _ => None,
        };
        Ok(rows.into_iter().filter_map(split).collect())
    }

    fn reseal_all(&self, rows: Vec<(Args, Vec<u8>)>) -> Result<Vec<Change>, DbError> {
        let keys = self.cx.keys();
        let ids = &*self.platform.ids;
        let mut changes = Vec::with_capacity(rows.len());
        for (key, old) in rows {
            match resealed(self.sealed, &keys, ids, &old) {
                Ok(new) => changes.push(Change { key, old, new }),
                Err(error @ (CryptoError::KeysUnavailable(_) | CryptoError::OtherMaster)) => {
                    return Err(DbError::Unavailable(error.to_string()));
                }
                Err(error) => {
                    let Sealed { table, column, .. } = self.sealed;
                    tracing::error!(table, column, ?key, %error, "a value stays as it is");
                }
            }
        }
        Ok(changes)
    }

    async fn write(&self, tx: &mut Tx, changes: &[Change]) -> Result<u64, DbError> {
        if changes.is_empty() {
            return Ok(0);
        }
        let Sealed { table, key, column, .. } = self.sealed;
        let org = self.cx.scope.org_arg();
        if !tx.is_postgres() {
            let mut conditions = String::new();
            for (at, name) in key.iter().enumerate() {
                conditions.push_str(&format!(" AND {name} = ${}", at + 4));
            }
            let sql = format!(
                "UPDATE {table} SET {column} = $3 WHERE org_id = $1 AND {column} = $2{conditions}"
            );
            let mut written = 0;
            for change in changes {
                let mut arguments = args![org, change.old.as_slice(), change.new.as_slice()];
                arguments.extend(change.key.iter().cloned());
                written += tx.execute(AssertSqlSafe(sql.clone()), arguments).await?;
            }
            return Ok(written);
        }
        let wait = format!("SET LOCAL lock_timeout = {LOCK_WAIT_MILLIS}");
        tx.execute(AssertSqlSafe(wait), vec![]).await?;
        let width = key.len() + 2;
        let mut arguments = args![org];
        let mut values = Vec::with_capacity(changes.len());
        for (row, change) in changes.iter().enumerate() {
            let first = row * width + 2;
            let places: Vec<String> = (first..first + width).map(|at| format!("${at}")).collect();
            values.push(format!("({})", places.join(", ")));
            arguments.extend(change.key.iter().cloned());
            arguments.extend(args![change.old.as_slice(), change.new.as_slice()]);
        }
        let mut conditions = String::new();
        for (at, name) in key.iter().enumerate() {
            conditions.push_str(&format!(" AND t.{name} = v.column{}", at + 1));
        }
        let (old, new, values) = (width - 1, width, values.join(", "));
        let sql = format!(
            "UPDATE {table} AS t SET {column} = v.column{new} FROM (VALUES {values}) AS v
             WHERE t.org_id = $1 AND t.{column} = v.column{old}{conditions}"
        );
        tx.execute(AssertSqlSafe(sql), arguments).await
    }

    /// Notes where to go on, unless somebody else has done so from the same place.
    async fn go_to(
        &self,
        tx: &mut Tx,
        place: &Place,
        found: i64,
        resealed: i64,
    ) -> Result<(), DbError> {
        tx.execute(
            "UPDATE platform_resealing
             SET place = $5, found = found + $6, resealed = resealed + $7
             WHERE org_id = $1 AND version = $2 AND pass = $3 AND place = $4",
            args![
                self.cx.scope.org_arg(),
                self.row.version,
                self.row.pass,
                self.row.place.as_str(),
                place.text(),
                found,
                resealed
            ],
        )
        .await
        .map(drop)
    }
}

/// `old` as the active version seals it.
fn resealed(
    sealed: &Sealed,
    keys: &OrgKeys,
    ids: &dyn Ids,
    old: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    let mut last = CryptoError::Unreadable;
    for field in sealed.fields {
        match keys.open(field, old) {
            Ok(plain) => {
                let plain = match sealed.inside {
                    Some(inside) => inside(keys, ids, &plain).ok_or(CryptoError::Unreadable)?,
                    None => plain,
                };
                return Ok(keys.seal(ids, field, &plain));
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn is_locked(error: &DbError) -> bool {
    matches!(error, DbError::Other(sqlx::Error::Database(error))
        if error.code().as_deref() == Some(LOCK_NOT_AVAILABLE))
}

/// Begins another pass if this one found something, or ends the resealing.
async fn end_of_pass(platform: &Platform, cx: &Ctx, row: &Row) -> Result<(), DbError> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let begin = Place::default().text();
    let here = args![cx.scope.org_arg(), row.version, row.pass, row.place.as_str()];
    let mut arguments = here;
    let sql = if row.found > 0 {
        arguments.push(Arg::from(begin));
        "UPDATE platform_resealing SET pass = pass + 1, place = $5, found = 0
         WHERE org_id = $1 AND version = $2 AND pass = $3 AND place = $4 AND finished_at IS NULL"
    } else {
        arguments.push(Arg::from(cx.now()));
        "UPDATE platform_resealing SET finished_at = $5
         WHERE org_id = $1 AND version = $2 AND pass = $3 AND place = $4 AND finished_at IS NULL"
    };
    let is_ours = tx.execute(sql, arguments).await? == 1;
    if is_ours && row.found == 0 {
        tx.execute(
            "UPDATE platform_keys SET state = $3, retired_at = $4
             WHERE org_id = $1 AND purpose = $2 AND state = $5",
            args![
                cx.scope.org_arg(),
                SEAL,
                KeyState::Retired.name(),
                cx.now(),
                KeyState::Old.name()
            ],
        )
        .await?;
        let entry = Entry::new("platform.keys.resealed").with("version", row.version);
        audit::record(&mut tx, cx, entry.with("values", row.resealed)).await?;
        tracing::info!(version = row.version, values = row.resealed, "all is sealed anew");
    }
    tx.commit().await
}
