//! Facts about the installation: one value a key, and the check of the master key.

use kernel::OrgId;

use crate::{DbError, Platform, Tx, args, keys};

/// Under it stands which master key seals the keys of this data.
pub(crate) const FINGERPRINT: &str = "master_key_fingerprint";

/// Under it stand the fingerprints of master keys that this data had before, the first first.
const EARLIER: &str = "earlier_master_keys";

/// The value stored under `key`.
///
/// # Errors
/// As the database says.
pub async fn get(tx: &mut Tx, key: &str) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> =
        tx.fetch_optional("SELECT value FROM platform_meta WHERE key = $1", args![key]).await?;
    Ok(row.map(|row| row.0))
}

/// Stores `value` under `key`.
///
/// # Errors
/// As the database says.
pub async fn set(tx: &mut Tx, key: &str, value: &str) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO platform_meta (key, value) VALUES ($1, $2)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        args![key, value],
    )
    .await
    .map(drop)
}

/// Stores `new` under `key` if `old` is stored there; says whether it was.
///
/// # Errors
/// As the database says.
pub async fn replace(tx: &mut Tx, key: &str, old: &str, new: &str) -> Result<bool, DbError> {
    let replaced = tx
        .execute(
            "UPDATE platform_meta SET value = $3 WHERE key = $1 AND value = $2",
            args![key, old, new],
        )
        .await?;
    Ok(replaced == 1)
}

/// Removes what is stored under `key`.
///
/// # Errors
/// As the database says.
pub async fn remove(tx: &mut Tx, key: &str) -> Result<(), DbError> {
    tx.execute("DELETE FROM platform_meta WHERE key = $1", args![key]).await.map(drop)
}

/// Keys that begin with `prefix`, and what is stored under each; there are few.
///
/// # Errors
/// As the database says.
pub async fn all(tx: &mut Tx, prefix: &str) -> Result<Vec<(String, String)>, DbError> {
    let length = prefix.chars().count() as i64;
    tx.fetch_all(
        "SELECT key, value FROM platform_meta WHERE substr(key, 1, CAST($1 AS INTEGER)) = $2
          ORDER BY key LIMIT 1000",
        args![length, prefix],
    )
    .await
}

/// Removes what is stored under keys that begin with `prefix`.
///
/// # Errors
/// As the database says.
pub async fn remove_all(tx: &mut Tx, prefix: &str) -> Result<(), DbError> {
    let length = prefix.chars().count() as i64;
    tx.execute(
        "DELETE FROM platform_meta WHERE substr(key, 1, CAST($1 AS INTEGER)) = $2",
        args![length, prefix],
    )
    .await
    .map(drop)
}

/// Notes that the master key of `platform` is followed by that of fingerprint `new`.
pub(crate) async fn follow_master_key(
    tx: &mut Tx,
    platform: &Platform,
    new: &str,
) -> Result<(), DbError> {
    let mut earlier = earlier_master_keys(tx).await?;
    earlier.push(platform.master.fingerprint());
    set(tx, EARLIER, &earlier.join(" ")).await?;
    set(tx, FINGERPRINT, new).await
}

/// Fingerprints of the master keys that this data had before.
pub(crate) async fn earlier_master_keys(tx: &mut Tx) -> Result<Vec<String>, DbError> {
    let stored = get(tx, EARLIER).await?.unwrap_or_default();
    Ok(stored.split_whitespace().map(str::to_owned).collect())
}

/// Makes sure that the data was sealed with the master key this process has; the first start stores
/// its fingerprint, and makes the keys of the first organisation. `origin` says where the key came from (`guanxi.key`, `GUANXI_KEY`).
///
/// # Errors
/// `Refused` with the fingerprints of both keys if they differ.
pub async fn check_master_key(platform: &Platform, origin: &str) -> Result<(), DbError> {
    let ours = platform.master.fingerprint();
    let mut tx = platform.db.begin_wide().await?;
    // Insert first: of two processes that start at once with two keys, one is refused.
    let is_new = tx
        .execute(
            "INSERT INTO platform_meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING",
            args![FINGERPRINT, ours.as_str()],
        )
        .await?;
    let stored = get(&mut tx, FINGERPRINT).await?.ok_or(DbError::NotFound)?;
    if stored != ours {
        return Err(DbError::Refused(format!(
            "this data was sealed with the key of fingerprint {stored}, but the key from {origin} \
             has fingerprint {ours}; put the right key into the key file beside the data folder, \
             or into GUANXI_KEY (the same data is unreadable with any other key)"
        )));
    }
    // Data that was there before keys were rows keeps those it was sealed with.
    let first = if is_new == 1 { keys::First::Random } else { keys::First::Derived };
    keys::ensure(&mut tx, platform, OrgId::FIRST, first).await?;
    tx.commit().await
}

/// Makes sure, until the end of `tx`, that the master key of this process is still the one that seals
/// the keys of this data: a process goes on when it was changed meanwhile.
///
/// # Errors
/// `Refused` if it was changed.
pub(crate) async fn hold_master_key(tx: &mut Tx, platform: &Platform) -> Result<(), DbError> {
    let lock = if tx.is_postgres() { " FOR UPDATE" } else { "" };
    let sql = format!("SELECT value FROM platform_meta WHERE key = $1{lock}");
    let row: Option<(String,)> =
        tx.fetch_optional(sqlx::AssertSqlSafe(sql), args![FINGERPRINT]).await?;
    is_ours(platform, row.map(|row| row.0).as_deref())
}

/// As [`hold_master_key`], for who only reads.
///
/// # Errors
/// `Refused` if it was changed.
pub(crate) async fn see_master_key(tx: &mut Tx, platform: &Platform) -> Result<(), DbError> {
    let stored = get(tx, FINGERPRINT).await?;
    is_ours(platform, stored.as_deref())
}

fn is_ours(platform: &Platform, stored: Option<&str>) -> Result<(), DbError> {
    if stored.is_none_or(|stored| stored == platform.master.fingerprint()) {
        return Ok(());
    }
    Err(DbError::Refused(
        "the master key was changed while this program ran; start it again with the new one".into(),
    ))
}
