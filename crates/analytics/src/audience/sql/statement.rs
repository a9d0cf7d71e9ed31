//! From the tree to the statement.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate};
use kernel::{AudienceId, LevelSchemeId, ProgrammeId, Timestamp};

use super::figures::{Figures, aggregation, is_product, within};
use super::layout::{Logic, line, literal, one_of};
use super::{SqlError, SqlLimits, searchable, well_formed};
use crate::audience::plan::{AsOf, AudienceError, Definitions};
use crate::audience::tree::{Bounds, Measure, Node, Orders, Product, When};
use crate::contact::{ContactChannel, ContactPurpose};
use crate::daily::DAY_MS;
use crate::rfm::{CellPattern, Scheme, Tier};

/// What goes into the statement so far.
pub(super) struct Statement<'a> {
    named: &'a Definitions,
    as_of: AsOf,
    tags: Figures,
    contacts: Figures,
    levels: Figures,
    points: Figures,
    orders: Figures,
    lines: Figures,
    refunds: Figures,
    refund_lines: Figures,
    sequences: Figures,
    nodes: usize,
    depth: usize,
    bytes: usize,
    /// The audiences being unfolded, each named by the one before.
    within: Vec<AudienceId>,
    checked: BTreeSet<AudienceId>,
}

/// The table that a figure of orders is of.
#[derive(Debug, Clone, Copy)]
enum Table {
    Orders,
    Lines,
    Refunds,
    RefundLines,
}

impl Table {
    /// The column with the amount of the whole order.
    const fn amount(self) -> &'static str {
        match self {
            Self::Orders => "revenue_minor",
            Self::Lines => "order_revenue_minor",
            Self::Refunds => "refund_minor",
            Self::RefundLines => "order_refund_minor",
        }
    }
}

impl<'a> Statement<'a> {
    pub(super) fn of(root: &Node, named: &'a Definitions, as_of: AsOf) -> Result<String, SqlError> {
        let mut statement = Self {
            named,
            as_of,
            tags: Figures::default(),
            contacts: Figures::default(),
            levels: Figures::default(),
            points: Figures::default(),
            orders: Figures::default(),
            lines: Figures::default(),
            refunds: Figures::default(),
            refund_lines: Figures::default(),
            sequences: Figures::default(),
            nodes: 0,
            depth: 0,
            bytes: 0,
            within: Vec::new(),
            checked: BTreeSet::new(),
        };
        let logic = statement.logic(&root.normalised())?;
        let sql = statement.write(&logic);
        within_limit("bytes of SQL", sql.len(), SqlLimits::BYTES)?;
        Ok(sql)
    }

    fn logic(&mut self, node: &Node) -> Result<Logic, SqlError> {
        self.nodes += 1;
        within_limit("conditions", self.nodes, SqlLimits::NODES)?;
        self.depth += 1;
        within_limit("levels", self.depth, SqlLimits::DEPTH)?;
        let logic = match node {
            Node::All { of } => Logic::All(self.parts(of)?),
            Node::Any { of } => Logic::Any(self.parts(of)?),
            Node::Not { of } => Logic::Not(Box::new(self.logic(of)?)),
            Node::Audience { audience } => self.audience(*audience)?,
            node => {
                let condition = self.condition(node);
                // Long lists of long values are told of before they fill the memory.
                self.bytes += condition.len();
                within_limit("bytes of SQL", self.bytes, SqlLimits::BYTES)?;
                Logic::Is(condition)
            }
        };
        self.depth -= 1;
        Ok(logic)
    }

    fn parts(&mut self, of: &[Node]) -> Result<Vec<Logic>, SqlError> {
        of.iter().map(|part| self.logic(part)).collect()
    }

    fn audience(&mut self, audience: AudienceId) -> Result<Logic, SqlError> {
        if self.within.contains(&audience) {
            return Err(AudienceError::Circle(audience).into());
        }
        let Some(definition) = self.named.get(&audience) else {
            return Err(AudienceError::Unknown(audience).into());
        };
        if self.checked.insert(audience) {
            well_formed(Some(audience), definition)?;
        }
        self.within.push(audience);
        let logic = self.logic(&definition.normalised());
        self.within.pop();
        logic
    }

