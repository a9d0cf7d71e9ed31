//! Before an import runs: which files are asked for, and what they are.

use std::path::PathBuf;

use commerce::Shop;
use commerce::formats::{Format, Mapping, OrderReader, ReaderContext};
use commerce::imports::{self, Import, ImportFile, ImportRequest, ImportState};
use platform::{Ctx, Platform};

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
    let (request, fingerprint) = request_of(order.clone(), reader_context(shop)).await?;
    let mut tx = platform.db.begin().await?;
    if !order.dry_run
        && let Some(import) =
            imports::unfinished(&mut tx, cx.scope, shop.number, &fingerprint).await?
    {
        tx.rollback().await?;
        return Ok(import);
    }
    let import = imports::create(
        &mut tx,
        cx,
        Some(shop.number),
        state,
        order.dry_run,
        &fingerprint,
        request,
    )
    .await?;
    tx.commit().await?;
    Ok(import)
}

/// Looks into the files of an order; gives what an import keeps of it, and its fingerprint.
///
/// # Errors
/// As [`examine`].
pub async fn request_of(
    order: ImportOrder,
    context: ReaderContext,
) -> Result<(ImportRequest, String), ImportError> {
    blocking(move || {
        let files = examine(&order, &context)?;
        let fingerprint = fingerprint(&files, order.mapping.as_deref());
        let request = ImportRequest {
            files,
            format: order.format.map(|format| format.to_string()),
            mapping: order.mapping,
            uploaded: order.uploaded,
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

/// Recognises the same files again: size, both ends, format and mapping.
fn fingerprint(files: &[ImportFile], mapping: Option<&str>) -> String {
    use sha2::{Digest as _, Sha256};
    use std::io::{Read as _, Seek as _, SeekFrom};
    const END_BYTES: u64 = 64 * 1024;
    let mut digest = Sha256::new();
    for file in files {
        digest.update(file.size_bytes.to_be_bytes());
        for part in [&file.format, &file.sheet] {
            digest.update(part.as_deref().unwrap_or_default());
            digest.update([0]);
        }
        if let Ok(mut source) = std::fs::File::open(&file.path) {
            let mut bytes = Vec::new();
            let _ = (&mut source).take(END_BYTES).read_to_end(&mut bytes);
            if source.seek(SeekFrom::End(-(END_BYTES.min(file.size_bytes) as i64))).is_ok() {
                let _ = source.take(END_BYTES).read_to_end(&mut bytes);
            }
            digest.update(&bytes);
        }
    }
    digest.update(mapping.unwrap_or_default());
    digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
