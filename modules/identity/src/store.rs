//! All SQL of this module: the organisation and who signs in here, everything else in files of its own.

pub(crate) mod attempts;
pub(crate) mod people;
pub(crate) mod providers;
pub(crate) mod reach;
pub(crate) mod roles;
pub(crate) mod second_factor;
pub(crate) mod sessions;
pub(crate) mod tokens;

use kernel::{OrgId, TypedId as _, UserId};
use platform::crypto::OrgKeys;
use platform::db::args::in_list;
use platform::{Arg, Ctx, DbError, Scope, Tx, args};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::model::{Email, RoleName, User};

/// Under which e-mail addresses are sealed and indexed.
pub(crate) const EMAIL: &str = "identity.email";
/// Users looked up by one statement.
const PEOPLE_MAX: usize = 512;

pub(crate) async fn insert_org(tx: &mut Tx, cx: &Ctx, name: &str) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO identity_orgs (org_id, name, created_at) VALUES ($1, $2, $3)
         ON CONFLICT (org_id) DO NOTHING",
        args![cx.scope.org_arg(), name, cx.now()],
    )
    .await
    .map(drop)
}

/// Names the organisation, and holds its row until the transaction ends.
pub(crate) async fn rename_org(tx: &mut Tx, scope: Scope, name: &str) -> Result<(), DbError> {
    let touched = tx
        .execute(
            "UPDATE identity_orgs SET name = $2 WHERE org_id = $1",
            args![scope.org_arg(), name],
        )
        .await?;
    if touched == 1 { Ok(()) } else { Err(DbError::NotFound) }
}

pub(crate) async fn org_name(tx: &mut Tx, org: OrgId) -> Result<String, DbError> {
    let (name,): (String,) = tx
        .fetch_one(
            "SELECT name FROM identity_orgs WHERE org_id = $1",
            args![Scope::system(org).org_arg()],
        )
        .await?;
    Ok(name)
}

pub(crate) async fn has_users(tx: &mut Tx, scope: Scope) -> Result<bool, DbError> {
    let row: Option<(i64,)> = tx
        .fetch_optional(
            "SELECT org_id FROM identity_users WHERE org_id = $1 LIMIT 1",
            args![scope.org_arg()],
        )
        .await?;
    Ok(row.is_some())
}

pub(crate) async fn insert_user(
    tx: &mut Tx,
    cx: &Ctx,
    keys: &OrgKeys,
    user: &User,
    password_hash: &str,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO identity_users (org_id, id, email_sealed, email_index, name, role, locale,
             password_hash, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        args![
            cx.scope.org_arg(),
            user.id,
            keys.seal(&*cx.ids, EMAIL, user.email.as_bytes()),
            keys.blind_index(EMAIL, &user.email),
            &user.name,
            user.role.as_str(),
            &user.locale,
            password_hash,
            cx.now(),
        ],
    )
    .await
    .map(drop)
}

#[derive(sqlx::FromRow)]
struct UserRow {
    id: Uuid,
    email_sealed: Vec<u8>,
    name: String,
    role: String,
    locale: String,
    password_hash: String,
}

impl UserRow {
    fn open(self, keys: &OrgKeys) -> Result<(User, String), DbError> {
        let unreadable = |error: &dyn std::fmt::Display| DbError::Refused(error.to_string());
        let user = User {
            id: UserId::from_uuid(self.id),
            email: keys.open_text(EMAIL, &self.email_sealed).map_err(|error| unreadable(&error))?,
            name: self.name,
            role: self.role.parse::<RoleName>().map_err(|error| unreadable(&error))?,
            locale: self.locale,
        };
        Ok((user, self.password_hash))
    }
}

/// The user of an address, with the hash of their password.
pub(crate) async fn user_by_email(
    tx: &mut Tx,
    scope: Scope,
    keys: &OrgKeys,
    email: &Email,
) -> Result<Option<(User, String)>, DbError> {
    let row: Option<UserRow> = tx
        .fetch_optional(
            "SELECT id, email_sealed, name, role, locale, password_hash FROM identity_users
             WHERE org_id = $1 AND email_index = $2 AND deactivated_at IS NULL",
            args![scope.org_arg(), keys.blind_index(EMAIL, email.as_str())],
        )
        .await?;
    row.map(|row| row.open(keys)).transpose()
}

pub(crate) async fn user(
    tx: &mut Tx,
    scope: Scope,
    keys: &OrgKeys,
    id: UserId,
) -> Result<Option<User>, DbError> {
    let row: Option<UserRow> = tx
        .fetch_optional(
            "SELECT id, email_sealed, name, role, locale, password_hash FROM identity_users
             WHERE org_id = $1 AND id = $2",
            args![scope.org_arg(), id],
        )
        .await?;
    Ok(row.map(|row| row.open(keys)).transpose()?.map(|(user, _)| user))
}

/// A user who is not deactivated, with the hash of their password.
pub(crate) async fn user_with_password(
    tx: &mut Tx,
    scope: Scope,
    keys: &OrgKeys,
    id: UserId,
) -> Result<Option<(User, String)>, DbError> {
    let row: Option<UserRow> = tx
        .fetch_optional(
            "SELECT id, email_sealed, name, role, locale, password_hash FROM identity_users
             WHERE org_id = $1 AND id = $2 AND deactivated_at IS NULL",
            args![scope.org_arg(), id],
        )
        .await?;
    row.map(|row| row.open(keys)).transpose()
}

/// Id, name and e-mail address of the users among `ids`, in no order.
pub(crate) async fn people(
    tx: &mut Tx,
    scope: Scope,
    keys: &OrgKeys,
    ids: &[UserId],
) -> Result<Vec<(UserId, String, String)>, DbError> {
    let mut found = Vec::new();
    for chunk in ids.chunks(PEOPLE_MAX) {
        let (list, values) = in_list(2, chunk.iter().map(|id| Arg::from(*id)).collect());
        let mut arguments = args![scope.org_arg()];
        arguments.extend(values);
        let sql = format!(
            "SELECT id, name, email_sealed FROM identity_users WHERE org_id = $1 AND id IN ({list})"
        );
        let rows: Vec<(Uuid, String, Vec<u8>)> =
            tx.fetch_all(AssertSqlSafe(sql), arguments).await?;
        for (id, name, sealed) in rows {
            let email = keys
                .open_text(EMAIL, &sealed)
                .map_err(|error| DbError::Refused(error.to_string()))?;
            found.push((UserId::from_uuid(id), name, email));
        }
    }
    Ok(found)
}
