//! The rows that an import rejected, as files to correct and import again: one for each file of the import,
//! in its columns.

use commerce::formats::{Language, Reject, RejectsWriter};
use commerce::imports::{self, Import};
use platform::crypto::OrgKeys;
use platform::{Ctx, DbError, Platform};

/// Rows of a page, which bounds memory.
const PAGE: usize = 1_000;

/// The rejected rows of one file of an import as CSV, page by page.
pub struct RejectsCsv {
    platform: Platform,
    cx: Ctx,
    keys: OrgKeys,
    import: Import,
    file_no: usize,
    writer: RejectsWriter,
    /// Number of the last row written.
    after: Option<i64>,
    is_at_end: bool,
}

impl RejectsCsv {
    /// Those of the file at `file_no` in the request of `import`, their reasons in `language`.
    #[must_use]
    pub fn new(
        platform: &Platform,
        cx: &Ctx,
        import: Import,
        file_no: usize,
        language: Language,
    ) -> Self {
        let header = import.request.files.get(file_no).map(|file| file.header.as_slice());
        Self {
            platform: platform.clone(),
            cx: cx.clone(),
            keys: platform.keys(cx.scope.org()),
            writer: RejectsWriter::new(header.unwrap_or_default(), language),
            import,
            file_no,
            after: None,
            is_at_end: false,
        }
    }

    /// The next piece of the file, the first with its header; `None` at its end.
    ///
    /// # Errors
    /// As the database says.
    pub async fn next_page(&mut self) -> Result<Option<String>, DbError> {
        if self.is_at_end {
            return Ok(None);
        }
        let (scope, keys, import) = (self.cx.scope, &self.keys, &self.import);
        let mut tx = self.platform.db.read_for(self.cx.scope).await?;
        let rows =
            imports::rejects(&mut tx, scope, keys, import, self.file_no, self.after, PAGE).await?;
        tx.rollback().await?;
        self.is_at_end = rows.len() < PAGE;
        for (seq, row) in rows {
            self.after = Some(seq);
            self.writer.write(&Reject {
                line: row.line,
                column: row.column,
                reason: row.reason,
                raw: row.raw,
                order_no: row.order_no,
            });
        }
        let page = self.writer.take();
        Ok((!page.is_empty()).then_some(page))
    }
}
