//! The second wall on PostgreSQL: row-level security (ADR 7).
//!
//! The first wall is that each statement names its organisation. Should one forget to, this holds: a
//! transaction of one organisation ([`Db::begin_for`](super::Db::begin_for)) takes a role that has rights
//! to rows only, and for which every table with an `org_id` shows and takes the rows of that organisation
//! alone. The role is no owner, so it is bound by the policies even where the program signs in as the
//! owner or as a superuser, who are not.
//!
//! What the program does for all organisations at once keeps the rights of its sign-in
//! ([`Db::begin_wide`](super::Db::begin_wide)); `tests/house` lists where.

use std::sync::{Arc, PoisonError, RwLock};

use kernel::OrgId;
use sqlx::AssertSqlSafe;

use super::error::DbError;
use super::tx::Tx;
use crate::args;

/// The setting that tells the policies for whom a transaction works; it ends with the transaction.
const SETTING: &str = "guanxi.org";
/// The policy of each table.
const POLICY: &str = "guanxi_org";
/// What it asks of a row. In a sub-select it is worked out once for a statement. Without an organisation
/// it is NULL, and no row fits.
const FITS: &str = "org_id = (SELECT NULLIF(current_setting('guanxi.org', true), '')::bigint)";

/// Whether the second wall stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wall {
    /// Transactions of an organisation are held to its rows by this role of PostgreSQL.
    Up(Arc<str>),
    /// PostgreSQL could hold them, and does not; why, and what to do about it.
    Down(String),
    /// There is nothing to wall in: SQLite has no row-level security; or there are no tables yet.
    None,
}

/// What all handles of one database know of its wall.
#[derive(Clone)]
pub(super) struct Known(Arc<RwLock<Wall>>);

impl Known {
    pub(super) fn new(wall: Wall) -> Self {
        Self(Arc::new(RwLock::new(wall)))
    }

    pub(super) fn get(&self) -> Wall {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set(&self, wall: Wall) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = wall;
    }
}

/// The statements that put a transaction of `org` behind the wall; none if there is none.
pub(super) fn entering(wall: &Wall, org: OrgId) -> String {
    match wall {
        Wall::Up(role) => format!("SET LOCAL ROLE {role}; SET LOCAL {SETTING} = '{}'", org.get()),
        Wall::Down(_) | Wall::None => String::new(),
    }
}

/// Puts the rights of the sign-in back; the organisation stays noted.
pub(super) const LEAVING: &str = "SET LOCAL ROLE NONE";

/// The role, and what the sign-in may do about it.
struct Role {
    name: String,
    /// Its name as a person has to write it.
    sign_in: String,
    exists: bool,
    may_take: bool,
    may_make: bool,
    is_super: bool,
}

async fn role(tx: &mut Tx) -> Result<Role, DbError> {
    // Roles belong to the cluster, tables to a database: another's sign-in gets nothing of ours.
    let (name, sign_in, is_super, may_make, version): (String, String, bool, bool, i64) = tx
        .fetch_one(
            "SELECT 'guanxi_wall_' || CAST(d.oid AS TEXT), CAST(quote_ident(r.rolname) AS TEXT),
                r.rolsuper, r.rolsuper OR r.rolcreaterole,
                CAST(current_setting('server_version_num') AS BIGINT)
             FROM pg_database AS d, pg_roles AS r
             WHERE d.datname = current_database() AND r.rolname = session_user",
            vec![],
        )
        .await?;
    // From 16 on a member may be one without the right to take the role.
    let right = if version >= 160_000 { "SET" } else { "MEMBER" };
    let found: Option<(bool,)> = tx
        .fetch_optional(
            "SELECT pg_has_role(session_user, oid, $2) FROM pg_roles WHERE rolname = $1",
            args![name.as_str(), right],
        )
        .await?;
    let (exists, may_take) = (found.is_some(), found.is_some_and(|found| found.0));
    Ok(Role { name, sign_in, exists, may_take, may_make, is_super })
}

/// A table with an `org_id`.
#[derive(sqlx::FromRow)]
struct Table {
    name: String,
    is_ours: bool,
    is_walled: bool,
    is_granted: bool,
}

async fn tables(tx: &mut Tx, role: &str) -> Result<Vec<Table>, DbError> {
    tx.fetch_all(
        "SELECT CAST(quote_ident(c.relname) AS TEXT) AS name,
            pg_has_role(session_user, c.relowner, 'USAGE') AS is_ours,
            c.relrowsecurity AND EXISTS (
                SELECT 1 FROM pg_policy AS p WHERE p.polrelid = c.oid AND p.polname = $2
            ) AS is_walled,
            has_table_privilege($1, c.oid, 'SELECT') AND has_table_privilege($1, c.oid, 'INSERT')
                AND has_table_privilege($1, c.oid, 'UPDATE')
                AND has_table_privilege($1, c.oid, 'DELETE') AS is_granted
         FROM pg_class AS c
         JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'org_id' AND NOT a.attisdropped
         WHERE c.relnamespace = CAST(current_schema() AS regnamespace) AND c.relkind IN ('r', 'p')
         ORDER BY c.relname",
        args![role, POLICY],
    )
    .await
}

