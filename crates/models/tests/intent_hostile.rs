//! Tables that are wrong, strange or large: a clear refusal or a model, never a panic.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::io::Cursor;

use models::intent::{
    ColumnData, DriftLevel, ExclusionCode, Frame, FrameLimits, IntentError, Kind, LeakOptions,
    MISSING, Model, ReadOptions, ReadTable, ScoreError, Split, TrainOptions, Training, read_table,
    train,
};
use proptest::prelude::*;

fn read_with(text: &str, options: &ReadOptions) -> Result<ReadTable, IntentError> {
    let input = Cursor::new(text.as_bytes().to_vec());
    let mut table =
        tabular::Table::from_reader("test.csv", input, None, &tabular::Options::default()).unwrap();
    read_table(&mut table, options)
}

fn read(text: &str) -> Result<Frame, IntentError> {
    read_with(text, &ReadOptions::default()).map(|read| read.frame)
}

/// A table of `rows` rows: `line` gives the cells of a row behind the outcome, which every third row has.
fn table(rows: usize, header: &str, line: impl Fn(usize) -> String) -> String {
    let mut text = format!("bought,{header}\n");
    for row in 0..rows {
        let bought = if row % 3 == 0 { "yes" } else { "no" };
        text.push_str(&format!("{bought},{}\n", line(row)));
    }
    text
}

/// Unrelated to every third row, below 100.
fn mixed(row: usize) -> usize {
    (row * row * 31 + row * 17 + row / 7) % 101 % 100
}

fn trained(text: &str) -> Result<Training, IntentError> {
    train(&read(text)?, &TrainOptions { folds: 3, ..TrainOptions::new("bought") })
}

fn codes(training: &Training) -> Vec<(&str, ExclusionCode)> {
    training.report.excluded.iter().map(|out| (out.column.as_str(), out.code)).collect()
}

#[test]
fn headers_that_cannot_be_told_apart_are_refused_and_others_are_not() {
    let error = read("a,b,a\n1,2,3\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "columns 1 and 3 are both called `a`; give one of them another name"
    );
    let long = format!("a,{}\n1,2\n", "长".repeat(100));
    assert!(matches!(read(&long), Err(IntentError::LongName { place: 2, .. })));
    assert_eq!(read("a,b\n").unwrap_err(), IntentError::Empty);
    let frame = read("a,,\"=cmd|' /C calc'!A0\",\"<script>\"\n1,2,3,4\n5,6,7,8\n").unwrap();
    let names: Vec<&str> = frame.columns().iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["a", "column 2", "=cmd|' /C calc'!A0", "<script>"]);
    let mut hostile = Frame::new(1);
    hostile.push("a\u{1b}[31m", ColumnData::Numeric(vec![1.0])).unwrap();
    let error = train(&hostile, &TrainOptions::new("a\u{1b}[31n")).unwrap_err().to_string();
    assert!(!error.contains('\u{1b}'), "{error}");
}

#[test]
fn cells_are_understood() {
    let text = "n,flag,when,city,postcode,order\n\
                1.5,Yes,2011-05-01,Köln,010020,3515250012345678901\n\
                NA,no,2011-05-02 12:00,北京,200000,3515250012345678902\n\
                NaN,YES,,n/a,300000,3515250012345678903\n\
                inf,,2011/5/3,Köln,020000,3515250012345678904\n\
                \"1,234\",No,null,,100000,3515250012345678905\n";
    let frame = read(text).unwrap();
    let kinds: Vec<Kind> = frame.columns().iter().map(|column| column.kind()).collect();
    use Kind::{Boolean, Categorical, Date, Numeric};
    // Yes and YES are two texts; see the next table for a column of two.
    assert_eq!(kinds, [Numeric, Categorical, Date, Categorical, Categorical, Categorical]);
    let number = &frame.columns()[0];
    assert_eq!((number.missing(), number.not_finite), (3, 1));
    assert_eq!((number.number(0), number.number(4)), (1.5, 1_234.0));
    let date = &frame.columns()[2];
    assert_eq!((date.number(1) - date.number(0), date.missing()), (1.5, 2));
    assert_eq!(date.label(0).unwrap(), "2011-05-01");
    assert_eq!(frame.columns()[3].missing(), 2);
    let frame = read("a,b,c\nyes,0,是\nno,1,否\n,1,是\n").unwrap();
    assert!(frame.columns().iter().all(|column| column.kind() == Boolean));
    assert_eq!(frame.columns()[0].number(0), 1.0);
    assert_eq!(frame.columns()[1].number(0), 0.0);
    assert!(frame.columns()[0].is_missing(2));
}

