//! What comes from outside: licences, sources and packages as `deny.toml` says, and npm without scripts.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::Finding;

const RULE: &str = "supply chain";

/// A package as `cargo metadata` tells of it.
#[derive(Debug, Clone, Deserialize)]
pub struct Package {
    name: String,
    version: String,
    license: Option<String>,
    /// `None` for those of this repository.
    source: Option<String>,
}

/// The lists of `deny.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lists {
    licenses: Vec<String>,
    registries: Vec<String>,
    banned: Vec<String>,
}

/// All packages of the lock file at `top`, those of features that are off unless asked for too.
///
/// # Errors
/// If `cargo metadata` cannot be run or understood.
pub fn packages(top: &Path) -> Result<Vec<Package>> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--locked", "--all-features", "--format-version", "1"])
        .current_dir(top)
        .output()
        .context("cargo metadata")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice::<Metadata>(&output.stdout)?.packages)
}

/// The lists `allow` of licences, `allow-registry` and `deny` in the text of `deny.toml`, which are lists
/// of texts over several lines or one.
#[must_use]
pub fn lists(text: &str) -> Lists {
    let list = |section: &str, key: &str| -> Vec<String> {
        let (_, rest) = text.split_once(&format!("[{section}]")).unwrap_or_default();
        let begin = format!("\n{key} = [");
        let (_, rest) = rest.split_once(&begin).unwrap_or_default();
        let inside = rest.split(']').next().unwrap_or_default();
        let lines = inside.lines().filter(|line| !line.trim_start().starts_with('#'));
        let texts = lines.flat_map(|line| line.split('"').skip(1).step_by(2));
        texts.map(str::to_owned).collect()
    };
    Lists {
        licenses: list("licenses", "allow"),
        registries: list("sources", "allow-registry"),
        banned: list("bans", "deny"),
    }
}

/// Finds packages that `lists` do not let in.
#[must_use]
pub fn check(packages: &[Package], lists: &Lists) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages {
        let mut found = |detail: String| {
            let detail = format!("{} {}: {detail}", package.name, package.version);
            findings.push(Finding { file: "Cargo.lock".to_owned(), line: 0, rule: RULE, detail });
        };
        if lists.banned.contains(&package.name) {
            found("is banned in deny.toml".to_owned());
        }
        let Some(source) = &package.source else { continue };
        let registry = source.strip_prefix("registry+");
        if !registry.is_some_and(|one| lists.registries.iter().any(|known| known == one)) {
            found(format!("comes from {source}"));
        }
        let license = package.license.as_deref().unwrap_or("none");
        if !is_allowed(license, &lists.licenses) {
            found(format!("has the licence {license}, which deny.toml does not allow"));
        }
    }
    findings
}

/// Whether the expression `license` (`(A OR B) AND C`, `A/B`) can be met with `allowed` ones.
fn is_allowed(license: &str, allowed: &[String]) -> bool {
    let license = license.replace(" / ", " OR ").replace('/', " OR ");
    // All parts joined by AND, in each of which one of OR is enough. Nothing here nests deeper.
    license.split(" AND ").all(|part| {
        let part = part.trim().trim_start_matches('(').trim_end_matches(')');
        part.split(" OR ").any(|one| allowed.iter().any(|known| known == one.trim()))
    })
}

/// Finds what npm could run or fetch unseen: in `.npmrc`, `package.json` and `package-lock.json`.
///
/// # Errors
/// If the JSON files are none.
pub fn check_npm(npmrc: &str, package: &str, lock: &str) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut found = |file: &str, detail: String| {
        let file = format!("web/{file}");
        findings.push(Finding { file, line: 0, rule: RULE, detail });
    };
    if !npmrc.lines().any(|line| line.trim() == "ignore-scripts=true") {
        found(".npmrc", "must say ignore-scripts=true: nothing runs at installation".to_owned());
    }
    let package: Value = serde_json::from_str(package)?;
    for kind in ["dependencies", "devDependencies"] {
        for (name, version) in package[kind].as_object().into_iter().flatten() {
            let exact =
                version.as_str().is_some_and(|text| text.starts_with(|c: char| c.is_ascii_digit()));
            if !exact {
                found("package.json", format!("{name} has no exact version: {version}"));
            }
        }
    }
    let lock: Value = serde_json::from_str(lock)?;
    for (path, entry) in lock["packages"].as_object().into_iter().flatten() {
        if path.is_empty() {
            continue;
        }
        if !entry["integrity"].as_str().is_some_and(|text| text.starts_with("sha512-")) {
            found("package-lock.json", format!("{path} has no SHA-512 of its content"));
        }
        if entry["hasInstallScript"] == true {
            found("package-lock.json", format!("{path} wants to run a script at installation"));
        }
    }
    Ok(findings)
}

