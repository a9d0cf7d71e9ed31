//! SQL of providers, of who is at one, and of whose account there is whose here.

use kernel::{ProviderId, Timestamp, TypedId as _, UserId};
use platform::{Ctx, DbError, Scope, Tx, args};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::model::RoleName;
use crate::providers::{Provider, redirect_uri};

/// Rows that housekeeping deletes at once.
const PRUNE_MAX: i64 = 100;

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    name: String,
    issuer: String,
    client_id: String,
    client_secret_sealed: Vec<u8>,
    site_url: String,
    email_domains: String,
    newcomer_role: Option<String>,
    links_by_email: bool,
    created_at: i64,
    version: i64,
}

const PROVIDERS: &str = "SELECT id, name, issuer, client_id, client_secret_sealed, site_url,
     email_domains, newcomer_role, links_by_email, created_at, version FROM identity_providers";

impl Row {
    fn open(self) -> Result<(Provider, Vec<u8>), DbError> {
        let unreadable = |error: &dyn std::fmt::Display| DbError::Refused(error.to_string());
        let role = self.newcomer_role.map(|role| role.parse::<RoleName>()).transpose();
        let provider = Provider {
            id: ProviderId::from_uuid(self.id),
            name: self.name,
            issuer: self.issuer,
            client_id: self.client_id,
            redirect_uri: redirect_uri(&self.site_url),
            site_url: self.site_url,
            email_domains: serde_json::from_str(&self.email_domains)
                .map_err(|error| unreadable(&error))?,
            newcomer_role: role.map_err(|error| unreadable(&error))?,
            links_by_email: self.links_by_email,
            created_at: Timestamp::from_millis(self.created_at),
            version: self.version,
        };
        Ok((provider, self.client_secret_sealed))
    }
}

pub(crate) async fn list(tx: &mut Tx, scope: Scope) -> Result<Vec<Provider>, DbError> {
    let sql = format!("{PROVIDERS} WHERE org_id = $1 ORDER BY id");
    let rows: Vec<Row> = tx.fetch_all(AssertSqlSafe(sql), args![scope.org_arg()]).await?;
    rows.into_iter().map(|row| Ok(row.open()?.0)).collect()
}

/// A provider with its client's secret, sealed.
pub(crate) async fn find(
    tx: &mut Tx,
    scope: Scope,
    id: ProviderId,
) -> Result<Option<(Provider, Vec<u8>)>, DbError> {
    let sql = format!("{PROVIDERS} WHERE org_id = $1 AND id = $2");
    let row: Option<Row> =
        tx.fetch_optional(AssertSqlSafe(sql), args![scope.org_arg(), id]).await?;
    row.map(Row::open).transpose()
}

/// Writes a provider; gives whether it was as it had to be. Without `sealed` its secret stays.
pub(crate) async fn put(
    tx: &mut Tx,
    scope: Scope,
    provider: &Provider,
    sealed: Option<Vec<u8>>,
    is_there: bool,
) -> Result<bool, DbError> {
    let domains = serde_json::to_string(&provider.email_domains).unwrap_or_default();
    let role = provider.newcomer_role.as_ref().map(RoleName::as_str);
    if !is_there {
        tx.execute(
            "INSERT INTO identity_providers (org_id, id, name, issuer, client_id,
                 client_secret_sealed, site_url, email_domains, newcomer_role, links_by_email,
                 created_at, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            args![
                scope.org_arg(),
                provider.id,
                &provider.name,
                &provider.issuer,
                &provider.client_id,
                sealed.unwrap_or_default(),
                &provider.site_url,
                domains,
                role,
                provider.links_by_email,
                provider.created_at,
                provider.version
            ],
        )
        .await?;
        return Ok(true);
    }
    let changed = tx
        .execute(
            "UPDATE identity_providers SET name = $3, issuer = $4, client_id = $5, site_url = $6,
                 email_domains = $7, newcomer_role = $8, links_by_email = $9, version = $10
             WHERE org_id = $1 AND id = $2 AND version = $10 - 1",
            args![
                scope.org_arg(),
                provider.id,
                &provider.name,
                &provider.issuer,
                &provider.client_id,
                &provider.site_url,
                domains,
                role,
                provider.links_by_email,
                provider.version
            ],
        )
        .await?;
    if let Some(sealed) = sealed.filter(|_| changed == 1) {
        tx.execute(
            "UPDATE identity_providers SET client_secret_sealed = $3
             WHERE org_id = $1 AND id = $2",
            args![scope.org_arg(), provider.id, sealed],
        )
        .await?;
    }
    Ok(changed == 1)
}

