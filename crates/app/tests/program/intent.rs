//! `guanxi insight intent` on what is piped in.

use std::fmt::Write as _;

use super::place::{Kind, Place};

#[tokio::test]
async fn a_table_may_be_piped_in() {
    let place = Place::new(Kind::Sqlite).await;
    let mut table = "visits,bought\n".to_owned();
    for row in 0..400_u32 {
        let bought = if row % 3 == 0 { "yes" } else { "no" };
        writeln!(table, "{},{bought}", row * 7 % 101 + if row % 3 == 0 { 40 } else { 0 }).unwrap();
    }
    let asked = ["insight", "intent", "--csv", "-", "--target", "bought", "--json"];
    let done = place.run_with(&asked, &table);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let told: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!((&told["rows"], &told["positives"]), (&400.into(), &134.into()));
    let file = place.write("a.csv", table.as_bytes());
    let of_file = ["insight", "intent", "--csv", file.to_str().unwrap(), "--target", "bought"];
    assert_eq!(place.answer(&of_file), told);
    for wrong in ["none.csv", "."] {
        let done = place.run(&["insight", "intent", "--csv", wrong, "--target", "bought"]);
        assert_eq!(done.code, Some(1));
        assert!(done.err.contains(wrong), "{}", done.err);
    }
    assert_eq!(place.run_with(&asked, "").code, Some(1));
}

#[tokio::test]
async fn models_of_noise_are_told_to_be_no_better_than_guessing() {
    let place = Place::new(Kind::Sqlite).await;
    // Fibonacci hashing (Knuth): the upper bits of a row's number do not follow it.
    let hash = |row: u64| row.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    let told = |bought: &dyn Fn(u64, u64) -> bool| {
        let mut table = "visits,bought\n".to_owned();
        for row in 0..400_u64 {
            let visits = hash(row + 1_000) % 100;
            let bought = if bought(hash(row), visits) { "yes" } else { "no" };
            writeln!(table, "{visits},{bought}").unwrap();
        }
        let asked = ["insight", "intent", "--csv", "-", "--target", "bought"];
        let done = place.run_with(&asked, &table);
        assert_eq!(done.code, Some(0), "{}", done.err);
        done.err
    };
    let noise = told(&|chance, _| chance % 3 == 0);
    assert!(
        noise.contains("no better than guessing") && noise.contains("guessing     log loss"),
        "{noise}"
    );
    let basis = told(&|chance, visits| (visits > 50) != (chance % 5 == 0));
    assert!(basis.contains("best: ") && !basis.contains("no better than guessing"), "{basis}");
}
