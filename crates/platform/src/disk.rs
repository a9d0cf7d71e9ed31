//! What a person can do when the disk refuses.

use std::io::{Error, ErrorKind};

/// What to do about `error`, where something can be done.
#[must_use]
pub fn advice(error: &Error) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::PermissionDenied => {
            Some("allow the user that runs this program to write there, or choose another place")
        }
        ErrorKind::ReadOnlyFilesystem => {
            Some("the disk is mounted read-only; mount it for writing, or choose another place")
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            Some("the disk is full; free some space and try again")
        }
        ErrorKind::FileTooLarge => {
            Some("the file is larger than the disk or the system allows; choose another place")
        }
        _ => None,
    }
}

/// What the system said, and what to do about it.
#[must_use]
pub fn told(error: &Error) -> String {
    match advice(error) {
        Some(advice) => format!("{error}; {advice}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_mended_comes_with_advice() {
        for (kind, words) in [
            (ErrorKind::PermissionDenied, "allow the user"),
            (ErrorKind::ReadOnlyFilesystem, "mount it for writing"),
            (ErrorKind::StorageFull, "free some space"),
            (ErrorKind::QuotaExceeded, "free some space"),
        ] {
            let text = told(&Error::from(kind));
            assert!(text.starts_with(&Error::from(kind).to_string()), "{text}");
            assert!(text.contains(words), "{text}");
        }
        assert_eq!(told(&Error::other("odd")), "odd");
    }
}