    /// One condition, TRUE or FALSE.
    fn condition(&mut self, node: &Node) -> String {
        match node {
            Node::Name { contains } => {
                let part = literal(&searchable(contains));
                format!("(contains(c.name_folded, {part}) OR contains(c.accounts_folded, {part}))")
            }
            Node::Province { is } => one_of("c.province", is.iter().cloned()),
            Node::Rating { bounds } => format!("({}) IS TRUE", within("c.rating", *bounds)),
            Node::Owner { is } => {
                let owners = is.iter().map(|user| user.map(|u| u.to_string()).unwrap_or_default());
                one_of("coalesce(c.owner, '')", owners)
            }
            Node::Tag { tag } => {
                let tag = one_of("tag", [tag.to_string()]);
                format!("t.{} IS TRUE", self.tags.name("tag", format!("bool_or({tag})")))
            }
            Node::Tier { is } => tiers(is),
            Node::Cell { is } => cell(*is),
            Node::Created { when } => {
                format!("({})", self.time("c.created_at", *when).join(" AND "))
            }
            Node::Level { scheme, is } => self.level(*scheme, is),
            Node::Points { programme, bounds } => self.points(*programme, *bounds),
            Node::MayContact { channel, purpose } => self.may_contact(*channel, *purpose),
            Node::RefusesAutomation => format!("(c.refused_from < {}) IS TRUE", self.end()),
            Node::Orders { measure, of, bounds } => {
                let figure = self.measure(*measure, of);
                match measure {
                    Measure::AverageOrder => format!("({}) IS TRUE", within(&figure, *bounds)),
                    _ => within(&format!("coalesce({figure}, 0)"), *bounds),
                }
            }
            Node::FirstOrder { of, when } => {
                self.moment("first_order", "min(ordered_at)", of, *when)
            }
            Node::LastOrder { of, when } => self.moment("last_order", "max(ordered_at)", of, *when),
            Node::Sequence { first, then, within_days, when } => {
                let expression = self.sequence(first, then, *within_days, *when);
                format!("s.{} IS TRUE", self.sequences.name("sequence", expression))
            }
            Node::Bucket { from, to, buckets, seed } => {
                let bounds = Bounds { min: Some((*from).into()), max: Some((*to).into()) };
                within(&format!("bucket(c.customer, {}, {buckets})", literal(seed)), bounds)
            }
            // What joins is laid out by the caller.
            Node::All { .. } | Node::Any { .. } | Node::Not { .. } | Node::Audience { .. } => {
                "FALSE".to_owned()
            }
        }
    }

    /// At the end of the as-of day the answer differs, or does not, from that without a word.
    fn may_contact(&mut self, channel: ContactChannel, purpose: ContactPurpose) -> String {
        let end = self.end();
        let expression = format!(
            "bool_or(channel = '{}' AND purpose = '{}' AND from_at < {end} AND coalesce(until_at >= {end}, TRUE))",
            channel.word(),
            purpose.word()
        );
        self.bytes += expression.len();
        let word = if purpose.needs_grant() { "allowed" } else { "refused" };
        let is = if purpose.needs_grant() { "IS TRUE" } else { "IS NOT TRUE" };
        format!("w.{} {is}", self.contacts.name(word, expression))
    }

    fn level(&mut self, scheme: LevelSchemeId, is: &[u8]) -> String {
        let expression = aggregation("max(rank)", &[one_of("scheme", [scheme.to_string()])]);
        self.bytes += expression.len();
        let level = format!("coalesce(g.{}, 0)", self.levels.name("level", expression));
        match is {
            [rank] => format!("{level} = {rank}"),
            ranks => {
                let ranks: Vec<String> = ranks.iter().map(ToString::to_string).collect();
                format!("{level} IN ({})", ranks.join(", "))
            }
        }
    }

    fn points(&mut self, programme: ProgrammeId, bounds: Bounds) -> String {
        let of = one_of("programme", [programme.to_string()]);
        let expression = aggregation("max(points)", &[of]);
        self.bytes += expression.len();
        let points = self.points.name("points", expression);
        within(&format!("coalesce(p.{points}, 0)"), bounds)
    }

    /// The first or last moment of the orders chosen lies in the time.
    fn moment(&mut self, word: &str, function: &str, of: &Orders, when: When) -> String {
        let figure = self.figure(word, function, of, of.product.is_some());
        // Without a bound of its own the time is what the orders were chosen by: there must be one.
        match &self.time_within(&figure, when)[..] {
            [] => format!("{figure} IS NOT NULL"),
            bounds => format!("({}) IS TRUE", bounds.join(" AND ")),
        }
    }

