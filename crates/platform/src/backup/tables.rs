//! Which tables there are, as the database itself says: a table that a migration adds is in the next
//! backup without anybody thinking of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::error::BackupError;
use super::rows::{RowSum, ValueKind};
use crate::db::RowSink;
use crate::outbox::{self, POSITION_KEY};
use crate::{DbError, Tx, args};

/// Made by [`crate::Db::migrate`] itself; the manifest names the versions instead.
const MIGRATIONS: &str = "platform_migrations";
/// Its positions are given in different ways on the two databases.
const OUTBOX: &str = "platform_outbox";
/// Holds the highest position, on PostgreSQL.
const META: &str = "platform_meta";

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Column {
    pub name: String,
    pub kind: ValueKind,
}

/// One table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    pub name: String,
    /// In the order of their definition, without those that the database numbers by itself.
    pub columns: Vec<Column>,
    /// Which of `columns` are the primary key, in its order.
    pub key: Vec<usize>,
}

/// Versions of the tables, by module.
pub(super) type Versions = BTreeMap<String, i64>;

/// The versions of the tables that `tx` sees.
pub(super) async fn versions(tx: &mut Tx) -> Result<Versions, DbError> {
    let rows: Vec<(String, i64)> = tx
        .fetch_all("SELECT module, MAX(version) FROM platform_migrations GROUP BY module", vec![])
        .await?;
    Ok(rows.into_iter().collect())
}

/// Names of all tables of `modules`, in their order. Other tables may stand in the same database.
pub(super) async fn names<'a>(
    tx: &mut Tx,
    modules: impl Iterator<Item = &'a str> + Clone + Send,
) -> Result<Vec<String>, DbError> {
    let sql = if tx.is_postgres() {
        "SELECT CAST(c.relname AS TEXT) FROM pg_class AS c
         JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p') AND n.nspname = current_schema()"
    } else {
        "SELECT name FROM sqlite_schema WHERE type = 'table'"
    };
    let rows: Vec<(String,)> = tx.fetch_all(sql, vec![]).await?;
    let is_ours = |name: &str| {
        let mut modules = modules.clone();
        modules.any(|module| name.strip_prefix(module).is_some_and(|rest| rest.starts_with('_')))
    };
    let mut names: Vec<String> = rows.into_iter().map(|row| row.0).collect();
    // Here, not there: how texts are sorted is a setting of PostgreSQL.
    names.retain(|name| is_ours(name));
    names.sort_unstable();
    Ok(names)
}

/// A table of `modules` that is there, if the database is not one in which nothing was made yet.
pub(super) async fn holds_data<'a>(
    tx: &mut Tx,
    modules: impl Iterator<Item = &'a str> + Clone + Send,
) -> Result<Option<String>, DbError> {
    let mut names = names(tx, modules).await?;
    let known = names.len();
    names.retain(|name| name != MIGRATIONS);
    let is_begun = names.is_empty() && known > 0 && !versions(tx).await?.is_empty();
    Ok(names.into_iter().next().or(is_begun.then(|| MIGRATIONS.to_owned())))
}

/// All tables of `modules` but that of the migrations.
pub(super) async fn tables<'a>(
    tx: &mut Tx,
    modules: impl Iterator<Item = &'a str> + Clone + Send,
) -> Result<Vec<Table>, BackupError> {
    let mut tables = Vec::new();
    for name in names(tx, modules).await? {
        if name != MIGRATIONS {
            tables.push(table(tx, name).await?);
        }
    }
    Ok(tables)
}

/// Name, type, place in the primary key from 1 (else 0), whether the database numbers it.
type ColumnRow = (String, String, i64, bool);

async fn table(tx: &mut Tx, name: String) -> Result<Table, BackupError> {
    let sql = if tx.is_postgres() {
        "SELECT CAST(a.attname AS TEXT), format_type(a.atttypid, NULL),
             CAST(COALESCE(array_position(CAST(i.indkey AS INT2[]), a.attnum) + 1, 0) AS BIGINT),
             a.attidentity <> ''
         FROM pg_attribute AS a
         LEFT JOIN pg_index AS i ON i.indrelid = a.attrelid AND i.indisprimary
         WHERE a.attrelid = CAST(CAST($1 AS TEXT) AS REGCLASS) AND a.attnum > 0 AND NOT a.attisdropped
         ORDER BY a.attnum"
    } else {
        "SELECT name, type, pk, FALSE FROM pragma_table_info($1) ORDER BY cid"
    };
    let rows: Vec<ColumnRow> = tx.fetch_all(sql, args![name.as_str()]).await?;
    let mut columns = Vec::new();
    let mut key = Vec::new();
    for (column, kind, place, is_numbered) in rows {
        if is_numbered {
            continue;
        }
        let unfit = || BackupError::Unfit {
            table: name.clone(),
            detail: format!("backups know no columns of type {kind} ({column})"),
        };
        let kind = ValueKind::of_type(&kind, tx.is_postgres()).ok_or_else(unfit)?;
        if place > 0 {
            key.push((place, columns.len()));
        }
        columns.push(Column { name: column, kind });
    }
    key.sort_unstable();
    let mut key: Vec<usize> = key.into_iter().map(|(_, column)| column).collect();
    if name == OUTBOX {
        key = columns.iter().position(|column| column.name == "position").into_iter().collect();
    }
    if key.is_empty() {
        let detail = "backups know no tables without a primary key".to_owned();
        return Err(BackupError::Unfit { table: name, detail });
    }
    Ok(Table { name, columns, key })
}

