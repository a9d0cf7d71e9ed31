//! Customers as lists and cards show them: profile, orders and scores together.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use customers::Rating;
use customers::birthdays::{Birthday, BirthdayBody};
use customers::edit::{self, CustomerName, Edit};
use customers::reveal::{Reason, Revealed};
use flows::customer_card::{self, CustomerCard};
use flows::export_customers::{CustomersFile, ExportFormat, Wording};
use flows::list_customers::{self, CustomerPage, CustomerParams};
use flows::list_suggestions::{self, SuggestionParams, SuggestionView};
use flows::timeline::{self, TimelineItem, TimelineParams};
use futures::StreamExt as _;
use kernel::{CustomerId, FieldErrors, Page, UserId};
use platform::http::{Cx, ETag, Idempotent, IfMatch, JsonBody, PathId, QueryParams, parse_query};
use platform::idempotency::{self, Answer, Begun};
use platform::{Ctx, Platform, Problem};
use serde::{Deserialize, Deserializer, Serialize};
use tokio::sync::mpsc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::language::prefers_chinese;
use crate::state::AppState;

/// Pieces of an export that wait for a slow reader.
const PIECES: usize = 4;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(export))
        .routes(routes!(suggestions))
        .routes(routes!(card, change))
        .routes(routes!(assign))
        .routes(routes!(reveal))
        .routes(routes!(events))
}

/// A page of customers. What an API token reads beyond the size that may be exported without asking is recorded.
#[utoipa::path(get, path = "/customers", tag = "customers",
    extensions(("x-right" = json!("customers.read"))), params(CustomerParams),
    responses((status = 200, body = CustomerPage), Problem))]
async fn list(
    State(state): State<AppState>,
    Cx(cx): Cx,
    QueryParams(params): QueryParams<CustomerParams>,
) -> Result<Json<CustomerPage>, Problem> {
    params.check().map_err(Problem::validation)?;
    let engine = state.engines.of(cx.scope.org());
    let page = list_customers::list_customers(&engine, &cx, &params).await?;
    state.token_lists.give(&state.platform, &cx, page.items.len()).await?;
    Ok(Json(page))
}

/// The card of a customer. One that was merged has a card, too; `merged_into` says where it went.
#[utoipa::path(get, path = "/customers/{id}", tag = "customers",
    extensions(("x-right" = json!("customers.read"))), params(("id" = CustomerId, Path)),
    responses((status = 200, body = CustomerCard), Problem))]
async fn card(
    State(state): State<AppState>,
    Cx(cx): Cx,
    PathId(id): PathId<CustomerId>,
) -> Result<(ETag, Json<CustomerCard>), Problem> {
    card_of(&state, &cx, id).await
}

/// The card with its version, as every change of a customer answers.
pub(super) async fn card_of(
    state: &AppState,
    cx: &Ctx,
    id: CustomerId,
) -> Result<(ETag, Json<CustomerCard>), Problem> {
    let engine = state.engines.of(cx.scope.org());
    let card = customer_card::customer_card(&engine, cx, id)
        .await?
        .ok_or_else(|| Problem::not_found("customer"))?;
    Ok((ETag(card.version), Json(card)))
}

/// What to change of a customer. A field that is absent stays as it is.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct EditBody {
    /// 1 to 100 characters.
    name: Option<String>,
    /// `null` takes the rating away.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Rating>)]
    rating: Option<Option<Rating>>,
    /// `null` takes the birthday away, from all who were merged into the customer.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<BirthdayBody>)]
    birthday: Option<Option<BirthdayBody>>,
}

/// Tells `null` from absent.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(d: D) -> Result<Option<T>, D::Error> {
    T::deserialize(d).map(Some)
}

/// Edits name, rating and birthday of a customer; gives the card.
#[utoipa::path(patch, path = "/customers/{id}", tag = "customers",
    extensions(("x-right" = json!("customers.edit"))),
    params(("id" = CustomerId, Path), ("If-Match" = String, Header)),
    request_body = EditBody, responses((status = 200, body = CustomerCard), Problem))]
