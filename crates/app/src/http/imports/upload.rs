//! Files come in, and are imported or kept as a draft.

use std::path::{Path, PathBuf};

use axum::extract::multipart::{Field, MultipartError, MultipartRejection};
use axum::extract::{DefaultBodyLimit, Multipart, State};
use axum::http::StatusCode;
use commerce::formats::ReaderContext;
use commerce::import_view::ImportView;
use commerce::imports::{self, ImportFile, ImportRequest, ImportState};
use flows::clean_uploads::UPLOADS;
use flows::import_orders::{self, ImportOrder};
use flows::import_shop::{self, WantedShop};
use flows::preview_import;
use flows::show_imports;
use kernel::{FieldErrors, ImportId};
use platform::http::{Cx, Idempotency};
use platform::idempotency::{self, Answer, Begun, RequestKey};
use platform::{Ctx, Platform, Problem};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{enqueue, format_field, problem, replayed, shop_problem};
use crate::import_job::IMPORT;
use crate::state::AppState;

/// Bytes of all files of one upload.
const UPLOAD_MAX_BYTES: u64 = 16 << 30;
/// Files of one upload.
const FILES_MAX: usize = 20;
/// Parts of one upload, files and others.
const PARTS_MAX: usize = 40;
/// Bytes of a part that is no file.
const TEXT_MAX_BYTES: usize = 256 << 10;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(upload)).layer(DefaultBodyLimit::disable())
}

/// What an upload brings, as sent.
#[derive(Debug, Default)]
struct Received {
    shop: Option<String>,
    format: Option<String>,
    mapping: Option<String>,
    dry_run: Option<String>,
    start: Option<String>,
    files: Vec<(String, PathBuf)>,
    /// Of everything, for the idempotency key.
    digest: Sha256,
    unknown: FieldErrors,
}

/// What an upload asks for.
struct Asked {
    order: ImportOrder,
    /// The shop; `None` for a draft.
    shop: Option<String>,
}

/// For the document only: what a multipart upload holds.
#[derive(utoipa::ToSchema)]
#[allow(dead_code)]
struct UploadBody {
    /// One or more order files.
    #[schema(value_type = Vec<String>, format = Binary)]
    file: Vec<Vec<u8>>,
    /// Name of the shop; made if it is new. Not needed for a draft.
    shop: Option<String>,
    /// `auto`, or a format by name.
    format: Option<String>,
    /// A mapping (TOML) for generic files.
    mapping: Option<String>,
    /// Only say what an import would do.
    dry_run: Option<bool>,
    /// `false` gives a draft to look at.
    start: Option<bool>,
}

/// Brings files in, and imports them unless `start=false`
#[utoipa::path(post, path = "/commerce/imports", tag = "commerce",
    extensions(("x-right" = json!("commerce.import"))),
    request_body(content = UploadBody, content_type = "multipart/form-data"),
    responses((status = 202, body = ImportView), Problem))]
async fn upload(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Idempotency(key): Idempotency,
    multipart: Result<Multipart, MultipartRejection>,
) -> Result<Answer, Problem> {
    let multipart =
        multipart.map_err(|_| Problem::unsupported_media_type("multipart/form-data"))?;
    let folder = platform.folder.join(UPLOADS).join(cx.fresh::<ImportId>().to_string());
    tokio::fs::create_dir_all(&folder).await.map_err(|error| Problem::disk(&error))?;
    let done = async {
        let received = receive(multipart, &folder).await?;
        let key = key.map(|key| key.with_body(&received.digest.clone().finalize()));
        create(&platform, &cx, key, Asked::try_from(received)?).await
    };
    let done = done.await;
    // A refused or repeated upload leaves nothing behind.
    if !matches!(&done, Ok(answer) if !answer.replayed) {
        let _ = tokio::fs::remove_dir_all(&folder).await;
    }
    done
}

/// A body that cannot be taken apart.
pub(in crate::http) fn broken(error: MultipartError) -> Problem {
    Problem::malformed(error.body_text())
}

/// Takes the parts in, files into `folder`.
async fn receive(mut multipart: Multipart, folder: &Path) -> Result<Received, Problem> {
    let mut received = Received::default();
    let mut room = UPLOAD_MAX_BYTES;
    let mut parts = 0;
    while let Some(mut part) = multipart.next_field().await.map_err(broken)? {
        parts += 1;
        if parts > PARTS_MAX {
            return Err(Problem::malformed(format!("there are more than {PARTS_MAX} parts")));
        }
        let name = part.name().unwrap_or_default().to_owned();
        if name == "file" {
            let shown = file_name(part.file_name());
            if received.files.len() == FILES_MAX {
                return Err(Problem::field("file", format!("at most {FILES_MAX} files at once")));
            }
            let path = folder.join(format!("{}-{shown}", received.files.len()));
            let mut file =
                tokio::fs::File::create(&path).await.map_err(|error| Problem::disk(&error))?;
            let before = room;
            while let Some(bytes) = part.chunk().await.map_err(broken)? {
                room = room
                    .checked_sub(bytes.len() as u64)
                    .ok_or_else(|| Problem::too_large(UPLOAD_MAX_BYTES))?;
                received.digest.update(&bytes);
                file.write_all(&bytes).await.map_err(|error| Problem::disk(&error))?;
            }
            // `sync_all` alone would forget that the last write failed.
            file.flush().await.map_err(|error| Problem::disk(&error))?;
            file.sync_all().await.map_err(|error| Problem::disk(&error))?;
            received.digest.update(format!("{shown}:{};", before - room));
            received.files.push((shown, path));
            continue;
        }
        let text = text(&mut part, &name).await?;
        received.digest.update(format!("{name}={text};"));
        let text = Some(text).filter(|text| !text.trim().is_empty());
        match name.as_str() {
            "shop" => received.shop = text,
            "format" => received.format = text.filter(|text| text != "auto"),
            "mapping" => received.mapping = text,
            "dry_run" => received.dry_run = text,
            "start" => received.start = text,
            other => received.unknown.push(other, "is not a field of an upload"),
        }
    }
    Ok(received)
}