pub(crate) async fn delete(tx: &mut Tx, scope: Scope, id: ProviderId) -> Result<bool, DbError> {
    for sql in [
        "DELETE FROM identity_provider_links WHERE org_id = $1 AND provider_id = $2",
        "DELETE FROM identity_provider_flows WHERE org_id = $1 AND provider_id = $2",
    ] {
        tx.execute(sql, args![scope.org_arg(), id]).await?;
    }
    let sql = "DELETE FROM identity_providers WHERE org_id = $1 AND id = $2";
    Ok(tx.execute(sql, args![scope.org_arg(), id]).await? == 1)
}

/// Somebody who is at a provider.
#[derive(Debug, Clone)]
pub(crate) struct Flow {
    pub(crate) provider: ProviderId,
    pub(crate) browser_hash: [u8; 32],
    pub(crate) user: Option<UserId>,
    pub(crate) sealed: Vec<u8>,
}

pub(crate) async fn insert_flow(
    tx: &mut Tx,
    scope: Scope,
    state_hash: [u8; 32],
    flow: &Flow,
    expires_at: Timestamp,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO identity_provider_flows (org_id, state_hash, provider_id, browser_hash, user_id,
             sealed, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        args![
            scope.org_arg(),
            state_hash,
            flow.provider,
            flow.browser_hash,
            flow.user,
            flow.sealed.clone(),
            expires_at
        ],
    )
    .await
    .map(drop)
}

/// Provider, browser, user, what is remembered.
type StoredFlow = (Uuid, Vec<u8>, Option<Uuid>, Vec<u8>);

/// Takes what is remembered of a state, so that it is used once.
pub(crate) async fn take_flow(
    tx: &mut Tx,
    cx: &Ctx,
    state_hash: [u8; 32],
) -> Result<Option<Flow>, DbError> {
    let row: Option<StoredFlow> = tx
        .fetch_optional(
            "DELETE FROM identity_provider_flows
             WHERE org_id = $1 AND state_hash = $2 AND expires_at > $3
             RETURNING provider_id, browser_hash, user_id, sealed",
            args![cx.scope.org_arg(), state_hash, cx.now()],
        )
        .await?;
    Ok(row.and_then(|(provider, browser, user, sealed)| {
        Some(Flow {
            provider: ProviderId::from_uuid(provider),
            browser_hash: browser.try_into().ok()?,
            user: user.map(UserId::from_uuid),
            sealed,
        })
    }))
}

pub(crate) async fn prune_flows(tx: &mut Tx, cx: &Ctx) -> Result<(), DbError> {
    tx.execute(
        "DELETE FROM identity_provider_flows WHERE (org_id, state_hash) IN (
             SELECT org_id, state_hash FROM identity_provider_flows
             WHERE org_id = $1 AND expires_at <= $2 LIMIT $3)",
        args![cx.scope.org_arg(), cx.now(), PRUNE_MAX],
    )
    .await
    .map(drop)
}

/// Whose account here a subject is.
pub(crate) async fn linked(
    tx: &mut Tx,
    scope: Scope,
    subject: &[u8],
) -> Result<Option<UserId>, DbError> {
    let row: Option<(Uuid,)> = tx
        .fetch_optional(
            "SELECT user_id FROM identity_provider_links
             WHERE org_id = $1 AND subject_index = $2",
            args![scope.org_arg(), subject],
        )
        .await?;
    Ok(row.map(|row| UserId::from_uuid(row.0)))
}

pub(crate) async fn link(
    tx: &mut Tx,
    cx: &Ctx,
    subject: &[u8],
    provider: ProviderId,
    user: UserId,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO identity_provider_links (org_id, subject_index, provider_id, user_id, created_at)
         VALUES ($1, $2, $3, $4, $5)",
        args![cx.scope.org_arg(), subject, provider, user, cx.now()],
    )
    .await
    .map(drop)
}

pub(crate) async fn links(
    tx: &mut Tx,
    scope: Scope,
    user: UserId,
) -> Result<Vec<ProviderId>, DbError> {
    let rows: Vec<(Uuid,)> = tx
        .fetch_all(
            "SELECT DISTINCT provider_id FROM identity_provider_links
             WHERE org_id = $1 AND user_id = $2",
            args![scope.org_arg(), user],
        )
        .await?;
    Ok(rows.into_iter().map(|row| ProviderId::from_uuid(row.0)).collect())
}

pub(crate) async fn unlink(
    tx: &mut Tx,
    scope: Scope,
    user: UserId,
    provider: ProviderId,
) -> Result<bool, DbError> {
    let gone = tx
        .execute(
            "DELETE FROM identity_provider_links
             WHERE org_id = $1 AND user_id = $2 AND provider_id = $3",
            args![scope.org_arg(), user, provider],
        )
        .await?;
    Ok(gone > 0)
}
