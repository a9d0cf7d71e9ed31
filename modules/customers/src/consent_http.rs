//! Routes of consents that need no other module.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use kernel::{ConsentTextId, CustomerId, Page, Timestamp};
use platform::http::{Cx, Idempotent, PathId};
use platform::idempotency::{self, Answer, Begun};
use platform::{Platform, Problem};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::consent::ledger::{self, ConsentError, NewConsent, Wanted};
use crate::consent::texts::{self, ConsentText, NewText, TextError};
use crate::consent::{ConsentChannel, ConsentPurpose, ConsentSource};

pub(crate) fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new().routes(routes!(add)).routes(routes!(list_texts, create_text))
}

impl From<ConsentError> for Problem {
    fn from(error: ConsentError) -> Self {
        let detail = error.to_string();
        match error {
            ConsentError::UnknownCustomer(_) => Self::not_found("customer"),
            ConsentError::UnknownText(_) => Self::field("text", detail),
            ConsentError::TooMany => Self::conflict("too_many_consents", detail),
            ConsentError::Db(error) => error.into(),
        }
    }
}

impl From<TextError> for Problem {
    fn from(error: TextError) -> Self {
        let detail = error.to_string();
        match error {
            TextError::TooMany => Self::conflict("too_many_consent_texts", detail),
            TextError::Same(_) => Self::field("body", detail),
            TextError::Db(error) => error.into(),
        }
    }
}

/// What a customer said, of each of these ways and purposes.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct NewConsentBody {
    /// By which ways; `any` is every one.
    channels: Vec<ConsentChannel>,
    /// What for.
    purposes: Vec<ConsentPurpose>,
    /// Granted, or refused (also: taken back).
    granted: bool,
    /// When it was said; now if absent.
    at: Option<Timestamp>,
    /// The first moment at which a grant no longer holds; never if absent.
    expires_at: Option<Timestamp>,
    /// Through what.
    source: ConsentSource,
    /// By which version of which text.
    text: Option<ConsentTextId>,
    /// What shows it: at most 1,000 characters.
    evidence: Option<String>,
}

/// How many entries an answer made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ConsentsAdded {
    /// Entries that were not there before.
    added: usize,
}

/// Records what a customer granted or refused. It holds at once; what is there stays.
#[utoipa::path(post, path = "/customers/{id}/consents", tag = "customers",
    extensions(("x-right" = json!("customers.consent_write"))),
    params(("id" = CustomerId, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = NewConsentBody, responses((status = 201, body = ConsentsAdded), Problem))]
async fn add(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(customer): PathId<CustomerId>,
    Idempotent { key, body }: Idempotent<NewConsentBody>,
) -> Result<Answer, Problem> {
    let NewConsentBody { channels, purposes, granted, at, expires_at, source, text, evidence } =
        body;
    let wanted = Wanted { channels, purposes, granted, at, expires_at, source, text, evidence };
    let new = NewConsent::parse(wanted, cx.now())?;
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let added = ledger::add(&mut tx, &cx, customer, &new).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::CREATED, &ConsentsAdded { added }).await?;
    tx.commit().await?;
    Ok(answer)
}

/// All versions of the texts by which people are asked.
#[utoipa::path(get, path = "/customers/consent-texts", tag = "customers",
    extensions(("x-right" = json!("customers.consent_read"))),
    responses((status = 200, body = Page<ConsentText>), Problem))]
async fn list_texts(
    State(platform): State<Platform>,
    Cx(cx): Cx,
) -> Result<Json<Page<ConsentText>>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let items = texts::all(&mut tx, cx.scope).await?;
    Ok(Json(Page { items, next: None }))
}

/// A text by which people will be asked.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct NewConsentTextBody {
    /// 1 to 60 characters.
    name: String,
    /// A language tag, `zh-CN`.
    language: String,
    /// 1 to 20,000 characters.
    body: String,
}

/// Keeps a text as the next version of its name and language. Texts are never changed.
#[utoipa::path(post, path = "/customers/consent-texts", tag = "customers",
    extensions(("x-right" = json!("customers.settings"))),
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = NewConsentTextBody, responses((status = 201, body = ConsentText), Problem))]
async fn create_text(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Idempotent { key, body }: Idempotent<NewConsentTextBody>,
) -> Result<Answer, Problem> {
    let new = NewText::parse(&body.name, &body.language, &body.body)?;
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let text = texts::create(&mut tx, &cx, new).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::CREATED, &text).await?;
    tx.commit().await?;
    Ok(answer)
}
