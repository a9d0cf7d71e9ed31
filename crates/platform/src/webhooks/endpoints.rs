//! Webhooks themselves: where they lead, what they want, whether they are on.

use kernel::{FieldErrors, Timestamp, TypedId as _, WebhookId};
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Publication, WebhookError, deliveries, signature};
use crate::audit::{self, Entry};
use crate::outbound::{self, Outbound, is_public};
use crate::{Ctx, DbError, Scope, Tx, args};

/// Webhooks of one organisation.
pub const WEBHOOKS_MAX: usize = 20;
/// Characters of an address.
pub const URL_MAX: usize = 2_000;
/// Characters of a note.
pub const NOTE_MAX: usize = 200;
/// Hours for which an earlier secret may go on signing.
pub const KEEP_HOURS_MAX: u32 = 168;
/// As what secrets are sealed.
pub(crate) const SECRET_FIELD: &str = "platform.webhook_secret";

const HOUR_MILLIS: i64 = 3_600_000;

/// Why the program switched a webhook off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OffReason {
    /// It answered 410: it wants no more.
    Gone,
    /// All its calls failed for [`super::FAILING_DAYS`] days.
    Failing,
    /// [`super::BACKLOG_MAX`] deliveries wait for it.
    Backlog,
}

impl OffReason {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Failing => "failing",
            Self::Backlog => "backlog",
        }
    }

    fn from_name(name: &str) -> Self {
        match name {
            "gone" => Self::Gone,
            "backlog" => Self::Backlog,
            _ => Self::Failing,
        }
    }
}

/// A webhook. Its secret is in no answer but the one that made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Webhook {
    /// Which.
    pub id: WebhookId,
    /// Where it leads.
    pub url: String,
    /// What it is for.
    pub note: String,
    /// The types it wants.
    pub topics: Vec<String>,
    /// Whether it is on.
    pub active: bool,
    /// Why the program switched it off; null if a person did.
    pub off_reason: Option<OffReason>,
    /// Since when it is off.
    pub off_at: Option<Timestamp>,
    /// Calls in a row that failed.
    pub failures: i64,
    /// Since when all calls failed.
    pub failing_since: Option<Timestamp>,
    /// The last call that went well.
    pub delivered_at: Option<Timestamp>,
    /// Until when the earlier secret signs as well.
    pub earlier_secret_until: Option<Timestamp>,
    /// Since when there is one.
    pub created_at: Timestamp,
    /// For `If-Match`.
    pub version: i64,
}

/// A webhook with its new secret, which is shown this once.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct WebhookWithSecret {
    /// The webhook.
    pub webhook: Webhook,
    /// `whsec_` and 32 bytes as base 64.
    pub secret: String,
}

/// A webhook as it shall be.
#[derive(Debug, Clone)]
pub struct WantedWebhook {
    url: Url,
    note: String,
    topics: Vec<String>,
    active: bool,
}

impl WantedWebhook {
    /// Reads what was asked for; `published` are the types there are.
    ///
    /// # Errors
    /// Every wrong field.
    pub fn new(
        url: &str,
        note: &str,
        mut topics: Vec<String>,
        active: bool,
        published: &[Publication],
    ) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let (url, note) = (url.trim(), note.trim());
        let is_short = url.chars().count() <= URL_MAX;
        let parsed = url.parse::<Url>().ok().filter(|url| is_short && url.fragment().is_none());
        let message = format!(
            "must be an address such as https://shop.example.com/hook, without #, of at most {URL_MAX} characters"
        );
        let url = errors.keep("url", parsed.ok_or(message));
        if note.chars().count() > NOTE_MAX || note.contains(char::is_control) {
            errors.push("note", format!("must be one line of at most {NOTE_MAX} characters"));
        }
        topics.sort_unstable();
        topics.dedup();
        let is_known = |topic: &String| published.iter().any(|known| known.name() == topic);
        if topics.is_empty() {
            errors.push("topics", "must name one type at least");
        } else if let Some(unknown) = topics.iter().find(|topic| !is_known(topic)) {
            let known: Vec<&str> = published.iter().map(Publication::name).collect();
            let shown: String = unknown.chars().take(100).collect();
            errors.push("topics", format!("{shown} is none of {}", known.join(", ")));
        }
        errors.finish(|| Some(Self { url: url?, note: note.to_owned(), topics, active }))
    }

    /// Where it shall lead.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }
}