    fn measure(&mut self, measure: Measure, of: &Orders) -> String {
        let by_line = of.product.is_some();
        match measure {
            Measure::Count if by_line => {
                self.figure("orders", "count(DISTINCT order_no)", of, true)
            }
            Measure::Count => self.figure("orders", "count(*)", of, false),
            Measure::Revenue if by_line => self.figure("revenue", "sum(amount_minor)", of, true),
            Measure::Revenue => self.figure("revenue", "sum(revenue_minor)", of, false),
            Measure::Items => self.figure("items", "sum(quantity)", of, true),
            Measure::Refunds if by_line => {
                self.figure_in(Table::RefundLines, "refunds", "count(DISTINCT order_no)", of)
            }
            Measure::Refunds => self.figure_in(Table::Refunds, "refunds", "count(*)", of),
            Measure::Refunded if by_line => {
                self.figure_in(Table::RefundLines, "refunded", "sum(amount_minor)", of)
            }
            Measure::Refunded => {
                self.figure_in(Table::Refunds, "refunded", "sum(refund_minor)", of)
            }
            Measure::AverageOrder => {
                let revenue = self.figure("revenue", "sum(revenue_minor)", of, false);
                let orders = self.figure("orders", "count(*)", of, false);
                // Division cuts off, so half of the divisor rounds; without an order it is NULL.
                format!(
                    "({revenue} + CASE WHEN {revenue} < 0 THEN -({orders} / 2) ELSE {orders} / 2 END) \
                     / nullif({orders}, 0)"
                )
            }
        }
    }

    /// A column of the aggregation of orders or, for what looks at lines, of theirs.
    fn figure(&mut self, word: &str, function: &str, of: &Orders, by_line: bool) -> String {
        let table = if by_line { Table::Lines } else { Table::Orders };
        self.figure_in(table, word, function, of)
    }

    /// A column of the aggregation of a table.
    fn figure_in(&mut self, table: Table, word: &str, function: &str, of: &Orders) -> String {
        let mut conditions = self.time_within("ordered_at", of.when);
        conditions.extend(of.shop.map(|shop| one_of("shop", [shop.to_string()])));
        conditions.extend(of.product.as_ref().map(is_product));
        if !of.amount.is_open() {
            conditions.push(within(table.amount(), of.amount));
        }
        let expression = aggregation(function, &conditions);
        self.bytes += expression.len();
        let (alias, figures) = match table {
            Table::Orders => ("o", &mut self.orders),
            Table::Lines => ("l", &mut self.lines),
            Table::Refunds => ("r", &mut self.refunds),
            Table::RefundLines => ("d", &mut self.refund_lines),
        };
        format!("{alias}.{}", figures.name(word, expression))
    }

    /// Whether this line is of the second product with one of the first before it.
    fn sequence(&mut self, first: &Product, then: &Product, days: u32, when: When) -> String {
        let time = self.time_within("ordered_at", when);
        let [first, then] = [first, then].map(|product| {
            let conditions = std::iter::once(is_product(product)).chain(time.iter().cloned());
            conditions.collect::<Vec<_>>().join(" AND ")
        });
        let most = i64::from(days) * DAY_MS;
        let expression = format!(
            "{then}
          AND count(CASE WHEN {first} THEN 1 END) OVER (
            PARTITION BY customer ORDER BY ordered_at
            RANGE BETWEEN {most} /* {days} days */ PRECEDING AND 1 PRECEDING
          ) > 0"
        );
        self.bytes += expression.len();
        expression
    }

    /// The end of the as-of day.
    fn end(&self) -> String {
        moment(self.as_of.day.succ_opt(), self.as_of)
    }

    /// Bounds of `column` for a time, that of the as-of day always among them.
    fn time(&self, column: &str, when: When) -> Vec<String> {
        let mut bounds = self.time_within(column, when);
        if !matches!(when, When::BeforeLastDays(_)) {
            bounds.push(format!("{column} < {}", self.end()));
        }
        bounds
    }

    /// Bounds of `column` for a time, where it is known to be before the end of the as-of day.
    fn time_within(&self, column: &str, when: When) -> Vec<String> {
        // The first of the last so many days.
        let since = |days: u32| self.as_of.day.checked_sub_days(Days::new(u64::from(days) - 1));
        let (from, until) = match when {
            When::Ever => (None, None),
            When::LastDays(days) => (since(days.max(1)), None),
            When::BeforeLastDays(days) => {
                (None, Some(since(days.max(1)).unwrap_or(NaiveDate::MIN)))
            }
            When::Days(from, to) => (from, to.and_then(|day| day.succ_opt())),
        };
        let from = from.map(|day| format!("{column} >= {}", moment(Some(day), self.as_of)));
        let until = until.map(|day| format!("{column} < {}", moment(Some(day), self.as_of)));
        from.into_iter().chain(until).collect()
    }

