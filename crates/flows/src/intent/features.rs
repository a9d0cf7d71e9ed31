//! What was known of a customer on a day in the past, and whether they ordered after it: the rows that intent
//! is learned from. Nothing here looks at an order after the day; `docs/models-intent.md` lists the features.

use std::collections::{BTreeSet, HashMap};

use analytics::{Bought, Buyer};
use models::intent::{ColumnData, Frame, IntentError, MISSING};

/// Days before the moment in which orders are counted and added up.
const WINDOWS: [i64; 4] = [30, 90, 180, 365];
/// The column that says whether an order came.
pub(super) const TARGET: &str = "bought";
/// The column of moments.
pub(super) const MOMENT: &str = "moment";
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// 1970-01-01 was a Thursday.
const FIRST_WEEKDAY: i64 = 3;
const YEAR: i64 = 365;

/// How features are made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Recipe {
    /// Days after a moment in which an order counts as the outcome.
    pub(super) horizon: i64,
    /// Minor units of a major one; `None` where amounts of several currencies cannot be added.
    pub(super) minor_per_major: Option<f64>,
}

/// Days since 1970-01-01 as a weekday, Monday 0.
fn weekday(day: i64) -> usize {
    (day + FIRST_WEEKDAY).rem_euclid(7) as usize
}

/// Numbers of one customer at one moment, in the order of [`Recipe::numbers`]; not a number is unknown.
type Numbers = Vec<f64>;

/// What is known of one customer at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Described {
    numbers: Numbers,
    last_weekday: usize,
    last_shop: String,
}

impl Recipe {
    /// Names of the numbers.
    fn numbers(self) -> Vec<String> {
        let spans = WINDOWS.map(|days| days.to_string()).into_iter().chain(["all".to_owned()]);
        let mut names = Vec::new();
        for span in spans {
            names.push(format!("orders_{span}"));
            if self.minor_per_major.is_some() {
                names.push(format!("revenue_{span}"));
                names.push(format!("average_{span}"));
            }
        }
        let rest = [
            "recency_days",
            "tenure_days",
            "mean_gap_days",
            "recency_per_gap",
            "season_orders",
            "weekend_share",
            "products",
            "top_product_share",
            "shops",
        ];
        names.extend(rest.map(str::to_owned));
        names
    }

    /// What `buyer` was like at the end of `moment`; `None` before their first order.
    pub(super) fn describe(self, buyer: &Buyer, moment: i64) -> Option<Described> {
        let known: Vec<&Bought> = buyer.orders.iter().filter(|order| order.day <= moment).collect();
        let (first, last) = (known.first()?, known.last()?);
        let mut numbers = Vec::new();
        for window in WINDOWS.into_iter().map(Some).chain([None]) {
            let inside = |order: &&&Bought| window.is_none_or(|days| order.day > moment - days);
            let (mut orders, mut minor) = (0.0, 0.0);
            for order in known.iter().filter(inside) {
                orders += 1.0;
                minor += order.revenue_minor as f64;
            }
            numbers.push(orders);
            if let Some(per_major) = self.minor_per_major {
                let revenue = minor / per_major;
                numbers.push(revenue);
                numbers.push(if orders > 0.0 { revenue / orders } else { f64::NAN });
            }
        }
        let recency = (moment - last.day) as f64;
        let gaps = known.len() as f64 - 1.0;
        let gap = if gaps > 0.0 { (last.day - first.day) as f64 / gaps } else { f64::NAN };
        let season = moment - YEAR + 1..=moment - YEAR + self.horizon;
        let share = |count: usize, of: usize| {
            if of == 0 { f64::NAN } else { count as f64 / of as f64 }
        };
        let weekend = known.iter().filter(|order| weekday(order.day) >= 5).count();
        let mut counts: HashMap<u32, usize> = HashMap::new();
        for product in known.iter().flat_map(|order| &order.products) {
            *counts.entry(*product).or_default() += 1;
        }
        let lines = counts.values().sum();
        let shops: BTreeSet<_> = known.iter().map(|order| order.shop).collect();
        numbers.extend([
            recency,
            (moment - first.day) as f64,
            gap,
            // A gap of less than a day is one of several orders on a day; of one order there is none.
            if gap.is_nan() { f64::NAN } else { recency / gap.max(1.0) },
            known.iter().filter(|order| season.contains(&order.day)).count() as f64,
            share(weekend, known.len()),
            counts.len() as f64,
            share(counts.values().copied().max().unwrap_or(0), lines),
            shops.len() as f64,
        ]);
        Some(Described {
            numbers,
            last_weekday: weekday(last.day),
            last_shop: last.shop.to_string(),
        })
    }

