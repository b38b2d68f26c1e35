//! Searching, joining, and making small what was found.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use dsql_sim::Scenario;
use dsql_sim::internals::control::mutant::{Mutant, Mutants};
use dsql_sim::internals::generate::Size;
use dsql_sim::internals::scenario::run::{PANIC, run};
use dsql_sim::internals::shrink::{Shrinker, render_failure};
use dsql_sim::internals::sim::trace::TraceLevel;
use dsql_sim::internals::sweep::{Campaign, Tally};

/// The first seed with a violation that a search for a mutant finds.
fn found(campaign: &Campaign, most: u64) -> Option<(u64, String)> {
    (0..most).find_map(|seed| Some((seed, campaign.run(seed).failure?.invariant)))
}

/// Some that are found soon: `dsql-sim mutants --search` finds them all.
const SAMPLE: [Mutant; 8] = [
    Mutant::WitnessInOwnRegion,
    Mutant::ReplayFresh,
    Mutant::LinkFromOneSide,
    Mutant::StaleTimer,
    Mutant::ProtectionIgnored,
    Mutant::WitnessRegionNotAsked,
    Mutant::TimersForgottenInCrash,
    Mutant::LateAnswerPanics,
];

#[test]
fn a_mutant_is_caught_by_random_search_and_its_scenario_becomes_small() {
    for mutant in SAMPLE {
        let campaign = Campaign::Generated(Size::USUAL, Mutants::NONE.with(mutant));
        let (seed, invariant) = found(&campaign, 10_000).unwrap_or_else(|| panic!("{mutant} escapes"));
        let mut shrinker = Shrinker::of(&campaign.scenario(seed)).expect("it fails");
        while shrinker.step().is_some() {}

        let scenario = shrinker.scenario();
        let text = render_failure(&scenario, &run(&scenario, None, TraceLevel::None));
        let mut back = Scenario::parse(&text).unwrap_or_else(|mistakes| panic!("{mistakes:#?}\n{text}"));
        let failure = run(&back, None, TraceLevel::None).failure.expect("the small one fails");
        assert_eq!(failure.invariant, invariant, "{mutant}\n{text}");
        if invariant != PANIC {
            assert!(text.starts_with(&format!("# Violates {invariant}: ")), "{text}");
        }
        let steps: usize = scenario.blocks.iter().map(Vec::len).sum();
        assert!(steps <= 8, "{mutant} takes {steps} steps\n{text}");
        back.set_up.mutants = Mutants::NONE;
        assert_eq!(run(&back, None, TraceLevel::None).failure, None, "without {mutant}\n{text}");
    }
}

#[test]
fn shrinking_goes_on_from_its_own_result_and_finds_nothing_more() {
    let campaign = Campaign::Generated(Size::USUAL, Mutants::NONE.with(Mutant::ProtectionIgnored));
    let (seed, _) = found(&campaign, 1_000).expect("a violation");
    let mut shrinker = Shrinker::of(&campaign.scenario(seed)).expect("it fails");
    // Stopped early, and resumed from what was printed by then.
    assert!(shrinker.step().is_some());
    let text = shrinker.scenario().print("");
    let mut again = Shrinker::of(&Scenario::parse(&text).expect("a scenario")).expect("it fails");
    while again.step().is_some() {}
    while shrinker.step().is_some() {}
    assert_eq!(shrinker.scenario().print(""), again.scenario().print(""));
    assert!(again.step().is_none());
}

#[test]
fn what_does_not_fail_cannot_be_shrunk() {
    let campaign = Campaign::Generated(Size::SMALL, Mutants::NONE);
    assert!(Shrinker::of(&campaign.scenario(0)).is_none());
}

#[test]
fn parts_of_a_search_join_to_the_same_whole_in_any_order_and_as_data() {
    let campaign = Campaign::Generated(Size::USUAL, Mutants::NONE.with(Mutant::StaleTimer));
    let tally = |seeds: &mut dyn Iterator<Item = u64>| {
        let mut tally = Tally::default();
        seeds.for_each(|seed| tally.count(seed, &campaign.run(seed)));
        tally
    };
    let whole = tally(&mut (0..300));
    assert!(!whole.violations.is_empty());
    let mut parts: Vec<Tally> = (0..3).map(|part| tally(&mut (0..300).skip(part).step_by(3))).collect();
    for turn in 0..3 {
        parts.rotate_left(1);
        let mut joined = Tally::default();
        for part in &parts {
            let data = serde_json::to_string(part).expect("plain JSON");
            joined.join(serde_json::from_str(&data).expect("the same"));
        }
        assert_eq!(joined, whole, "turn {turn}");
    }
}

