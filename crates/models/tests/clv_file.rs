//! From a file to a report, and what files can be like.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod clv_common;

use std::io::Write as _;

use clv_common::{data, day};
use models::clv::csv::{
    Columns, CsvError, CsvOptions, Returns, parse_amount, parse_day, read_transactions,
    report_of_file,
};
use models::clv::diagnostics::tracking;
use models::clv::error::ClvError;
use models::clv::score::{OrderModel, ScoreOptions, score_all};
use models::clv::summary::{Unit, summarise};

fn options(columns: &str) -> CsvOptions {
    CsvOptions {
        columns: columns.parse().unwrap(),
        calibration_end: Some("1997-09-30".parse().unwrap()),
        unit: Unit::Week,
        returns: Returns::PassOver,
        max_bad_share: 0.05,
    }
}

fn file(name: &str, text: &str) -> std::path::PathBuf {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
    path
}

#[test]
fn the_sample_file_gives_the_published_figures_and_json() {
    let found = report_of_file(&data("cdnow/CDNOW_sample.txt"), &options("2,3,5")).unwrap();
    assert_eq!((found.input.rows, found.input.used, found.input.bad), (6_919, 6_919, 0));
    assert!(!found.input.header);
    let json: serde_json::Value = serde_json::to_value(&found).unwrap();
    let near = |pointer: &str, expected: f64, room: f64| {
        let value = json.pointer(pointer).and_then(serde_json::Value::as_f64);
        assert!(
            value.is_some_and(|value| (value - expected).abs() <= room),
            "{pointer}: {value:?}"
        );
    };
    near("/bgnbd/r", 0.243, 5e-4);
    near("/bgnbd/alpha", 4.414, 5e-4);
    near("/bgnbd/a", 0.793, 5e-4);
    near("/bgnbd/b", 2.426, 5e-4);
    near("/bgnbd/log_likelihood", -9582.4, 0.05);
    near("/bgnbd/standard_errors/r", 0.012_56, 5e-5);
    near("/pnbd/beta", 11.669, 5e-4);
    near("/pnbd/log_likelihood", -9595.0, 0.05);
    near("/gamma_gamma/v", 15.44, 5e-3);
    near("/gamma_gamma/customers", 946.0, 0.0);
    assert_eq!(json["customers"], 2_357);
    assert_eq!(json["repeat_customers"], 946);
    assert_eq!(json["unit"], "week");
    assert_eq!(json["calibration_end"], "1997-09-30");
    assert_eq!(json["observation_end"], "1998-06-30");
    assert_eq!(json["input"]["rows"], 6_919);
    let bins = json["frequency_histogram"].as_array().unwrap();
    assert_eq!(bins[0]["actual"], 1_411);
    let expected: f64 = bins.iter().map(|bin| bin["expected"].as_f64().unwrap()).sum();
    assert!((expected - 2_357.0).abs() < 1e-6);
}

