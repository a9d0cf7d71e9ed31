//! Makes a user.

use platform::audit::{self, Entry};
use platform::crypto::OrgKeys;
use platform::{Ctx, DbError, Tx};

use crate::model::{Email, PersonName, RoleName, User};
use crate::password::PasswordHash;
use crate::store;

/// Language of a user who has not chosen one.
const DEFAULT_LOCALE: &str = "zh-CN";

/// A user to make.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The address to sign in with.
    pub email: Email,
    /// What to call them.
    pub name: PersonName,
    /// Their role, which the caller has found to exist.
    pub role: RoleName,
    /// From [`crate::hash`].
    pub password: PasswordHash,
}

/// Why a user cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum CreateUserError {
    /// The address belongs to a user already.
    #[error("there is a user with this e-mail address already")]
    EmailTaken,
    /// As the database says.
    #[error(transparent)]
    Store(#[from] DbError),
}

/// Makes `new` in the organisation of `cx`.
///
/// # Errors
/// `EmailTaken` if the address has a user; then the transaction is lost.
pub async fn create_user(
    tx: &mut Tx,
    cx: &Ctx,
    keys: &OrgKeys,
    new: NewUser,
) -> Result<User, CreateUserError> {
    let user = User {
        id: cx.fresh(),
        email: new.email.as_str().to_owned(),
        name: new.name.as_str().to_owned(),
        role: new.role,
        locale: DEFAULT_LOCALE.to_owned(),
    };
    match store::insert_user(tx, cx, keys, &user, &new.password.0).await {
        Ok(()) => {
            let entry = Entry::new("identity.user.create")
                .on("user", user.id)
                .with("role", &user.role)
                .personal("name", &user.name)
                .personal("email", &user.email);
            audit::record(tx, cx, entry).await?;
            Ok(user)
        }
        Err(DbError::Duplicate { .. }) => Err(CreateUserError::EmailTaken),
        Err(error) => Err(error.into()),
    }
}
