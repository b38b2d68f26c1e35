//! Which files run, how much is printed of them, and when a run stops.

use std::fs;
use std::path::Path;

use super::{dsql_sim, records, stderr, stdout};

const GOOD: &str = "create-cluster region=us-east-1 as=blue\n{}\n";
const WRONG: &str = "create-cluster region=us-east-1 as=blue\n{}\nexpect status == ACTIVE\n";

/// A folder with two files that pass, one that fails, and one that is no scenario.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in
        [("create/good", GOOD), ("delete/also_good", GOOD), ("delete/wrong", WRONG), ("bad", "nonsense\n")]
    {
        let path = folder.path().join(format!("all/{name}.scenario"));
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    folder
}

#[test]
fn a_filter_selects_files_by_their_path_and_reads_no_other() {
    let folder = folder();
    let run = |more: &[&str]| dsql_sim(folder.path(), &[&["run", "all"], more].concat());
    let one = run(&["--filter", "create"]);
    assert_eq!(one.status.code(), Some(0), "{}", stderr(&one));
    assert!(stdout(&one).contains("1 run, 1 passed, 0 failed"), "{}", stdout(&one));
    let either = run(&["--filter", "create/", "--filter", "also"]);
    assert!(stdout(&either).contains("2 runs, 2 passed"), "{}", stdout(&either));
    let none = run(&["--filter", "update"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(stderr(&none).contains("no scenario has `update` in its path"), "{}", stderr(&none));
}

#[test]
fn a_list_names_the_files_and_runs_none() {
    let folder = folder();
    let listed = dsql_sim(folder.path(), &["run", "all", "--list", "--filter", "delete"]);
    assert_eq!(listed.status.code(), Some(0), "{}", stderr(&listed));
    assert_eq!(stdout(&listed), "all/delete/also_good.scenario\nall/delete/wrong.scenario\n");
    let nowhere = dsql_sim(&folder.path().join("all/create"), &["run", ".", "--list", "--filter", "x"]);
    assert_eq!(nowhere.status.code(), Some(2));
}

#[test]
fn a_quiet_run_prints_failures_and_the_last_line_only() {
    let folder = folder();
    let quiet = dsql_sim(folder.path(), &["run", "-q", "all/create", "all/delete"]);
    assert_eq!(quiet.status.code(), Some(1));
    assert!(!stdout(&quiet).contains("good"), "{}", stdout(&quiet));
    assert!(stdout(&quiet).starts_with("FAIL  all/delete/wrong.scenario"), "{}", stdout(&quiet));
    assert!(stdout(&quiet).contains("3 runs, 2 passed, 1 failed"), "{}", stdout(&quiet));
    let silent = dsql_sim(folder.path(), &["run", "--quiet", "all/create"]);
    assert_eq!(stdout(&silent).lines().count(), 1, "{}", stdout(&silent));
}

#[test]
fn verbose_prints_traces_and_twice_as_verbose_every_message() {
    let folder = folder();
    let run = |more: &[&str]| stdout(&dsql_sim(folder.path(), &[&["run", "all/create"], more].concat()));
    let without_time =
        |text: String| text.lines().filter(|line| !line.starts_with("1 run")).collect::<String>();
    assert_eq!(without_time(run(&["-v"])), without_time(run(&["--trace", "milestones"])));
    assert_eq!(without_time(run(&["-vv"])), without_time(run(&["--trace", "messages"])));
    assert!(run(&["-vv"]).len() > run(&["-v"]).len());
    let seeds = run(&["-v", "--seeds", "3..5"]);
    assert!(seeds.contains("seed 3,") && seeds.contains("seed 4,"), "{seeds}");
}

#[test]
fn fail_fast_stops_at_the_first_failure_on_any_number_of_threads() {
    let folder = folder();
    let run = |jobs: &str| {
        let arguments =
            ["run", "all/delete", "--seeds", "0..20", "--fail-fast", "--format", "json", "--jobs", jobs];
        dsql_sim(folder.path(), &arguments)
    };
    let one = run("1");
    assert_eq!(one.status.code(), Some(1));
    let outcomes: Vec<_> = records(&one).iter().map(|record| record["outcome"] == "pass").collect();
    assert_eq!(outcomes, [vec![true; 20], vec![false]].concat());
    assert!(stderr(&one).contains("stopped at the first failure, after 21 of 40 runs"), "{}", stderr(&one));
    assert_eq!(stdout(&one), stdout(&run("2")));
}

#[test]
fn equal_failures_of_many_seeds_are_shown_once_and_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    // The request is lost with some seeds, so that there are two failures.
    let text =
        format!("drop ops->us-east-1 rate=50%\n{}", WRONG.replace("us-east-1 ", "us-east-1 attempts=1 "));
    fs::write(folder.path().join("wrong.scenario"), text).expect("a file");
    let output = dsql_sim(folder.path(), &["run", "wrong.scenario", "--seeds", "0..60"]);
    let shown = stdout(&output);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(shown.matches("FAIL").count(), 2, "{shown}");
    let counts: Vec<u64> = shown
        .lines()
        .filter_map(|line| {
            line.strip_prefix("wrong.scenario: ")?.split_once(" more seeds fail in the same way as seed ")
        })
        .map(|(count, _)| count.parse().expect("a count"))
        .collect();
    assert_eq!((counts.len(), counts.iter().sum::<u64>()), (2, 58), "{shown}");
    assert!(shown.ends_with(" s\n") && shown.contains("60 runs, 0 passed, 60 failed"), "{shown}");
}

#[test]
fn a_junit_report_has_a_case_for_each_run_with_seed_and_reproduce_command() {
    let folder = folder();
    let output = dsql_sim(folder.path(), &["run", "all/delete", "--seeds", "7..9", "--format", "junit"]);
    assert_eq!(output.status.code(), Some(1));
    let report = stdout(&output);
    for part in [
        "<testsuites name=\"dsql-sim run\" tests=\"4\" skipped=\"0\" failures=\"2\" errors=\"0\">",
        "<testsuite name=\"all/delete/wrong.scenario\" tests=\"2\"",
        "<testcase name=\"seed 7\" classname=\"all/delete/also_good.scenario\">",
        "<property name=\"seed\" value=\"8\"/>",
        "<property name=\"reproduce\" value=\"dsql-sim run all/delete/wrong.scenario --seed 8\"/>",
        "type=\"expectation\"",
        "all/delete/wrong.scenario:3",
        "reproduce: dsql-sim run all/delete/wrong.scenario --seed 7",
    ] {
        assert!(report.contains(part), "{part} is not in:\n{report}");
    }
    let bad = dsql_sim(folder.path(), &["run", "all/bad.scenario", "--format", "junit"]);
    assert_eq!(bad.status.code(), Some(2));
    assert!(
        stdout(&bad).contains("errors=\"1\"") && stdout(&bad).contains("unknown verb"),
        "{}",
        stdout(&bad)
    );
}

#[test]
fn colour_can_be_forced_and_forbidden() {
    let folder = folder();
    let has_colour = |more: &[&str]| {
        let output = dsql_sim(folder.path(), &[more, &["run", "all"]].concat());
        (stdout(&output) + &stderr(&output)).contains('\u{1b}')
    };
    assert!(has_colour(&["--color", "always"]));
    assert!(!has_colour(&["--color", "never"]));
    assert!(!has_colour(&[]));
}

#[test]
fn completions_and_man_pages_cover_every_command() {
    let run = |arguments: &[&str]| dsql_sim(Path::new("."), arguments);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = stdout(&run(&["completions", shell]));
        for word in
            ["sweep", "fail-fast", "protection-ignored"].iter().take(if shell == "bash" { 2 } else { 1 })
        {
            assert!(script.contains(word), "{shell} does not complete {word}");
        }
    }
    assert_eq!(run(&["completions", "cmd"]).status.code(), Some(2));
    let page = stdout(&run(&["man"]));
    assert!(page.contains(".TH dsql-sim 1") && page.contains("dsql\\-sim\\-sweep(1)"), "{page}");
    assert!(stdout(&run(&["man", "run"])).contains("\\-\\-fail\\-fast"));
    let unknown = run(&["man", "walk"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("unknown command `walk`"), "{}", stderr(&unknown));
}

#[test]
fn help_knows_every_command_and_names_all_topics_otherwise() {
    let run = |topic: &str| dsql_sim(Path::new("."), &["help", topic]);
    for topic in ["run", "sweep", "shrink", "decide", "completions", "man", "help", "scenario", "report"] {
        assert_eq!(run(topic).status.code(), Some(0), "{topic}");
    }
    assert!(stdout(&run("decide")).contains("identity_policies"), "{}", stdout(&run("decide")));
    let unknown = stderr(&run("elsewhere"));
    assert!(unknown.contains("unknown help topic `elsewhere`"), "{unknown}");
    assert!(unknown.contains("permissions") && unknown.contains("scenario"), "{unknown}");
}

#[test]
fn help_has_a_page_for_each_verb_operation_and_switch() {
    let help = |topic: &[&str]| dsql_sim(Path::new("."), &[&["help"], topic].concat());
    for (topic, part) in [
        (&["drop"][..], "### `drop`"),
        (&["create-stream"], "[CLIENT:] OPERATION region=REGION"),
        (&["token_window"], "assume token_window=VALUE"),
        (&["scenario", "run"], "### `run`"),
        (&["run"], "dsql-sim help scenario run"),
    ] {
        let page = help(topic);
        assert_eq!(page.status.code(), Some(0), "{topic:?}");
        assert!(stdout(&page).contains(part), "{topic:?}: {}", stdout(&page));
        assert!(stdout(&page).lines().count() < 120, "{topic:?} is one page");
    }
    for (topic, part) in [
        (&["dorp"][..], "did you mean `drop`?"),
        (&["scenario", "dorp"], "did you mean `drop`?"),
        (&["scenario", "elsewhere"], "`dsql-sim help scenario` lists the verbs and switches"),
        (&["run", "drop"], "only `help scenario` has entries"),
    ] {
        let refused = help(topic);
        assert_eq!((refused.status.code(), &*stdout(&refused)), (Some(2), ""), "{topic:?}");
        assert!(stderr(&refused).contains(part), "{topic:?}: {}", stderr(&refused));
    }
}

#[test]
fn the_colour_of_a_refused_command_line_is_chosen_too() {
    let is_coloured = |arguments: &[&str]| {
        let output = dsql_sim(Path::new("."), arguments);
        [stdout(&output), stderr(&output)].concat().contains('\u{1b}')
    };
    assert!(is_coloured(&["run", "--colour", "--color", "always"]));
    assert!(is_coloured(&["--help", "--color=always"]));
    assert!(!is_coloured(&["run", "--colour"]), "standard error is a pipe");
    assert!(!is_coloured(&["run", "--colour", "--", "--color", "always"]), "no option behind two dashes");
}