#[test]
fn unreadable_rows_are_counted_and_many_are_refused() {
    let mut text = table(200, "x", |row| mixed(row).to_string());
    text.push_str("yes,1,2\n");
    let found = read_with(&text, &ReadOptions::default()).unwrap();
    assert_eq!((found.frame.rows(), found.irregularities.rows), (200, 1));
    assert_eq!(found.irregularities.first.unwrap().0, 202);
    text.push_str(&"no\n".repeat(40));
    let error = read(&text).unwrap_err().to_string();
    assert!(error.starts_with("41 of 241 rows cannot be read, the first at line 202"), "{error}");
}

#[test]
fn limits_hold() {
    let text = table(300, "x,y", |row| format!("{},{}", mixed(row), row));
    let limited = |limits| read_with(&text, &ReadOptions { limits, ..Default::default() });
    let limits = FrameLimits::default();
    for (limits, what) in [
        (FrameLimits { rows: 299, ..limits }, "rows"),
        (FrameLimits { columns: 2, ..limits }, "columns"),
        (FrameLimits { cells: 899, ..limits }, "cells"),
        (FrameLimits { bytes: 100, ..limits }, "bytes"),
    ] {
        match limited(limits) {
            Err(IntentError::TooLarge { what: found, .. }) => assert_eq!(found, what),
            other => panic!("{what}: {other:?}"),
        }
    }
}

#[test]
fn a_target_that_cannot_be_foretold_is_refused_with_what_to_do() {
    let text = table(300, "x,one,many", |row| format!("{},same,{}", mixed(row), row % 5));
    let frame = read(&text).unwrap();
    let said = |options: TrainOptions| train(&frame, &options).unwrap_err().to_string();
    assert_eq!(
        said(TrainOptions::new("Bougth")),
        "there is no column `Bougth`, which the target names; did you mean `bought`?"
    );
    assert!(said(TrainOptions::new("one")).contains("every row has one = `same`"));
    let many = said(TrainOptions::new("many"));
    assert!(
        many.contains("`many` has 5 different values") && many.contains("(`positive`)"),
        "{many}"
    );
    let other = TrainOptions { positive: Some("yess".into()), ..TrainOptions::new("bought") };
    let other = said(other);
    assert!(other.contains("its values are `no`, `yes`; did you mean `yes`?"), "{other}");
    for (folds, ok) in [(1, false), (21, false), (2, true)] {
        let options = TrainOptions { folds, ..TrainOptions::new("bought") };
        assert_eq!(train(&frame, &options).is_ok(), ok, "{folds}");
    }
    let dropped = TrainOptions { drop: vec!["xx".into()], ..TrainOptions::new("bought") };
    assert!(said(dropped).contains("did you mean `x`?"));
    let options = TrainOptions { positive: Some("3".into()), ..TrainOptions::new("many") };
    assert_eq!(train(&frame, &options).unwrap().report.positives, 60);
}

#[test]
fn an_outcome_is_one_in_small_and_capital_letters() {
    let spelled = ["Yes", "yes", "YES", "no", "No"];
    let text = table(300, "x,answer", |row| format!("{},{}", mixed(row), spelled[row % 5]));
    let frame = read(&text).unwrap();
    let options = TrainOptions { positive: Some("Yes".into()), ..TrainOptions::new("answer") };
    assert_eq!(train(&frame, &options).unwrap().report.positives, 180);
    // Nobody chooses among five without saying so.
    assert!(train(&frame, &TrainOptions::new("answer")).is_err());
}

#[test]
fn too_little_is_refused_with_how_much_is_needed() {
    let error = trained(&table(99, "x", |row| mixed(row).to_string())).unwrap_err();
    assert_eq!(error, IntentError::TooFewRows { found: 99, needed: 100 });
    let mut text = "bought,x\n".to_owned();
    for row in 0..500 {
        text.push_str(&format!("{},{}\n", if row < 19 { "yes" } else { "no" }, mixed(row)));
    }
    assert_eq!(
        trained(&text).unwrap_err().to_string(),
        "19 rows with bought = `yes` are too few; at least 20 are needed"
    );
    let error = trained(&table(300, "id,const,empty", |row| format!("k{row},1,"))).unwrap_err();
    let error = error.to_string();
    assert!(error.contains("`id` (an identifier") && error.contains("`const`"), "{error}");
}