/// The tables of the installation as a whole that the inside may read, and not write.
const READABLE: [&str; 3] = ["platform_meta", "platform_subscribers", "platform_migrations"];

/// Whether the wall stands, without changing anything.
pub(super) async fn look(tx: &mut Tx) -> Result<Wall, DbError> {
    let role = role(tx).await?;
    if !role.exists || !role.may_take {
        return Ok(Wall::Down(advice(&role)));
    }
    let open = tables(tx, &role.name).await?.into_iter().find(|table| !table.is_walled);
    Ok(match open {
        Some(table) => Wall::Down(format!("the table {} has no policy", table.name)),
        None => Wall::Up(role.name.into()),
    })
}

/// Builds what is missing of the wall: the role, the policy and the grants of each table. Gives whether
/// anything was.
pub(super) async fn raise(tx: &mut Tx) -> Result<(Wall, bool), DbError> {
    if !tx.is_postgres() {
        return Ok((Wall::None, false));
    }
    let any: Option<(i32,)> = tx
        .fetch_optional(
            "SELECT 1 FROM pg_class AS c
             JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'org_id'
             WHERE c.relnamespace = CAST(current_schema() AS regnamespace)
                AND c.relkind IN ('r', 'p') LIMIT 1",
            vec![],
        )
        .await?;
    if any.is_none() {
        return Ok((Wall::None, false));
    }
    let role = role(tx).await?;
    let mut script = Vec::new();
    if !role.exists {
        if !role.may_make {
            return Ok((Wall::Down(advice(&role)), false));
        }
        script.push(format!("CREATE ROLE {} NOLOGIN", role.name));
    }
    if !role.may_take && !role.is_super {
        if role.exists {
            // Whoever made it has to let us take it: whether we might let ourselves, differs by version.
            return Ok((Wall::Down(advice(&role)), false));
        }
        script.push(format!("GRANT {} TO CURRENT_USER", role.name));
    }
    let mut changed = run(tx, std::mem::take(&mut script)).await?;
    let tables = tables(tx, &role.name).await?;
    if let Some(table) = tables.iter().find(|table| !table.is_ours) {
        let why = format!(
            "the table {} belongs to another role than {}; give it to that one (ALTER TABLE … OWNER TO)",
            table.name, role.sign_in
        );
        return Ok((Wall::Down(why), changed));
    }
    for Table { name, is_walled, is_granted, .. } in &tables {
        if !is_walled {
            script.push(format!("DROP POLICY IF EXISTS {POLICY} ON {name}"));
            script.push(format!(
                "CREATE POLICY {POLICY} ON {name} USING ({FITS}) WITH CHECK ({FITS})"
            ));
            script.push(format!("ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"));
        }
        if !is_granted {
            script.push(format!("GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO {}", role.name));
        }
    }
    script.extend(other_grants(tx, &role.name).await?);
    changed |= run(tx, script).await?;
    Ok((Wall::Up(role.name.into()), changed))
}

/// Grants of the schema and of the tables that belong to no organisation.
async fn other_grants(tx: &mut Tx, role: &str) -> Result<Vec<String>, DbError> {
    let (schema, is_open): (String, bool) = tx
        .fetch_one(
            "SELECT CAST(quote_ident(current_schema()) AS TEXT),
                has_schema_privilege($1, current_schema(), 'USAGE')",
            args![role],
        )
        .await?;
    let mut script = Vec::new();
    if !is_open {
        script.push(format!("GRANT USAGE ON SCHEMA {schema} TO {role}"));
    }
    for table in READABLE {
        let found: Option<(bool,)> = tx
            .fetch_optional(
                "SELECT has_table_privilege($1, c.oid, 'SELECT') FROM pg_class AS c
                 WHERE c.relname = $2 AND c.relnamespace = CAST(current_schema() AS regnamespace)",
                args![role, table],
            )
            .await?;
        if found.is_some_and(|found| !found.0) {
            script.push(format!("GRANT SELECT ON {table} TO {role}"));
        }
    }
    Ok(script)
}

async fn run(tx: &mut Tx, script: Vec<String>) -> Result<bool, DbError> {
    let any = !script.is_empty();
    for statement in script {
        tx.execute(AssertSqlSafe(statement), vec![]).await?;
    }
    Ok(any)
}

fn advice(role: &Role) -> String {
    let Role { name, sign_in, exists, .. } = role;
    let make = if *exists { String::new() } else { format!("CREATE ROLE {name} NOLOGIN; ") };
    format!(
        "{sign_in} may not {} the role {name}; let an administrator of the database run \
         `{make}GRANT {name} TO {sign_in};` and start again",
        if *exists { "take" } else { "make" }
    )
}
