//! Cohorts, intervals, pairs and reorders of the UCI Online Retail data (Chen, Sain and Guo 2012): lines with a
//! customer and a price, without cancellations. The cohort table is the one that many have printed from this
//! file; intervals, pairs and reorders were counted once more by a plain program.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod clv_common;

use std::collections::HashMap;

use clv_common::day;
use models::clv::basket::{BasketOptions, PairRank, baskets};
use models::clv::cohorts::{CohortOptions, Period, cohorts};
use models::clv::reorder::{ProductLines, reorders};
use models::clv::repurchase::repurchase;
use models::clv::summary::Transactions;

#[derive(Default)]
struct Retail {
    customer: Vec<u32>,
    day: Vec<i64>,
    amount: Vec<f64>,
    order: Vec<u32>,
    product: Vec<u32>,
    codes: Vec<String>,
}

fn number(of: &mut HashMap<String, u32>, text: &str) -> u32 {
    let next = of.len() as u32;
    *of.entry(text.to_owned()).or_insert(next)
}

/// The fields of a line of CSV; a field in quotes may hold commas.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut is_quoted = false;
    for c in line.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => fields.push(String::new()),
            c => fields.last_mut().unwrap().push(c),
        }
    }
    fields
}

fn retail() -> Retail {
    let file = std::fs::File::open(clv_common::data("online_retail/onlineretail.csv.gz")).unwrap();
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(file), &mut bytes).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    let (mut customers, mut orders, mut products) = Default::default();
    let mut retail = Retail::default();
    for line in text.lines().skip(1) {
        let cells = fields(line);
        let [invoice, code, _, quantity, at, price, customer, _] = cells.as_slice() else {
            panic!("{line}");
        };
        let price: f64 = price.parse().unwrap();
        if matches!(customer.as_str(), "" | "NA") || invoice.starts_with('C') || price <= 0.0 {
            continue;
        }
        retail.customer.push(number(&mut customers, customer));
        retail.day.push(day(&at[..10]));
        retail.amount.push(price * quantity.parse::<f64>().unwrap());
        retail.order.push(number(&mut orders, invoice));
        let product = number(&mut products, code);
        if product as usize == retail.codes.len() {
            retail.codes.push(code.clone());
        }
        retail.product.push(product);
    }
    assert_eq!((retail.day.len(), customers.len(), orders.len()), (397_884, 4_338, 18_532));
    retail
}

#[test]
fn cohorts_are_those_that_were_printed() {
    let retail = retail();
    let all = Transactions { customer: &retail.customer, day: &retail.day, amount: &retail.amount };
    let options = CohortOptions { period: Period::Month, last_day: day("2011-12-09"), most: 24 };
    let found = cohorts(all, &options).unwrap();
    assert!(found.is_last_open);
    let sizes: Vec<u64> = found.cohorts.iter().map(|cohort| cohort.customers).collect();
    assert_eq!(sizes, [885, 417, 380, 452, 300, 284, 242, 188, 169, 299, 358, 323, 41]);
    let first = &found.cohorts[0];
    assert_eq!(first.label, "2010-12");
    assert_eq!(first.active, [885, 324, 286, 340, 321, 352, 321, 309, 313, 350, 331, 445, 235]);
    assert_eq!(found.cohorts[10].active, [358, 86, 41]);
    assert!((first.revenue[0] - 572_713.89).abs() < 0.005, "{}", first.revenue[0]);
    let whole: f64 = found.cohorts.iter().flat_map(|cohort| &cohort.revenue).sum();
    assert!((whole - 8_911_407.90).abs() < 0.005, "{whole}");
    // 2011-12 goes on, so the last entry of each cohort is in no share.
    let curve = found.curve();
    assert_eq!((curve.len(), curve[11].customers, curve[11].active), (12, 885, 445));
    assert_eq!((curve[1].customers, curve[1].active), (3_974, 940));
    // By quarters the same customers, and by weeks too.
    for (period, most) in [(Period::Quarter, 5), (Period::Week, 54)] {
        let found = cohorts(all, &CohortOptions { period, most, ..options }).unwrap();
        assert_eq!(found.cohorts.iter().map(|cohort| cohort.customers).sum::<u64>(), 4_338);
        let sum: f64 = found.cohorts.iter().flat_map(|cohort| &cohort.revenue).sum();
        assert!((sum - whole).abs() < 0.005, "{sum}");
    }
}

#[test]
fn intervals_and_reorders_are_those_of_a_plain_count() {
    let retail = retail();
    let all = Transactions { customer: &retail.customer, day: &retail.day, amount: &retail.amount };
    let found = repurchase(all, 7, 53).unwrap().unwrap();
    assert_eq!(found.all.count, 12_425);
    assert!((found.all.mean_days - 567_287.0 / 12_425.0).abs() < 1e-9);
    assert_eq!(found.all.quantiles_days[1..4], [12.0, 28.0, 58.0]);
    let second = &found.by_number[0];
    assert_eq!((second.reached, second.intervals.count), (4_338, 2_790));
    assert_eq!(second.intervals.quantiles_days[1..4], [27.0, 57.0, 116.75]);
    // Every interval stands in one step and in one bin.
    assert_eq!(found.histogram.iter().sum::<u64>(), 12_425);
    for bin in 0..found.histogram.len() {
        let steps: u64 = found.by_number.iter().map(|step| step.histogram[bin]).sum();
        assert_eq!(steps, found.histogram[bin], "{bin}");
    }
    let days: Vec<i32> = retail.day.iter().map(|day| *day as i32).collect();
    let lines = ProductLines { customer: &retail.customer, day: &days, product: &retail.product };
    let top = reorders(lines, 10, 4).unwrap();
    let told: Vec<_> = top
        .iter()
        .map(|one| {
            let code = retail.codes[one.product as usize].as_str();
            (code, one.buyers, one.again, one.intervals.count, one.intervals.quantiles_days[2])
        })
        .collect();
    assert_eq!(
        told,
        [
            ("85123A", 856, 405, 1_092, 48.0),
            ("22423", 881, 328, 811, 51.0),
            ("85099B", 635, 311, 953, 43.0),
            ("84879", 678, 290, 692, 52.0),
        ]
    );
}

#[test]
fn pairs_are_those_of_a_plain_count() {
    let retail = retail();
    let options = BasketOptions { min_count: 200, limit: 5, ..BasketOptions::default() };
    let found = baskets(&retail.order, &retail.product, &options).unwrap();
    assert_eq!((found.orders, found.orders_left_out, found.pairs_found), (18_509, 23, 256));
    let code = |product: u32| retail.codes[product as usize].as_str();
    let of =
        |a: u32, b: u32| if code(a) < code(b) { (code(a), code(b)) } else { (code(b), code(a)) };
    let told: Vec<_> = found.pairs.iter().map(|pair| (of(pair.a, pair.b), pair.count)).collect();
    assert_eq!(
        told,
        [
            (("22386", "85099B"), 545),
            (("22697", "22699"), 531),
            (("22726", "22727"), 522),
            (("20725", "22384"), 517),
            (("20725", "22383"), 513),
        ]
    );
    assert!((found.pairs[0].lift - 7.278_542_618).abs() < 1e-9);
    let by_lift = BasketOptions { rank: PairRank::Lift, ..options };
    let found = baskets(&retail.order, &retail.product, &by_lift).unwrap();
    let best = &found.pairs[0];
    assert_eq!((of(best.a, best.b), best.count), (("23174", "23175"), 205));
    assert!((best.lift - 52.834_992_690).abs() < 1e-9);
}
