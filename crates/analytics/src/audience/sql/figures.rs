//! Figures of a customer that conditions look at: columns of aggregations.

use std::collections::BTreeMap;

use super::layout::{line, literal, one_of};
use super::searchable;
use crate::audience::tree::{Bounds, Product};

/// Columns of one aggregation, each once.
#[derive(Debug, Default)]
pub(super) struct Figures {
    columns: Vec<(String, String)>,
    numbers: BTreeMap<String, usize>,
}

impl Figures {
    pub(super) const fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The name of the column that is `expression`, `word` with a number.
    pub(super) fn name(&mut self, word: &str, expression: String) -> String {
        let number = match self.numbers.get(&expression) {
            Some(number) => *number,
            None => {
                self.columns
                    .push((format!("{word}_{}", self.columns.len() + 1), expression.clone()));
                self.numbers.insert(expression, self.columns.len() - 1);
                self.columns.len() - 1
            }
        };
        self.columns[number].0.clone()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(name, _)| name.as_str())
    }

    /// The customer and all columns, for the list of a `SELECT`.
    pub(super) fn write(&self, out: &mut String, indent: usize) {
        line(out, indent);
        out.push_str("customer");
        for (name, expression) in &self.columns {
            out.push(',');
            line(out, indent);
            out.push_str(expression);
            out.push_str(" AS ");
            out.push_str(name);
        }
    }
}

/// An aggregation of the rows that pass all of `conditions`.
pub(super) fn aggregation(function: &str, conditions: &[String]) -> String {
    if conditions.is_empty() {
        return function.to_owned();
    }
    format!("{function} FILTER (WHERE {})", conditions.join(" AND "))
}

/// Whether the line is one of `product`.
pub(super) fn is_product(product: &Product) -> String {
    match product {
        Product::Is(names) => {
            let mut names: Vec<String> = names.iter().map(|name| searchable(name)).collect();
            names.sort_unstable();
            names.dedup();
            let [code, title] =
                ["code_folded", "title_folded"].map(|column| one_of(column, names.iter().cloned()));
            format!("({code} OR {title})")
        }
        Product::Contains(part) => {
            let part = literal(&searchable(part));
            format!("(contains(code_folded, {part}) OR contains(title_folded, {part}))")
        }
    }
}

/// `value` within `bounds`; without a bound, TRUE.
pub(super) fn within(value: &str, bounds: Bounds) -> String {
    match (bounds.min, bounds.max) {
        (None, None) => "TRUE".to_owned(),
        (Some(min), Some(max)) if min == max => format!("{value} = {min}"),
        (Some(min), Some(max)) => format!("{value} BETWEEN {min} AND {max}"),
        (Some(min), None) => format!("{value} >= {min}"),
        (None, Some(max)) => format!("{value} <= {max}"),
    }
}
