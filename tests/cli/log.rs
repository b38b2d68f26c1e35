//! `--log` and `RUST_LOG`: which lines they select, at which time, and how a bad filter is refused.

use std::fs;
use std::path::Path;
use std::process::Output;

use super::{command, dsql_sim, stderr, stdout};

/// A response is lost, and the second attempt gets the recorded one ten virtual seconds later.
const RETRY: &str = "seed 7\nregions east=us-east-1\ndrop east->ops CreateCluster.response times=1\n\
                     create-cluster region=east as=blue\n{}\nexpect outcome ok\n";

fn run(scenario: &str, arguments: &[&str], variable: Option<&str>) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("a.scenario"), scenario).expect("a file");
    let mut command = command(folder.path());
    command.args(["run", "a.scenario", "--jobs", "1"]).args(arguments);
    command.envs(variable.map(|filter| ("RUST_LOG", filter)));
    command.output().expect("it runs")
}

/// The lines without their fields.
fn lines(output: &Output) -> Vec<String> {
    let text = stderr(output);
    text.lines().map(|line| line.split(" seed=").next().expect("a line").to_owned()).collect()
}

#[test]
fn a_line_has_the_simulated_time_and_the_text_of_the_trace() {
    let output = run(RETRY, &["--log", "info", "--trace", "milestones"], None);
    let (lines, shown) = (lines(&output), stdout(&output));
    let trace: Vec<_> = shown.lines().filter(|line| line.starts_with("  ")).collect();
    assert_eq!(lines.len(), 9, "{lines:?}");
    for (line, traced) in lines.iter().zip(&trace) {
        let (time, rest) = line.split_at(8);
        let (head, text) = rest.split_once(": ").expect("a target and a text");
        assert!([" WARN", " INFO"].contains(&&head[1..6]) && head.contains(" dsql_sim::"), "{line}");
        assert!(traced.contains(time) && traced.ends_with(&format!(" {text}")), "{line} is not {traced}");
    }
    assert_eq!(lines.len(), trace.len(), "{shown}");
    assert!(lines[3].contains("WARN dsql_sim::network: sends CreateCluster.response (attempt 1) to ops"));
    assert!(lines[7].contains("INFO dsql_sim::client: CreateCluster ok CREATING"));
}

#[test]
fn a_filter_selects_targets_and_levels_and_the_option_wins_over_the_variable() {
    for (arguments, variable, expected) in [
        (&[][..], None, 0),
        (&[], Some(""), 0),
        (&[], Some("dsql_sim::client"), 4),
        (&[], Some("hyper=debug, dsql_sim::client=info"), 3),
        (&["--log", "warn"], Some("trace"), 3),
        (&["--log", "off"], Some("trace"), 0),
        (&["--log", "warn,dsql_sim::fault=off"], None, 1),
        (&["--log", "dsql_sim::witness=trace"], None, 0),
    ] {
        let lines = lines(&run(RETRY, arguments, variable));
        assert_eq!(lines.len(), expected, "{arguments:?} {variable:?}: {lines:?}");
    }
}

#[test]
fn a_bad_filter_is_refused_with_what_a_filter_looks_like() {
    let levels = "off, error, warn, info, debug, trace";
    for (arguments, variable, parts) in [
        (&["--log", "loud"][..], None, ["`loud`", levels, "--log <FILTER>", "dsql_sim::control_plane"]),
        (&["--log", "a=loud"], None, ["`a=loud`", levels, "--log <FILTER>", "dsql_sim::witness=debug"]),
        (&["--log", "info,"], None, ["``", levels, "--log <FILTER>", "TARGET=LEVEL"]),
        (&["--log", "debug=info"], None, ["--log <FILTER>", "dsql_sim::server", levels, "dsql_sim::check"]),
        (&[], Some("warn,a=loud"), ["`a=loud`", levels, "the variable RUST_LOG", "TARGET=LEVEL"]),
    ] {
        let output = run(RETRY, arguments, variable);
        assert_eq!((output.status.code(), &*stdout(&output)), (Some(2), ""), "{arguments:?}");
        for part in parts {
            assert!(stderr(&output).contains(part), "{part} is not in: {}", stderr(&output));
        }
    }
}

#[test]
fn a_violation_is_an_error_and_a_second_run_for_its_trace_is_not_logged() {
    let text = "mutant protection-ignored\ncreate-cluster region=us-east-1 as=blue\n{}\nrun until=quiet\n\
                delete-cluster region=us-east-1\n{ \"identifier\": \"$blue.identifier\" }\n";
    let output = run(text, &["--log", "error"], None);
    assert_eq!(output.status.code(), Some(1));
    let lines = stderr(&output);
    assert_eq!(lines.lines().count(), 1, "{lines}");
    assert!(
        lines
            .contains(" ERROR dsql_sim::check: arn:aws:dsql:us-east-1:111122223333:cluster/blue is DELETING"),
        "{lines}"
    );
    assert!(lines.contains("invariant=\"protected-not-deleted\""), "{lines}");
}

#[test]
fn the_lines_of_several_threads_stay_whole() {
    let sweep = |jobs| {
        let arguments = ["sweep", "--seeds", "0..60", "--log", "debug", "--jobs", jobs];
        let text = stderr(&dsql_sim(Path::new("."), &arguments));
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let one = sweep("1");
    assert!(one.len() > 1_000, "{} lines", one.len());
    assert_eq!(one, sweep("4"));
}

#[test]
fn colour_follows_the_option_and_the_terminal() {
    let coloured = |arguments: &[&str]| stderr(&run(RETRY, arguments, None)).contains('\u{1b}');
    assert!(coloured(&["--log", "warn", "--color", "always"]));
    assert!(!coloured(&["--log", "warn"]), "standard error is a pipe");
}

#[test]
fn the_documentation_names_every_target() {
    let refusal = stderr(&run(RETRY, &["--log", "nothing"], None));
    let (_, targets) = refusal.split_once("a target (").expect("the targets");
    let page = include_str!("../../docs/library.md");
    let targets: Vec<_> = targets.split(')').next().expect("a list").split(", ").collect();
    assert_eq!(targets.len(), 7);
    for target in targets {
        assert!(page.contains(&format!("| `{target}` |")), "docs/library.md lacks {target}");
    }
}
