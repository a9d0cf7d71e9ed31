//! Why a file cannot be read as orders.

/// Why a mapping cannot be used; who tells it says that it is of the mapping.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MappingError(pub(super) String);

/// Why a file cannot be read as orders: what, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// The file is not a table.
    #[error(transparent)]
    Open(#[from] tabular::OpenError),
    /// The mapping is wrong, or does not fit the file.
    #[error("{file}: the mapping: {error}")]
    Mapping {
        /// The file.
        file: String,
        /// What is wrong.
        error: MappingError,
    },
    /// No platform writes such a header.
    #[error(
        "{file}: the header is none that Taobao, 1688, Pinduoduo, Douyin or JD writes; \
         give a mapping that says what the columns mean. The columns are: {columns}"
    )]
    Unrecognised {
        /// The file.
        file: String,
        /// The columns found.
        columns: String,
    },
    /// The format was named, but its columns are not there.
    #[error(
        "{file}: not a {format} file: the column {missing} is missing. The columns are: {columns}"
    )]
    WrongFormat {
        /// The file.
        file: String,
        /// The format asked for.
        format: super::Format,
        /// What is missing.
        missing: String,
        /// The columns found.
        columns: String,
    },
    /// A generic file without a mapping.
    #[error("{file}: the generic format needs a mapping; see examples/mappings")]
    NeedsMapping {
        /// The file.
        file: String,
    },
}