fn dsql_sim(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dsql-sim"));
    // `run --rewrite` records nothing where CI is set, and these tests record.
    command.current_dir(folder).env_remove("CI").args(arguments).output().expect("the binary runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn one_thread_two_threads_and_three_shards_find_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let sweep = |more: &[&str]| {
        let arguments = ["sweep", "--seeds", "100..1900", "--mutant", "stale-timer", "--format", "json"];
        dsql_sim(folder.path(), &[&arguments, more].concat())
    };
    let one = sweep(&["--jobs", "1"]);
    assert_eq!(one.status.code(), Some(1), "{}", stderr(&one));
    assert_eq!(stdout(&one), stdout(&sweep(&["--jobs", "2"])));
    for part in 1..=3 {
        let (shard, out) = (format!("{part}/3"), format!("{part}.jsonl"));
        sweep(&["--shard", &shard, "--out", &out]);
    }
    let merged = dsql_sim(folder.path(), &["merge", "--format", "json", "3.jsonl", "1.jsonl", "2.jsonl"]);
    assert_eq!(merged.status.code(), Some(1), "{}", stderr(&merged));
    assert_eq!(stdout(&one), stdout(&merged));

    let twice = dsql_sim(folder.path(), &["merge", "1.jsonl", "1.jsonl"]);
    assert_eq!(twice.status.code(), Some(2));
    assert!(stderr(&twice).contains("counted already"), "{}", stderr(&twice));
}

#[test]
fn results_of_another_campaign_or_of_nothing_do_not_join() {
    let folder = tempfile::tempdir().expect("a folder");
    dsql_sim(folder.path(), &["sweep", "--seeds", "0..10", "--out", "usual.jsonl"]);
    dsql_sim(folder.path(), &["sweep", "--seeds", "10..20", "--small", "--out", "small.jsonl"]);
    dsql_sim(folder.path(), &["sweep", "--seeds", "10..20", "--shard", "1/2", "--out", "half.jsonl"]);
    fs::write(folder.path().join("bad.jsonl"), "{}\n").expect("a file");
    let usual = fs::read_to_string(folder.path().join("usual.jsonl")).expect("results");
    fs::write(folder.path().join("fewer.jsonl"), usual.replace("\"runs\":10,", "\"runs\":9,"))
        .expect("a file");
    for (files, message) in [
        (["usual.jsonl", "small.jsonl"], "another campaign"),
        (["usual.jsonl", "half.jsonl"], "in 2 parts cannot be merged"),
        (["usual.jsonl", "bad.jsonl"], "bad.jsonl:1: this is not a result of `sweep --out`"),
        (["usual.jsonl", "none.jsonl"], "none.jsonl"),
        (["fewer.jsonl", "usual.jsonl"], "fewer.jsonl:2: 9 runs cannot be all of seeds 0..10"),
    ] {
        let merge = |more: &[&str]| dsql_sim(folder.path(), &[&["merge", files[0], files[1]], more].concat());
        for merged in [merge(&[]), merge(&["--partial"])] {
            assert_eq!(merged.status.code(), Some(2), "{files:?}");
            assert!(stderr(&merged).contains(message), "{}", stderr(&merged));
            assert!(merged.stdout.is_empty());
        }
    }
}

