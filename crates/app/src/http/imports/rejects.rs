//! The rows that an import rejected, as a file for each of its files.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use commerce::formats::Language;
use commerce::imports::{self, Import};
use flows::write_rejects::RejectsCsv;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use kernel::ImportId;
use platform::audit::{self, Entry};
use platform::http::{Cx, PathId, QueryParams};
use platform::{Ctx, DbError, Platform, Problem};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::language::prefers_chinese;
use super::find;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(rejects))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RejectsParams {
    /// Language of the reasons; without it, that of `Accept-Language`.
    #[param(inline)]
    lang: Option<Language>,
    /// Place of the file in `files`, from 1; without it, the first that has rejected rows.
    #[param(minimum = 1)]
    file: Option<usize>,
}

/// The rejected rows of a file as CSV in its columns: correct them and import the file
#[utoipa::path(get, path = "/commerce/imports/{id}/rejects", tag = "commerce",
    extensions(("x-right" = json!("commerce.import"))),
    params(("id" = ImportId, Path), RejectsParams),
    responses((status = 200, content_type = "text/csv", body = String), Problem))]
async fn rejects(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(id): PathId<ImportId>,
    QueryParams(params): QueryParams<RejectsParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let language = params.lang.unwrap_or_else(|| match prefers_chinese(&headers) {
        true => Language::Chinese,
        false => Language::English,
    });
    let import = find(&platform, &cx, id).await?;
    if let Some(at) = import.forgotten_at {
        let text = format!(
            "the rejected rows of this import were kept until {at}, as the retention rule says"
        );
        return Err(Problem::conflict("import_forgotten", text));
    }
    let file_no = match params.file {
        Some(number) => file_at(&import, number)?,
        None => first_with_rejects(&platform, &cx, &import).await?,
    };
    // These rows hold people as they stood in the file.
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let entry = Entry::new("commerce.rejects.export").on("import", id).with("file", file_no + 1);
    audit::record(&mut tx, &cx, entry).await?;
    tx.commit().await?;
    let file = params.file.map(|number| format!("-{number}")).unwrap_or_default();
    let name = format!("attachment; filename=\"rejects-{}{file}.csv\"", import.number);
    let mut rows = RejectsCsv::new(&platform, &cx, import, file_no, language);
    // What can fail mostly fails at once, and is told as a problem before the file begins.
    let first = rows.next_page().await?;
    let rest = stream::try_unfold(rows, async |mut rows: RejectsCsv| {
        Ok::<_, DbError>(rows.next_page().await?.map(|page| (page, rows)))
    });
    let pages = stream::iter(first.map(Ok)).chain(rest);
    let pages = pages.inspect_err(|error| tracing::warn!(%error, "a file of rejects broke off"));
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, Body::from_stream(pages)).into_response())
}

/// The place of the file that people call `number`.
fn file_at(import: &Import, number: usize) -> Result<usize, Problem> {
    let files = import.request.files.len();
    number.checked_sub(1).filter(|place| *place < files).ok_or_else(|| {
        let text = format!("must be from 1 to {files}: this import has so many files");
        Problem::field("file", text)
    })
}

async fn first_with_rejects(
    platform: &Platform,
    cx: &Ctx,
    import: &Import,
) -> Result<usize, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let counts = imports::count_rejects(&mut tx, cx.scope, import).await?;
    tx.rollback().await?;
    Ok(counts.iter().position(|count| *count > 0).unwrap_or(0))
}