/// The text of a part that is no file.
pub(in crate::http) async fn text(part: &mut Field<'_>, name: &str) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    while let Some(more) = part.chunk().await.map_err(broken)? {
        bytes.extend_from_slice(&more);
        if bytes.len() > TEXT_MAX_BYTES {
            let wrong = format!("must not be longer than {TEXT_MAX_BYTES} bytes");
            return Err(Problem::field(name, wrong));
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| Problem::field(name, "must be UTF-8"))?;
    if text.contains('\0') {
        return Err(Problem::field(name, "must not contain the character NUL"));
    }
    Ok(text)
}

/// `true` or `false`; anything else could mean either.
fn yes_or_no(text: Option<&str>, otherwise: bool) -> Result<bool, &'static str> {
    match text {
        None => Ok(otherwise),
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(_) => Err("must be true or false"),
    }
}

impl TryFrom<Received> for Asked {
    type Error = FieldErrors;
    fn try_from(received: Received) -> Result<Self, FieldErrors> {
        let mut errors = received.unknown;
        if received.files.is_empty() {
            errors.push("file", "is missing: send one or more order files");
        }
        let dry_run = errors.keep("dry_run", yes_or_no(received.dry_run.as_deref(), false));
        let start = errors.keep("start", yes_or_no(received.start.as_deref(), true));
        let is_draft = start == Some(false);
        if received.shop.is_none() && !is_draft {
            errors.push("shop", "is missing: the name of the shop whose orders these are");
        }
        let format = format_field(&mut errors, received.format.as_deref());
        errors.finish(|| {
            let order = ImportOrder {
                files: received.files,
                format,
                mapping: received.mapping,
                dry_run: dry_run?,
                uploaded: true,
            };
            Some(Self { order, shop: received.shop.filter(|_| !is_draft) })
        })
    }
}

/// What an import is made from, once its files were looked into.
struct Examined {
    shop_number: Option<i64>,
    state: ImportState,
    dry_run: bool,
    fingerprint: String,
    request: ImportRequest,
}

/// Looks into the files, before any transaction: that may take a while.
async fn examine(platform: &Platform, cx: &Ctx, asked: Asked) -> Result<Examined, Problem> {
    let Asked { order, shop } = asked;
    let files = order.files.clone();
    let dry_run = order.dry_run;
    let Some(name) = shop else {
        let request = ImportRequest {
            files: sketch(&order).await?,
            format: order.format.map(|format| format.to_string()),
            mapping: order.mapping,
            uploaded: true,
            new_shop: None,
        };
        let (state, fingerprint) = (ImportState::Draft, String::new());
        return Ok(Examined { shop_number: None, state, dry_run: false, fingerprint, request });
    };
    let wanted = WantedShop { name: &name, channel: None, currency: None };
    let shop = import_shop::find_or_make(platform, cx, wanted, &order)
        .await
        .map_err(|error| shop_problem(error, &files))?;
    let (request, fingerprint) =
        import_orders::request_of(order, &shop).await.map_err(|error| problem(error, &files))?;
    let (shop_number, state) = (shop.made_number(), ImportState::Queued);
    Ok(Examined { shop_number, state, dry_run, fingerprint, request })
}

async fn create(
    platform: &Platform,
    cx: &Ctx,
    key: Option<RequestKey>,
    asked: Asked,
) -> Result<Answer, Problem> {
    if let Some(answer) = replayed(platform, cx, key.as_ref()).await? {
        return Ok(answer);
    }
    let made = examine(platform, cx, asked).await?;
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let Examined { shop_number, state, dry_run, fingerprint, request } = made;
    let import =
        imports::create(&mut tx, cx, shop_number, state, dry_run, &fingerprint, request).await?;
    if import.state == ImportState::Queued {
        enqueue(&mut tx, cx, IMPORT, &import).await?;
    }
    let keys = platform.keys(cx.scope.org());
    let view = show_imports::view(&mut tx, cx, &keys, &import).await?;
    let answer = ticket.finish(&mut tx, cx, StatusCode::ACCEPTED, &view).await?;
    tx.commit().await?;
    Ok(answer)
}

/// A name that is safe as part of a path, and still the person's own.
fn file_name(given: Option<&str>) -> String {
    let given = given.unwrap_or("orders.csv");
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let safe: String = last
        .chars()
        .filter(|c| !c.is_control() && !matches!(c, ':' | '*' | '?' | '"' | '<' | '>' | '|'))
        .take(80)
        .collect();
    if safe.trim_matches('.').is_empty() { "orders.csv".to_owned() } else { safe }
}

/// The files of a draft: what is known of them before a mapping makes them readable.
async fn sketch(order: &ImportOrder) -> Result<Vec<ImportFile>, Problem> {
    let files = order.files.iter().map(|(name, path)| ImportFile {
        name: name.clone(),
        path: path.display().to_string(),
        size_bytes: std::fs::metadata(path).map_or(0, |meta| meta.len()),
        format: None,
        encoding: None,
        sheet: None,
        header: Vec::new(),
    });
    let mut files: Vec<ImportFile> = files.collect();
    let previews = preview_import::preview(
        files.clone(),
        order.format,
        order.mapping.clone(),
        ReaderContext::default(),
    )
    .await
    .map_err(|error| problem(error, &order.files))?;
    for (file, seen) in files.iter_mut().zip(previews) {
        file.format = seen.format;
        file.encoding = seen.encoding;
    }
    Ok(files)
}