async fn change(
    State(state): State<AppState>,
    Cx(cx): Cx,
    PathId(id): PathId<CustomerId>,
    IfMatch(version): IfMatch,
    JsonBody(body): JsonBody<EditBody>,
) -> Result<(ETag, Json<CustomerCard>), Problem> {
    let mut errors = FieldErrors::default();
    let name = body.name.map(|name| errors.keep("name", name.parse::<CustomerName>()));
    let today = state.engines.of(cx.scope.org()).shops().frame().today(cx.now());
    let birthday = body.birthday.map(|said| said.map(|said| Birthday::parse(&said, today)));
    let birthday = match birthday {
        Some(Some(Err(wrong))) => {
            wrong.into_vec().into_iter().for_each(|one| errors.push(one.field, one.message));
            None
        }
        Some(Some(Ok(birthday))) => Some(Some(birthday)),
        Some(None) => Some(None),
        None => None,
    };
    let rating = body.rating;
    let edit = errors.finish(|| Some(Edit { name: name.flatten(), rating, birthday }))?;
    let mut tx = state.platform.db.begin_for(cx.scope).await?;
    edit::edit(&mut tx, &cx, id, version, &edit).await?;
    tx.commit().await?;
    card_of(&state, &cx, id).await
}

/// Customers to be given to somebody.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct AssignBody {
    /// At most 1,000.
    customers: Vec<CustomerId>,
    /// To whom; null takes them from whoever has them.
    #[serde(deserialize_with = "present_option")]
    owner: Option<UserId>,
}

/// Null must be said: an owner left out by mistake would take customers from everybody.
fn present_option<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    d: D,
) -> Result<Option<T>, D::Error> {
    Option::deserialize(d)
}

/// What changed hands.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Assigned {
    /// Customers that have another owner than before.
    changed: u64,
}

/// Gives customers to somebody.
#[utoipa::path(post, path = "/customers/bulk/owner", tag = "customers",
    extensions(("x-right" = json!("customers.assign"))),
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = AssignBody, responses((status = 200, body = Assigned), Problem))]
async fn assign(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Idempotent { key, body }: Idempotent<AssignBody>,
) -> Result<Answer, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let AssignBody { customers, owner } = body;
    let changed =
        flows::assign_customers::assign_customers(&mut tx, &cx, &customers, owner).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::OK, &Assigned { changed }).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Why personal data is to be shown.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RevealBody {
    /// 3 to 500 characters; kept in the audit log.
    reason: String,
}

impl RevealBody {
    pub(super) fn reason(&self) -> Result<Reason, Problem> {
        let mut errors = FieldErrors::default();
        let reason = errors.keep("reason", self.reason.parse::<Reason>());
        Ok(errors.finish(|| reason)?)
    }
}

/// Shows what a customer is known by in the clear. That it was asked for is recorded with the reason.
#[utoipa::path(post, path = "/customers/{id}/reveal", tag = "customers",
    extensions(("x-right" = json!("customers.reveal"))),
    params(("id" = CustomerId, Path)),
    request_body = RevealBody, responses((status = 200, body = Revealed), Problem))]
async fn reveal(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<CustomerId>,
    JsonBody(body): JsonBody<RevealBody>,
) -> Result<Json<Revealed>, Problem> {
    let reason = body.reason()?;
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let revealed = customers::reveal::reveal(&mut tx, &cx, id, &reason)
        .await?
        .ok_or_else(|| Problem::not_found("customer"))?;
    tx.commit().await?;
    Ok(Json(revealed))
}

/// What happened with a customer, the latest first.
#[utoipa::path(get, path = "/customers/{id}/timeline", tag = "customers",
    extensions(("x-right" = json!("customers.read"))),
    params(("id" = CustomerId, Path), TimelineParams),
    responses((status = 200, body = Page<TimelineItem>), Problem))]
async fn events(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<CustomerId>,
    QueryParams(params): QueryParams<TimelineParams>,
) -> Result<Json<Page<TimelineItem>>, Problem> {
    let page = timeline::timeline(&platform, &cx, id, &params).await?;
    page.map(Json).ok_or_else(|| Problem::not_found("customer"))
}

/// Pairs of customers that may be one, the likeliest first.
#[utoipa::path(get, path = "/customers/suggestions", tag = "customers",
    extensions(("x-right" = json!("customers.merge"))), params(SuggestionParams),
    responses((status = 200, body = Page<SuggestionView>), Problem))]
async fn suggestions(
    State(state): State<AppState>,
    Cx(cx): Cx,
    QueryParams(params): QueryParams<SuggestionParams>,
) -> Result<Json<Page<SuggestionView>>, Problem> {
    let engine = state.engines.of(cx.scope.org());
    Ok(Json(list_suggestions::list_suggestions(&engine, &cx, &params).await?))
}

