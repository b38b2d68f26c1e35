//! Input and output: standard input, exit codes, generated pages, JSON, colour, the lists of mutants.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use dsql_sim::internals::scenario::verbs::{Chapter, Verb};
use serde_json::Value;

use super::{command, dsql_sim, records, stderr, stdout};

#[test]
fn bad_usage_exits_with_two() {
    for arguments in [&["run"][..], &["run", "x", "--seeds", "9..3"], &["walk"], &["help", "nothing"]] {
        assert_eq!(dsql_sim(Path::new("."), arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn a_reader_that_goes_away_changes_no_exit_code() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = "create-cluster region=us-east-1 as=blue\n{}\n";
    fs::write(folder.path().join("good.scenario"), good).expect("a file");
    fs::write(folder.path().join("wrong.scenario"), format!("{good}expect status == ACTIVE\n"))
        .expect("a file");
    fs::write(folder.path().join("bad.scenario"), "make-cluster\n").expect("a file");
    fs::write(folder.path().join("idle.scenario"), "list-clusters region=us-east-1\n").expect("a file");
    for (arguments, code) in [
        (&["run", "good.scenario", "--trace", "messages"][..], 0),
        (&["run", "wrong.scenario", "--trace", "messages"], 1),
        (&["run", "good.scenario", "wrong.scenario", "--format", "json"], 1),
        (&["run", "wrong.scenario", "--seeds", "0..100"], 1),
        (&["run", "good.scenario", "--seeds", "0..9", "--check-determinism"], 0),
        (&["run", "bad.scenario"], 2),
        (&["sweep", "--seeds", "0..50"], 0),
        (&["sweep", "--seeds", "0..100", "--mutant", "protection-ignored"], 1),
        (&["sweep", "--seeds", "0..20", "--require-coverage"], 1),
        (&["shrink", "wrong.scenario"], 1),
        (&["shrink", "good.scenario"], 2),
        (&["generate", "7"], 0),
        (&["permissions", "good.scenario"], 0),
        (&["permissions", "wrong.scenario"], 1),
        (&["mutants"], 0),
        (&["mutants", "--matrix", "good.scenario"], 0),
        (&["mutants", "--matrix", "idle.scenario"], 1),
        (&["mutants", "--search", "--only", "protection-ignored"], 0),
        (&["mutants", "--search", "--only", "protection-ignored", "--most", "1"], 1),
        (&["help"], 0),
        (&["help", "scenario"], 0),
        (&["help", "nothing"], 2),
        (&["--help"], 0),
        (&["walk"], 2),
    ] {
        let mut child = command(folder.path())
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        drop((child.stdout.take(), child.stderr.take()));
        assert_eq!(child.wait().expect("it ends").code(), Some(code), "{arguments:?}");
    }
}

#[test]
fn a_scenario_is_taken_from_standard_input_and_never_written_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |arguments: &[&str], text: &str| {
        let mut command = command(folder.path());
        let running =
            command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = running.spawn().expect("the binary runs");
        let mut input = running.stdin.take().expect("a pipe");
        // A command that refuses its arguments reads nothing.
        let _ = input.write_all(text.as_bytes());
        drop(input);
        running.wait_with_output().expect("it ends")
    };
    let good = run(&["run", "-"], "list-clusters region=us-east-1\nexpect outcome ok\n");
    assert_eq!(good.status.code(), Some(0), "{}", stderr(&good));
    let bad = run(&["run", "-"], "list-cluster region=us-east-1\n");
    assert_eq!(bad.status.code(), Some(2));
    assert!(stderr(&bad).contains("-:1:1"), "{}", stderr(&bad));
    let rewrite = run(&["run", "-", "--rewrite"], "list-clusters region=us-east-1\n");
    assert_eq!(rewrite.status.code(), Some(2));
    assert!(stderr(&rewrite).contains("standard input cannot be written"), "{}", stderr(&rewrite));
}

#[test]
fn colour_is_for_terminals_only() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("one.scenario"), "create-cluster region=us-east-1\n{}\n").expect("a file");
    assert!(!stdout(&dsql_sim(folder.path(), &["run", "one.scenario"])).contains('\u{1b}'));
    assert!(!stderr(&dsql_sim(folder.path(), &["run", "none.scenario"])).contains('\u{1b}'));
}

#[test]
fn every_json_record_fits_the_schema() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let schema: Value = serde_json::from_str(&stdout(&dsql_sim(root, &["help", "run-json"]))).expect("JSON");
    let known = schema["properties"].as_object().expect("an object's schema");
    let required: Vec<&str> =
        schema["required"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    for record in records(&dsql_sim(root, &["run", "scenarios", "--format", "json"])) {
        let record = record.as_object().expect("an object").clone();
        assert!(record.keys().all(|member| known.contains_key(member)));
        assert!(required.iter().all(|member| record.contains_key(*member)));
        assert_eq!(record["outcome"], "pass");
        assert_eq!(record["hash"].as_str().expect("a hash").len(), 16);
    }
}

