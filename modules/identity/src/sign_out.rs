//! Ends a session.

use platform::audit::{self, Entry};
use platform::{Ctx, DbError, Tx};

use crate::authenticate::Credential;
use crate::store;

/// Ends the session of `credential`. Gives whether there was one: an API token is no session.
///
/// # Errors
/// As the database says.
pub async fn sign_out(tx: &mut Tx, cx: &Ctx, credential: &Credential) -> Result<bool, DbError> {
    match credential {
        Credential::Session { secret_hash, .. } => {
            let ended = store::sessions::delete(tx, cx.scope, *secret_hash).await? > 0;
            if ended {
                audit::record(tx, cx, Entry::new("identity.sign_out")).await?;
            }
            Ok(ended)
        }
        Credential::Token { .. } => Ok(false),
    }
}
