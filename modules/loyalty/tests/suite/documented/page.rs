//! Reads the page: its examples by number, their tables, and what is set otherwise before each.

use serde_json::Value;

const PAGE: &str = include_str!("../../../../../docs/loyalty.md");

/// Rows that are run one after the other.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// Number of its example: `3`, `L2`.
    pub example: String,
    /// Names of rules with their values.
    pub settings: Vec<(String, Value)>,
    /// Names of columns; the first is what happens.
    pub columns: Vec<String>,
    /// Cells of each row.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// `rules` with what is set otherwise.
    pub fn over(&self, mut rules: Value) -> Value {
        for (name, value) in &self.settings {
            let found = rules.get_mut(name).unwrap_or_else(|| panic!("no rule {name}"));
            *found = value.clone();
        }
        rules
    }
}

/// `name: value` in backticks.
pub fn settings(text: &str) -> Vec<(String, Value)> {
    let quoted = text.split('`').skip(1).step_by(2);
    let pairs = quoted.filter_map(|setting| setting.split_once(": "));
    pairs
        .map(|(name, value)| {
            let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
            (name.to_owned(), value)
        })
        .collect()
}

fn id_of(line: &str) -> Option<String> {
    let rest = line.trim().trim_start_matches("> ").strip_prefix("**Example ")?;
    Some(rest.split_once(".**")?.0.to_owned())
}

/// Numbers of all examples.
pub fn examples() -> Vec<String> {
    PAGE.lines().filter_map(id_of).collect()
}

fn cells(line: &str) -> Vec<String> {
    line.trim().trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
}

/// All tables of examples.
pub fn tables() -> Vec<Table> {
    let mut found: Vec<Table> = Vec::new();
    let (mut example, mut text, mut is_table) = (String::new(), String::new(), false);
    for line in PAGE.lines() {
        if let Some(id) = id_of(line) {
            (example, text) = (id, String::new());
        }
        if line.starts_with("| what happens |") {
            is_table = true;
            found.push(Table {
                example: example.clone(),
                settings: settings(&text),
                columns: cells(line),
                rows: Vec::new(),
            });
            text.clear();
        } else if !line.starts_with('|') {
            is_table = false;
            text.push_str(line);
            text.push('\n');
        } else if is_table && !line.starts_with("|---") {
            let table = found.last_mut().unwrap();
            table.rows.push(cells(line));
            assert_eq!(cells(line).len(), table.columns.len(), "{line}");
        }
    }
    found
}
