//! SQL of consents and their texts.

use platform::{Ctx, DbError, Scope, Tx, args};
use uuid::Uuid;

use super::by_ids;
use crate::consent::texts::ConsentText;

#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct ConsentRow {
    pub id: Uuid,
    pub customer_id: Uuid,
    pub channel: String,
    pub purpose: String,
    pub granted: bool,
    pub at: i64,
    pub expires_at: Option<i64>,
    pub source: String,
    pub text_id: Option<Uuid>,
    pub sealed: Option<Vec<u8>>,
    pub actor: Option<Uuid>,
    pub recorded_at: i64,
}

/// Adds an entry; gives whether it is new.
pub(crate) async fn add(tx: &mut Tx, scope: Scope, row: &ConsentRow) -> Result<bool, DbError> {
    let added = tx
        .execute(
            "INSERT INTO customers_consents (org_id, customer_id, id, channel, purpose, granted, at,
                 expires_at, source, text_id, sealed, actor, recorded_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
             ON CONFLICT (org_id, customer_id, channel, purpose, at, granted) DO NOTHING",
            args![
                scope.org_arg(),
                row.customer_id,
                row.id,
                row.channel.as_str(),
                row.purpose.as_str(),
                row.granted,
                row.at,
                row.expires_at,
                row.source.as_str(),
                row.text_id,
                row.sealed.clone(),
                row.actor,
                row.recorded_at
            ],
        )
        .await?;
    Ok(added == 1)
}

pub(crate) async fn count(tx: &mut Tx, scope: Scope, customer: Uuid) -> Result<i64, DbError> {
    let (count,): (i64,) = tx
        .fetch_one(
            "SELECT COUNT(*) FROM customers_consents WHERE org_id = $1 AND customer_id = $2",
            args![scope.org_arg(), customer],
        )
        .await?;
    Ok(count)
}

pub(crate) async fn of(
    tx: &mut Tx,
    scope: Scope,
    customers: &[Uuid],
) -> Result<Vec<ConsentRow>, DbError> {
    let select =
        "SELECT id, customer_id, channel, purpose, granted, at, expires_at, source, text_id,
             sealed, actor, recorded_at FROM customers_consents WHERE org_id = $1 AND customer_id";
    by_ids(tx, scope, select, customers, "").await
}

/// What somebody said once, without who recorded it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct SaidRow {
    pub customer_id: Uuid,
    pub channel: String,
    pub purpose: String,
    pub granted: bool,
    pub at: i64,
    pub expires_at: Option<i64>,
}

const SAID: &str = "SELECT customer_id, channel, purpose, granted, at, expires_at
     FROM customers_consents WHERE org_id = $1";

/// What everybody said.
pub(crate) async fn each_said(
    tx: &mut Tx,
    scope: Scope,
    take: impl FnMut(SaidRow) + Send,
) -> Result<(), DbError> {
    tx.for_each(SAID, args![scope.org_arg()], take).await
}

/// What some customers said.
pub(crate) async fn said_of(
    tx: &mut Tx,
    scope: Scope,
    customers: &[Uuid],
) -> Result<Vec<SaidRow>, DbError> {
    by_ids(tx, scope, &format!("{SAID} AND customer_id"), customers, "").await
}

/// What some customers said of automated decisions.
pub(crate) async fn decisions_of(
    tx: &mut Tx,
    scope: Scope,
    customers: &[Uuid],
) -> Result<Vec<SaidRow>, DbError> {
    let select = format!("{SAID} AND purpose = 'automated_decision' AND customer_id");
    by_ids(tx, scope, &select, customers, "").await
}

#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct TextRow {
    pub id: Uuid,
    pub name: String,
    pub language: String,
    pub version: i64,
    pub body: String,
    pub hash: Vec<u8>,
    pub actor: Option<Uuid>,
    pub created_at: i64,
}

pub(crate) async fn texts(tx: &mut Tx, scope: Scope) -> Result<Vec<TextRow>, DbError> {
    tx.fetch_all(
        "SELECT id, name, language, version, body, hash, actor, created_at
         FROM customers_consent_texts WHERE org_id = $1 ORDER BY name, language, version DESC",
        args![scope.org_arg()],
    )
    .await
}

pub(crate) async fn has_text(tx: &mut Tx, scope: Scope, id: Uuid) -> Result<bool, DbError> {
    let row: Option<(i32,)> = tx
        .fetch_optional(
            "SELECT 1 FROM customers_consent_texts WHERE org_id = $1 AND id = $2",
            args![scope.org_arg(), id],
        )
        .await?;
    Ok(row.is_some())
}

pub(crate) async fn text_count(tx: &mut Tx, scope: Scope) -> Result<i64, DbError> {
    let (count,): (i64,) = tx
        .fetch_one(
            "SELECT COUNT(*) FROM customers_consent_texts WHERE org_id = $1",
            args![scope.org_arg()],
        )
        .await?;
    Ok(count)
}

/// Version and hash of the newest version of a text.
pub(crate) async fn newest_text(
    tx: &mut Tx,
    scope: Scope,
    name: &str,
    language: &str,
) -> Result<Option<(i64, Vec<u8>)>, DbError> {
    tx.fetch_optional(
        "SELECT version, hash FROM customers_consent_texts
         WHERE org_id = $1 AND name = $2 AND language = $3 ORDER BY version DESC LIMIT 1",
        args![scope.org_arg(), name, language],
    )
    .await
}

pub(crate) async fn add_text(
    tx: &mut Tx,
    cx: &Ctx,
    text: &ConsentText,
    hash: &[u8],
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO customers_consent_texts (org_id, id, name, language, version, body, hash, actor,
             created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        args![
            cx.scope.org_arg(),
            text.id,
            text.name.as_str(),
            text.language.as_str(),
            text.version,
            text.body.as_str(),
            hash.to_vec(),
            text.actor,
            text.created_at
        ],
    )
    .await
    .map(drop)
}
