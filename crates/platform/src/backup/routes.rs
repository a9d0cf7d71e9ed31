//! `GET /platform/backups`.

use axum::Json;
use axum::extract::State;
use kernel::OrgId;
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::blocking;
use super::error::BackupError;
use super::keys::BackupKeys;
use super::list::{BackupView, list};
use crate::http::Cx;
use crate::{Platform, Problem};

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new().routes(routes!(read))
}

/// The backups that the server makes, and where.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Backups {
    /// The folder, on the machine of the server; null if it makes none.
    folder: Option<String>,
    /// Newest first; those that rotation keeps.
    items: Vec<BackupView>,
}

impl From<BackupError> for Problem {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Disk { source, .. } => Self::disk(&source),
            BackupError::Db(error) => error.into(),
            other => Self::internal(&other),
        }
    }
}

/// The backups that the server makes, newest first.
#[utoipa::path(get, path = "/platform/backups", tag = "platform",
    extensions(("x-right" = json!("platform.backups"))),
    responses((status = 200, body = Backups), Problem))]
async fn read(State(platform): State<Platform>, Cx(cx): Cx) -> Result<Json<Backups>, Problem> {
    if cx.scope.org() != OrgId::FIRST {
        return Err(Problem::forbidden(
            "backups are of the whole installation, which is not yours",
        ));
    }
    let Some(folder) = platform.backups.clone() else {
        return Ok(Json(Backups { folder: None, items: Vec::new() }));
    };
    let keys = BackupKeys::new(&platform.master);
    let shown = folder.display().to_string();
    let items = blocking(move || list(&keys, &folder)).await?;
    Ok(Json(Backups { folder: Some(shown), items }))
}