    fn write(&self, logic: &Logic) -> String {
        let mut out = String::with_capacity(self.bytes * 2 + 256);
        let mut parts = 0;
        let mut begin = |out: &mut String, name: &str| {
            out.push_str(if parts == 0 { "WITH" } else { "," });
            line(out, 2);
            out.push_str(name);
            out.push_str(" AS (");
            line(out, 4);
            out.push_str("SELECT");
            parts += 1;
        };
        let end = self.end();
        for (name, table, figures) in [
            ("of_tags", "customer_tags", &self.tags),
            ("of_contacts", "contacts", &self.contacts),
            ("of_levels", "levels", &self.levels),
            ("of_points", "points", &self.points),
        ] {
            if !figures.is_empty() {
                begin(&mut out, name);
                figures.write(&mut out, 6);
                out.push_str(&format!("\n    FROM {table}\n    GROUP BY customer\n  )"));
            }
        }
        for (name, table, figures) in [
            ("of_orders", "orders", &self.orders),
            ("of_lines", "lines", &self.lines),
            ("of_refunds", "refunds", &self.refunds),
            ("of_refund_lines", "refund_lines", &self.refund_lines),
        ] {
            if !figures.is_empty() {
                begin(&mut out, name);
                figures.write(&mut out, 6);
                out.push_str(&format!(
                    "\n    FROM {table}\n    WHERE ordered_at < {end}\n    GROUP BY customer\n  )"
                ));
            }
        }
        if !self.sequences.is_empty() {
            begin(&mut out, "of_sequences");
            line(&mut out, 6);
            out.push_str("customer");
            for name in self.sequences.names() {
                out.push(',');
                line(&mut out, 6);
                out.push_str(&format!("bool_or({name}) AS {name}"));
            }
            out.push_str("\n    FROM (\n      SELECT");
            self.sequences.write(&mut out, 8);
            out.push_str(&format!(
                "\n      FROM lines\n      WHERE ordered_at < {end}\n    ) AS bought\n    GROUP BY customer\n  )"
            ));
        }
        if parts > 0 {
            out.push('\n');
        }
        out.push_str("SELECT c.customer\nFROM customers c");
        for (figures, name, alias) in [
            (&self.tags, "of_tags", "t"),
            (&self.contacts, "of_contacts", "w"),
            (&self.levels, "of_levels", "g"),
            (&self.points, "of_points", "p"),
            (&self.orders, "of_orders", "o"),
            (&self.lines, "of_lines", "l"),
            (&self.refunds, "of_refunds", "r"),
            (&self.refund_lines, "of_refund_lines", "d"),
            (&self.sequences, "of_sequences", "s"),
        ] {
            if !figures.is_empty() {
                out.push_str(&format!(
                    "\nLEFT JOIN {name} {alias} ON {alias}.customer = c.customer"
                ));
            }
        }
        out.push_str("\nWHERE\n  ");
        logic.write(&mut out, 2);
        out.push_str("\nORDER BY c.customer\n");
        out
    }
}

fn within_limit(what: &'static str, found: usize, limit: usize) -> Result<(), SqlError> {
    if found > limit { Err(SqlError::TooLarge { what, limit }) } else { Ok(()) }
}

/// Midnight at the start of `day`, which stands beside it; without a day, after all time.
fn moment(day: Option<NaiveDate>, as_of: AsOf) -> String {
    match day {
        Some(day) => format!("{} /* {day} */", Timestamp::start_of(day, as_of.zone).millis()),
        None => i64::MAX.to_string(),
    }
}

fn tiers(is: &[Tier]) -> String {
    let of = |scheme: Scheme, column: &str| {
        let mut tiers: Vec<Tier> = is.iter().copied().filter(|t| t.scheme() == scheme).collect();
        tiers.sort_unstable();
        tiers.dedup();
        let codes = tiers.iter().map(|tier| tier.code().to_owned());
        (!tiers.is_empty()).then(|| one_of(&format!("coalesce({column}, '')"), codes))
    };
    let parts: Vec<String> = [of(Scheme::Eleven, "c.tier"), of(Scheme::Classic, "c.classic")]
        .into_iter()
        .flatten()
        .collect();
    match &parts[..] {
        [one] => one.clone(),
        parts => format!("({})", parts.join(" OR ")),
    }
}

fn cell(is: CellPattern) -> String {
    let scores: Vec<String> = [("c.r", is.r), ("c.f", is.f), ("c.m", is.m)]
        .into_iter()
        .filter_map(|(column, score)| Some(format!("{column} = {}", score?)))
        .collect();
    if scores.is_empty() {
        return "c.r IS NOT NULL".to_owned();
    }
    format!("({}) IS TRUE", scores.join(" AND "))
}
