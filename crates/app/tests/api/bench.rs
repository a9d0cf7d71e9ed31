//! `guanxi bench spine` at a small size: what it tells, not how fast this machine is.

use std::process::Command;

use serde_json::Value;

const GUANXI: &str = env!("CARGO_BIN_EXE_guanxi");

#[test]
fn the_spine_is_measured_on_both_databases() {
    let place = tempfile::tempdir().unwrap();
    let scratch = place.path().join("scratch");
    let size = ["--orders", "1000", "--customers", "300", "--rounds", "1"];
    let output = Command::new(GUANXI)
        .args(["bench", "spine", "--json", "--list-seconds", "0.03", "--scratch"])
        .arg(&scratch)
        .args(size)
        // Where there is no script that opens a browser.
        .current_dir(place.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    let figures = answer["figures"].as_array().unwrap();
    let mut missed = false;
    for figure in figures {
        let value = figure["value"].as_f64().unwrap();
        assert!(value.is_finite() && value > 0.0, "{figure}");
        match figure["goal"].as_f64() {
            Some(goal) => assert_eq!(figure["ok"], value <= goal, "{figure}"),
            None => assert_eq!(figure["ok"], Value::Null, "{figure}"),
        }
        assert!(figure["rounds"].as_u64() >= Some(1), "{figure}");
        missed |= figure["ok"] == false;
    }
    assert_eq!(output.status.code(), Some(i32::from(missed)), "{said}");

    let unit = |name: &str| {
        let figure = figures.iter().find(|figure| figure["name"] == name);
        figure.unwrap_or_else(|| panic!("{name} is missing\n{said}"))["unit"].as_str().unwrap()
    };
    for on in ["sqlite", "postgres"] {
        for (name, expected) in [
            ("import_1k_ON_seconds", "s"),
            ("rfm_ready_1k_ON_seconds", "s"),
            ("import_1k_ON_peak_rss_mib", "MiB"),
            ("second_import_1k_ON_per_row_ratio", "×"),
            ("import_one_row_in_process_ON_ms", "ms"),
            ("import_one_row_upload_ON_ms", "ms"),
            ("engine_load_300_ON_seconds", "s"),
            ("rfm_cube_300_ON_ms", "ms"),
            ("server_ready_300_ON_seconds", "s"),
            ("list_first_page_300_ON_p95_ms", "ms"),
            ("list_worst_filter_300_ON_p95_ms", "ms"),
            ("list_worst_sort_300_ON_p95_ms", "ms"),
            ("list_depth_300_ON_p95_ms", "ms"),
            ("list_search_300_ON_p95_ms", "ms"),
        ] {
            assert_eq!(unit(&name.replace("ON", on)), expected, "{name}");
        }
    }
    assert_eq!(unit("engine_memory_300_mib"), "MiB");
    let left: Vec<_> = std::fs::read_dir(&scratch).unwrap().collect();
    assert!(left.is_empty(), "files of the measurement are left: {left:?}");
}

#[test]
fn one_area_can_be_measured_alone() {
    let place = tempfile::tempdir().unwrap();
    let output = Command::new(GUANXI)
        .args(["bench", "spine", "--only", "engine", "--customers", "300", "--rounds", "1"])
        .args(["--json", "--scratch"])
        .arg(place.path().join("scratch"))
        .env_remove("GUANXI_TEST_POSTGRES")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    let names: Vec<_> = answer["figures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|figure| figure["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "engine_load_300_sqlite_seconds",
            "rfm_cube_300_sqlite_ms",
            "engine_loaded_300_sqlite_mib",
            "engine_memory_300_mib",
            "engine_page_p95_300_ms"
        ]
    );
    let left_out = answer["left_out"].as_array().unwrap();
    assert!(left_out[0].as_str().unwrap().contains("GUANXI_TEST_POSTGRES"), "{left_out:?}");
}

#[test]
fn a_mixed_load_is_measured_on_both_databases() {
    let place = tempfile::tempdir().unwrap();
    let scratch = place.path().join("scratch");
    let size = ["--customers", "100", "--orders", "300", "--rounds", "1", "--per-second", "20"];
    let output = Command::new(GUANXI)
        .args(["bench", "load", "--json", "--seconds", "1", "--scratch"])
        .arg(&scratch)
        .args(size)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    let figures = answer["figures"].as_array().unwrap();
    for on in ["sqlite", "postgres"] {
        for percent in [50, 95, 99] {
            let name = format!("load_20_mixed_100_{on}_p{percent}_ms");
            let figure = figures.iter().find(|figure| figure["name"] == *name);
            let figure = figure.unwrap_or_else(|| panic!("{name} is missing\n{said}"));
            assert!(figure["value"].as_f64() > Some(0.0), "{figure}");
            assert_eq!(figure["goal"].is_null(), percent != 99, "{figure}");
        }
    }
    assert_eq!(
        answer["left_out"].as_array().unwrap().len(),
        0,
        "every request was answered: {said}"
    );
    assert_eq!(std::fs::read_dir(&scratch).unwrap().count(), 0, "nothing is left");
}
