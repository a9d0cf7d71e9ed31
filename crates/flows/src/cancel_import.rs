//! Gives an import up: what it brought in stays, and can be taken back.

use commerce::imports::{self, Import, ImportState};
use kernel::ImportId;
use platform::{Ctx, DbError, Platform};

use crate::import_orders;

/// States in which an import can be given up.
pub const CANCELLABLE: [ImportState; 5] = [
    ImportState::Draft,
    ImportState::Running,
    ImportState::Queued,
    ImportState::Paused,
    ImportState::Failed,
];

/// Why an import cannot be given up.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    /// There is no such import.
    #[error("there is no import {0}")]
    Unknown(ImportId),
    /// It is at its end already.
    #[error("import {id} is {}; there is nothing to cancel", state.name())]
    State {
        /// The import.
        id: ImportId,
        /// Where it stands.
        state: ImportState,
    },
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Gives the import up. A process that works on it stops after its present transaction.
///
/// # Errors
/// `State` if it is at its end; otherwise as the database says.
pub async fn cancel(platform: &Platform, cx: &Ctx, id: ImportId) -> Result<Import, CancelError> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let cancelled =
        imports::transition(&mut tx, cx, id, &CANCELLABLE, ImportState::Cancelled).await?;
    let import = imports::get(&mut tx, cx.scope, id).await?.ok_or(CancelError::Unknown(id))?;
    if !cancelled {
        return Err(CancelError::State { id, state: import.state });
    }
    tx.commit().await?;
    import_orders::remove_uploads(&import);
    Ok(import)
}
