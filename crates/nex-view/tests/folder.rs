//! From a run folder to its report.

mod fixture;

use expect_test::{Expect, expect};
use nex_trajectory::Episode;
use nex_trajectory::store::Store;
use nex_view::write_report;
use std::fs;
use std::path::Path;

/// A whole run folder with the episodes of `numbers`, in that order.
fn run_folder(dir: &Path, numbers: impl Iterator<Item = u32>) {
    let episodes: Vec<Episode> = numbers.map(fixture::episode).collect();
    let mut in_order = episodes.clone();
    in_order.sort_by(|a, b| a.id.cmp(&b.id));
    let write = |name: &str, text: String| fs::write(dir.join(name), text).expect("a writable folder");
    write("run.json", serde_json::to_string_pretty(&fixture::manifest()).expect("serialises"));
    write("metrics.json", serde_json::to_string(&fixture::metrics(&in_order)).expect("serialises"));
    write("topology.json", serde_json::to_string(&fixture::report(0).topology).expect("serialises"));
    let (store, _) = Store::<Episode>::open(dir.join("episodes")).expect("a new store");
    for episode in &episodes {
        store.append(episode).expect("a writable store");
    }
}

fn report(dir: &Path) -> String {
    fs::read_to_string(write_report(dir).expect("a whole run folder")).expect("a written report")
}

#[test]
fn a_run_of_a_thousand_gives_a_small_page_of_all_kinds_in_any_order() {
    let (forward, backward) =
        (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    run_folder(forward.path(), 0..1_000);
    run_folder(backward.path(), (0..1_000).rev());
    let html = report(forward.path());
    assert!(html.len() < 5_000_000, "{} bytes", html.len());
    assert!(html == report(backward.path()), "the order in which episodes finished changes the report");
    assert!(html.contains("72 of 1,000 episodes"));
    for kind in [
        "data-outcome=\"success\"",
        "data-outcome=\"failure\"",
        "data-outcome=\"infra\"",
        "data-harness=\"team\"",
    ] {
        assert!(html.contains(kind), "{kind}");
    }
    for (world, ..) in fixture::WORLDS {
        assert!(html.contains(&format!("data-world=\"{world}\"")), "{world}");
    }
    assert!(!forward.path().join("report.html.partial").exists());
}

#[test]
fn damaged_records_are_passed_over_and_counted() {
    let dir = tempfile::tempdir().expect("a folder");
    run_folder(dir.path(), 0..20);
    let segment = fs::read_dir(dir.path().join("episodes"))
        .expect("a store")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.extension().is_some_and(|end| end == "jsonl"))
        .expect("a segment");
    let text = fs::read_to_string(&segment).expect("a text");
    let damaged = text.replacen("policy", "polixy", 1);
    assert_ne!(text, damaged);
    fs::write(&segment, damaged).expect("a writable segment");
    let html = report(dir.path());
    assert!(html.contains("1 damaged record in episodes/ was passed over"), "says so");
    assert!(html.contains("19 of 19 episodes"));
}

fn check(break_it: impl Fn(&Path), expected: Expect) {
    let dir = tempfile::tempdir().expect("a folder");
    run_folder(dir.path(), 0..2);
    break_it(dir.path());
    let error = write_report(dir.path()).expect_err("there is no report of a broken folder");
    expected.assert_eq(&error.to_string().replace(&dir.path().display().to_string(), "RUN"));
}

#[test]
fn errors_name_the_file_and_the_way_out() {
    check(
        |dir| fs::remove_dir_all(dir).expect("was there"),
        expect![
            "RUN is no folder; `nex demo --out DIR` or `nex synth RECIPE.yaml --out DIR` makes a run folder"
        ],
    );
    check(
        |dir| fs::remove_file(dir.join("run.json")).expect("was there"),
        expect![
            "RUN/run.json is missing: what the run was asked to do; is this a run folder? `nex demo --out DIR` or `nex synth RECIPE.yaml --out DIR` makes one"
        ],
    );
    check(
        |dir| fs::remove_file(dir.join("metrics.json")).expect("was there"),
        expect![
            "RUN/metrics.json is missing: the figures of the run; run the command that made the folder again: it goes on where it stopped and writes this file at its end"
        ],
    );
    check(
        |dir| fs::write(dir.join("topology.json"), "{\"agents\": [],\n \"worlds\": 3}").expect("writable"),
        expect![
            "RUN/topology.json, line 2, column 12: invalid type: integer `3`, expected a sequence; run the command that made the folder again: it goes on where it stopped and writes this file at its end"
        ],
    );
    check(
        |dir| {
            let text = fs::read_to_string(dir.join("run.json")).expect("was there");
            fs::write(dir.join("run.json"), text.replace("\"version\": 1", "\"version\": 9"))
                .expect("writable");
        },
        expect![
            "RUN/run.json is of version 9, this nex reads up to 1; view it with the nex that wrote it, or a newer one"
        ],
    );
}
