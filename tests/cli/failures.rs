//! How a failure is printed, and that its reproduce command leads to the same failure.

use std::fs;
use std::path::Path;

use super::{command, dsql_sim, records, stderr, stdout};

#[test]
fn an_expectation_that_does_not_hold_exits_with_one_and_shows_the_observed_value() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "create-cluster region=us-east-1 as=blue\n{}\nexpect status == ACTIVE\n";
    fs::write(folder.path().join("wrong.scenario"), text).expect("a file");
    let output = dsql_sim(folder.path(), &["run", "wrong.scenario"]);
    assert_eq!(output.status.code(), Some(1));
    let shown = stdout(&output);
    for part in [
        "expectation: expected status ACTIVE, got CREATING",
        "wrong.scenario:3:1",
        "reproduce: dsql-sim run wrong.scenario",
    ] {
        assert!(shown.contains(part), "{part} is not in:\n{shown}");
    }
}

/// The test that replay tools tend to lose: run, fail, take the printed command, run it, meet the same failure.
#[test]
fn the_reproduce_command_leads_to_the_same_violation() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "mutant protection-ignored\ncreate-cluster region=us-east-1 as=blue\n{}\nrun until=quiet\n\
                delete-cluster region=us-east-1\n{ \"identifier\": \"$blue.identifier\" }\n";
    fs::write(folder.path().join("planted.scenario"), text).expect("a file");
    let first = records(&dsql_sim(
        folder.path(),
        &["run", "planted.scenario", "--seeds", "40..43", "--format", "json"],
    ));
    assert_eq!(first.len(), 3);
    for record in first {
        assert_eq!(record["invariant"], "protected-not-deleted");
        let command = record["reproduce"].as_str().expect("a command");
        let arguments: Vec<&str> = command.split(' ').skip(1).chain(["--format", "json"]).collect();
        let again = records(&dsql_sim(folder.path(), &arguments)).remove(0);
        for member in ["seed", "outcome", "invariant", "message", "hash", "events", "virtual_ms"] {
            assert_eq!(again[member], record[member], "{member}");
        }
    }
}

#[test]
fn a_failure_shows_the_trace_lines_before_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let update = "get-cluster region=us-east-1\n{ \"identifier\": \"$blue.identifier\" }\n".repeat(10);
    let text = format!(
        "drop us-east-1<->us-west-2\ncreate-cluster region=us-east-1 as=blue\n{update}\
         at +1ms crash us-east-1\nadvance 10ms\n\
         parallel\nlist-clusters region=us-east-1 as=list\nexpect list.clusters.length == 2\n"
    );
    fs::write(folder.path().join("wrong.scenario"), &text).expect("a file");
    for arguments in [&["--seeds", "4..5"][..], &[]] {
        let output = dsql_sim(folder.path(), &[&["run", "wrong.scenario"], arguments].concat());
        let shown = stdout(&output);
        let lines: Vec<&str> = shown.lines().skip_while(|line| !line.contains("before it:")).collect();
        assert!(lines.get(1).is_some_and(|line| line.contains("lines before")), "{shown}");
        let indented = lines[2..].iter().take_while(|line| line.starts_with("    ")).count();
        assert_eq!(indented, 15, "{shown}");
        assert!(shown.contains("crash us-east-1"), "{shown}");
    }
    let whole = stdout(&dsql_sim(folder.path(), &["run", "wrong.scenario", "--trace", "milestones"]));
    assert!(!whole.contains("before it:"), "{whole}");
}

#[test]
fn a_waiter_that_timed_out_shows_the_statuses_it_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "create-cluster region=us-east-1 as=blue\n\
                { \"multiRegionProperties\": { \"witnessRegion\": \"us-west-2\" } }\n\
                wait cluster-active region=us-east-1\n{ \"identifier\": \"$blue.identifier\" }\nexpect outcome ok\n";
    fs::write(folder.path().join("wrong.scenario"), text).expect("a file");
    let shown = stdout(&dsql_sim(folder.path(), &["run", "wrong.scenario"]));
    assert!(shown.contains("the waiter last read: PENDING_SETUP, 60 times"), "{shown}");
    assert!(shown.contains("timed out: saw PENDING_SETUP, 60 times"), "{shown}");
}

#[test]
fn two_processes_and_any_number_of_threads_give_equal_hashes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let run = |jobs: &str| {
        let arguments = ["run", "scenarios", "--seeds", "0..5", "--format", "json", "--jobs", jobs];
        stdout(&dsql_sim(root, &arguments))
    };
    let one = run("1");
    assert!(one.lines().count() > 5);
    assert_eq!(one, run("2"));
}

#[test]
fn determinism_is_checked_and_found() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = dsql_sim(root, &["run", "scenarios", "--seeds", "0..5", "--check-determinism"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("no difference, 0 failed"), "{}", stdout(&output));
    let folder = tempfile::tempdir().expect("a folder");
    let text = "create-cluster region=us-east-1 as=blue\n{}\nexpect status == ACTIVE\n";
    fs::write(folder.path().join("wrong.scenario"), text).expect("a file");
    let output =
        dsql_sim(folder.path(), &["run", "wrong.scenario", "--seeds", "0..5", "--check-determinism"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stdout(&output).matches("FAIL").count(), 1, "{}", stdout(&output));
    assert!(
        stdout(&output).contains("4 more seeds fail in the same way as seed 0: 1, 2, 3, 4"),
        "{}",
        stdout(&output)
    );
    assert!(stdout(&output).contains("no difference, 5 failed"), "{}", stdout(&output));
}

#[test]
fn a_trace_that_differs_fails_and_rewrite_records_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("old.scenario");
    fs::write(&path, "create-cluster region=us-east-1 as=blue\n{}\n----\n   0.000 nothing like it\n")
        .expect("a file");
    let output = dsql_sim(folder.path(), &["run", "old.scenario"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stdout(&output).contains("recorded-trace: expected `   0.000 nothing like it`"),
        "{}",
        stdout(&output)
    );
    assert_eq!(dsql_sim(folder.path(), &["run", "old.scenario", "--rewrite"]).status.code(), Some(0));
    assert_eq!(dsql_sim(folder.path(), &["run", "old.scenario"]).status.code(), Some(0));
    assert!(fs::read_to_string(&path).expect("the file").contains("blue CREATING"));
}

#[test]
fn rewrite_refuses_in_ci_and_when_something_does_not_hold() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("wrong.scenario");
    let text = "create-cluster region=us-east-1 as=blue\n{}\nexpect status == ACTIVE\n";
    fs::write(&path, text).expect("a file");
    assert_eq!(dsql_sim(folder.path(), &["run", "wrong.scenario", "--rewrite"]).status.code(), Some(1));
    assert_eq!(fs::read_to_string(&path).expect("the file"), text);
    let in_ci =
        command(folder.path()).args(["run", "wrong.scenario", "--rewrite"]).env("CI", "true").output();
    let in_ci = in_ci.expect("it runs");
    assert_eq!(in_ci.status.code(), Some(2));
    assert!(stderr(&in_ci).contains("refused when CI is set"), "{}", stderr(&in_ci));
}
