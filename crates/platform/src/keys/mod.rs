//! Keys of organisations as rows: made, listed, replaced while the program runs.
//!
//! A key is sealed with the master key and has a version. [`begin`] makes the next version, which seals
//! from then on; [`reseal`] seals every value anew that an earlier version sealed, in small transactions
//! and from where it was if it was stopped, and then retires the earlier versions. A process that has not
//! heard of a new version goes on sealing with its own for a moment, and learns of the new one with the
//! first value that it meets ([`crate::crypto`]) or within [`follow`]'s few seconds.
//!
//! A retired key stays, sealed: a process that slept may still have used it, and what it cost to keep is
//! a row. See docs/adr/0008 and docs/security.md.

mod follow;
mod job;
mod master;
mod place;
mod reseal;
mod rotate;
mod routes;

use std::num::TryFromIntError;

use kernel::{Ids, OrgId, Timestamp};
use serde::Serialize;

use crate::crypto::{ACTIVE, AUTHENTICATE, CryptoError, INDEX, KeyRow, OrgKeys, SEAL};
use crate::{Db, DbError, Platform, Scope, Tx, args};

pub use follow::follow;
pub use job::{ROTATE, RotateJob};
pub use master::{MasterError, change_master};
pub use reseal::reseal;
pub use rotate::{Begun, Progress, RotateError, begin, progress};
pub use routes::{Columns, routes};

/// A column that holds sealed values, as a module declares it.
#[derive(Debug, Clone, Copy)]
pub struct Sealed {
    /// The table.
    pub table: &'static str,
    /// Its primary key behind `org_id`.
    pub key: &'static [&'static str],
    /// The column.
    pub column: &'static str,
    /// As what its values are sealed: one of these.
    pub fields: &'static [&'static str],
    /// How many rows are sealed anew in one transaction.
    pub at_once: u32,
    /// For values inside of which others lie that are sealed by themselves.
    pub inside: Option<Inside>,
}

impl Sealed {
    /// A column of small values that are sealed as one thing.
    #[must_use]
    pub const fn new(
        table: &'static str,
        key: &'static [&'static str],
        column: &'static str,
        fields: &'static [&'static str],
    ) -> Self {
        Self { table, key, column, fields, at_once: 250, inside: None }
    }
}

/// Seals anew what lies, sealed by itself, inside of a value: takes what it holds and gives the same with
/// its parts sealed by the active version; `None` where it cannot be read.
pub type Inside = fn(keys: &OrgKeys, ids: &dyn Ids, plain: &[u8]) -> Option<Vec<u8>>;

/// How the first keys of an organisation come to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// At random: nothing was sealed for it before.
    Random,
    /// As 0.1.0 derived them from the master key: its data was sealed with them.
    Derived,
}

/// A version of the key that seals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct KeyVersion {
    /// 1, 2, 3 …
    pub version: i64,
    /// Where it stands.
    pub state: KeyState,
    /// When it was made; for the first one of data of 0.1.0, when that was brought up to date.
    pub made_at: Timestamp,
    /// When nothing was sealed with it any more.
    pub retired_at: Option<Timestamp>,
}

/// Where a version stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// It seals.
    Active,
    /// What it sealed is being sealed anew.
    Old,
    /// All it sealed was sealed anew.
    Retired,
}

impl KeyState {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Active => ACTIVE,
            Self::Old => "old",
            Self::Retired => "retired",
        }
    }

    fn from_name(name: &str) -> Self {
        match name {
            ACTIVE => Self::Active,
            "old" => Self::Old,
            _ => Self::Retired,
        }
    }
}

/// Makes the keys of `org` if it has none, as part of `tx`. Nothing may be sealed for `org` before `tx`
/// is committed and [`load`] ran, unless they are [`First::Derived`].
///
/// # Errors
/// As the database says.
pub async fn ensure(
    tx: &mut Tx,
    platform: &Platform,
    org: OrgId,
    first: First,
) -> Result<(), DbError> {
    let known: Option<(i64,)> = tx
        .fetch_optional(
            "SELECT version FROM platform_keys WHERE org_id = $1 LIMIT 1",
            args![org.get()],
        )
        .await?;
    if known.is_some() {
        return Ok(());
    }
    for purpose in [SEAL, INDEX, AUTHENTICATE] {
        let mut key = platform.master.derived_key(org, purpose);
        if first == First::Random {
            platform.ids.fill(key.as_mut_slice());
        }
        insert(tx, platform, org, purpose, 1, &key).await?;
    }
    Ok(())
}

async fn insert(
    tx: &mut Tx,
    platform: &Platform,
    org: OrgId,
    purpose: &str,
    version: u16,
    key: &[u8],
) -> Result<(), DbError> {
    let wrapped = platform.master.wrap(&*platform.ids, (org, purpose, version), key);
    // Two processes that start at once make the same ones; the first counts.
    tx.execute(
        "INSERT INTO platform_keys (org_id, purpose, version, state, wrapped, made_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (org_id, purpose, version) DO NOTHING",
        args![org.get(), purpose, version, ACTIVE, wrapped, platform.now()],
    )
    .await
    .map(drop)
}

/// Has `platform` use the keys in its database from now on. Once, before anything is sealed or opened.
///
/// # Errors
/// `Refused` if they were sealed with another master key; otherwise as the database says.
pub async fn load(platform: &Platform) -> Result<(), DbError> {
    let rows = rows(&platform.db).await?;
    platform.keyring.take(&platform.db, &rows).map_err(refused)
}

fn refused(error: CryptoError) -> DbError {
    DbError::Refused(error.to_string())
}

/// The keys of all organisations.
pub(crate) async fn rows(db: &Db) -> Result<Vec<KeyRow>, DbError> {
    let mut tx = db.read_wide().await?;
    let rows = all(&mut tx).await?;
    tx.rollback().await?;
    Ok(rows)
}

type Row = (i64, String, i64, String, Vec<u8>);

async fn all(tx: &mut Tx) -> Result<Vec<KeyRow>, DbError> {
    let rows: Vec<Row> = tx
        .fetch_all("SELECT org_id, purpose, version, state, wrapped FROM platform_keys", vec![])
        .await?;
    let read = |(org, purpose, version, state, wrapped): Row| {
        let org = OrgId::new(i32::try_from(org)?);
        Ok(KeyRow { org, purpose, version: u16::try_from(version)?, state, wrapped })
    };
    let rows: Result<Vec<KeyRow>, TryFromIntError> = rows.into_iter().map(read).collect();
    rows.map_err(|_| DbError::Refused("the keys of this data have impossible numbers".into()))
}

/// The versions of the key that seals, newest first.
///
/// # Errors
/// As the database says.
pub async fn list(tx: &mut Tx, scope: Scope) -> Result<Vec<KeyVersion>, DbError> {
    let rows: Vec<(i64, String, Timestamp, Option<Timestamp>)> = tx
        .fetch_all::<(i64, String, i64, Option<i64>)>(
            "SELECT version, state, made_at, retired_at FROM platform_keys
             WHERE org_id = $1 AND purpose = $2 ORDER BY version DESC",
            args![scope.org_arg(), SEAL],
        )
        .await?
        .into_iter()
        .map(|(version, state, made, retired)| {
            let at = Timestamp::from_millis;
            (version, state, at(made), retired.map(at))
        })
        .collect();
    let view = |(version, state, made_at, retired_at): (i64, String, Timestamp, _)| KeyVersion {
        version,
        state: KeyState::from_name(&state),
        made_at,
        retired_at,
    };
    Ok(rows.into_iter().map(view).collect())
}
