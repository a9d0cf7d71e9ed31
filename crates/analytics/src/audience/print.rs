//! Writes the text form.

use std::fmt::Write as _;

use kernel::ShopId;

use super::tree::{Bounds, Node, Orders, Product, When};
use super::vocabulary::Vocabulary;
use crate::contact::ContactPurpose;

/// The text of a tree, in one line. [`super::parse`] reads it back as the tree normalised.
#[must_use]
pub fn print(root: &Node, names: &dyn Vocabulary) -> String {
    let mut printer = Printer { out: String::new(), names };
    printer.node(&root.normalised(), Level::Any);
    printer.out
}

/// How tightly the surroundings bind.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Level {
    Any,
    All,
    Unary,
}

struct Printer<'a> {
    out: String,
    names: &'a dyn Vocabulary,
}

impl Printer<'_> {
    fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn node(&mut self, node: &Node, around: Level) {
        match node {
            Node::All { of } if of.is_empty() => self.put("everyone"),
            Node::Any { of } if of.is_empty() => self.put("nobody"),
            Node::All { of } => self.joined(of, " and ", Level::Unary, around >= Level::Unary),
            Node::Any { of } => self.joined(of, " or ", Level::All, around >= Level::All),
            Node::Not { of } => {
                self.put("not ");
                self.node(of, Level::Unary);
            }
            Node::Name { contains } => {
                self.put("name contains ");
                self.text(contains);
            }
            Node::Province { is } => self.values("province", is, |printer, province| {
                if province.is_empty() { printer.put("unknown") } else { printer.text(province) }
            }),
            Node::Rating { bounds } => {
                self.put("rating");
                self.bounds(*bounds, None);
            }
            Node::Owner { is } => self.values("owner", is, |printer, owner| match owner {
                None => printer.put("nobody"),
                Some(user) => printer.named(printer.names.user_name(*user), user),
            }),
            Node::Tag { tag } => {
                self.put("tag ");
                self.named(self.names.tag_name(*tag), tag);
            }
            Node::Tier { is } => {
                self.values("tier", is, |printer, tier| printer.put(tier.code()));
            }
            Node::Cell { is } => {
                self.put("cell ");
                self.text(&is.to_string());
            }
            Node::Level { scheme, is } => {
                let only = self.names.only_scheme();
                self.owner("level", "scheme", only, self.names.scheme_name(*scheme), scheme);
                self.values("", is, |printer, rank| {
                    match printer.names.level_name(*scheme, *rank) {
                        _ if *rank == 0 => printer.put("none"),
                        Some(name) => printer.text(&name),
                        None => printer.put(&rank.to_string()),
                    }
                });
            }
            Node::Points { programme, bounds } => {
                let name = self.names.programme_name(*programme);
                let only = self.names.only_programme();
                self.owner("points", "programme", only, name, programme);
                self.bounds(*bounds, None);
            }
            Node::Created { when } => {
                self.put("created ");
                self.when(*when);
            }
            Node::RefusesAutomation => self.put("refuses_automation"),
            Node::MayContact { channel, purpose } => {
                let _ = write!(self.out, "may_contact({}", channel.word());
                if *purpose != ContactPurpose::Marketing {
                    let _ = write!(self.out, ", {}", purpose.word());
                }
                self.put(")");
            }
            Node::Orders { measure, of, bounds } => {
                self.put(measure.word());
                self.orders(of);
                self.bounds(*bounds, measure.is_amount().then_some(of.shop));
            }
            Node::FirstOrder { of, when } => self.moment("first_order", of, *when),
            Node::LastOrder { of, when } => self.moment("last_order", of, *when),
            Node::Sequence { first, then, within_days, when } => {
                self.put("sequence(");
                self.product(first);
                self.put(", ");
                self.product(then);
                let _ = write!(self.out, ", within {within_days} days");
                if !when.is_ever() {
                    self.put(", ");
                    self.when(*when);
                }
                self.put(")");
            }
            Node::Audience { audience } => {
                self.put("audience ");
                self.named(self.names.audience_name(*audience), audience);
            }
            Node::Bucket { from, to, buckets, seed } => {
                let _ = write!(self.out, "bucket {from}");
                if to != from {
                    let _ = write!(self.out, "..{to}");
                }
                let _ = write!(self.out, " of {buckets}");
                if !seed.is_empty() {
                    self.put(" seed ");
                    self.text(seed);
                }
            }
        }
    }

    fn joined(&mut self, of: &[Node], word: &str, inside: Level, brackets: bool) {
        if brackets {
            self.put("(");
        }
        for (at, node) in of.iter().enumerate() {
            if at > 0 {
                self.put(word);
            }
            self.node(node, inside);
        }
        if brackets {
            self.put(")");
        }
    }

    /// A word with what it is of, unless that is the only one.
    fn owner<T: std::fmt::Display + std::str::FromStr + PartialEq>(
        &mut self,
        word: &str,
        of: &str,
        only: Option<T>,
        name: Option<String>,
        id: &T,
    ) {
        self.put(word);
        if only.as_ref() != Some(id) {
            let _ = write!(self.out, "({of} ");
            self.named(name, id);
            self.put(")");
        }
    }

    fn moment(&mut self, word: &str, of: &Orders, when: When) {
        self.put(word);
        self.orders(of);
        self.put(" ");
        self.when(when);
    }

    fn values<T>(&mut self, word: &str, values: &[T], print: impl Fn(&mut Self, &T)) {
        self.put(word);
        if let [value] = values {
            self.put(" = ");
            print(self, value);
            return;
        }
        self.put(" in (");
        for (at, value) in values.iter().enumerate() {
            if at > 0 {
                self.put(", ");
            }
            print(self, value);
        }
        self.put(")");
    }

    fn orders(&mut self, of: &Orders) {
        if of.is_all() {
            return;
        }
        let mut sign = "(";
        let mut next = |printer: &mut Self| {
            printer.put(sign);
            sign = ", ";
        };
        if !of.when.is_ever() {
            next(self);
            self.when(of.when);
        }
        if let Some(shop) = &of.shop {
            next(self);
            self.put("shop ");
            self.named(self.names.shop_name(*shop), shop);
        }
        if let Some(product) = &of.product {
            next(self);
            self.product(product);
        }
        if !of.amount.is_open() {
            next(self);
            self.put("amount");
            self.bounds(of.amount, Some(of.shop));
        }
        self.put(")");
    }

    fn product(&mut self, product: &Product) {
        match product {
            Product::Is(names) => self.values("product", names, |p, name| p.text(name)),
            Product::Contains(part) => {
                self.put("product contains ");
                self.text(part);
            }
        }
    }

    fn when(&mut self, when: When) {
        let _ = match when {
            When::Ever => write!(self.out, "ever"),
            When::LastDays(days) => write!(self.out, "in last {days} days"),
            When::BeforeLastDays(days) => write!(self.out, "before last {days} days"),
            When::Days(Some(from), Some(to)) if from == to => write!(self.out, "on {from}"),
            When::Days(Some(from), Some(to)) => write!(self.out, "from {from} to {to}"),
            When::Days(Some(from), None) => write!(self.out, "from {from}"),
            When::Days(None, Some(to)) => write!(self.out, "to {to}"),
            When::Days(None, None) => write!(self.out, "ever"),
        };
    }

    fn bounds(&mut self, bounds: Bounds, amount_of: Option<Option<ShopId>>) {
        match (bounds.min, bounds.max) {
            (Some(min), Some(max)) if min == max => self.bound(" = ", min, amount_of),
            (Some(min), Some(max)) => {
                self.bound(" between ", min, amount_of);
                self.bound(" and ", max, amount_of);
            }
            (Some(min), None) => self.bound(" >= ", min, amount_of),
            (None, Some(max)) => self.bound(" <= ", max, amount_of),
            (None, None) => {}
        }
    }

    fn bound(&mut self, sign: &str, value: i64, amount_of: Option<Option<ShopId>>) {
        self.put(sign);
        let digits = amount_of.map_or(0, |shop| self.names.amount_digits(shop) as usize);
        let sign = if value < 0 { "-" } else { "" };
        let plain = format!("{:0>width$}", value.unsigned_abs(), width = digits + 1);
        let (whole, fraction) = plain.split_at(plain.len() - digits);
        let _ = write!(self.out, "{sign}{whole}");
        if fraction.bytes().any(|b| b != b'0') {
            let _ = write!(self.out, ".{fraction}");
        }
    }

    fn named<T: std::fmt::Display + std::str::FromStr>(&mut self, name: Option<String>, id: &T) {
        // A name that reads like an id would be taken for that.
        let name = name.filter(|name| name.parse::<T>().is_err());
        let text = name.unwrap_or_else(|| id.to_string());
        self.text(&text);
    }

    fn text(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' | '\\' => self.out.extend(['\\', c]),
                '\n' => self.put("\\n"),
                '\t' => self.put("\\t"),
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }
}
