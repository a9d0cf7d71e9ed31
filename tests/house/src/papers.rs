//! READMEs are there, and links lead somewhere.

use std::collections::BTreeSet;

use crate::Finding;

const README_RULE: &str = "README in every room";
const LINK_RULE: &str = "relative links resolve";

/// Finds rooms (folders with a `Cargo.toml` below `crates`, `modules`, `connectors`, `tests`)
/// without a README.
#[must_use]
pub fn check_readmes(files: &[String]) -> Vec<Finding> {
    let all: BTreeSet<&str> = files.iter().map(String::as_str).collect();
    let mut findings = Vec::new();
    for file in files {
        let parts: Vec<&str> = file.split('/').collect();
        let ["crates" | "modules" | "connectors" | "tests", room, "Cargo.toml"] = parts[..] else {
            continue;
        };
        let readme = format!("{}/{room}/README.md", parts[0]);
        if !all.contains(readme.as_str()) {
            let detail = format!("`{room}` has none; say what the room is for");
            findings.push(Finding { file: readme, line: 0, rule: README_RULE, detail });
        }
    }
    findings
}

/// Finds links of the Markdown file `file` that lead nowhere; `exists` tells whether a path,
/// relative to the top of the repository, is a file or folder.
pub fn check_links(file: &str, text: &str, exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut findings = Vec::new();
    let mut in_code = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for target in targets(line) {
            let path = target.split(['#', '?']).next().unwrap_or("");
            let is_outside = target.contains("://") || target.starts_with("mailto:");
            if is_outside || path.is_empty() {
                continue;
            }
            let is_found =
                resolve(folder, path).is_some_and(|path| path.is_empty() || exists(&path));
            if !is_found {
                findings.push(Finding {
                    file: file.to_owned(),
                    line: index + 1,
                    rule: LINK_RULE,
                    detail: format!("`{target}` leads nowhere"),
                });
            }
        }
    }
    findings
}

/// Targets of `[text](target)`, `![text](target)`, `<img src="target">` and `<a href="target">`.
fn targets(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (opening, closing) in [("](", ')'), ("src=\"", '"'), ("href=\"", '"'), ("srcset=\"", '"')] {
        let mut rest = line;
        while let Some(at) = rest.find(opening) {
            let inside_code = rest[..at].matches('`').count() % 2 == 1;
            rest = &rest[at + opening.len()..];
            let Some(end) = rest.find(closing) else { break };
            // `(target "title")`
            let target = rest[..end].split_whitespace().next().unwrap_or("");
            if !inside_code {
                found.push(target.trim_matches(['<', '>']));
            }
            rest = &rest[end..];
        }
    }
    found
}

/// `path` seen from `folder`, from the top of the repository; `None` if it leaves it.
fn resolve(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = match path.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => folder.split('/').filter(|part| !part.is_empty()).collect(),
    };
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_without_readme_is_found() {
        let files = ["crates/a/Cargo.toml", "crates/a/README.md", "modules/b/Cargo.toml"];
        let found = check_readmes(&files.map(str::to_owned));
        assert_eq!(found.len(), 1);
        assert!(found[0].to_string().starts_with("modules/b/README.md: README in every room"));
    }

    #[test]
    fn broken_links_are_found_and_sound_ones_are_not() {
        let text = "See [a](b.md#part), [up](../README.md), [web](https://example.com/x).\n\
                    ![shot](shots/one.png \"title\") and `[not](a-link)`\n\
                    ```\n[code](nowhere)\n```\n<img src=\"two.png\"> [out](../../../etc)";
        let there = ["docs/b.md", "README.md", "docs/shots/one.png"];
        let found = check_links("docs/a.md", text, |path| there.contains(&path));
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "docs/a.md:6: relative links resolve: `../../../etc` leads nowhere",
                "docs/a.md:6: relative links resolve: `two.png` leads nowhere",
            ]
        );
    }
}
