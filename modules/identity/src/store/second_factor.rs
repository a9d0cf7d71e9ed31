//! SQL of second factors, recovery codes and sign-ins that await a code.

use kernel::{Timestamp, TypedId as _, UserId};
use platform::{Ctx, DbError, Scope, Tx, args};
use uuid::Uuid;

/// What is stored of a user's second factor.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) sealed: Option<Vec<u8>>,
    pub(crate) step: i64,
    pub(crate) on_since: Option<Timestamp>,
    pub(crate) has_password: bool,
}

/// Sealed secret, last step, since when, password.
type StoredFactor = (Option<Vec<u8>>, i64, Option<i64>, String);

pub(crate) async fn find(tx: &mut Tx, scope: Scope, user: UserId) -> Result<Option<Row>, DbError> {
    let row: Option<StoredFactor> = tx
        .fetch_optional(
            "SELECT totp_sealed, totp_step, second_factor_at, password_hash FROM identity_users
             WHERE org_id = $1 AND id = $2",
            args![scope.org_arg(), user],
        )
        .await?;
    Ok(row.map(|(sealed, step, on_since, password)| Row {
        sealed,
        step,
        on_since: on_since.map(Timestamp::from_millis),
        has_password: !password.is_empty(),
    }))
}

/// Keeps a secret that is being set up; gives whether none is on.
pub(crate) async fn put_secret(
    tx: &mut Tx,
    scope: Scope,
    user: UserId,
    sealed: Vec<u8>,
) -> Result<bool, DbError> {
    let put = tx
        .execute(
            "UPDATE identity_users SET totp_sealed = $3, totp_step = 0
             WHERE org_id = $1 AND id = $2 AND second_factor_at IS NULL",
            args![scope.org_arg(), user, sealed],
        )
        .await?;
    Ok(put == 1)
}

/// Switches on what is being set up; gives whether it was off.
pub(crate) async fn switch_on(
    tx: &mut Tx,
    cx: &Ctx,
    user: UserId,
    step: i64,
) -> Result<bool, DbError> {
    let on = tx
        .execute(
            "UPDATE identity_users SET second_factor_at = $3, totp_step = $4
             WHERE org_id = $1 AND id = $2 AND second_factor_at IS NULL AND totp_sealed IS NOT NULL",
            args![cx.scope.org_arg(), user, cx.now(), step],
        )
        .await?;
    Ok(on == 1)
}

/// Forgets all of it; gives whether there was something.
pub(crate) async fn switch_off(tx: &mut Tx, scope: Scope, user: UserId) -> Result<bool, DbError> {
    let off = tx
        .execute(
            "UPDATE identity_users SET second_factor_at = NULL, totp_sealed = NULL, totp_step = 0
             WHERE org_id = $1 AND id = $2 AND totp_sealed IS NOT NULL",
            args![scope.org_arg(), user],
        )
        .await?;
    put_recovery_codes(tx, scope, user, Vec::new()).await?;
    tx.execute(
        "DELETE FROM identity_challenges WHERE org_id = $1 AND user_id = $2",
        args![scope.org_arg(), user],
    )
    .await?;
    Ok(off == 1)
}

/// Takes the code of `step`; gives whether no code of it or of a later one was taken before.
pub(crate) async fn take_step(
    tx: &mut Tx,
    scope: Scope,
    user: UserId,
    step: i64,
) -> Result<bool, DbError> {
    let taken = tx
        .execute(
            "UPDATE identity_users SET totp_step = $3
             WHERE org_id = $1 AND id = $2 AND totp_step < $3",
            args![scope.org_arg(), user, step],
        )
        .await?;
    Ok(taken == 1)
}