#[test]
fn parts_of_a_campaign_that_are_missing_are_named_and_are_no_success() {
    let folder = tempfile::tempdir().expect("a folder");
    let sweep = |seeds: &str, shard: &str, out: &str| {
        let arguments = ["sweep", "--small", "--seeds", seeds, "--shard", shard, "--out", out];
        let swept = dsql_sim(folder.path(), &arguments);
        assert_eq!(swept.status.code(), Some(0), "{}", stderr(&swept));
    };
    sweep("0..9000", "1/2", "one.jsonl");
    sweep("0..9000", "2/2", "two.jsonl");
    sweep("9100..9200", "2/2", "later.jsonl");
    sweep("8000..9200", "1/2", "over.jsonl");
    let text = fs::read_to_string(folder.path().join("two.jsonl")).expect("results");
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let write = |name: &str, text: String| fs::write(folder.path().join(name), text).expect("a file");
    write("empty.jsonl", String::new());
    write("tail.jsonl", lines[..lines.len() - 1].concat());
    write("batch.jsonl", lines[..lines.len() - 2].concat());
    write("cut.jsonl", lines[..lines.len() - 2].concat() + &lines[lines.len() - 2][..40]);
    for (files, messages) in [
        (&["one.jsonl"][..], &["seeds 0..9000 of part 2/2 are in no file"][..]),
        (
            &["one.jsonl", "two.jsonl", "later.jsonl"],
            &["seeds 9000..9100 of part 2/2", "seeds 9000..9200 of part 1/2"],
        ),
        (
            &["one.jsonl", "over.jsonl", "two.jsonl"],
            &["over.jsonl:2: seeds 8000..9200 of part 1/2 are counted already (one.jsonl:"],
        ),
        (&["one.jsonl", "empty.jsonl"], &["empty.jsonl: the file is empty", "seeds 0..9000 of part 2/2"]),
        (&["one.jsonl", "tail.jsonl"], &["tail.jsonl: the search was interrupted, or the file is truncated"]),
        (&["one.jsonl", "batch.jsonl"], &["batch.jsonl: the search", "seeds 8192..9000 of part 2/2"]),
        (
            &["one.jsonl", "cut.jsonl"],
            &["cut.jsonl:3: this line is truncated", "seeds 8192..9000 of part 2/2"],
        ),
    ] {
        let refused = dsql_sim(folder.path(), &[&["merge"], files].concat());
        assert_eq!(refused.status.code(), Some(2), "{files:?}");
        assert!(refused.stdout.is_empty());
        let partial = dsql_sim(folder.path(), &[&["merge", "--partial"], files].concat());
        assert_eq!(partial.status.code(), Some(0), "{files:?}");
        assert!(stdout(&partial).contains("parts are missing"), "{}", stdout(&partial));
        for message in messages {
            assert!(stderr(&refused).contains(&format!("error: {message}")), "{}", stderr(&refused));
            assert!(stderr(&partial).contains(&format!("warning: {message}")), "{}", stderr(&partial));
        }
    }
    let nothing = dsql_sim(folder.path(), &["merge", "--partial", "empty.jsonl"]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(stderr(&nothing).contains("empty.jsonl: the file is empty"), "{}", stderr(&nothing));
}

#[test]
fn the_report_of_three_shards_is_that_of_one_search_but_for_its_pace() {
    let folder = tempfile::tempdir().expect("a folder");
    let arguments =
        ["sweep", "--seeds", "0..900", "--mutant", "protection-ignored", "--mutant", "stale-timer"];
    let sweep = |more: &[&str]| dsql_sim(folder.path(), &[&arguments, more].concat());
    let one = sweep(&["--report", "reports/one"]);
    assert_eq!(one.status.code(), Some(1), "{}", stderr(&one));
    for part in 1..=3 {
        sweep(&["--no-shrink", "--shard", &format!("{part}/3"), "--out", &format!("{part}.jsonl")]);
    }
    let files = ["2.jsonl", "3.jsonl", "1.jsonl"];
    let merged =
        dsql_sim(folder.path(), &[&["merge", "--format", "json", "--report", "merged"], &files[..]].concat());
    assert_eq!(merged.status.code(), Some(1), "{}", stderr(&merged));
    let [one, merged] = ["reports/one", "merged"].map(|report| {
        let mut files: Vec<(String, String)> = fs::read_dir(folder.path().join(report))
            .expect("a folder")
            .map(|entry| {
                let path = entry.expect("an entry").path();
                let name = path.file_name().expect("a name").to_string_lossy().into_owned();
                (name, fs::read_to_string(&path).expect("a file"))
            })
            .collect();
        // The page of the campaign comes first.
        files.sort_by_key(|(name, _)| (name != "index.html", name.clone()));
        files
    });
    let without_pace = |page: &str| {
        let (before, rest) = page.split_once("seeds a second</dt><dd>").expect("the pace");
        let (pace, after) = rest.split_once("</dd>").expect("its end");
        (pace.to_owned(), format!("{before}{after}"))
    };
    let ((pace, page), (no_pace, same)) = (without_pace(&one[0].1), without_pace(&merged[0].1));
    assert_eq!(one[0].0, "index.html");
    assert!(
        pace.contains(|letter: char| letter.is_ascii_digit()) && no_pace == "not known",
        "{pace}, {no_pace}"
    );
    assert!(page == same, "the pages differ");
    assert_eq!(one[1..], merged[1..]);
    for (name, scenario) in &one[1..] {
        assert!(page.contains(&format!("href=\"{name}\"")), "{name}");
        // Beside each scenario is the page of its run.
        let Some(invariant) = name.strip_suffix(".scenario") else {
            assert!(scenario.starts_with("<!DOCTYPE html>"), "{name}");
            continue;
        };
        let run = dsql_sim(folder.path(), &["run", &format!("merged/{name}")]);
        assert_eq!(run.status.code(), Some(1), "{scenario}");
        assert!(stdout(&run).contains(invariant), "{}", stdout(&run));
    }
    assert!(one.len() > 4, "two files for each violated invariant");
}

#[test]
fn a_report_that_cannot_be_written_is_refused_before_the_search() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("file"), "").expect("a file");
    let refused = dsql_sim(folder.path(), &["sweep", "--seeds", "0..10", "--report", "file/report"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).starts_with("error: file/report: "), "{}", stderr(&refused));
    assert_eq!(stdout(&refused), "");
}