impl Table {
    /// Gives every row to `sink`, in the order of the primary key. That is an order of an index, so
    /// neither database gathers the table to sort it.
    pub(super) async fn read<S>(&self, tx: &mut Tx, sink: &mut S) -> Result<(), BackupError>
    where
        S: RowSink<Error = BackupError>,
    {
        let kinds: Vec<ValueKind> = self.columns.iter().map(|column| column.kind).collect();
        let sql = self.select(tx).await?;
        tx.read_rows(sql, &kinds, sink).await.map_err(|error| match error {
            BackupError::Db(DbError::Other(sqlx::Error::Decode(source))) => {
                BackupError::Unfit { table: self.name.clone(), detail: source.to_string() }
            }
            other => other,
        })
    }

    async fn select(&self, tx: &mut Tx) -> Result<String, DbError> {
        let name = &self.name;
        let columns = self.column_list(self.columns.iter());
        let order = self.column_list(self.key.iter().map(|at| &self.columns[*at]));
        if self.name == META {
            return Ok(format!(
                "SELECT {columns} FROM {name} WHERE key <> '{POSITION_KEY}' ORDER BY {order}"
            ));
        }
        if self.name == OUTBOX && tx.is_postgres() {
            // Committed events that have no position yet get the next ones here as there; see
            // `outbox/sequence.rs`.
            let base = outbox::head(tx).await?.get();
            let others: Vec<String> = self
                .columns
                .iter()
                .filter(|column| column.name != "position")
                .map(|column| format!("\"{}\"", column.name))
                .collect();
            let rest = others.join(", ");
            return Ok(format!(
                "SELECT {columns} FROM (
                     SELECT position, {rest} FROM {name} WHERE position IS NOT NULL
                     UNION ALL SELECT {base} + ROW_NUMBER() OVER (ORDER BY seq), {rest}
                     FROM {name} WHERE position IS NULL) AS numbered ORDER BY {order}"
            ));
        }
        Ok(format!("SELECT {columns} FROM {name} ORDER BY {order}"))
    }

    fn column_list<'a>(&self, columns: impl Iterator<Item = &'a Column>) -> String {
        columns.map(|column| format!("\"{}\"", column.name)).collect::<Vec<_>>().join(", ")
    }
}

/// The position that the next event comes behind: those without one counted, as they are in a backup.
pub(super) async fn outbox_head(tx: &mut Tx) -> Result<i64, DbError> {
    let head = outbox::head(tx).await?.get();
    if !tx.is_postgres() {
        return Ok(head);
    }
    let (waiting,): (i64,) =
        tx.fetch_one("SELECT COUNT(*) FROM platform_outbox WHERE position IS NULL", vec![]).await?;
    Ok(head + waiting)
}

/// Makes the next event come behind `head`, whatever events there are.
pub(super) async fn set_outbox_head(tx: &mut Tx, head: i64) -> Result<(), DbError> {
    if tx.is_postgres() {
        return crate::meta::set(tx, POSITION_KEY, &head.to_string()).await;
    }
    tx.execute("DELETE FROM sqlite_sequence WHERE name = 'platform_outbox'", vec![]).await?;
    if head > 0 {
        let sql = "INSERT INTO sqlite_sequence (name, seq) VALUES ('platform_outbox', $1)";
        tx.execute(sql, args![head]).await?;
    }
    Ok(())
}

/// The hash of all data, the same for the same data on both databases: SHA-256 over the tables in
/// the order of their names, each with its columns and the sum of its rows, and the outbox's head.
pub(super) fn data_hash<'a>(
    tables: impl Iterator<Item = (&'a str, &'a [Column], RowSum)>,
    outbox_head: i64,
) -> String {
    let mut hash = Sha256::new();
    hash.update(b"guanxi data 1\n");
    for (name, columns, sum) in tables {
        hash.update(format!("{name} {} {}\n", sum.rows(), sum.text()));
        for Column { name, kind } in columns {
            hash.update(format!("  {name} {kind:?}\n"));
        }
    }
    hash.update(format!("{outbox_head}\n"));
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
