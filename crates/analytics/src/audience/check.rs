//! What a tree may hold.

use chrono::Datelike as _;
use serde::Serialize;

use super::tree::{Bounds, Measure, Node, Orders, Product, When};

/// How large a definition may be.
#[derive(Debug, Clone, Copy)]
pub struct Limits;

impl Limits {
    /// Bytes of a text.
    pub const TEXT_BYTES: usize = 64 * 1024;
    /// Nodes below nodes.
    pub const DEPTH: usize = 32;
    /// Nodes.
    pub const NODES: usize = 500;
    /// Values of one list.
    pub const VALUES: usize = 1_000;
    /// Characters of one value.
    pub const VALUE_CHARS: usize = 500;
    /// Days of a window: a hundred years.
    pub const DAYS: u32 = 36_525;
    /// Buckets.
    pub const BUCKETS: u32 = 1_000_000;
}

/// What is wrong with a tree, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[error("{path}{}{message}", if path.is_empty() { "" } else { ": " })]
pub struct TreeError {
    /// The node, such as `all[2].not`, and empty for the root.
    pub path: String,
    /// What, and what would be right.
    pub message: String,
}

/// Checks a tree.
///
/// # Errors
/// Everything that is wrong, up to a hundred findings.
pub fn check(root: &Node) -> Result<(), Vec<TreeError>> {
    let mut checker = Checker { path: Vec::new(), errors: Vec::new(), nodes: 0 };
    checker.node(root);
    if checker.errors.is_empty() { Ok(()) } else { Err(checker.errors) }
}

const ERRORS_MAX: usize = 100;
/// Scores of each dimension by which audiences ask.
const SCORES: u8 = 5;
/// Years that a text writes in four digits.
const YEARS: std::ops::RangeInclusive<i32> = 1_000..=9_999;

struct Checker {
    path: Vec<String>,
    errors: Vec<TreeError>,
    nodes: usize,
}

impl Checker {
    fn wrong(&mut self, message: impl Into<String>) {
        if self.errors.len() < ERRORS_MAX {
            self.errors.push(TreeError { path: self.path.join("."), message: message.into() });
        }
    }

    fn below(&mut self, step: String, node: &Node) {
        self.path.push(step);
        self.node(node);
        self.path.pop();
    }

    fn node(&mut self, node: &Node) {
        self.nodes += 1;
        if self.nodes == Limits::NODES + 1 {
            self.wrong(format!("more than {} conditions", Limits::NODES));
        }
        if self.nodes > Limits::NODES {
            return;
        }
        if self.path.len() >= Limits::DEPTH {
            self.wrong(format!("nested deeper than {} levels", Limits::DEPTH));
            return;
        }
        match node {
            Node::All { of } => {
                of.iter().enumerate().for_each(|(at, n)| self.below(format!("all[{at}]"), n));
            }
            Node::Any { of } => {
                of.iter().enumerate().for_each(|(at, n)| self.below(format!("any[{at}]"), n));
            }
            Node::Not { of } => self.below("not".to_owned(), of),
            Node::Name { contains } => self.text(contains, "a part of a name"),
            Node::Province { is } => {
                self.list(is.len(), "province");
                is.iter().for_each(|province| self.length(province));
            }
            Node::Owner { is } => self.list(is.len(), "owner"),
            Node::Tier { is } => self.list(is.len(), "tier"),
            Node::Rating { bounds } => self.bounds(*bounds, "rating"),
            Node::Level { is, .. } => self.list(is.len(), "level"),
            Node::Points { bounds, .. } => self.bounds(*bounds, "points"),
            Node::Created { when } => self.when(*when),
            Node::Orders { measure, of, bounds } => {
                self.orders(of);
                self.bounds(*bounds, measure.word());
                if *measure == Measure::Items && !of.amount.is_open() {
                    self.wrong("amount is of whole orders; it does not go with items");
                }
                if *measure == Measure::AverageOrder && of.product.is_some() {
                    self.wrong("the average is of whole orders; a product has none");
                }
            }
            Node::FirstOrder { of, when } | Node::LastOrder { of, when } => {
                self.orders(of);
                self.when(*when);
            }
            Node::Sequence { first, then, within_days, when } => {
                self.product(first);
                self.product(then);
                self.days(*within_days);
                self.when(*when);
            }
            Node::Bucket { from, to, buckets, seed } => {
                if *buckets == 0 || *buckets > Limits::BUCKETS {
                    self.wrong(format!("there are 1 to {} buckets", Limits::BUCKETS));
                } else if *from == 0 || from > to || to > buckets {
                    self.wrong(format!("buckets run from 1 to {buckets}, lower first"));
                }
                self.length(seed);
            }
            Node::Cell { is } => {
                if [is.r, is.f, is.m].into_iter().flatten().any(|score| score > SCORES) {
                    self.wrong(format!("scores run from 1 to {SCORES}"));
                }
            }
            Node::Tag { .. }
            | Node::RefusesAutomation
            | Node::MayContact { .. }
            | Node::Audience { .. } => {}
        }
    }

    fn orders(&mut self, of: &Orders) {
        self.when(of.when);
        if let (Some(min), Some(max)) = (of.amount.min, of.amount.max)
            && min > max
        {
            self.wrong("amount: no number is that much and that little");
        }
        if let Some(product) = &of.product {
            self.product(product);
            if !of.amount.is_open() {
                self.wrong("amount is of whole orders; it does not go with a product");
            }
        }
    }

    fn product(&mut self, product: &Product) {
        match product {
            Product::Is(names) => {
                self.list(names.len(), "product");
                names.iter().for_each(|name| self.text(name, "a code or title of a product"));
            }
            Product::Contains(part) => self.text(part, "a part of a product's title"),
        }
    }

    fn when(&mut self, when: When) {
        match when {
            When::Ever => {}
            When::LastDays(days) | When::BeforeLastDays(days) => self.days(days),
            When::Days(None, None) => self.wrong("a time from nowhere to nowhere; say `ever`"),
            When::Days(from, to)
                if [from, to].into_iter().flatten().any(|day| !YEARS.contains(&day.year())) =>
            {
                self.wrong("days are of the years 1000 to 9999");
            }
            When::Days(Some(from), Some(to)) if from > to => {
                self.wrong(format!("{from} is after {to}"));
            }
            When::Days(..) => {}
        }
    }

    fn days(&mut self, days: u32) {
        if days == 0 || days > Limits::DAYS {
            self.wrong(format!("1 to {} days", Limits::DAYS));
        }
    }

    fn bounds(&mut self, bounds: Bounds, what: &str) {
        match (bounds.min, bounds.max) {
            (None, None) => self.wrong(format!("{what} needs a bound")),
            (Some(min), Some(max)) if min > max => {
                self.wrong(format!("no {what} is {min} or more and {max} or less"));
            }
            _ => {}
        }
    }

    fn list(&mut self, len: usize, what: &str) {
        if len == 0 {
            self.wrong(format!("{what} needs a value"));
        } else if len > Limits::VALUES {
            self.wrong(format!("{what} takes at most {} values", Limits::VALUES));
        }
    }

    fn text(&mut self, text: &str, what: &str) {
        if kernel::text::fold(text).trim().is_empty() {
            self.wrong(format!("{what} must not be empty"));
        }
        self.length(text);
    }

    fn length(&mut self, text: &str) {
        if text.chars().count() > Limits::VALUE_CHARS {
            self.wrong(format!("a value has at most {} characters", Limits::VALUE_CHARS));
        }
    }
}
