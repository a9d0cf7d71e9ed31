//! Asking somebody to join: a link that works once, until it ends.

use kernel::{InvitationId, TeamId, Timestamp};
use platform::access::Permissions;
use platform::audit::{self, Entry};
use platform::crypto::OrgKeys;
use platform::{Ctx, DbError, Tx};
use serde::Serialize;

use crate::create_user::{CreateUserError, NewUser, create_user};
use crate::model::{Email, PersonName, RoleName, User};
use crate::password::PasswordHash;
use crate::roles::{self, GiveError};
use crate::secret::Secret;
use crate::store::people as store;
use crate::teams;

/// How long a link works.
const LASTS_MILLIS: i64 = 7 * 24 * 3600 * 1000;
/// Invitations that are listed.
const LISTED: i64 = 500;

/// Somebody who was asked to join and has not yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Invitation {
    /// Which.
    pub id: InvitationId,
    /// Whom.
    pub email: String,
    /// The role they will have, by name.
    #[schema(value_type = String)]
    pub role: RoleName,
    /// The team they will be in.
    pub team_id: Option<TeamId>,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when the link works.
    pub expires_at: Timestamp,
}

/// Whom to ask.
#[derive(Debug, Clone)]
pub struct NewInvitation {
    /// Their address.
    pub email: Email,
    /// The role they will have.
    pub role: RoleName,
    /// The team they will be in.
    pub team_id: Option<TeamId>,
}

/// Why somebody cannot be asked, or cannot join.
#[derive(Debug, thiserror::Error)]
pub enum InviteError {
    /// The address has a user.
    #[error("there is a user with this e-mail address already")]
    EmailTaken,
    /// The role cannot be given.
    #[error(transparent)]
    Role(#[from] GiveError),
    /// There is no such team.
    #[error("there is no such team")]
    UnknownTeam,
    /// The link was used, taken back, replaced, or has ended.
    #[error("this invitation does not work any more; ask for a new one")]
    Gone,
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

/// Asks somebody to join. An earlier invitation of the same address does not work any more. Gives the
/// secret of the link beside it; it is not stored.
///
/// # Errors
/// Why not.
pub async fn invite(
    tx: &mut Tx,
    cx: &Ctx,
    keys: &OrgKeys,
    own: &Permissions,
    new: NewInvitation,
) -> Result<(Invitation, String), InviteError> {
    roles::to_give(tx, cx, own, &new.role).await?;
    if let Some(team) = new.team_id
        && !teams::list(tx, cx.scope).await?.iter().any(|known| known.id == team)
    {
        return Err(InviteError::UnknownTeam);
    }
    if store::is_email_taken(tx, cx.scope, keys, &new.email).await? {
        return Err(InviteError::EmailTaken);
    }
    let secret = Secret::fresh(cx.scope.org(), &*cx.ids);
    let invitation = Invitation {
        id: cx.fresh(),
        email: new.email.as_str().to_owned(),
        role: new.role,
        team_id: new.team_id,
        created_at: cx.now(),
        expires_at: cx.now().plus_millis(LASTS_MILLIS),
    };
    store::put_invitation(tx, cx, keys, &invitation, secret.hash()).await?;
    let entry = Entry::new("identity.invitation.create")
        .on("invitation", invitation.id)
        .with("role", &invitation.role)
        .with("team", invitation.team_id)
        .personal("email", &invitation.email);
    audit::record(tx, cx, entry).await?;
    Ok((invitation, secret.text()))
}

/// Invitations that still work, the last first.
///
/// # Errors
/// As the database says.
pub async fn list(tx: &mut Tx, cx: &Ctx, keys: &OrgKeys) -> Result<Vec<Invitation>, DbError> {
    store::invitations(tx, cx, keys, LISTED).await
}

/// Takes an invitation back; gives whether there was one.
///
/// # Errors
/// As the database says.
pub async fn take_back(tx: &mut Tx, cx: &Ctx, id: InvitationId) -> Result<bool, DbError> {
    let taken = store::delete_invitation(tx, cx.scope, id).await?;
    if taken {
        audit::record(tx, cx, Entry::new("identity.invitation.delete").on("invitation", id))
            .await?;
    }
    Ok(taken)
}

/// The invitation of a link, as whoever was asked sees it before joining.
///
/// # Errors
/// `Gone`.
pub(crate) async fn of_link(
    tx: &mut Tx,
    cx: &Ctx,
    keys: &OrgKeys,
    secret: &Secret,
) -> Result<Invitation, InviteError> {
    store::invitation_by_secret(tx, cx, keys, secret.hash()).await?.ok_or(InviteError::Gone)
}

/// Makes the user who was asked. The link does not work any more.
///
/// # Errors
/// `Gone`; `EmailTaken` if the address got a user meanwhile.
pub(crate) async fn join(
    tx: &mut Tx,
    cx: &Ctx,
    keys: &OrgKeys,
    secret: &Secret,
    name: PersonName,
    password: PasswordHash,
) -> Result<User, InviteError> {
    let invitation = of_link(tx, cx, keys, secret).await?;
    if !store::delete_invitation(tx, cx.scope, invitation.id).await? {
        return Err(InviteError::Gone);
    }
    // The role may have gone or been narrowed since.
    roles::to_give(tx, cx, &Permissions::everything(), &invitation.role).await?;
    let email = invitation.email.parse::<Email>().map_err(|_| InviteError::Gone)?;
    let new = NewUser { email, name, role: invitation.role, password };
    let user = create_user(tx, cx, keys, new).await.map_err(|error| match error {
        CreateUserError::EmailTaken => InviteError::EmailTaken,
        CreateUserError::Store(error) => error.into(),
    })?;
    store::join_team(tx, cx.scope, user.id, invitation.team_id).await?;
    let entry = Entry::new("identity.invitation.join").on("user", user.id);
    audit::record(tx, cx, entry.with("invitation", invitation.id)).await?;
    Ok(user)
}