    /// Whether `buyer` ordered within the horizon after `moment`.
    pub(super) fn outcome(self, buyer: &Buyer, moment: i64) -> bool {
        buyer.orders.iter().any(|order| (moment + 1..=moment + self.horizon).contains(&order.day))
    }
}

/// Categories as they come.
#[derive(Debug, Default)]
struct Categories {
    codes: Vec<u32>,
    labels: Vec<String>,
    known: HashMap<String, u32>,
}

impl Categories {
    fn push(&mut self, label: &str) {
        if label.is_empty() {
            self.codes.push(MISSING);
            return;
        }
        let code = self.known.get(label).copied().unwrap_or_else(|| {
            let code = self.labels.len() as u32;
            self.labels.push(label.to_owned());
            self.known.insert(label.to_owned(), code);
            code
        });
        self.codes.push(code);
    }

    fn data(self) -> ColumnData {
        ColumnData::Categorical { codes: self.codes, labels: self.labels }
    }
}

/// Rows that are gathered: a customer at a moment each.
#[derive(Debug)]
pub(super) struct Rows {
    recipe: Recipe,
    numbers: Vec<Vec<f64>>,
    last_weekday: Vec<u32>,
    last_shop: Categories,
    province: Categories,
    /// Moments and outcomes, where there are any.
    past: Vec<(i64, bool)>,
}

impl Rows {
    /// None yet.
    pub(super) fn new(recipe: Recipe) -> Self {
        Self {
            recipe,
            numbers: vec![Vec::new(); recipe.numbers().len()],
            last_weekday: Vec::new(),
            last_shop: Categories::default(),
            province: Categories::default(),
            past: Vec::new(),
        }
    }

    /// Rows so far.
    pub(super) fn len(&self) -> usize {
        self.last_weekday.len()
    }

    /// Adds `buyer` as of `moment`; says whether they had ordered by then.
    pub(super) fn push(&mut self, buyer: &Buyer, moment: i64) -> bool {
        let Some(row) = self.recipe.describe(buyer, moment) else { return false };
        for (column, number) in self.numbers.iter_mut().zip(row.numbers) {
            column.push(number);
        }
        self.last_weekday.push(row.last_weekday as u32);
        self.last_shop.push(&row.last_shop);
        self.province.push(&buyer.province);
        true
    }

    /// As [`Rows::push`], with what came after.
    pub(super) fn push_past(&mut self, buyer: &Buyer, moment: i64) {
        if self.push(buyer, moment) {
            self.past.push((moment, self.recipe.outcome(buyer, moment)));
        }
    }

    /// Whether each row had the outcome.
    pub(super) fn outcomes(&self) -> Vec<bool> {
        self.past.iter().map(|(_, outcome)| *outcome).collect()
    }

    /// The table; with moments and outcomes if rows have them.
    pub(super) fn frame(self) -> Result<Frame, IntentError> {
        let mut frame = Frame::new(self.len());
        for (name, values) in self.recipe.numbers().into_iter().zip(self.numbers) {
            frame.push(name, ColumnData::Numeric(values))?;
        }
        let labels = WEEKDAYS.map(str::to_owned).to_vec();
        frame.push("last_weekday", ColumnData::Categorical { codes: self.last_weekday, labels })?;
        frame.push("last_shop", self.last_shop.data())?;
        frame.push("province", self.province.data())?;
        if !self.past.is_empty() {
            let moments = self.past.iter().map(|(moment, _)| *moment as f64).collect();
            let values = self.past.iter().map(|(_, outcome)| Some(*outcome)).collect();
            let labels = ["no", "yes"].map(str::to_owned);
            frame.push(MOMENT, ColumnData::Date(moments))?;
            frame.push(TARGET, ColumnData::Boolean { values, labels })?;
        }
        Ok(frame)
    }
}

