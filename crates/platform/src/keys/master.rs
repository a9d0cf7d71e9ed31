//! Another master key.

use super::all;
use crate::audit::{self, Entry};
use crate::crypto::MasterKey;
use crate::{Ctx, DbError, Platform, args, meta};

/// Why the master key was not changed.
#[derive(Debug, thiserror::Error)]
pub enum MasterError {
    /// The new one is the present one.
    #[error("the new master key is the one that the data has already")]
    Same,
    /// As the database says.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Seals all keys of all organisations with `new`, in one transaction; gives how many. From its commit
/// on, this process and others that run with the present master key go on with the keys they know, but
/// make no backups and no new versions until they are started again with the new one.
///
/// # Errors
/// `Same`; `Refused` if a key does not open with the present one.
pub async fn change_master(
    platform: &Platform,
    cx: &Ctx,
    new: &MasterKey,
) -> Result<u64, MasterError> {
    if new.fingerprint() == platform.master.fingerprint() {
        return Err(MasterError::Same);
    }
    let mut tx = platform.db.begin_wide().await?;
    meta::hold_master_key(&mut tx, platform).await?;
    let mut changed = 0;
    for row in all(&mut tx).await? {
        let of = (row.org, row.purpose.as_str(), row.version);
        let key = platform.master.unwrap_key(of, &row.wrapped).map_err(super::refused)?;
        let wrapped = new.wrap(&*platform.ids, of, &key);
        changed += tx
            .execute(
                "UPDATE platform_keys SET wrapped = $4
                 WHERE org_id = $1 AND purpose = $2 AND version = $3",
                args![row.org.get(), row.purpose.as_str(), row.version, wrapped],
            )
            .await?;
    }
    meta::follow_master_key(&mut tx, platform, &new.fingerprint()).await?;
    let entry = Entry::new("platform.keys.change_master").with("keys", changed);
    audit::record(
        &mut tx,
        cx,
        entry.change("fingerprint", platform.master.fingerprint(), new.fingerprint()),
    )
    .await?;
    tx.commit().await?;
    Ok(changed)
}
