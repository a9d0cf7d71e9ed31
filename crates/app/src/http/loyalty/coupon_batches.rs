//! Codes of coupons by the million: asked for, made by a job, exported.

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use kernel::{CouponBatchId, CouponDefinitionId};
use loyalty::coupons::batch::{self, Batch};
use loyalty::coupons::{CouponError, Funnel, definition, funnel_of_batch};
use platform::http::{Cx, Idempotent, PathId};
use platform::idempotency::{self, Answer, Begun};
use platform::{Platform, Problem};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::language::prefers_chinese;
use crate::state::AppState;

/// Codes in one piece of an export.
const PIECE: usize = 2_000;
/// Pieces that wait for a slow reader.
const PIECES: usize = 4;
/// Excel takes a file without this for one in the local encoding.
const BYTE_ORDER_MARK: &str = "\u{feff}";

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get_one))
        .routes(routes!(funnel))
        .routes(routes!(export))
}

/// Batches of a definition.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct CouponBatches {
    /// The newest first; there are 200 at most.
    items: Vec<Batch>,
}

/// The batches of codes of a definition, each with how many are made
#[utoipa::path(get, path = "/loyalty/coupons/{id}/batches", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.coupons"))), params(("id" = CouponDefinitionId, Path)),
    responses((status = 200, body = CouponBatches), Problem))]
async fn list(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<CouponDefinitionId>,
) -> Result<Json<CouponBatches>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    definition::get(&mut tx, cx.scope, id).await?.ok_or(CouponError::NoDefinition)?;
    let items = batch::of_definition(&mut tx, cx.scope, id).await?;
    tx.rollback().await?;
    Ok(Json(CouponBatches { items }))
}

/// Codes to be made.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct NewBatchBody {
    /// How many, 1 to 1,000,000.
    size: u32,
}

/// Has codes made, by a job
#[utoipa::path(post, path = "/loyalty/coupons/{id}/batches", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.coupons"))),
    params(("id" = CouponDefinitionId, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = NewBatchBody, responses((status = 202, body = Batch), Problem))]
async fn create(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<CouponDefinitionId>,
    Idempotent { key, body }: Idempotent<NewBatchBody>,
) -> Result<Answer, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let made = batch::create(&mut tx, &cx, id, body.size).await?;
    let made = batch::get(&mut tx, cx.scope, made).await?.ok_or(CouponError::NoBatch)?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::ACCEPTED, &made).await?;
    tx.commit().await?;
    Ok(answer)
}

/// One batch, with how many of its codes are made
#[utoipa::path(get, path = "/loyalty/coupon-batches/{id}", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.coupons"))), params(("id" = CouponBatchId, Path)),
    responses((status = 200, body = Batch), Problem))]
async fn get_one(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<CouponBatchId>,
) -> Result<Json<Batch>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let found = batch::get(&mut tx, cx.scope, id).await?.ok_or(CouponError::NoBatch)?;
    tx.rollback().await?;
    Ok(Json(found))
}

/// How far the codes of a batch have come, at this moment
#[utoipa::path(get, path = "/loyalty/coupon-batches/{id}/funnel", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.coupons"))), params(("id" = CouponBatchId, Path)),
    responses((status = 200, body = Funnel), Problem))]
async fn funnel(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<CouponBatchId>,
) -> Result<Json<Funnel>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    batch::get(&mut tx, cx.scope, id).await?.ok_or(CouponError::NoBatch)?;
    let funnel = funnel_of_batch(&mut tx, cx.scope, id).await?;
    tx.rollback().await?;
    Ok(Json(funnel))
}

/// The codes of a batch in the clear, as CSV; that somebody took them is recorded first
#[utoipa::path(get, path = "/loyalty/coupon-batches/{id}/codes", tag = "loyalty",
    extensions(("x-right" = json!("loyalty.codes"))), params(("id" = CouponBatchId, Path)),
    responses((status = 200, content((String = "text/csv"))), Problem))]
async fn export(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<CouponBatchId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let mut codes = batch::export(&mut tx, &cx, id).await?.zip(1_u64..);
    tx.commit().await?;
    let head = if prefers_chinese(&headers) { "序号,券码" } else { "number,code" };
    let (send, received) = mpsc::channel::<Bytes>(PIECES);
    tokio::task::spawn_blocking(move || {
        let mut piece = format!("{BYTE_ORDER_MARK}{head}\r\n");
        loop {
            let mut count = 0;
            for (code, number) in codes.by_ref().take(PIECE) {
                piece.push_str(&format!("{number},{code}\r\n"));
                count += 1;
            }
            // Whoever went away takes no more.
            if send.blocking_send(Bytes::from(std::mem::take(&mut piece))).is_err() || count < PIECE
            {
                break;
            }
        }
    });
    let pieces = futures::stream::unfold(received, |mut received| async {
        received.recv().await.map(|piece| (Ok::<_, std::io::Error>(piece), received))
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"codes.csv\""),
        ),
    ];
    Ok((headers, Body::from_stream(futures::StreamExt::fuse(pieces))).into_response())
}