/// Finds calls of cargo and npm in the script `file` that may change what was locked.
#[must_use]
pub fn check_script(file: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let code = line.split(" #").next().unwrap_or_default();
        if code.trim_start().starts_with('#') {
            continue;
        }
        let builds =
            ["cargo build", "cargo test", "cargo clippy", "cargo nextest run", "cargo run"];
        let unlocked = builds.iter().any(|call| code.contains(call)) && !code.contains("--locked");
        let installs = code.contains("npm install") || code.contains("npm i ");
        let scripts = code.contains("npm ci") && !code.contains("--ignore-scripts");
        if unlocked || installs || scripts {
            let detail = format!("`{}` may change or run what is not locked", line.trim());
            findings.push(Finding { file: file.to_owned(), line: index + 1, rule: RULE, detail });
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[licenses]\nallow = [\n    # free\n    \"MIT\",\n    \"Apache-2.0\",\n]\n\
        [sources]\nallow-registry = [\"https://index\"]\n[bans]\ndeny = [\n    \"openssl\",\n]\n";

    fn package(name: &str, license: Option<&str>, source: Option<&str>) -> Package {
        let text = |text: &str| text.to_owned();
        let (license, source) = (license.map(text), source.map(text));
        Package { name: text(name), version: text("1.0.0"), license, source }
    }

    #[test]
    fn strange_packages_are_found() {
        let lists = lists(TEXT);
        assert_eq!(lists.licenses, ["MIT", "Apache-2.0"]);
        assert_eq!((lists.registries.len(), lists.banned.len()), (1, 1));
        let source = Some("registry+https://index");
        let good = [
            package("a", Some("MIT"), source),
            package("b", Some("GPL-3.0-only OR MIT"), source),
            package("c", Some("(MIT OR GPL-2.0) AND Apache-2.0"), source),
            package("d", Some("MIT/Unlicense"), source),
            package("own", None, None),
        ];
        assert_eq!(check(&good, &lists), []);
        for bad in [
            package("e", Some("GPL-3.0-only"), source),
            package("f", Some("MIT AND GPL-3.0-only"), source),
            package("g", None, source),
            package("h", Some("MIT"), Some("git+https://example.com/h")),
            package("i", Some("MIT"), Some("registry+https://other")),
            package("openssl", Some("MIT"), source),
        ] {
            assert_eq!(check(std::slice::from_ref(&bad), &lists).len(), 1, "{bad:?}");
        }
    }

    #[test]
    fn npm_without_locks_is_found() {
        let package = r#"{"dependencies": {"a": "1.2.3"}}"#;
        let lock = r#"{"packages": {"": {}, "node_modules/a": {"integrity": "sha512-x"}}}"#;
        let npmrc = "ignore-scripts=true\n";
        assert_eq!(check_npm(npmrc, package, lock).unwrap(), []);
        assert_eq!(check_npm("", package, lock).unwrap().len(), 1);
        let loose = r#"{"devDependencies": {"a": "^1.2.3"}}"#;
        assert_eq!(check_npm(npmrc, loose, lock).unwrap().len(), 1);
        let wild = r#"{"packages": {"node_modules/a": {"hasInstallScript": true}}}"#;
        assert_eq!(check_npm(npmrc, package, wild).unwrap().len(), 2);
    }

    #[test]
    fn unlocked_calls_are_found() {
        let bad = ["cargo build -p app", "npm install", "npm ci", "x && cargo test --workspace"];
        for line in bad {
            assert_eq!(check_script("a.sh", line).len(), 1, "{line}");
        }
        let good =
            "# cargo build\ncargo build --locked\nnpm ci --ignore-scripts --no-audit\ncargo fmt";
        assert_eq!(check_script("a.sh", good), []);
    }
}
