//! Providers through which people sign in (OpenID Connect), as whoever has the settings right sees them.

pub(crate) mod enter;
pub(crate) mod protocol;

use kernel::{ProviderId, Timestamp, UserId};
use platform::access::{EVERYTHING, Permissions};
use platform::audit::{self, Entry};
use platform::{Ctx, DbError, Tx};
use serde::Serialize;
use url::Url;
use zeroize::Zeroizing;

use crate::model::{PersonName, RoleName};
use crate::roles::{self, GiveError};
use crate::store::providers as store;

pub use enter::EnterError;
pub use protocol::ProtocolError;

/// Providers of one organisation.
const PROVIDERS_MAX: usize = 10;
/// The page that a provider sends people back to.
const BACK: &str = "/sign-in/provider";

/// A provider. Its client's secret is in no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Provider {
    /// Which.
    pub id: ProviderId,
    /// What the button says.
    pub name: String,
    /// Who it is: `https://login.example.com`.
    pub issuer: String,
    /// As whom this program is known there.
    pub client_id: String,
    /// Where people open this program: `https://crm.example.com`.
    pub site_url: String,
    /// Where it sends people back to; to be registered there.
    pub redirect_uri: String,
    /// Addresses of which domains get in; empty: all.
    pub email_domains: Vec<String>,
    /// The role of who is not known; null: only who is known or was invited gets in.
    #[schema(value_type = Option<String>)]
    pub newcomer_role: Option<RoleName>,
    /// Whether who is known here by the address that the provider has verified is let in at once. Otherwise
    /// they sign in first and connect their account.
    pub links_by_email: bool,
    /// Since when.
    pub created_at: Timestamp,
    /// For `If-Match`.
    pub version: i64,
}

/// A provider as it shall be.
#[derive(Debug, Clone)]
pub struct WantedProvider {
    /// What the button says.
    pub name: PersonName,
    /// Who it is.
    pub issuer: Url,
    /// As whom this program is known there.
    pub client_id: String,
    /// The client's secret; `None`: as it was.
    pub client_secret: Option<Zeroizing<String>>,
    /// Where people open this program.
    pub site_url: Url,
    /// Addresses of which domains get in.
    pub email_domains: Vec<String>,
    /// The role of who is not known.
    pub newcomer_role: Option<RoleName>,
    /// Whether a verified address is enough to be known.
    pub links_by_email: bool,
}