#[test]
fn the_report_of_a_part_and_of_an_unreduced_search_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = ["sweep", "--seeds", "0..400", "--mutant", "protection-ignored", "--no-shrink"];
    let more = ["--shard", "1/2", "--out", "1.jsonl", "--report", "part", "--format", "json"];
    let part = dsql_sim(folder.path(), &[&arguments[..], &more].concat());
    assert_eq!(part.status.code(), Some(1), "{}", stderr(&part));
    let page = fs::read_to_string(folder.path().join("part/index.html")).expect("a page");
    assert!(page.contains("0..400, part 1 of 2") && page.contains("--shard 1/2"), "{page}");
    let merged = dsql_sim(folder.path(), &["merge", "--partial", "1.jsonl", "--report", "half"]);
    assert_eq!(merged.status.code(), Some(1), "{}", stderr(&merged));
    let page = fs::read_to_string(folder.path().join("half/index.html")).expect("a page");
    assert!(page.contains("Not complete: ") && page.contains("parts are missing"), "{page}");
}

#[test]
#[cfg(unix)]
fn an_interrupted_search_ends_with_what_it_has_done_and_is_no_success() {
    for (signal, code, asked) in [("INT", 130, ["--for", "10m"]), ("TERM", 143, ["--seeds", "0..1000000000"])]
    {
        let folder = tempfile::tempdir().expect("a folder");
        let results = folder.path().join("results.jsonl");
        let mut sweep = Command::new(env!("CARGO_BIN_EXE_dsql-sim"));
        sweep.args(["sweep", "--small", "--out"]).arg(&results).args(asked);
        let search = sweep.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
        while fs::read_to_string(&results).map_or(0, |text| text.lines().count()) < 2 {
            std::thread::yield_now();
        }
        let sent = Command::new("kill").args([&format!("-{signal}"), &search.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
        let output = search.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        assert!(stdout(&output).contains("no violation"), "{}", stdout(&output));
        assert!(stdout(&output).contains(&format!("interrupted by SIG{signal}")), "{}", stdout(&output));
        let of_how_many = stdout(&output).contains("of 1000000000");
        assert_eq!(of_how_many, signal == "TERM", "{}", stdout(&output));
        let merged = dsql_sim(folder.path(), &["merge", "results.jsonl"]);
        assert_eq!(merged.status.code(), Some(2), "{}", stderr(&merged));
        let merged = dsql_sim(folder.path(), &["merge", "--partial", "results.jsonl"]);
        assert_eq!(merged.status.code(), Some(0), "{}", stderr(&merged));
    }
}

#[test]
fn a_search_that_misses_a_coverage_mark_says_so_and_fails_if_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let searched = dsql_sim(folder.path(), &["sweep", "--seeds", "0..20", "--coverage"]);
    assert_eq!(searched.status.code(), Some(0), "{}", stderr(&searched));
    for part in ["never covered", "coverage bins: ", "\n20 seeds, ", "\nno violation\n"] {
        assert!(stdout(&searched).contains(part), "{}", stdout(&searched));
    }
    let demanded = dsql_sim(folder.path(), &["sweep", "--seeds", "0..20", "--require-coverage"]);
    assert_eq!(demanded.status.code(), Some(1));
}

#[test]
fn a_violation_is_shown_with_its_command_and_made_small() {
    let folder = tempfile::tempdir().expect("a folder");
    let searched = dsql_sim(folder.path(), &["sweep", "--seeds", "0..100", "--mutant", "protection-ignored"]);
    assert_eq!(searched.status.code(), Some(1));
    let text = stdout(&searched);
    let line = text.lines().find(|line| line.contains("reproduce: ")).expect("a command");
    let (_, command) = line.split_once("dsql-sim ").expect("a command of ours");
    let (command, rest) = command.split_once(" | ").expect("a pipe");
    assert_eq!(rest, "dsql-sim run -");
    let printed = dsql_sim(folder.path(), &command.split(' ').collect::<Vec<_>>());
    fs::write(folder.path().join("found.scenario"), &printed.stdout).expect("a file");
    let ran = dsql_sim(folder.path(), &["run", "found.scenario"]);
    assert!(stdout(&ran).contains("error: protected-not-deleted"), "{}", stdout(&ran));
    assert!(
        text.contains("# Violates protected-not-deleted: no cluster that calls have left with"),
        "{text}"
    );

    let shrunk = dsql_sim(folder.path(), &["shrink", "found.scenario", "--out", "small.scenario"]);
    assert_eq!(shrunk.status.code(), Some(1), "{}", stderr(&shrunk));
    assert!(stderr(&shrunk).contains("left out "), "{}", stderr(&shrunk));
    assert_eq!(dsql_sim(folder.path(), &["run", "small.scenario"]).status.code(), Some(1));
}

#[test]
fn a_panic_names_its_seed_is_made_small_and_the_search_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let searched = dsql_sim(folder.path(), &["sweep", "--seeds", "0..300", "--mutant", "late-answer-panics"]);
    assert_eq!(searched.status.code(), Some(101), "{}", stderr(&searched));
    let text = stdout(&searched);
    assert!(text.contains("PANIC in "), "{text}");
    assert!(text.contains("pending.rs:"), "where it panics is not in:\n{text}");
    assert!(text.contains("no call waits for this answer\n"), "{text}");
    assert!(text.contains("\n300 seeds, "), "the search went on to its end:\n{text}");
    assert!(text.contains("# A bug of dsql-sim itself."), "{text}");
    assert!(stderr(&searched).is_empty(), "{}", stderr(&searched));
    let line = text.lines().find(|line| line.contains("reproduce: ")).expect("a command");
    let (_, command) = line.split_once("dsql-sim ").expect("a command of ours");
    let (command, _) = command.split_once(" | ").expect("a pipe");
    let printed = dsql_sim(folder.path(), &command.split(' ').collect::<Vec<_>>());
    fs::write(folder.path().join("found.scenario"), &printed.stdout).expect("a file");
    let ran = dsql_sim(folder.path(), &["run", "found.scenario"]);
    assert_eq!(ran.status.code(), Some(101), "{}", stdout(&ran));
    assert!(stdout(&ran).contains("error: panic: "), "{}", stdout(&ran));
    let shrunk = dsql_sim(folder.path(), &["shrink", "found.scenario", "--out", "small.scenario"]);
    assert_eq!(shrunk.status.code(), Some(101), "{}", stderr(&shrunk));
    assert_eq!(dsql_sim(folder.path(), &["run", "small.scenario"]).status.code(), Some(101));
}

