//! Facts about the installation: one value a key, and the check of the master key.

use crate::{DbError, Platform, Tx, args};

const FINGERPRINT: &str = "master_key_fingerprint";

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

/// Makes sure that the data was sealed with the master key this process has; the first start stores
/// its fingerprint. `origin` says where the key came from (`guanxi.key`, `GUANXI_KEY`).
///
/// # Errors
/// `Refused` with the fingerprints of both keys if they differ.
pub async fn check_master_key(platform: &Platform, origin: &str) -> Result<(), DbError> {
    let ours = platform.master.fingerprint();
    let mut tx = platform.db.begin_wide().await?;
    // Insert first: of two processes that start at once with two keys, one is refused.
    tx.execute(
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
    tx.commit().await
}
