//! Tables belong to rooms: the prefix says to which.

use crate::Finding;
use crate::literals::literals;
use crate::sql::{self, Keywords};

const PREFIX_RULE: &str = "table prefix";
const VIEW_RULE: &str = "flows read views only";

/// The prefix of the tables that the file may name; `None` if the file is in no room with tables.
fn prefix_of(file: &str) -> Option<String> {
    let mut parts = file.split('/');
    match (parts.next()?, parts.next()?, parts.next()?) {
        ("modules", module, "src" | "migrations") => Some(format!("{module}_")),
        ("crates", "platform", "src" | "migrations") => Some("platform_".to_owned()),
        _ => None,
    }
}

/// Finds tables of other rooms in the SQL of `file`.
#[must_use]
pub fn check(file: &str, text: &str) -> Vec<Finding> {
    let is_flow = file.starts_with("crates/flows/src/");
    let prefix = prefix_of(file);
    // As what stands below `#[cfg(test)]` in a file.
    let is_test = file.contains("/tests/");
    if is_test || !is_flow && prefix.is_none() {
        return Vec::new();
    }
    let pieces = match file.rsplit('.').next() {
        Some("sql") => vec![(1, text, Keywords::AnyCase)],
        Some("rs") => literals(without_tests(text))
            .into_iter()
            .map(|(line, text)| (line, text, Keywords::Capitals))
            .collect(),
        _ => Vec::new(),
    };
    let mut findings = Vec::new();
    for (first_line, piece, keywords) in pieces {
        for (line, name) in sql::tables(piece, keywords) {
            let (rule, detail) = match &prefix {
                Some(prefix) if name.starts_with(prefix) => continue,
                Some(prefix) => (PREFIX_RULE, format!("`{name}` does not begin with `{prefix}`")),
                None if name.ends_with("_view") => continue,
                None => (VIEW_RULE, format!("`{name}` is not a view (`…_view`)")),
            };
            findings.push(Finding { file: file.to_owned(), line: first_line + line, rule, detail });
        }
    }
    findings
}

/// The code before its tests, which may make tables of their own.
fn without_tests(source: &str) -> &str {
    source.split("#[cfg(test)]\nmod ").next().unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_table_is_found() {
        let source =
            "fn f() {\n    query(\n        \"SELECT 1\n         FROM commerce_order\");\n}";
        let found = check("modules/customers/src/store.rs", source);
        assert_eq!(
            found.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["modules/customers/src/store.rs:4: table prefix: \
             `commerce_order` does not begin with `customers_`"]
        );
        let sql = "create table orders (id int);";
        assert_eq!(check("modules/commerce/migrations/sqlite/1.sql", sql).len(), 1);
        assert_eq!(check("crates/platform/src/jobs.rs", "x(\"DELETE FROM jobs\")").len(), 1);
        let flow = "x(\"SELECT * FROM commerce_order\")";
        assert_eq!(check("crates/flows/src/record_order.rs", flow)[0].rule, VIEW_RULE);
        assert!(check("crates/flows/src/engine/tests/world.rs", flow).is_empty());
    }

    #[test]
    fn own_tables_and_views_pass() {
        let source = "x(\"SELECT 1 FROM customers_customer JOIN customers_tag USING (id)\")";
        assert_eq!(check("modules/customers/src/store.rs", source), []);
        let flow = "x(\"SELECT * FROM commerce_order_view\")";
        assert_eq!(check("crates/flows/src/roster.rs", flow), []);
        let test = "#[cfg(test)]\nmod tests { x(\"CREATE TABLE t (a)\") }";
        assert_eq!(check("crates/platform/src/db.rs", test), []);
        assert_eq!(check("crates/app/src/verify.rs", "x(\"SELECT 1 FROM anything\")"), []);
    }
}