#[test]
fn columns_that_say_nothing_are_left_out_by_name() {
    let text = table(600, "x,no,user_id,text,const,empty,some", |row| {
        let some = if row % 7 == 0 { "1" } else { "" };
        format!("{},{row},{},t{row},9,,{some}", mixed(row), row * 37 + 1_000_000)
    });
    let training = trained(&text).unwrap();
    use ExclusionCode::{Constant, Identifier, NoValues};
    assert_eq!(
        codes(&training),
        [
            ("no", Identifier),
            ("user_id", Identifier),
            ("text", Identifier),
            ("const", Constant),
            ("empty", NoValues)
        ]
    );
}

#[test]
fn a_million_categories_are_not_held() {
    let limits = FrameLimits { distinct: 1_000, ..FrameLimits::default() };
    let text = table(5_000, "x,word,city", |row| {
        format!("{},w{},c{}", mixed(row), row / 2, mixed(row) * 7)
    });
    let read = read_with(&text, &ReadOptions { limits, ..Default::default() }).unwrap();
    assert_eq!(read.frame.column("word").unwrap().kind(), Kind::Text);
    let training = train(&read.frame, &TrainOptions { folds: 3, ..TrainOptions::new("bought") });
    assert_eq!(codes(&training.unwrap()), [("word", ExclusionCode::TooManyCategories)]);
    // A hundred cities stay, as one feature of mean outcomes; unseen ones are scored too.
    let frame = read.frame;
    let training =
        train(&frame, &TrainOptions { folds: 3, ..TrainOptions::new("bought") }).unwrap();
    let mut other = Frame::new(2);
    other.push("x", ColumnData::Numeric(vec![1.0, f64::INFINITY])).unwrap();
    let labels = vec!["unheard of".to_owned()];
    other.push("city", ColumnData::Categorical { codes: vec![0, MISSING], labels }).unwrap();
    assert!(training.model.score(&other).unwrap().iter().all(|p| p.is_finite()));
}

/// The outcome of a category is noise, and each category has few rows: if a row saw its own outcome in
/// its category's mean, held-back rows would be foretold worse and training rows perfectly.
#[test]
fn many_small_categories_of_noise_foretell_nothing() {
    let text = table(6_000, "x,city", |row| format!("{},c{}", mixed(row), (row * 7_919) % 1_500));
    let mut options = TrainOptions::new("bought");
    // So that each of the 1,500 is told apart.
    options.encoder.level_rows = 2;
    options.encoder.mean_levels = 2_000;
    // Outcomes by lot, not by row number, which the city would know.
    let frame = read(&text).unwrap();
    let mut shuffled = Frame::new(frame.rows());
    for column in &frame.columns()[1..] {
        shuffled.push(column.name.clone(), column.data.clone()).unwrap();
    }
    // SplitMix64, a number for each row.
    let by_lot = |row: u64| {
        let z = row.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    };
    let values = (1..=6_000).map(|row| Some(by_lot(row) % 3 == 0)).collect();
    let labels = ["no", "yes"].map(str::to_owned);
    shuffled.push("bought", ColumnData::Boolean { values, labels }).unwrap();
    let report = train(&shuffled, &options).unwrap().report;
    let (p, n) = (report.positives as f64, (report.rows - report.positives) as f64);
    let bound = 5.0 * ((p + n + 1.0) / (12.0 * p * n)).sqrt();
    for model in &report.models {
        assert!((model.metrics.auc - 0.5).abs() < bound, "{:?} {:?}", model.name, model.metrics);
        // Probabilities stay near the share: what was learned from the means was not believed.
        assert!(model.metrics.log_loss < report.baseline.metrics.log_loss + 0.02, "{model:?}");
    }
}

#[test]
fn extreme_numbers_do_no_harm() {
    let text = table(600, "x,y", |row| match row % 50 {
        0 => "inf,1e308".to_owned(),
        1 => "-inf,-1e308".to_owned(),
        2 => "1e99,0".to_owned(),
        3 => "NaN,".to_owned(),
        _ => format!("{},{}", mixed(row), mixed(row + 5)),
    });
    let training = trained(&text).unwrap();
    let column = training.report.columns.iter().find(|column| column.name == "x").unwrap();
    assert_eq!((column.not_finite, column.missing), (24, 36));
    let scores = training.model.score(&read(&text).unwrap()).unwrap();
    assert!(scores.iter().all(|score| score.is_finite()));
    let json = training.model.to_json().unwrap();
    assert!(!json.contains("null,") || Model::from_json(&json).is_ok());
}

