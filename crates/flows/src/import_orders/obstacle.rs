//! What is told of an import that stopped.

use commerce::formats::FormatError;
use commerce::imports::{ImportFile, Obstacle, ObstacleCode};
use platform::DbError;
use tabular::OpenError;

use super::ImportError;

/// What is told of `error`, by which an import of `files` stopped.
pub(super) fn obstacle(error: &ImportError, files: &[ImportFile]) -> Obstacle {
    let named = |text: &str| {
        files.iter().fold(text.to_owned(), |text, file| text.replace(&file.path, &file.name))
    };
    let message = || named(&error.to_string());
    let code = match error {
        ImportError::Format(FormatError::Open(OpenError::NotFound { file })) => {
            ObstacleCode::FileNotFound { file: named(file) }
        }
        ImportError::Format(FormatError::Open(OpenError::NoPermission { file })) => {
            ObstacleCode::FileForbidden { file: named(file) }
        }
        ImportError::Format(FormatError::Open(OpenError::DamagedWorkbook { file, .. })) => {
            ObstacleCode::WorkbookDamaged { file: named(file) }
        }
        ImportError::Format(FormatError::Mapping { error, .. }) | ImportError::Mapping(error) => {
            ObstacleCode::WrongMapping { message: error.to_string() }
        }
        ImportError::Format(_) => ObstacleCode::FileUnreadable { message: message() },
        ImportError::FileChanged(file) => ObstacleCode::FileChanged { file: file.clone() },
        ImportError::Currency { file, shop } => {
            ObstacleCode::OtherCurrency { mapping: file.to_string(), shop: shop.to_string() }
        }
        ImportError::Db(DbError::DiskFull) => ObstacleCode::DiskFull,
        ImportError::Db(DbError::Unavailable(_)) => ObstacleCode::DatabaseGone,
        ImportError::Unknown(_)
        | ImportError::NotRunnable { .. }
        | ImportError::Elsewhere
        | ImportError::Reader(_)
        | ImportError::Db(_) => ObstacleCode::Broken { message: message() },
    };
    Obstacle { text: error.to_string(), code: Some(code) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_their_names() {
        let file = ImportFile {
            name: "orders.csv".to_owned(),
            path: "/data/uploads/1/0-orders.csv".to_owned(),
            size_bytes: 1,
            format: None,
            encoding: None,
            sheet: None,
            header: Vec::new(),
        };
        let gone = OpenError::NotFound { file: file.path.clone() };
        let empty = OpenError::Empty { file: file.path.clone() };
        let told = |error: OpenError| {
            let error = ImportError::Format(FormatError::Open(error));
            obstacle(&error, std::slice::from_ref(&file)).code
        };
        let name = file.name.clone();
        assert_eq!(told(gone), Some(ObstacleCode::FileNotFound { file: name }));
        let message = "orders.csv: the file is empty; export it again".to_owned();
        assert_eq!(told(empty), Some(ObstacleCode::FileUnreadable { message }));
    }
}
