//! A transaction is of one organisation, unless its file is named here.

use crate::Finding;

const RULE: &str = "transactions are of one organisation";

/// Where the program works for all organisations at once, and why. What is not here uses
/// `begin_for(cx.scope)` and `read_for(cx.scope)`.
const WIDE: [(&str, &str); 20] = [
    ("crates/platform/src/db/mod.rs", "defines them"),
    ("crates/platform/src/db/wall.rs", "builds the wall"),
    ("crates/platform/src/db/migrate.rs", "tables are of nobody"),
    ("crates/platform/src/meta.rs", "the fingerprint of the master key"),
    ("crates/platform/src/keys/mod.rs", "the keys of every organisation"),
    ("crates/platform/src/keys/master.rs", "and their master key"),
    ("crates/platform/src/keys/routes.rs", "a new key holds the fingerprint of the master key"),
    ("crates/app/src/cli/keys.rs", "and so it does here"),
    ("crates/platform/src/backup/create.rs", "a backup has every organisation"),
    ("crates/platform/src/backup/restore.rs", "and so has what is restored"),
    ("crates/platform/src/housekeeping.rs", "old jobs and answers of all"),
    ("crates/platform/src/jobs/runner.rs", "the next job of any; its work is of one"),
    ("crates/platform/src/outbox/delivery.rs", "events of all; each is handled for one"),
    ("crates/platform/src/outbox/sequence.rs", "one order of the events of all"),
    ("crates/platform/src/outbox/store.rs", "old events of all"),
    ("crates/platform/src/outbox/worker.rs", "whether there is news"),
    ("crates/platform/src/audit/chain.rs", "which organisations have entries to chain"),
    ("crates/platform/src/audit/worker.rs", "the heads of all, for the server's log"),
    (
        "crates/flows/src/engine/follow.rs",
        "the engine goes by positions, which count events of all",
    ),
    (
        "crates/flows/src/engine/saved.rs",
        "the marks of engines on disk are facts of the installation",
    ),
];

/// Finds transactions of the program that no organisation is said for.
#[must_use]
pub fn check(file: &str, text: &str) -> Vec<Finding> {
    let is_program = file.contains("/src/") && !file.starts_with("crates/testkit/");
    let is_test =
        ["/tests/", "/tests.rs", "/store/plans.rs"].iter().any(|part| file.contains(part));
    if !is_program || is_test || !(file.starts_with("crates/") || file.starts_with("modules/")) {
        return Vec::new();
    }
    let may = WIDE.iter().any(|(wide, _)| *wide == file);
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.contains("#[cfg(test)]") {
            break;
        }
        let code = line.split("//").next().unwrap_or_default();
        let mut found = |detail: &str| {
            let (file, detail) = (file.to_owned(), detail.to_owned());
            findings.push(Finding { file, line: index + 1, rule: RULE, detail });
        };
        if ["db.begin()", "db.read()", "db().begin()", "db().read()"]
            .iter()
            .any(|call| code.contains(call))
        {
            found("say for whom: `begin_for(cx.scope)` or `read_for(cx.scope)`");
        }
        if !may && ["begin_wide(", "read_wide("].iter().any(|call| code.contains(call)) {
            found(
                "only the files in tests/house/src/walls.rs work outside the second wall (ADR 7)",
            );
        }
        if code.contains(".with_rewriting(") {
            found("that is for tests");
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn what_is_of_nobody_is_found() {
        let lines = |file: &str, text: &str| -> Vec<usize> {
            check(file, text).iter().map(|finding| finding.line).collect()
        };
        let text = "a\nplatform.db.begin().await?;\nself.platform().db.read().await;\ndb.read_wide();\n\
                    // db.begin()\ndb.begin_for(cx.scope);\nx.with_rewriting(f);\n#[cfg(test)]\ndb.begin();\n";
        assert_eq!(lines("modules/x/src/http.rs", text), [2, 3, 4, 7]);
        assert_eq!(lines("crates/platform/src/meta.rs", "db.begin_wide();\ndb.begin();"), [2]);
        assert!(lines("crates/app/tests/api/x.rs", text).is_empty());
        assert!(lines("crates/flows/src/engine/tests/world.rs", text).is_empty());
    }
}
