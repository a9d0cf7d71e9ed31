//! Before an import runs: which files are asked for, and what they are.

use std::io::Read as _;
use std::path::PathBuf;

use commerce::Shop;
use commerce::formats::{Format, FormatError, Mapping, OrderReader, ReaderContext};
use commerce::imports::{self, Import, ImportFile, ImportRequest, ImportState};
use platform::{Ctx, Platform, Tx};
use tabular::OpenError;

use super::ImportError;

/// What a person asks for.
#[derive(Debug, Clone, Default)]
pub struct ImportOrder {
    /// The files, with the names people know them by.
    pub files: Vec<(String, PathBuf)>,
    /// Format, or `None` to detect it.
    pub format: Option<Format>,
    /// Text of a mapping, for generic files.
    pub mapping: Option<String>,
    /// Whether nothing shall be kept.
    pub dry_run: bool,
    /// Whether the files are the program's own copies.
    pub uploaded: bool,
}

/// Looks into the files: format, encoding and columns of each, order reports before item reports.
///
/// # Errors
/// `Format` says what a file is not, and what to do.
pub fn examine(
    order: &ImportOrder,
    context: &ReaderContext,
) -> Result<Vec<ImportFile>, ImportError> {
    let mapping = order.mapping.as_deref().map(Mapping::parse).transpose()?;
    let mut files = Vec::new();
    for (name, path) in &order.files {
        let sheets = if mapping.is_none() && order.format.is_none() {
            commerce::formats::sheets_to_import(path)?
        } else {
            Vec::new()
        };
        let sheets: Vec<Option<String>> = if sheets.is_empty() {
            vec![None]
        } else {
            sheets.into_iter().map(|choice| Some(choice.sheet)).collect()
        };
        for sheet in sheets {
            let context = ReaderContext { sheet: sheet.clone(), ..context.clone() };
            let reader = OrderReader::open(path, order.format, mapping.clone(), &context)?;
            files.push((
                reader.format() == Format::TaobaoItems,
                ImportFile {
                    name: name.clone(),
                    path: path.display().to_string(),
                    size_bytes: std::fs::metadata(path).map_or(0, |meta| meta.len()),
                    format: Some(reader.format().to_string()),
                    encoding: Some(reader.encoding().to_owned()),
                    sheet,
                    header: reader.header(),
                },
            ));
        }
    }
    // An item report says nothing of the buyer, so the orders must be there first.
    files.sort_by_key(|(is_items, _)| *is_items);
    Ok(files.into_iter().map(|(_, file)| file).collect())
}

/// Begins an import of `order` into `shop`, or finds the same one that was begun and not ended.
///
/// # Errors
/// As [`examine`], or as the database says.
pub async fn begin(
    platform: &Platform,
    cx: &Ctx,
    shop: &Shop,
    order: &ImportOrder,
    state: ImportState,
) -> Result<Import, ImportError> {
    let (request, fingerprint) = request_of(order.clone(), shop).await?;
    let mut tx = platform.db.begin_for(cx.scope).await?;
    if !order.dry_run
        && let Some(import) =
            imports::unfinished(&mut tx, cx.scope, shop.number, &fingerprint).await?
    {
        let import = adopt(&mut tx, cx, import, &request).await?;
        tx.commit().await?;
        return Ok(import);
    }
    let import = imports::create(
        &mut tx,
        cx,
        shop.made_number(),
        state,
        order.dry_run,
        &fingerprint,
        request,
    )
    .await?;
    tx.commit().await?;
    Ok(import)
}

/// Makes an import read `request`'s files, which are those it began with, where they lie now.
async fn adopt(
    tx: &mut Tx,
    cx: &Ctx,
    found: Import,
    request: &ImportRequest,
) -> Result<Import, ImportError> {
    // Locked before it is read, so that the progress of whoever works on it is not written over.
    imports::lock_state(tx, cx.scope, found.id).await?;
    let mut import =
        imports::get(tx, cx.scope, found.id).await?.ok_or(ImportError::Unknown(found.id))?;
    if import.request.files != request.files {
        import.request.files.clone_from(&request.files);
        // Whose files they are decides whether they are removed at the end.
        import.request.uploaded = request.uploaded;
        imports::save(tx, cx.scope, &import).await?;
    }
    Ok(import)
}

/// Looks into the files of an order; gives what an import keeps of it, and its fingerprint.
///
/// # Errors
/// As [`examine`].
pub async fn request_of(
    order: ImportOrder,
    shop: &Shop,
) -> Result<(ImportRequest, String), ImportError> {
    let (context, new_shop) = (reader_context(shop), shop.to_make());
    blocking(move || {
        let files = examine(&order, &context)?;
        let fingerprint = fingerprint(&files, order.mapping.as_deref())?;
        let request = ImportRequest {
            files,
            format: order.format.map(|format| format.to_string()),
            mapping: order.mapping,
            uploaded: order.uploaded,
            new_shop,
        };
        Ok((request, fingerprint))
    })
    .await
}

/// The reader's settings for files of `shop`.
#[must_use]
pub fn reader_context(shop: &Shop) -> ReaderContext {
    ReaderContext { zone: shop.zone, currency: shop.currency, sheet: None }
}

pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ImportError> + Send + 'static,
) -> Result<T, ImportError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| ImportError::Reader(error.to_string()))?
}

/// Recognises the same files again: every byte of them, format and mapping. A correction anywhere in a
/// file makes it another one, which is read from its beginning. SHA-256 takes half a second for a
/// million rows (600 MB) on a processor that knows it, and leaves the file in memory for the import.
fn fingerprint(files: &[ImportFile], mapping: Option<&str>) -> Result<String, ImportError> {
    use sha2::{Digest as _, Sha256};
    const PIECE_BYTES: usize = 1 << 20;
    let mut digest = Sha256::new();
    let mut piece = vec![0; PIECE_BYTES];
    for file in files {
        digest.update(file.size_bytes.to_be_bytes());
        for part in [&file.format, &file.sheet] {
            digest.update(part.as_deref().unwrap_or_default());
            digest.update([0]);
        }
        let unreadable = |source: std::io::Error| {
            FormatError::from(OpenError::Io { file: file.name.clone(), source })
        };
        let mut source = std::fs::File::open(&file.path).map_err(unreadable)?;
        loop {
            match source.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => digest.update(&piece[..read]),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(error).into()),
            }
        }
    }
    digest.update(mapping.unwrap_or_default());
    Ok(digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect())
}