/// Judges where a webhook leads, before it is stored. Each call is judged anew.
///
/// # Errors
/// `Url` if it is no place to send to, `Plain` if what is sent there could be read on its way.
pub async fn judge(outbound: &Outbound, url: &Url) -> Result<(), WebhookError> {
    let places = outbound.judge(url).await?;
    if url.scheme() != "https" && places.iter().any(|place| is_public(place.ip())) {
        return Err(WebhookError::Plain);
    }
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    url: String,
    note: String,
    topics: String,
    active: bool,
    off_reason: Option<String>,
    off_at: Option<i64>,
    failures: i64,
    failing_since: Option<i64>,
    delivered_at: Option<i64>,
    earlier_until: Option<i64>,
    created_at: i64,
    version: i64,
}

impl From<Row> for Webhook {
    fn from(row: Row) -> Self {
        let time = |millis: Option<i64>| millis.map(Timestamp::from_millis);
        Self {
            id: WebhookId::from_uuid(row.id),
            url: row.url,
            note: row.note,
            topics: serde_json::from_str(&row.topics).unwrap_or_default(),
            active: row.active,
            off_reason: row.off_reason.as_deref().map(OffReason::from_name),
            off_at: time(row.off_at),
            failures: row.failures,
            failing_since: time(row.failing_since),
            delivered_at: time(row.delivered_at),
            earlier_secret_until: time(row.earlier_until),
            created_at: Timestamp::from_millis(row.created_at),
            version: row.version,
        }
    }
}

/// All webhooks, the first made first.
///
/// # Errors
/// As the database says.
pub async fn list(tx: &mut Tx, scope: Scope) -> Result<Vec<Webhook>, DbError> {
    let rows: Vec<Row> = tx
        .fetch_all(
            "SELECT id, url, note, topics, active, off_reason, off_at, failures, failing_since,
                 delivered_at, earlier_until, created_at, version
             FROM platform_webhooks WHERE org_id = $1 ORDER BY id",
            args![scope.org_arg()],
        )
        .await?;
    Ok(rows.into_iter().map(Webhook::from).collect())
}

pub(super) async fn get(tx: &mut Tx, scope: Scope, id: WebhookId) -> Result<Webhook, WebhookError> {
    let all = list(tx, scope).await?;
    all.into_iter().find(|one| one.id == id).ok_or(WebhookError::NotFound("webhook"))
}

/// Where `url` leads, without what may be secret in it: that is recorded for ever.
fn host(url: &str) -> String {
    url.parse().as_ref().map(outbound::shown).unwrap_or_default()
}

/// Makes a webhook. The caller has [`judge`]d its address.
///
/// # Errors
/// `TooMany`.
pub async fn create(
    tx: &mut Tx,
    cx: &Ctx,
    wanted: WantedWebhook,
) -> Result<WebhookWithSecret, WebhookError> {
    if list(tx, cx.scope).await?.len() >= WEBHOOKS_MAX {
        return Err(WebhookError::TooMany);
    }
    let id: WebhookId = cx.fresh();
    let secret = signature::fresh(&*cx.ids);
    let off_at = (!wanted.active).then(|| cx.now());
    tx.execute(
        "INSERT INTO platform_webhooks (org_id, id, url, note, topics, active, off_at, failures,
             quiet_until, lease_until, secret_sealed, created_at, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, 0, $8, $9, 1)",
        args![
            cx.scope.org_arg(),
            id.uuid(),
            wanted.url.as_str(),
            wanted.note.as_str(),
            crate::db::json_text(&wanted.topics)?,
            wanted.active,
            off_at,
            cx.keys().seal(&*cx.ids, SECRET_FIELD, &secret),
            cx.now()
        ],
    )
    .await?;
    let entry = Entry::new("platform.webhook.create")
        .on("webhook", id)
        .with("host", host(wanted.url.as_str()))
        .with("topics", &wanted.topics)
        .with("switched_on", wanted.active);
    audit::record(tx, cx, entry).await?;
    let webhook = get(tx, cx.scope, id).await?;
    Ok(WebhookWithSecret { webhook, secret: signature::shown(&secret) })
}