#[test]
fn a_file_in_order_of_time_is_judged_on_what_came_after() {
    let mut text = "bought,when,x,season\n".to_owned();
    for row in 0..1_200 {
        let bought = (mixed(row) + row / 30) % 100 < 30;
        let day = format!("2024-{:02}-{:02}", 1 + row / 100, 1 + row % 28);
        text.push_str(&format!("{},{day},{},s{}\n", u8::from(bought), mixed(row), row % 4));
    }
    let frame = read(&text).unwrap();
    let time = Some("when".to_owned());
    let options = TrainOptions { time: time.clone(), ..TrainOptions::new("bought") };
    let training = train(&frame, &options).unwrap();
    assert_eq!((training.report.split, training.report.folds), (Split::Time, 5));
    assert_eq!(codes(&training), [("when", ExclusionCode::Time)]);
    let window = training.model.trained().window.clone().unwrap();
    assert_eq!((window.from.as_str(), window.to.as_str()), ("2024-01-01", "2024-12-28"));
    let error = train(&frame, &TrainOptions { time: Some("season".into()), ..options.clone() });
    assert!(matches!(error, Err(IntentError::NotTime { .. })));
    // All on one day: there is no later.
    let mut one_day = Frame::new(1_200);
    for column in frame.columns() {
        let data = if column.name == "when" {
            ColumnData::Date(vec![1.0; 1_200])
        } else {
            column.data.clone()
        };
        one_day.push(column.name.clone(), data).unwrap();
    }
    assert!(matches!(train(&one_day, &options), Err(IntentError::Windows { usable: 0, .. })));
}

#[test]
fn in_order_of_time_drift_is_measured_from_the_latest_rows() {
    let month = |rows: std::ops::Range<usize>| {
        let mut text = "bought,when,x,age\n".to_owned();
        for row in rows {
            let bought = u8::from(mixed(row) % 100 < 40);
            let month = row / 500;
            let day = format!("2024-{:02}-{:02}", 1 + month, 1 + row % 28);
            // Grows with time by construction, as days since somebody's first order do.
            let age = month * 30 + row % 30;
            text.push_str(&format!("{bought},{day},{},{age}\n", mixed(row + 7)));
        }
        read(&text).unwrap()
    };
    let options =
        TrainOptions { time: Some("when".into()), folds: 2, ..TrainOptions::new("bought") };
    let training = train(&month(0..1_500), &options).unwrap();
    let age = |frame: &Frame| {
        let drift = training.model.drift(frame).unwrap();
        drift.columns.into_iter().find(|one| one.column.as_deref() == Some("age")).unwrap().level
    };
    assert_eq!(age(&month(1_000..1_500)), DriftLevel::Stable);
    assert_eq!(age(&month(0..500)), DriftLevel::Large);
}

#[test]
fn of_many_rows_a_sample_with_the_same_share_is_learned_from() {
    let text = table(6_000, "x,y", |row| format!("{},{}", mixed(row), mixed(row + 3)));
    let options = TrainOptions { max_rows: 1_500, folds: 2, ..TrainOptions::new("bought") };
    let frame = read(&text).unwrap();
    let training = train(&frame, &options).unwrap();
    let report = &training.report;
    assert_eq!((report.rows, report.positives, report.rows_used), (6_000, 2_000, 1_500));
    assert_eq!(training.model.trained().positives, 500);
    assert_eq!(training, train(&frame, &options).unwrap());
}

#[test]
fn leak_rules_can_be_tuned() {
    let text = table(900, "x,hint", |row| {
        let hint = if row % 3 == 0 && row % 60 != 0 { 50 } else { 0 } + mixed(row) / 2;
        format!("{},{hint}", mixed(row))
    });
    let frame = read(&text).unwrap();
    let with = |leaks| {
        let options = TrainOptions { leaks, folds: 3, ..TrainOptions::new("bought") };
        train(&frame, &options).unwrap().report
    };
    let usual = with(LeakOptions::default());
    assert_eq!(usual.excluded, []);
    assert_eq!(usual.warnings.len(), 1);
    assert_eq!(usual.warnings[0].column, "hint");
    let strict = with(LeakOptions { auc: 0.95, ..LeakOptions::default() });
    assert_eq!(strict.excluded[0].column, "hint");
    assert_eq!(strict.excluded[0].code, ExclusionCode::PredictsTarget);
}

