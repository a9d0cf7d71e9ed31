//! The tables of the statement, and how rows become files of them.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Builder, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use crate::write::WriteError;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    TextOrNull,
    Number,
    NumberOrNull,
}

use Kind::{Number, NumberOrNull, Text, TextOrNull};

/// A table: its name, its columns, and by which of these its rows are sorted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    columns: &'static [(&'static str, Kind)],
    pub(crate) sorted_by: &'static [&'static str],
}

pub(crate) const CUSTOMERS: Table = Table {
    name: "customers",
    columns: &[
        ("customer", Text),
        ("name_folded", Text),
        ("accounts_folded", Text),
        ("province", Text),
        ("rating", NumberOrNull),
        ("owner", TextOrNull),
        ("created_at", Number),
        ("refused_from", NumberOrNull),
        ("r", NumberOrNull),
        ("f", NumberOrNull),
        ("m", NumberOrNull),
        ("tier", TextOrNull),
        ("classic", TextOrNull),
    ],
    sorted_by: &["customer"],
};

pub(crate) const TAGS: Table = Table {
    name: "customer_tags",
    columns: &[("customer", Text), ("tag", Text)],
    sorted_by: &["customer"],
};

pub(crate) const CONTACTS: Table = Table {
    name: "contacts",
    columns: &[
        ("customer", Text),
        ("channel", Text),
        ("purpose", Text),
        ("from_at", Number),
        ("until_at", NumberOrNull),
    ],
    sorted_by: &["customer"],
};

pub(crate) const LEVELS: Table = Table {
    name: "levels",
    columns: &[("customer", Text), ("scheme", Text), ("rank", Number)],
    sorted_by: &["customer"],
};

pub(crate) const POINTS: Table = Table {
    name: "points",
    columns: &[("customer", Text), ("programme", Text), ("points", Number)],
    sorted_by: &["customer"],
};

pub(crate) const ORDERS: Table = Table {
    name: "orders",
    columns: &[
        ("customer", Text),
        ("ordered_at", Number),
        ("order_no", Number),
        ("shop", Text),
        ("revenue_minor", Number),
    ],
    sorted_by: &["customer", "ordered_at"],
};

pub(crate) const LINES: Table = Table {
    name: "lines",
    columns: &[
        ("customer", Text),
        ("ordered_at", Number),
        ("order_no", Number),
        ("shop", Text),
        ("order_revenue_minor", Number),
        ("code_folded", Text),
        ("title_folded", Text),
        ("quantity", Number),
        ("amount_minor", Number),
    ],
    sorted_by: &["customer", "ordered_at"],
};

pub(crate) const REFUNDS: Table = Table {
    name: "refunds",
    columns: &[
        ("customer", Text),
        ("ordered_at", Number),
        ("order_no", Number),
        ("shop", Text),
        ("refund_minor", Number),
    ],
    sorted_by: &["customer", "ordered_at"],
};

pub(crate) const REFUND_LINES: Table = Table {
    name: "refund_lines",
    columns: &[
        ("customer", Text),
        ("ordered_at", Number),
        ("order_no", Number),
        ("shop", Text),
        ("order_refund_minor", Number),
        ("code_folded", Text),
        ("title_folded", Text),
        ("quantity", Number),
        ("amount_minor", Number),
    ],
    sorted_by: &["customer", "ordered_at"],
};

/// What is known of customers apart from orders.
pub(crate) const PEOPLE: [Table; 5] = [CUSTOMERS, TAGS, CONTACTS, LEVELS, POINTS];

pub(crate) const TABLES: [Table; 9] =
    [CUSTOMERS, TAGS, CONTACTS, LEVELS, POINTS, ORDERS, LINES, REFUNDS, REFUND_LINES];

