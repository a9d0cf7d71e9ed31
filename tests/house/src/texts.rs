//! Nothing committed depends on the machine it was written on.

use crate::Finding;

const RULE: &str = "no machine's own names";

/// Texts that belong to one machine or one network. Written in two halves, so that this file does
/// not find itself.
const FORBIDDEN: [(&str, &str); 11] = [
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("/ro", "ot/"), "a path of one machine"),
    (concat!("/Us", "ers/"), "a path of one machine"),
    (concat!("/tmp/target", "-"), "a path of one machine"),
    (concat!("registry.npm", "js.org"), "a package registry; lock files must do without"),
    (concat!("npm", "mirror.com"), "a package mirror"),
    (concat!("index.crates", ".io"), "a package registry"),
    (concat!("static.crates", ".io"), "a package registry"),
    (concat!("rs", "proxy.cn"), "a package mirror"),
    (concat!("arti", "factory"), "a package mirror"),
    (concat!("crates-io-", "mirror"), "a package mirror"),
];

/// Finds forbidden texts in `file`.
#[must_use]
pub fn check(file: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for (forbidden, what) in FORBIDDEN {
            if stands_in(line, forbidden) {
                let detail = format!("`{forbidden}` is {what}");
                let (file, line) = (file.to_owned(), index + 1);
                findings.push(Finding { file, line, rule: RULE, detail });
            }
        }
    }
    findings
}

/// Whether `line` has `forbidden`; a path only where it begins, not inside a longer one.
fn stands_in(line: &str, forbidden: &str) -> bool {
    line.match_indices(forbidden).any(|(at, _)| {
        !forbidden.starts_with('/')
            || !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-/~}".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_forbidden_text_is_found() {
        for (forbidden, _) in FORBIDDEN {
            let found = check("a.md", &format!("fine\nsee \"{forbidden}x\""));
            assert_eq!(found.len(), 1, "{forbidden}");
            assert_eq!((found[0].file.as_str(), found[0].line), ("a.md", 2));
        }
    }

    #[test]
    fn a_path_inside_a_path_is_not_found() {
        let folder = concat!("home/wo", "rk/x and https://example.com/wo", "rk/y");
        assert_eq!(check("a.md", folder), []);
    }
}