/// The field of roles that a column tells of; `None` for those that whoever sees customers sees.
pub(super) fn field_of(column: &str) -> Option<&'static str> {
    if column.starts_with("revenue_") || column.starts_with("average_") {
        Some(crate::fields::AMOUNTS)
    } else if column == "province" {
        Some(crate::fields::REGION)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use kernel::{CustomerId, ShopId, TypedId as _};
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const RECIPE: Recipe = Recipe { horizon: 30, minor_per_major: Some(100.0) };

    fn bought(day: i64, minor: i64, products: Vec<u32>) -> Bought {
        let shop = ShopId::from_uuid(Uuid::from_u128(1));
        Bought { day, shop, revenue_minor: minor, products }
    }

    fn buyer(mut orders: Vec<Bought>) -> Buyer {
        orders.sort_by_key(|order| order.day);
        let (id, province) = (CustomerId::from_uuid(Uuid::from_u128(7)), "浙江省".to_owned());
        Buyer { id, province, refused_from: None, orders }
    }

    fn orders(days: std::ops::Range<i64>) -> impl Strategy<Value = Vec<Bought>> {
        let products = prop::collection::vec(0_u32..5, 0..4);
        let one = (days, -100_i64..100_000, products).prop_map(|(d, m, p)| bought(d, m, p));
        prop::collection::vec(one, 0..20)
    }

    /// Debug, since not a number is not equal to itself.
    fn known(buyer: &Buyer, moment: i64) -> String {
        format!("{:?}", RECIPE.describe(buyer, moment))
    }

    proptest! {
        /// What comes after the moment changes nothing that was known at it.
        #[test]
        fn no_feature_looks_behind_its_moment(
            before in orders(19_000..20_001), after in orders(20_001..20_500),
        ) {
            let moment = 20_000;
            let past = buyer(before.clone());
            let all = buyer(before.iter().chain(&after).cloned().collect());
            prop_assert_eq!(known(&past, moment), known(&all, moment));
            prop_assert_eq!(RECIPE.describe(&past, moment).is_some(), !before.is_empty());
            prop_assert!(!RECIPE.outcome(&past, moment));
            let soon = after.iter().any(|order| order.day <= moment + 30);
            prop_assert_eq!(RECIPE.outcome(&all, moment), soon);
        }
    }

    #[test]
    fn features_are_what_their_names_say() {
        let moment = 20_000;
        let one = buyer(vec![
            bought(moment - 400, 10_000, vec![1]),
            bought(moment - 340, 5_000, vec![1, 2]),
            bought(moment - 40, 3_000, vec![1]),
            bought(moment - 10, 2_000, vec![3]),
            bought(moment + 1, 99_900, vec![4]),
        ]);
        let row = RECIPE.describe(&one, moment).unwrap();
        let of = |name: &str| {
            let at = RECIPE.numbers().iter().position(|known| known == name).unwrap();
            row.numbers[at]
        };
        for (name, value) in [
            ("orders_30", 1.0),
            ("orders_90", 2.0),
            ("orders_365", 3.0),
            ("orders_all", 4.0),
            ("revenue_90", 50.0),
            ("average_90", 25.0),
            ("revenue_all", 200.0),
            ("recency_days", 10.0),
            ("tenure_days", 400.0),
            ("mean_gap_days", 130.0),
            ("recency_per_gap", 10.0 / 130.0),
            // Of the days 364 to 335 before the moment.
            ("season_orders", 1.0),
            ("products", 3.0),
            ("top_product_share", 0.6),
            ("shops", 1.0),
        ] {
            assert!((of(name) - value).abs() < 1e-12, "{name}: {}", of(name));
        }
        // Of one order there is no gap, and nothing to hold a pause against.
        let once = RECIPE.describe(&buyer(vec![bought(moment - 100, 10_000, vec![1])]), moment);
        let gaps = ["mean_gap_days", "recency_per_gap"].map(|name| {
            let at = RECIPE.numbers().iter().position(|known| known == name).unwrap();
            once.as_ref().unwrap().numbers[at]
        });
        assert!(gaps.iter().all(|gap| gap.is_nan()), "{gaps:?}");
        // 1970-01-01 was a Thursday, 2024-10-05 (day 20001) a Saturday.
        assert_eq!((weekday(0), weekday(20_001)), (3, 5));
        let no_amounts = Recipe { minor_per_major: None, ..RECIPE };
        assert!(no_amounts.numbers().iter().all(|name| field_of(name).is_none()));
        assert_eq!(
            no_amounts.describe(&one, moment).unwrap().numbers.len(),
            no_amounts.numbers().len()
        );
    }
}