/// Changes a webhook that has `version`. One that is switched on begins with no failures, and what waits for
/// it is sent. The caller has [`judge`]d its address.
///
/// # Errors
/// `NotFound`, `Stale`.
pub async fn change(
    tx: &mut Tx,
    cx: &Ctx,
    id: WebhookId,
    version: i64,
    wanted: WantedWebhook,
) -> Result<Webhook, WebhookError> {
    let before = get(tx, cx.scope, id).await?;
    let comes_on = wanted.active && !before.active;
    let changed = tx
        .execute(
            "UPDATE platform_webhooks SET url = $4, note = $5, topics = $6, active = $7, version = version + 1,
                 off_reason = CASE WHEN $7 THEN NULL ELSE off_reason END,
                 off_at = CASE WHEN $7 THEN NULL WHEN active THEN $8 ELSE off_at END,
                 failures = CASE WHEN $9 THEN 0 ELSE failures END,
                 failing_since = CASE WHEN $9 THEN NULL ELSE failing_since END,
                 quiet_until = CASE WHEN $9 THEN 0 ELSE quiet_until END
             WHERE org_id = $1 AND id = $2 AND version = $3",
            args![
                cx.scope.org_arg(),
                id.uuid(),
                version,
                wanted.url.as_str(),
                wanted.note.as_str(),
                crate::db::json_text(&wanted.topics)?,
                wanted.active,
                cx.now(),
                comes_on
            ],
        )
        .await?;
    let after = get(tx, cx.scope, id).await?;
    if changed != 1 {
        return Err(WebhookError::Stale(Box::new(after)));
    }
    if comes_on {
        deliveries::wake(tx, cx, id).await?;
    }
    let mut entry = Entry::new("platform.webhook.change")
        .on("webhook", id)
        .change("host", host(&before.url), host(&after.url))
        .change("topics", &before.topics, &after.topics)
        .change("switched_on", before.active, after.active);
    if before.url != after.url && host(&before.url) == host(&after.url) {
        entry = entry.with("path", "…");
    }
    audit::record(tx, cx, entry).await?;
    Ok(after)
}

/// Gives a webhook a new secret. The one before signs as well for `keep_hours`, so that a receiver can learn the
/// new one without missing a call; with 0 it ends now.
///
/// # Errors
/// `NotFound`.
pub async fn rotate(
    tx: &mut Tx,
    cx: &Ctx,
    id: WebhookId,
    keep_hours: u32,
) -> Result<WebhookWithSecret, WebhookError> {
    get(tx, cx.scope, id).await?;
    let secret = signature::fresh(&*cx.ids);
    let keep = keep_hours.min(KEEP_HOURS_MAX);
    let until = (keep > 0).then(|| cx.now().plus_millis(i64::from(keep) * HOUR_MILLIS));
    tx.execute(
        "UPDATE platform_webhooks SET
             earlier_secret_sealed = CASE WHEN $3 > 0 THEN secret_sealed ELSE NULL END,
             earlier_until = $4, secret_sealed = $5, version = version + 1
         WHERE org_id = $1 AND id = $2",
        args![
            cx.scope.org_arg(),
            id.uuid(),
            keep,
            until,
            cx.keys().seal(&*cx.ids, SECRET_FIELD, &secret)
        ],
    )
    .await?;
    let entry = Entry::new("platform.webhook.rotate").on("webhook", id).with("keep_hours", keep);
    audit::record(tx, cx, entry).await?;
    let webhook = get(tx, cx.scope, id).await?;
    Ok(WebhookWithSecret { webhook, secret: signature::shown(&secret) })
}

/// Deletes a webhook with all its deliveries.
///
/// # Errors
/// `NotFound`.
pub async fn delete(tx: &mut Tx, cx: &Ctx, id: WebhookId) -> Result<(), WebhookError> {
    let before = get(tx, cx.scope, id).await?;
    for sql in [
        "DELETE FROM platform_webhook_deliveries WHERE org_id = $1 AND webhook_id = $2",
        "DELETE FROM platform_webhooks WHERE org_id = $1 AND id = $2",
    ] {
        tx.execute(sql, args![cx.scope.org_arg(), id.uuid()]).await?;
    }
    let entry = Entry::new("platform.webhook.delete")
        .on("webhook", id)
        .without("host", host(&before.url))
        .without("topics", before.topics);
    audit::record(tx, cx, entry).await?;
    Ok(())
}