#[test]
fn what_cannot_be_searched_or_shrunk_is_said_and_nothing_is_done() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("good.scenario"), "list-clusters region=us-east-1\n").expect("a file");
    fs::write(folder.path().join("bad.scenario"), "make-cluster\n").expect("a file");
    let recorded = "list-clusters region=us-east-1\n";
    fs::write(folder.path().join("recorded.scenario"), recorded).expect("a file");
    assert_eq!(dsql_sim(folder.path(), &["run", "--rewrite", "recorded.scenario"]).status.code(), Some(0));
    fs::write(folder.path().join("old.scenario"), format!("{recorded}----\n   0.000 nothing\n"))
        .expect("a file");
    for (arguments, message) in [
        (vec!["shrink", "good.scenario"], "does not fail"),
        (vec!["shrink", "recorded.scenario"], "does not fail"),
        (vec!["shrink", "old.scenario"], "fails only because its trace differs"),
        (vec!["shrink", "bad.scenario"], "unknown verb `make-cluster`"),
        (vec!["shrink"], "required"),
        (vec!["shrink", "--seed", "0"], "does not fail"),
        (vec!["shrink", "good.scenario", "--seed", "0"], "seed 0 does not fail"),
        (vec!["generate", "0", "bad.scenario"], "unknown verb `make-cluster`"),
        (vec!["sweep", "bad.scenario"], "unknown verb `make-cluster`"),
        (vec!["sweep", "none.scenario"], "none.scenario"),
        (vec!["sweep", "--seeds", "9..9"], "no seed"),
        (vec!["sweep", "--shard", "4/3"], "1/3"),
        (vec!["sweep", "--mutant", "nobody"], "dsql-sim mutants"),
        (vec!["sweep", "--for", "soon"], "60s"),
    ] {
        let output = dsql_sim(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(message), "{arguments:?}: {}", stderr(&output));
    }
    let swept = dsql_sim(folder.path(), &["sweep", "good.scenario", "--seeds", "0..10"]);
    assert_eq!(swept.status.code(), Some(0), "{}", stderr(&swept));
}