/// Puts codes in the place of all that there are.
pub(crate) async fn put_recovery_codes(
    tx: &mut Tx,
    scope: Scope,
    user: UserId,
    digests: Vec<[u8; 32]>,
) -> Result<(), DbError> {
    tx.execute(
        "DELETE FROM identity_recovery_codes WHERE org_id = $1 AND user_id = $2",
        args![scope.org_arg(), user],
    )
    .await?;
    for digest in digests {
        tx.execute(
            "INSERT INTO identity_recovery_codes (org_id, user_id, code_hash) VALUES ($1, $2, $3)",
            args![scope.org_arg(), user, digest],
        )
        .await?;
    }
    Ok(())
}

/// Takes a code; gives whether it was there.
pub(crate) async fn take_recovery_code(
    tx: &mut Tx,
    scope: Scope,
    user: UserId,
    digest: [u8; 32],
) -> Result<bool, DbError> {
    let taken = tx
        .execute(
            "DELETE FROM identity_recovery_codes
             WHERE org_id = $1 AND user_id = $2 AND code_hash = $3",
            args![scope.org_arg(), user, digest],
        )
        .await?;
    Ok(taken == 1)
}

pub(crate) async fn recovery_codes_left(
    tx: &mut Tx,
    scope: Scope,
    user: UserId,
) -> Result<i64, DbError> {
    let (left,): (i64,) = tx
        .fetch_one(
            "SELECT COUNT(*) FROM identity_recovery_codes WHERE org_id = $1 AND user_id = $2",
            args![scope.org_arg(), user],
        )
        .await?;
    Ok(left)
}

pub(crate) async fn is_required(tx: &mut Tx, scope: Scope) -> Result<bool, DbError> {
    let (required,): (bool,) = tx
        .fetch_one(
            "SELECT second_factor_required FROM identity_orgs WHERE org_id = $1",
            args![scope.org_arg()],
        )
        .await?;
    Ok(required)
}

pub(crate) async fn set_required(tx: &mut Tx, scope: Scope, required: bool) -> Result<(), DbError> {
    tx.execute(
        "UPDATE identity_orgs SET second_factor_required = $2 WHERE org_id = $1",
        args![scope.org_arg(), required],
    )
    .await
    .map(drop)
}

pub(crate) async fn insert_challenge(
    tx: &mut Tx,
    cx: &Ctx,
    secret_hash: [u8; 32],
    user: UserId,
    password_check: [u8; 32],
    expires_at: Timestamp,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO identity_challenges (org_id, secret_hash, user_id, password_check, expires_at)
         VALUES ($1, $2, $3, $4, $5)",
        args![cx.scope.org_arg(), secret_hash, user, password_check, expires_at],
    )
    .await
    .map(drop)
}

/// Whose code is awaited, and the digest of the password that was right.
pub(crate) async fn challenge(
    tx: &mut Tx,
    cx: &Ctx,
    secret_hash: [u8; 32],
) -> Result<Option<(UserId, [u8; 32])>, DbError> {
    let row: Option<(Uuid, Vec<u8>)> = tx
        .fetch_optional(
            "SELECT c.user_id, c.password_check FROM identity_challenges c
             JOIN identity_users u ON u.org_id = c.org_id AND u.id = c.user_id
             WHERE c.org_id = $1 AND c.secret_hash = $2 AND c.expires_at > $3
                 AND u.deactivated_at IS NULL",
            args![cx.scope.org_arg(), secret_hash, cx.now()],
        )
        .await?;
    Ok(row.and_then(|(user, check)| Some((UserId::from_uuid(user), check.try_into().ok()?))))
}

/// Ends a sign-in that awaits a code; gives whether it was there.
pub(crate) async fn delete_challenge(
    tx: &mut Tx,
    scope: Scope,
    secret_hash: [u8; 32],
) -> Result<bool, DbError> {
    let deleted = tx
        .execute(
            "DELETE FROM identity_challenges WHERE org_id = $1 AND secret_hash = $2",
            args![scope.org_arg(), secret_hash],
        )
        .await?;
    Ok(deleted == 1)
}