/// How well the models forecast this sample; the bounds are what they were seen to reach.
#[test]
fn bgnbd_holds_against_what_was_kept_back() {
    let loaded = read_transactions(&data("cdnow/CDNOW_sample.txt"), &options("2,3,5")).unwrap();
    let summary =
        summarise(loaded.transactions(), loaded.window(options("2,3,5").calibration_end)).unwrap();
    let report = models::clv::report::report(&summary, Unit::Week).unwrap();
    for holdout in [report.holdout_bgnbd.unwrap(), report.holdout_pnbd.unwrap()] {
        assert_eq!(holdout.bins.iter().map(|bin| bin.customers).sum::<u64>(), 2_357);
        assert_eq!(
            holdout.actual_total,
            summary.holdout_purchases.iter().map(|count| u64::from(*count)).sum::<u64>()
        );
        assert!((holdout.expected_total / holdout.actual_total as f64 - 1.0).abs() < 0.13);
        for bin in &holdout.bins {
            assert!((bin.actual_mean - bin.expected_mean).abs() < 1.0, "{bin:?}");
        }
    }
    for bin in &report.frequency_histogram {
        assert!((bin.actual as f64 - bin.expected).abs() < 0.2 * bin.expected + 10.0, "{bin:?}");
    }
    let bgnbd = OrderModel::BgNbd(report.bgnbd.unwrap().model);
    let pnbd = OrderModel::ParetoNbd(report.pnbd.unwrap().model);
    let track = |model| tracking(&summary, Unit::Week, model, &loaded.customer, &loaded.day);
    let points = track(&bgnbd);
    assert_eq!(points.len(), 78);
    let repeat: u32 = summary.frequency.iter().chain(&summary.holdout_purchases).sum();
    assert_eq!(points[77].actual, u64::from(repeat));
    assert!(points.windows(2).all(|pair| pair[0].expected <= pair[1].expected));
    for (point, short) in [(points[77], 0.041), (track(&pnbd)[77], 0.016)] {
        let found = 1.0 - point.expected / point.actual as f64;
        assert!((found - short).abs() < 0.001, "{found}");
    }
}

#[test]
fn scores_of_the_sample() {
    let loaded = read_transactions(&data("cdnow/CDNOW_sample.txt"), &options("2,3,5")).unwrap();
    let summary =
        summarise(loaded.transactions(), loaded.window(options("2,3,5").calibration_end)).unwrap();
    let counts = summary.counts(Unit::Week).unwrap();
    let report = models::clv::report::report(&summary, Unit::Week).unwrap();
    let spend = report.gamma_gamma.unwrap().model;
    let wanted = ScoreOptions { horizon_days: 39.0 * 7.0, ..ScoreOptions::default() };
    let bgnbd = OrderModel::BgNbd(report.bgnbd.unwrap().model);
    let scores = score_all(&summary, &counts, &bgnbd, Some(&spend), &wanted).unwrap();
    // The customer of the published expectation: two repeat purchases, the last after 30.43 weeks.
    assert!((scores.expected_orders[0] - 1.226).abs() < 5e-4);
    let total: f64 = scores.expected_orders.iter().sum();
    assert!((total - report.holdout_bgnbd.unwrap().expected_total).abs() < 1e-6);
    let value = scores.expected_orders[0]
        * spend.expected_spend(summary.frequency[0], summary.monetary[0]).unwrap();
    assert_eq!(scores.expected_value_minor[0], (value * 100.0).round() as i64);
    for index in 0..summary.len() {
        let risk = scores.churn_risk(index).unwrap();
        assert!((0.0..=1.0).contains(&risk));
        assert_eq!(summary.frequency[index] == 0, risk == 0.0);
        assert!(
            scores.next_order_day[index].is_none_or(|next| i64::from(next) > day("1997-09-30"))
        );
        // The next order falls within the horizon exactly where an order within it is likelier than not.
        let soon = scores.next_order_day[index]
            .is_some_and(|next| i64::from(next) <= day("1997-09-30") + 39 * 7);
        assert_eq!(soon, scores.probability_of_order[index] >= 0.5, "{index}");
    }
    let pnbd = OrderModel::ParetoNbd(report.pnbd.unwrap().model);
    let half = ScoreOptions { margin: 0.5, ..wanted };
    let others = score_all(&summary, &counts, &pnbd, Some(&spend), &half).unwrap();
    assert!(others.next_order_day.is_empty());
    assert!((others.expected_orders.iter().sum::<f64>() / total - 1.0).abs() < 0.1);
    assert_eq!(others.churn_risk(2_357), None);
    for bad in [f64::NAN, -1.0, 4_000.0] {
        let wrong = ScoreOptions { horizon_days: bad, ..wanted };
        let error = score_all(&summary, &counts, &pnbd, None, &wrong).unwrap_err();
        assert!(matches!(error, ClvError::BadHorizon { .. }));
    }
    let wrong = ScoreOptions { margin: -0.1, ..wanted };
    assert!(score_all(&summary, &counts, &pnbd, None, &wrong).is_err());
}