#[test]
fn the_reference_page_is_what_help_prints() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    assert_page(root, "docs/scenario-files.md", &stdout(&dsql_sim(root, &["help", "scenario"])));
    let faults = fs::read_to_string(root.join("docs/faults.md")).expect("the page of faults");
    let (introduction, _) = faults.split_once(FAULTS).expect("the heading of the table");
    assert_page(root, "docs/faults.md", &format!("{introduction}{FAULTS}{}", table_of_faults()));
}

/// The heading in `docs/faults.md` behind which the page is generated.
const FAULTS: &str = "## Every fault\n\n";

/// The verbs of faults, each with its forms and the first sentence of its meaning.
fn table_of_faults() -> String {
    let mut table = "| verb | form | meaning |\n|---|---|---|\n".to_owned();
    for verb in Verb::ALL.iter().filter(|verb| verb.chapter() == Chapter::Faults) {
        let name = verb.name();
        let forms: Vec<_> =
            verb.usage().lines().map(|form| format!("`{}`", form.replace('|', "\\|"))).collect();
        let meaning = verb.meaning().replace('\n', " ");
        let first = meaning.split_inclusive(". ").next().unwrap_or_default().trim();
        let row = format!("| [`{name}`](scenario-files.md#{name}) | {} | {first} |\n", forms.join("<br>"));
        table.push_str(&row);
    }
    table
}

#[test]
fn the_page_of_evidence_is_generated_from_the_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut assumptions = BTreeMap::new();
    for entry in fs::read_dir(root.join("scenarios/assumptions")).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
        assumptions.insert(name, fs::read_to_string(path).expect("a scenario"));
    }
    assert_page(root, "docs/fidelity.md", &dsql_sim::internals::fidelity::markdown(&assumptions));
}

#[test]
fn mutants_are_listed_with_what_must_catch_them() {
    let shown = stdout(&dsql_sim(Path::new("."), &["mutants"]));
    for mutant in dsql_sim::internals::control::mutant::Mutant::ALL {
        assert!(shown.contains(mutant.name()), "{mutant}");
    }
}

#[test]
fn a_matrix_complains_of_a_scenario_that_no_planted_bug_fails() {
    let folder = tempfile::tempdir().expect("a folder");
    let (good, idle) = ("create-cluster region=us-east-1\n", "list-clusters region=us-east-1\n");
    let documents = "# No planted bug is aimed at this: it documents\n# what a call is.\n\n";
    for (text, code, shows, complains) in [
        (good.to_owned(), 0, "reply-before-persist (acknowledged-is-durable)", ""),
        (idle.to_owned(), 1, "one.scenario: no mutant\n", "error: one.scenario is vacuous"),
        (format!("{documents}{idle}"), 0, "one.scenario: no mutant\n", ""),
        (
            format!("{documents}{good}"),
            1,
            "reply-before-persist",
            "by acknowledged-is-durable: remove the comment",
        ),
    ] {
        fs::write(folder.path().join("one.scenario"), &text).expect("a file");
        let output = dsql_sim(folder.path(), &["mutants", "--matrix", "one.scenario"]);
        assert_eq!(output.status.code(), Some(code), "{text}{}", stderr(&output));
        assert!(stdout(&output).contains(shows), "{shows} is not in:\n{}", stdout(&output));
        let complaints = stderr(&output);
        assert!(complaints.contains(complains), "{complains} is not in:\n{complaints}");
        assert_eq!(complaints.is_empty(), complains.is_empty(), "{complaints}");
    }
}

#[test]
fn the_page_of_mutants_has_a_line_for_each() {
    let page =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/mutants.md")).expect("a page");
    let named: Vec<&str> =
        page.lines().filter_map(|line| line.strip_prefix("| ")?.split_whitespace().next()).skip(1).collect();
    let known: Vec<&str> =
        dsql_sim::internals::control::mutant::Mutant::ALL.iter().map(|mutant| mutant.name()).collect();
    assert_eq!(named, known, "`dsql-sim mutants --measure` prints the table anew");
}

/// Compares a page of the repository with what it is generated from; `REWRITE=1` writes it.
#[expect(clippy::disallowed_methods, reason = "REWRITE is how a person speaks to this test")]
fn assert_page(root: &Path, page: &str, generated: &str) {
    if std::env::var_os("REWRITE").is_some() {
        fs::write(root.join(page), generated).expect("a page");
    }
    let kept = fs::read_to_string(root.join(page)).expect("the page is in the repository");
    assert_eq!(kept, generated, "{page} is not what it is generated from: REWRITE=1 writes it");
}
