//! `guanxi audience sql` and `guanxi audience export`: the statement of a definition, the same customers by it over
//! the files, files for one's own eyes, an export on record.

use super::orders::generate;
use super::place::{Kind, Place};

const DEFINITION: &str = "orders(in last 700 days) >= 1 and revenue >= 50 and bucket 1..5 of 10";

async fn a_definition_is_asked_of_the_files(kind: Kind) {
    let place = Place::new(kind).await;
    let file = generate(&place, "a.csv", 600, 7);
    place.answer(&["import", "--shop", "茶", file.to_str().unwrap()]);
    let definition = place.write("a.txt", DEFINITION.as_bytes());
    let [definition, tables] =
        [definition, place.path("tables")].map(|path| path.to_str().unwrap().to_owned());

    let counted = place.answer(&["audience", "count", "--def", &definition]);
    let told = place.answer(&["audience", "sql", "--def", &definition]);
    assert_eq!((&told["sql"], &told["text"]), (&counted["sql"], &counted["text"]));
    let plain = place.run(&["audience", "sql", "--def", &definition]);
    assert_eq!(Some(plain.out.trim()), told["sql"].as_str().map(str::trim));

    let export = ["audience", "export", "--dir", &tables];
    let run = ["audience", "sql", "--def", &definition, "--run", "--dir", &tables];
    if !cfg!(feature = "sql") {
        for refused in [&export[..], &run[..]] {
            let done = place.run(refused);
            assert_eq!(done.code, Some(1));
            assert!(done.err.contains("built without Parquet and DataFusion"), "{}", done.err);
        }
        assert!(!place.path("tables").exists());
        return;
    }
    let exported = place.answer(&export);
    assert_eq!(exported["customers"], counted["of"]);
    assert_eq!(exported["orders"], exported["lines"]);
    let found = place.answer(&run);
    assert_eq!(found["customers"], counted["customers"]);
    let (some, all) = (counted["customers"].as_u64().unwrap(), counted["of"].as_u64().unwrap());
    assert!((1..all).contains(&some), "{some} of {all}");

    #[cfg(unix)]
    for entry in std::fs::read_dir(&tables).unwrap() {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // Nothing is overwritten, and what was given out is on record once.
    let again = place.run(&export);
    assert_eq!(again.code, Some(1));
    assert!(again.err.contains("is not empty"), "{}", again.err);
    let log = place.path("log.jsonl");
    place.answer(&["audit", "export", "--out", log.to_str().unwrap()]);
    let log = std::fs::read_to_string(log).unwrap();
    let taken: Vec<&str> =
        log.lines().filter(|line| line.contains("\"customers.export\"")).collect();
    assert_eq!(taken.len(), 1);
    assert!(
        taken[0].contains("parquet") && taken[0].contains(exported["export"].as_str().unwrap())
    );
    place.verify();
}

#[tokio::test]
async fn a_definition_is_asked_of_the_files_on_sqlite() {
    a_definition_is_asked_of_the_files(Kind::Sqlite).await;
}

#[tokio::test]
async fn a_definition_is_asked_of_the_files_on_postgres() {
    a_definition_is_asked_of_the_files(Kind::Postgres).await;
}