#[test]
fn a_frame_handed_in_is_checked() {
    let mut frame = Frame::new(3);
    frame.push("a", ColumnData::Numeric(vec![1.0, f64::NEG_INFINITY, 2.0])).unwrap();
    assert_eq!(frame.column("a").unwrap().not_finite, 1);
    let short = frame.push("b", ColumnData::Numeric(vec![1.0]));
    assert!(matches!(short, Err(IntentError::Length { found: 1, expected: 3, .. })));
    let again = frame.push("a", ColumnData::Numeric(vec![0.0; 3]));
    assert!(matches!(again, Err(IntentError::DuplicateColumn { .. })));
    let codes = vec![0, 1, MISSING];
    let code = frame.push("c", ColumnData::Categorical { codes, labels: vec!["only".into()] });
    assert!(matches!(code, Err(IntentError::Code { row: 2, code: 1, .. })));
    assert_eq!(frame.columns().len(), 1);
}

#[test]
fn a_small_file_is_scored_as_the_large_one_was_understood() {
    let text = table(600, "plan,agree,x", |row| {
        let plan = ["yes", "no", "later"][mixed(row) % 3];
        format!("{plan},{},{}", ["yes", "no"][mixed(row + 1) % 2], mixed(row))
    });
    let training = trained(&text).unwrap();
    let model = &training.model;
    let large = model.score(&read(&text).unwrap()).unwrap();
    let cut: String = text.lines().take(3).map(|line| format!("{line}\n")).collect();
    // Both by the kinds of the model and by what the small file alone looks like.
    let options = ReadOptions { kinds: model.kinds(), ..Default::default() };
    let forced = model.score(&read_with(&cut, &options).unwrap().frame).unwrap();
    assert_eq!(forced, large[..2]);
    assert_eq!(model.score(&read(&cut).unwrap()).unwrap(), large[..2]);
    let wrong = read("plan,agree,x\nyes,maybe,5\nno,yes,6\n").unwrap();
    match model.score(&wrong) {
        Err(ScoreError::WrongKind { column, .. }) => assert_eq!(column, "agree"),
        other => panic!("{other:?}"),
    }
    let nothing = read("plan,agree\nyes,no\n").unwrap();
    assert_eq!(
        model.score(&nothing).unwrap_err(),
        ScoreError::MissingColumns { columns: "`x`".into() }
    );
}

#[test]
fn a_text_that_is_no_model_is_refused() {
    let text = table(300, "x", |row| mixed(row).to_string());
    let json = trained(&text).unwrap().model.to_json().unwrap();
    for wrong in ["", "{}", "[]", "{\"version\":1}", &json[..json.len() - 1]] {
        assert!(matches!(Model::from_json(wrong), Err(ScoreError::NotAModel { .. })), "{wrong}");
    }
    let newer = json.replacen("\"version\":1", "\"version\":2", 1);
    assert!(matches!(Model::from_json(&newer), Err(ScoreError::Version { found: 2, expected: 1 })));
    let foreign = json.replacen("\"slope\":", "\"slope\":-", 1);
    assert!(matches!(Model::from_json(&foreign), Err(ScoreError::NotAModel { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is in the cells: a refusal, or a model whose stored form scores the same to the last bit.
    #[test]
    fn any_table_gives_a_refusal_or_a_model_that_survives_storage(
        cells in proptest::collection::vec(
            (0u8..3, prop_oneof![
                Just(String::new()), Just("NA".to_owned()), Just("-inf".to_owned()),
                "[a-c是]{1,2}", "-?[0-9]{1,9}(\\.[0-9]{1,3})?", "20[0-9]{2}-0[1-9]-1[0-9]",
            ], -1e6..1e6f64),
            100..300,
        ),
        seed: u64,
    ) {
        let mut text = "bought,any,number\n".to_owned();
        for (bought, any, number) in &cells {
            text.push_str(&format!("{},{any},{number}\n", if *bought == 0 { "1" } else { "0" }));
        }
        let frame = read(&text).unwrap();
        let options = TrainOptions { seed, folds: 2, ..TrainOptions::new("bought") };
        match train(&frame, &options) {
            Ok(training) => {
                let stored = Model::from_json(&training.model.to_json().unwrap()).unwrap();
                let scores = training.model.score(&frame).unwrap();
                prop_assert!(scores.iter().all(|p| (0.0..=1.0).contains(p)));
                prop_assert_eq!(stored.score(&frame).unwrap(), scores);
                prop_assert_eq!(&stored, &training.model);
                let sum = training.report.gain_curve.last().unwrap().captured;
                prop_assert!((sum - 1.0).abs() < 1e-9);
                // The headline is a point of the curve.
                for model in &training.report.models {
                    let top = model.gain_curve.iter().find(|point| point.share == 0.2).unwrap();
                    prop_assert!((top.captured - model.metrics.top20_capture).abs() < 1e-9);
                }
            }
            Err(IntentError::TooFewOfClass { .. } | IntentError::TooFewRows { .. }) => {}
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}