impl Table {
    pub(crate) fn schema(&self) -> SchemaRef {
        let fields = self.columns.iter().map(|(name, kind)| match kind {
            Text => Field::new(*name, DataType::Utf8, false),
            TextOrNull => Field::new(*name, DataType::Utf8, true),
            Number => Field::new(*name, DataType::Int64, false),
            NumberOrNull => Field::new(*name, DataType::Int64, true),
        });
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    pub(crate) fn file_name(&self) -> String {
        format!("{}.parquet", self.name)
    }

    pub(crate) fn path(&self, dir: &Path) -> PathBuf {
        dir.join(self.file_name())
    }
}

/// A value of a row.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    Text(&'a str),
    Number(i64),
    Null,
}

impl From<Option<i64>> for Value<'_> {
    fn from(number: Option<i64>) -> Self {
        number.map_or(Self::Null, Self::Number)
    }
}

impl<'a> From<Option<&'a str>> for Value<'a> {
    fn from(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }
}

enum Column {
    Text(StringBuilder),
    Number(Int64Builder),
}

/// Rows of a batch handed to the encoder.
const BATCH_ROWS: usize = 8_192;
/// Rows of a row group; one is held in memory, encoded.
const GROUP_ROWS: usize = 131_072;

/// A file being written, under another name until it is whole.
pub(crate) struct TableFile {
    table: Table,
    schema: SchemaRef,
    columns: Vec<Column>,
    waiting: usize,
    rows: u64,
    writer: ArrowWriter<BufWriter<File>>,
    part: PathBuf,
    path: PathBuf,
}

impl TableFile {
    pub(crate) fn create(table: Table, dir: &Path) -> Result<Self, WriteError> {
        let path = table.path(dir);
        let part = path.with_extension("part");
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .build();
        let schema = table.schema();
        let file = BufWriter::new(create(&part)?);
        let columns = table.columns.iter().map(|(_, kind)| match kind {
            Text | TextOrNull => Column::Text(StringBuilder::new()),
            Number | NumberOrNull => Column::Number(Int64Builder::with_capacity(BATCH_ROWS)),
        });
        Ok(Self {
            columns: columns.collect(),
            writer: ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties))?,
            table,
            schema,
            waiting: 0,
            rows: 0,
            part,
            path,
        })
    }

    /// Adds a row: a value for each column.
    pub(crate) fn push(&mut self, values: &[Value<'_>]) -> Result<(), WriteError> {
        debug_assert_eq!(values.len(), self.columns.len(), "{}", self.table.name);
        for (column, value) in self.columns.iter_mut().zip(values) {
            match (column, value) {
                (Column::Text(column), Value::Text(text)) => column.append_value(text),
                (Column::Text(column), _) => column.append_null(),
                (Column::Number(column), Value::Number(number)) => column.append_value(*number),
                (Column::Number(column), _) => column.append_null(),
            }
        }
        self.waiting += 1;
        self.rows += 1;
        if self.waiting == BATCH_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), WriteError> {
        self.waiting = 0;
        let columns = self.columns.iter_mut().map(|column| -> ArrayRef {
            match column {
                Column::Text(column) => Arc::new(column.finish()),
                Column::Number(column) => Arc::new(column.finish()),
            }
        });
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns.collect())?;
        Ok(self.writer.write(&batch)?)
    }

    /// Ends the file, which is not under its name yet.
    pub(crate) fn finish(mut self) -> Result<Whole, WriteError> {
        self.flush()?;
        self.writer.close()?;
        Ok(Whole { rows: self.rows, part: self.part, path: self.path })
    }
}

/// A new file that nobody else may read: it has names and accounts.
fn create(path: &Path) -> std::io::Result<File> {
    // A file left from a write that was broken off keeps its mode when it is opened.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A file that was written.
pub(crate) struct Whole {
    pub(crate) rows: u64,
    part: PathBuf,
    path: PathBuf,
}

impl Whole {
    /// Gives the file its name.
    pub(crate) fn publish(&self) -> Result<(), WriteError> {
        Ok(std::fs::rename(&self.part, &self.path)?)
    }
}
