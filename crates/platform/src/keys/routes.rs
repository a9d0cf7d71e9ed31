//! `GET /platform/keys`, `POST /platform/keys/rotation`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{KeyVersion, Progress, RotateError, Sealed, begin, list, load, progress};
use crate::http::{Cx, Idempotency};
use crate::idempotency::{self, Answer, Begun};
use crate::{Ctx, DbError, Platform, Problem, Tx};

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new().routes(routes!(read)).routes(routes!(rotate))
}

/// The keys that seal personal data, without the keys themselves.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct KeysView {
    /// Newest first.
    versions: Vec<KeyVersion>,
    /// How far everything is sealed with the newest one; null if keys were never replaced.
    progress: Option<Progress>,
}

impl KeysView {
    async fn of(tx: &mut Tx, cx: &Ctx, columns: &[Sealed]) -> Result<Self, DbError> {
        let versions = list(tx, cx.scope).await?;
        Ok(Self { versions, progress: progress(tx, cx.scope, columns).await? })
    }
}

/// The columns that a rotation goes through, for the routes; whoever puts the modules together knows them.
#[derive(Debug, Clone, Default)]
pub struct Columns(pub std::sync::Arc<[Sealed]>);

impl From<RotateError> for Problem {
    fn from(error: RotateError) -> Self {
        match error {
            RotateError::Exhausted => Self::conflict("keys_exhausted", error.to_string()),
            RotateError::Db(error) => error.into(),
        }
    }
}

/// The versions of the key that seals personal data, and how far its replacement is.
#[utoipa::path(get, path = "/platform/keys", tag = "platform",
    extensions(("x-right" = json!("platform.keys"))),
    responses((status = 200, body = KeysView), Problem))]
async fn read(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Extension(Columns(columns)): Extension<Columns>,
) -> Result<Json<KeysView>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    Ok(Json(KeysView::of(&mut tx, &cx, &columns).await?))
}

/// Makes a new key and seals everything with it, in the background. While that is under way, it goes on.
#[utoipa::path(post, path = "/platform/keys/rotation", tag = "platform",
    extensions(("x-right" = json!("platform.keys"))),
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 202, body = KeysView), Problem))]
async fn rotate(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Extension(Columns(columns)): Extension<Columns>,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let mut tx = platform.db.begin_wide().await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    begin(&mut tx, &platform, &cx).await?;
    let view = KeysView::of(&mut tx, &cx, &columns).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::ACCEPTED, &view).await?;
    tx.commit().await?;
    load(&platform).await?;
    Ok(answer)
}