#[test]
fn the_master_file_has_a_header_by_name_or_number() {
    let path = data("cdnow/CDNOW_master.txt");
    for columns in ["customer_id,date,dollar_value", "1,2,4", "customer_id,2,4"] {
        let loaded = read_transactions(&path, &options(columns)).unwrap();
        assert_eq!(loaded.counts.used, 69_659, "{columns}");
        assert!(loaded.counts.header);
        assert_eq!(loaded.names.len(), 23_570);
        assert_eq!(&*loaded.names[0], "00001");
    }
    match read_transactions(&path, &options("customer,date,dollar_value")) {
        Err(CsvError::NoColumn { column, header }) => {
            assert_eq!(column, "customer");
            assert!(header.contains("`customer_id`, `date`"), "{header}");
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(read_transactions(&path, &options("1,2,9")), Err(CsvError::NoColumn { .. })));
}

#[test]
fn dates_and_amounts_as_shops_write_them() {
    let expected = Ok(day("1997-01-01"));
    for text in [
        "1997-01-01",
        "19970101",
        "1997/1/1",
        "1997.01.01",
        " 1997-1-01 ",
        "1997-01-01 08:26:00",
        "1997-01-01T23:59:59Z",
        "1997/1/1 8:26",
        "19970101 0000",
    ] {
        assert_eq!(parse_day(text), expected, "{text}");
    }
    for text in [
        "",
        "1/1/1997",
        "1997-02-29",
        "1997-13-01",
        "97-01-01",
        "1997-01",
        "19970229",
        "0001-01-01",
        "9999-01-01",
        "yesterday",
        "1997-01-01-01",
        "一九九七年",
        "１９９７０１０１",
        "19970一",
    ] {
        assert!(parse_day(text).is_err(), "{text}");
    }
    assert_eq!(parse_amount(" 12.50 "), Ok(12.5));
    assert_eq!(parse_amount("-3"), Ok(-3.0));
    for text in [
        "",
        "NaN",
        "inf",
        "1e5",
        "1,234.50",
        "12,50",
        "$5",
        "1.2.3",
        ".",
        "-",
        "999999999999999999999",
    ] {
        assert!(parse_amount(text).is_err(), "{text}");
    }
}

#[test]
fn bad_rows_are_named_up_to_a_share() {
    let mut text = "who,when,paid\n".to_owned();
    for row in 0..100 {
        text.push_str(&format!("c{},1997-0{}-01,10.00\n", row % 10, 1 + row % 9));
    }
    text.push_str(
        "c1,01/02/1997,5.00\n,1997-01-01,5\nc2,1997-01-01,\nc3,1997-01-01\nc4,1997-01-01,-7\n",
    );
    let path = file("clv_bad_rows.csv", &text);
    let wanted = options("who,when,paid");
    let loaded = read_transactions(&path, &wanted).unwrap();
    let counts = &loaded.counts;
    assert_eq!((counts.rows, counts.used, counts.returns, counts.bad), (105, 100, 1, 4));
    let named: Vec<String> = counts.first_bad.iter().map(ToString::to_string).collect();
    assert_eq!(
        named[0],
        "line 102, column when: `01/02/1997` does not begin with the year, so day and month could be mixed up"
    );
    assert_eq!(named[1], "line 103, column who: is empty");
    assert_eq!(named[3], "line 105, column paid: is missing");

    let strict = CsvOptions { max_bad_share: 0.03, ..wanted.clone() };
    match read_transactions(&path, &strict) {
        Err(CsvError::TooManyBad { bad: 4, rows: 105, .. }) => {}
        other => panic!("{other:?}"),
    }
    let refused = CsvOptions { returns: Returns::Refuse, ..wanted.clone() };
    assert_eq!(read_transactions(&path, &refused).unwrap().counts.bad, 5);
    let wrong = CsvOptions { max_bad_share: 1.5, ..wanted };
    assert!(matches!(read_transactions(&path, &wrong), Err(CsvError::BadShare { .. })));
}

#[test]
fn files_without_a_basis() {
    let wanted = options("who,when,paid");
    let empty = file("clv_empty.csv", "");
    assert!(matches!(report_of_file(&empty, &wanted), Err(CsvError::Open(_))));
    let header = file("clv_header.csv", "who,when,paid\n");
    assert!(matches!(report_of_file(&header, &wanted), Err(CsvError::NoRows)));
    let returns = file("clv_returns.csv", "who,when,paid\na,2020-01-01,-5\nb,2020-01-02,-1\n");
    let refused = report_of_file(&returns, &wanted);
    assert!(matches!(refused, Err(CsvError::ReturnsOnly { returns: 2 })));
    let twice = file("clv_twice.csv", "who,when,paid,Who\na,2020-01-01,5,b\n");
    let refused = report_of_file(&twice, &wanted);
    assert!(matches!(refused, Err(CsvError::TwoColumns { column }) if column == "who"));
    let missing = data("cdnow/none.txt");
    assert!(matches!(report_of_file(&missing, &wanted), Err(CsvError::Open(_))));

    let mut text = "who,when,paid\n".to_owned();
    for month in 1..9 {
        text.push_str(&format!("only,1997-0{month}-01,10.00\n"));
    }
    let one = file("clv_one.csv", &text);
    assert!(matches!(report_of_file(&one, &wanted), Err(CsvError::Clv(ClvError::OneCustomer))));
    let early =
        CsvOptions { calibration_end: Some("1990-01-01".parse().unwrap()), ..wanted.clone() };
    match report_of_file(&one, &early) {
        Err(CsvError::Clv(error @ ClvError::NoCustomers { .. })) => {
            assert!(error.is_too_little_history());
            assert!(error.to_string().contains("1990-01-01"), "{error}");
        }
        other => panic!("{other:?}"),
    }

    let mut once = "who,when,paid\n".to_owned();
    for customer in 0..80 {
        once.push_str(&format!("c{customer},1997-05-{:02},10.00\n", 1 + customer % 28));
    }
    let path = file("clv_once.csv", &once);
    assert!(matches!(
        report_of_file(&path, &wanted),
        Err(CsvError::Clv(ClvError::NoRepeatPurchase { customers: 80 }))
    ));
    for columns in ["a,b", "a,b,c,d", "a,,c", ""] {
        assert!(matches!(columns.parse::<Columns>(), Err(CsvError::Columns { .. })), "{columns}");
    }
}

/// Nobody in these made up orders is ever lost, so that no parameter for loss can be found.
#[test]
fn orders_without_loss_are_refused_by_name() {
    let wanted = CsvOptions { calibration_end: None, ..options("customer_id,order_date,revenue") };
    match report_of_file(&data("rfm_orders/rfm_data_orders.csv"), &wanted) {
        Err(CsvError::Clv(error @ ClvError::AtTheEdge { model: "BG/NBD", .. })) => {
            assert!(error.to_string().contains("parameter b runs off"), "{error}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_holdout_that_was_missed_and_spend_that_goes_with_frequency_are_warned_of() {
    let mut summary = clv_common::sample_summary();
    let quiet = models::clv::report::report(&summary, Unit::Week).unwrap();
    assert!(quiet.warnings.is_empty(), "{:?}", quiet.warnings);
    for index in 0..summary.len() {
        summary.holdout_purchases[index] *= 3;
        summary.monetary[index] *= f64::from(summary.frequency[index]);
    }
    let found = models::clv::report::report(&summary, Unit::Week).unwrap();
    let warned = |words: &str| found.warnings.iter().any(|warning| warning.contains(words));
    assert!(warned("purchases were expected after the calibration"), "{:?}", found.warnings);
    assert!(warned("independent"), "{:?}", found.warnings);
}