/// Switches a webhook off because of what its receiver does, and says so: in the log, and in the audit log by
/// the program.
pub(super) async fn switch_off(
    tx: &mut Tx,
    cx: &Ctx,
    id: WebhookId,
    reason: OffReason,
) -> Result<(), DbError> {
    let changed = tx
        .execute(
            "UPDATE platform_webhooks SET active = FALSE, off_reason = $3, off_at = $4, version = version + 1
             WHERE org_id = $1 AND id = $2 AND active",
            args![cx.scope.org_arg(), id.uuid(), reason.name(), cx.now()],
        )
        .await?;
    if changed == 1 {
        tracing::warn!(webhook = %id, reason = reason.name(), "a webhook was switched off");
        let entry = Entry::new("platform.webhook.switch_off")
            .on("webhook", id)
            .with("reason", reason.name());
        audit::record(tx, cx, entry).await?;
    }
    Ok(())
}

/// What a call needs, for whoever may make it now.
pub(super) struct Lease {
    pub(super) url: Url,
    /// The newest first.
    pub(super) secrets: Vec<Zeroizing<Vec<u8>>>,
}

/// Whether calls may be made.
pub(super) enum Turn {
    /// By whoever asks, for as long as the lease holds.
    Mine(Box<Lease>),
    /// Not before then.
    NotBefore(Timestamp),
    /// Not at all: it is off, gone, or its secret cannot be opened.
    Never(String),
}

/// How long a lease holds; longer than a call takes.
const LEASE_MILLIS: i64 = 30_000;
/// When to look again for somebody else's lease.
const BUSY_MILLIS: i64 = 1_000;

/// Takes or renews the right to make the calls of a webhook.
pub(super) async fn lease(
    tx: &mut Tx,
    cx: &Ctx,
    id: WebhookId,
    token: Uuid,
) -> Result<Turn, DbError> {
    type Secrets = (String, Vec<u8>, Option<Vec<u8>>, Option<i64>);
    let now = cx.now();
    let mine: Option<Secrets> = tx
        .fetch_optional(
            "UPDATE platform_webhooks SET lease_token = $3, lease_until = $4
             WHERE org_id = $1 AND id = $2 AND active AND quiet_until <= $5
                 AND (lease_token IS NULL OR lease_token = $3 OR lease_until <= $5)
             RETURNING url, secret_sealed, earlier_secret_sealed, earlier_until",
            args![cx.scope.org_arg(), id.uuid(), token, now.plus_millis(LEASE_MILLIS), now],
        )
        .await?;
    let Some((url, newest, earlier, until)) = mine else {
        let row: Option<(bool, i64)> = tx
            .fetch_optional(
                "SELECT active, quiet_until FROM platform_webhooks WHERE org_id = $1 AND id = $2",
                args![cx.scope.org_arg(), id.uuid()],
            )
            .await?;
        return Ok(match row {
            Some((true, quiet)) if quiet > now.millis() => {
                Turn::NotBefore(Timestamp::from_millis(quiet))
            }
            Some((true, _)) => Turn::NotBefore(now.plus_millis(BUSY_MILLIS)),
            Some((false, _)) => Turn::Never("the webhook is off".to_owned()),
            None => Turn::Never("the webhook is gone".to_owned()),
        });
    };
    let earlier = earlier.filter(|_| until.is_some_and(|until| until > now.millis()));
    let keys = cx.keys();
    let open = |sealed: Vec<u8>| keys.open(SECRET_FIELD, &sealed).map(Zeroizing::new);
    let secrets: Result<Vec<_>, _> =
        [Some(newest), earlier].into_iter().flatten().map(open).collect();
    Ok(match (url.parse(), secrets) {
        (Ok(url), Ok(secrets)) => Turn::Mine(Box::new(Lease { url, secrets })),
        (Err(error), _) => Turn::Never(format!("its address cannot be read: {error}")),
        (_, Err(error)) => Turn::Never(format!("its secret cannot be opened: {error}")),
    })
}

/// Gives the right back.
pub(super) async fn release(
    tx: &mut Tx,
    scope: Scope,
    id: WebhookId,
    token: Uuid,
) -> Result<(), DbError> {
    tx.execute(
        "UPDATE platform_webhooks SET lease_token = NULL, lease_until = 0
         WHERE org_id = $1 AND id = $2 AND lease_token = $3",
        args![scope.org_arg(), id.uuid(), token],
    )
    .await
    .map(drop)
}
