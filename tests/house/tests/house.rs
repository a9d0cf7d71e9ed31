//! The rules, on this repository.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use house_tests::{Finding, locks, papers, rooms, supply, tables, texts, tree, walls};

fn hold(findings: &[Finding]) {
    let list: Vec<String> = findings.iter().map(|finding| format!("\n  {finding}")).collect();
    assert!(list.is_empty(), "{} broken rules:{}", list.len(), list.concat());
}

/// Findings of `check` in every text file that `wanted` lets through.
fn in_texts(
    wanted: impl Fn(&str) -> bool,
    check: impl Fn(&str, &str) -> Vec<Finding>,
) -> Vec<Finding> {
    let top = tree::top();
    let mut findings = Vec::new();
    let mut seen = 0;
    for file in tree::files(&top).unwrap().iter().filter(|file| wanted(file)) {
        if let Some(text) = tree::text(&top, file).unwrap() {
            findings.extend(check(file, &text));
            seen += 1;
        }
    }
    assert!(seen > 0, "the check looked at no file");
    findings
}

#[test]
fn rooms_use_what_they_may() {
    let packages = rooms::packages(&tree::top()).unwrap();
    assert!(packages.len() > 5, "only {} packages found", packages.len());
    hold(&rooms::check(&packages));
}

#[test]
fn tables_have_the_prefix_of_their_room() {
    hold(&in_texts(|file| file.ends_with(".rs") || file.ends_with(".sql"), tables::check));
}

#[test]
fn rooms_have_a_readme() {
    hold(&papers::check_readmes(&tree::files(&tree::top()).unwrap()));
}

#[test]
fn links_lead_somewhere() {
    let top = tree::top();
    let is_page = |file: &str| file.ends_with(".md");
    hold(&in_texts(is_page, |file, text| {
        papers::check_links(file, text, |path| top.join(path).exists())
    }));
}

#[test]
fn no_file_knows_the_machine() {
    hold(&in_texts(|_| true, texts::check));
}

#[test]
fn lock_files_are_there_and_neutral() {
    let mut findings = locks::check_presence(&tree::files(&tree::top()).unwrap());
    findings.extend(in_texts(
        |file| file.ends_with("Cargo.lock") || file.ends_with("package-lock.json"),
        |file, text| {
            if file.ends_with(".json") { locks::check_hosts(file, text) } else { Vec::new() }
        },
    ));
    hold(&findings);
}

#[test]
fn what_comes_from_outside_is_let_in() {
    let top = tree::top();
    let text = |file: &str| tree::text(&top, file).unwrap().unwrap();
    let packages = supply::packages(&top).unwrap();
    assert!(packages.len() > 300, "only {} packages found", packages.len());
    let mut findings = supply::check(&packages, &supply::lists(&text("deny.toml")));
    let [npmrc, package, lock] =
        ["web/.npmrc", "web/package.json", "web/package-lock.json"].map(text);
    findings.extend(supply::check_npm(&npmrc, &package, &lock).unwrap());
    findings.extend(in_texts(|file| file.starts_with("scripts/"), supply::check_script));
    hold(&findings);
}

#[test]
fn transactions_are_of_one_organisation() {
    hold(&in_texts(|file| file.ends_with(".rs"), walls::check));
}