/// The format, beside the filters of the list.
#[derive(Debug, Default, Deserialize)]
struct FormatParam {
    #[serde(default)]
    format: ExportFormat,
}

/// Takes `format` out of the query; the rest are the parameters of the list.
fn export_params(uri: &Uri) -> Result<(ExportFormat, CustomerParams), Problem> {
    let query = uri.query().unwrap_or_default();
    let (format, rest): (Vec<&str>, Vec<&str>) = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .partition(|pair| pair.split('=').next() == Some("format"));
    let of = |pairs: &[&str]| format!("/?{}", pairs.join("&")).parse::<Uri>();
    let wrong = |error: axum::http::uri::InvalidUri| Problem::malformed(error.to_string());
    let FormatParam { format } = parse_query(&of(&format).map_err(wrong)?)?;
    let params: CustomerParams = parse_query(&of(&rest).map_err(wrong)?)?;
    params.check().map_err(Problem::validation)?;
    Ok((format, params))
}

/// Chinese names of columns for a browser that prefers Chinese.
pub(super) fn wording(headers: &HeaderMap) -> Wording {
    if prefers_chinese(headers) { Wording::Chinese } else { Wording::Codes }
}

/// The customers who pass the filters as a file: CSV in UTF-8, or an Excel workbook. Over the size that is set
/// for a day it answers 409 `export_needs_approval`: ask with `POST /customers/exports`.
#[utoipa::path(get, path = "/customers/export", tag = "customers",
    extensions(("x-right" = json!("customers.export"))),
    params(CustomerParams, ("format" = Option<ExportFormat>, Query)),
    responses((status = 200, content(
        (String = "text/csv"),
        (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    )), Problem))]
async fn export(
    State(state): State<AppState>,
    Cx(cx): Cx,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let (format, params) = export_params(&uri)?;
    let engine = state.engines.of(cx.scope.org());
    // Whatever can be refused is refused before the file begins.
    let file = CustomersFile::begin(&engine, &cx, &params, format, wording(&headers)).await?;
    match format {
        ExportFormat::Csv => Ok(csv(file)),
        ExportFormat::Xlsx => workbook(file).await,
    }
}

/// `customers.csv`, `customers.xlsx`, to be saved.
pub(super) fn attachment(format: ExportFormat, body: Body) -> Response {
    let (kind, name) = match format {
        ExportFormat::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"customers.csv\""),
        ExportFormat::Xlsx => (
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "attachment; filename=\"customers.xlsx\"",
        ),
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static(name)),
    ];
    (headers, body).into_response()
}

fn csv(file: CustomersFile) -> Response {
    let (pieces, received) = mpsc::channel(PIECES);
    let (failed, failure) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        if let Err(error) = file.csv(&pieces).await {
            tracing::warn!(%error, "an export broke off");
            // The answer has begun: breaking it off is the one way left to say so.
            drop(failed.send(std::io::Error::other(error.to_string())));
        }
    });
    let pieces = futures::stream::unfold(received, |mut received| async {
        received.recv().await.map(|piece| (Ok::<_, std::io::Error>(piece), received))
    });
    let end = futures::stream::once(failure).filter_map(|failure| async { failure.ok().map(Err) });
    attachment(ExportFormat::Csv, Body::from_stream(pieces.chain(end)))
}

/// A workbook is written to the disk first: its parts come in another order than its rows.
async fn workbook(file: CustomersFile) -> Result<Response, Problem> {
    let (file, _) = file.write_unnamed().await?;
    let file = tokio::fs::File::from_std(file);
    let body = Body::from_stream(tokio_util::io::ReaderStream::new(file));
    Ok(attachment(ExportFormat::Xlsx, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_stands_beside_the_filters() {
        let uri = "/customers/export?tier=lost&format=xlsx&q=a%26b".parse().unwrap();
        let (format, params) = export_params(&uri).unwrap();
        assert_eq!((format, params.q.as_deref()), (ExportFormat::Xlsx, Some("a&b")));
        assert_eq!(params.tier.len(), 1);
        let none = "/customers/export".parse().unwrap();
        assert_eq!(export_params(&none).unwrap().0, ExportFormat::Csv);
        for wrong in ["format=pdf", "tier=x", "nick=1"] {
            let uri = format!("/customers/export?{wrong}").parse().unwrap();
            assert_eq!(export_params(&uri).unwrap_err().code(), "validation", "{wrong}");
        }
    }
}
