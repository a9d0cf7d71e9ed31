//! Lock files are there and tie nobody to a host.

use crate::Finding;

const RULE: &str = "lock files";
const LOCKS: [(&str, &str); 2] =
    [("Cargo.toml", "Cargo.lock"), ("web/package.json", "web/package-lock.json")];

/// Finds manifests without their lock file.
#[must_use]
pub fn check_presence(files: &[String]) -> Vec<Finding> {
    let has = |wanted: &str| files.iter().any(|file| file == wanted);
    LOCKS
        .iter()
        .filter(|(manifest, lock)| has(manifest) && !has(lock))
        .map(|(manifest, lock)| Finding {
            file: (*lock).to_owned(),
            line: 0,
            rule: RULE,
            detail: format!("missing, though there is `{manifest}`"),
        })
        .collect()
}

/// Finds download hosts in an npm lock file.
#[must_use]
pub fn check_hosts(file: &str, text: &str) -> Vec<Finding> {
    let names_host = |line: &str| line.contains("\"resolved\"") && line.contains("://");
    text.lines()
        .enumerate()
        .filter(|(_, line)| names_host(line))
        .map(|(index, line)| Finding {
            file: file.to_owned(),
            line: index + 1,
            rule: RULE,
            detail: format!("`{}` names a host; npm finds it without", line.trim()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_locks_are_found() {
        let files = ["Cargo.toml", "Cargo.lock", "web/package.json"].map(str::to_owned);
        let found = check_presence(&files);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].file, "web/package-lock.json");
    }

    #[test]
    fn hosts_are_found() {
        let text =
            "{\n  \"resolved\": \"https://example.com/a.tgz\",\n  \"integrity\": \"sha512-\"\n}";
        let found = check_hosts("web/package-lock.json", text);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].line, 2);
        assert_eq!(check_hosts("a", "\"resolved\": \"packages/ui\""), []);
    }
}
