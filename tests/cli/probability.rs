//! `probability`: the curve of a run that fails, and its refusals.

use std::fs;

use super::{dsql_sim, stderr, stdout};

const FAILING: &str = "seed 7
create-cluster region=us-east-1 as=blue
{}
create-cluster region=us-east-1 as=green
{}
expect clusters in us-east-1 == 1
";

#[test]
fn the_curve_is_the_same_on_one_thread_and_on_many() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("two.scenario"), FAILING).expect("a file");
    let arguments = ["probability", "two.scenario", "--futures", "50", "--format", "json"];
    let curve = |jobs: &str| {
        let output = dsql_sim(folder.path(), &[&arguments[..], &["--jobs", jobs]].concat());
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        stdout(&output)
    };
    let one = curve("1");
    assert_eq!(one, curve("3"));
    let points: Vec<serde_json::Value> = serde_json::from_str(&one).expect("an array");
    let last = points.last().expect("a point");
    assert_eq!((&last["failed"], &last["of"]), (&50.into(), &50.into()));
    assert!(points.iter().all(|point| point["event"].is_u64() && point["at"].is_u64()));
}

#[test]
fn a_run_that_passes_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("good.scenario"), FAILING.replace("== 1", "== 2")).expect("a file");
    let output = dsql_sim(folder.path(), &["probability", "good.scenario", "--seed", "3"]);
    assert_eq!(output.status.code(), Some(2));
    let expected = "error: good.scenario does not fail with seed 3: there is no failure to explain\n";
    assert_eq!(stderr(&output), expected);
    assert_eq!(stdout(&output), "");
}

#[test]
fn bad_and_empty_files_and_folders_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("empty.scenario"), "").expect("a file");
    fs::write(folder.path().join("bad.scenario"), "create-clutser\n").expect("a file");
    for (name, expected) in [
        ("empty.scenario", "the scenario is empty"),
        ("bad.scenario", "unknown verb"),
        ("missing.scenario", "cannot read missing.scenario"),
        (".", "bad.scenario:1:1"),
    ] {
        let output = dsql_sim(folder.path(), &["probability", name]);
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(stderr(&output).contains(expected), "{name}: {}", stderr(&output));
    }
    fs::remove_file(folder.path().join("empty.scenario")).expect("it is removed");
    fs::write(folder.path().join("bad.scenario"), FAILING).expect("a file");
    fs::write(folder.path().join("other.scenario"), FAILING).expect("a file");
    let output = dsql_sim(folder.path(), &["probability", "."]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(stderr(&output), "error: . is a directory of several scenarios: name one file\n");
}