/// Why a provider is not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// There is none.
    #[error("there is no such provider")]
    NotFound,
    /// Somebody changed it since; this is what it is now.
    #[error("somebody changed this provider meanwhile")]
    Stale(Box<Provider>),
    /// Enough.
    #[error("an organisation may have {PROVIDERS_MAX} providers")]
    TooMany,
    /// A secret goes to nobody but whom it was given for.
    #[error("must be given anew with another issuer")]
    SecretMissing,
    /// The role cannot be given.
    #[error(transparent)]
    Role(#[from] GiveError),
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

/// Where a provider of the site `site` sends people back to.
pub(crate) fn redirect_uri(site: &str) -> String {
    format!("{}{BACK}", site.trim_end_matches('/'))
}

/// All providers, the first made first.
///
/// # Errors
/// As the database says.
pub async fn list(tx: &mut Tx, cx: &Ctx) -> Result<Vec<Provider>, DbError> {
    store::list(tx, cx.scope).await
}

/// Makes or changes a provider, for a caller with the rights `own`, which must be everything. The caller has asked it who it is.
///
/// # Errors
/// Why not.
pub async fn put(
    tx: &mut Tx,
    cx: &Ctx,
    own: &Permissions,
    change: Option<(ProviderId, i64)>,
    wanted: WantedProvider,
) -> Result<Provider, ProviderError> {
    // A provider says who anybody is, owners included.
    if !own.allow(EVERYTHING) {
        return Err(ProviderError::Role(GiveError::Above(EVERYTHING.to_owned())));
    }
    if let Some(role) = &wanted.newcomer_role {
        roles::to_give(tx, cx, own, role).await?;
    }
    let known = list(tx, cx).await?;
    let before = match change {
        Some((id, version)) => {
            let before =
                known.into_iter().find(|one| one.id == id).ok_or(ProviderError::NotFound)?;
            if before.version != version {
                return Err(ProviderError::Stale(Box::new(before)));
            }
            Some(before)
        }
        None if known.len() >= PROVIDERS_MAX => return Err(ProviderError::TooMany),
        None => None,
    };
    let issuer = issuer_text(&wanted.issuer);
    let same_place = before.as_ref().is_some_and(|before| before.issuer == issuer);
    if wanted.client_secret.is_none() && !same_place {
        return Err(ProviderError::SecretMissing);
    }
    let site_url = wanted.site_url.as_str().trim_end_matches('/').to_owned();
    let after = Provider {
        id: before.as_ref().map_or_else(|| cx.fresh(), |before| before.id),
        name: wanted.name.as_str().to_owned(),
        issuer,
        client_id: wanted.client_id,
        redirect_uri: redirect_uri(&site_url),
        site_url,
        email_domains: wanted.email_domains,
        newcomer_role: wanted.newcomer_role,
        links_by_email: wanted.links_by_email,
        created_at: before.as_ref().map_or_else(|| cx.now(), |before| before.created_at),
        version: before.as_ref().map_or(1, |before| before.version + 1),
    };
    let sealed = wanted.client_secret.as_ref().map(|secret| protocol::seal(cx, secret));
    if !store::put(tx, cx.scope, &after, sealed, before.is_some()).await? {
        return Err(ProviderError::NotFound);
    }
    let action =
        if before.is_some() { "identity.provider.change" } else { "identity.provider.create" };
    let was = |of: fn(&Provider) -> serde_json::Value| before.as_ref().map(of).unwrap_or_default();
    let entry = Entry::new(action)
        .on("provider", after.id)
        .change("name", was(|one| one.name.clone().into()), &after.name)
        .change("issuer", was(|one| one.issuer.clone().into()), &after.issuer)
        .change("client_id", was(|one| one.client_id.clone().into()), &after.client_id)
        .change("site_url", was(|one| one.site_url.clone().into()), &after.site_url)
        .change("email_domains", was(|one| one.email_domains.clone().into()), &after.email_domains)
        .change("links_by_email", was(|one| one.links_by_email.into()), after.links_by_email)
        .change(
            "role",
            was(|one| one.newcomer_role.as_ref().map(RoleName::as_str).into()),
            &after.newcomer_role,
        );
    let entry =
        if wanted.client_secret.is_some() { entry.with("client_secret", "…") } else { entry };
    audit::record(tx, cx, entry).await?;
    Ok(after)
}

/// Deletes a provider, with what connected people to it; their sessions stay.
///
/// # Errors
/// `NotFound`.
pub async fn delete(tx: &mut Tx, cx: &Ctx, id: ProviderId) -> Result<(), ProviderError> {
    if !store::delete(tx, cx.scope, id).await? {
        return Err(ProviderError::NotFound);
    }
    audit::record(tx, cx, Entry::new("identity.provider.delete").on("provider", id)).await?;
    Ok(())
}

/// The providers that `user` is connected to.
///
/// # Errors
/// As the database says.
pub async fn links(tx: &mut Tx, cx: &Ctx, user: UserId) -> Result<Vec<ProviderId>, DbError> {
    store::links(tx, cx.scope, user).await
}

/// Disconnects `user` from a provider; gives whether they were connected.
///
/// # Errors
/// As the database says.
pub async fn unlink(
    tx: &mut Tx,
    cx: &Ctx,
    user: UserId,
    provider: ProviderId,
) -> Result<bool, DbError> {
    let gone = store::unlink(tx, cx.scope, user, provider).await?;
    if gone {
        let entry =
            Entry::new("identity.link.delete").on("user", user).without("provider", provider);
        audit::record(tx, cx, entry).await?;
    }
    Ok(gone)
}

/// An issuer as it is compared and stored: without a slash that only the parser put there.
pub(crate) fn issuer_text(issuer: &Url) -> String {
    issuer.as_str().trim_end_matches('/').to_owned()
}
