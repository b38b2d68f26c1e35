//! The same build, scenario and seed give the same trace: in one process and another, on one thread and several.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use dsql_sim::Scenario;
use dsql_sim::internals::scenario::run::run;
use dsql_sim::internals::sim::trace::TraceLevel;

#[test]
fn threads_do_not_change_what_happens() {
    let here: Vec<u64> =
        scenarios().iter().map(|scenario| run(scenario, Some(7), TraceLevel::None).hash).collect();
    let there = thread::spawn(|| {
        let mut scenarios = scenarios();
        scenarios.reverse();
        let hash = |scenario: &Scenario| run(scenario, Some(7), TraceLevel::None).hash;
        let mut hashes: Vec<u64> = scenarios.iter().map(hash).collect();
        hashes.reverse();
        hashes
    });
    assert_eq!(here, there.join().expect("no panic"));
}

#[test]
fn what_is_written_down_does_not_change_what_happens() {
    for scenario in scenarios() {
        let silent = run(&scenario, None, TraceLevel::None);
        let told = run(&scenario, None, TraceLevel::Messages);
        assert_eq!((silent.hash, silent.events), (told.hash, told.events));
    }
}

#[test]
fn another_seed_is_another_run() {
    let differs = |scenario: &Scenario| {
        run(scenario, Some(1), TraceLevel::None).hash != run(scenario, Some(2), TraceLevel::None).hash
    };
    assert!(scenarios().iter().all(differs));
}

#[test]
fn a_scenario_prints_as_it_was_read() {
    for path in paths() {
        let text = fs::read_to_string(&path).expect("a readable scenario");
        let scenario = Scenario::parse(&text).expect("a well-formed scenario");
        assert_eq!(scenario.script.print(), text, "{}", path.display());
    }
}

/// Removing a step that has nothing to do with another does not re-roll what that other meets.
#[test]
fn removing_a_step_changes_nothing_else() {
    let with = "regions use1=us-east-1 euw1=eu-west-1\n\
                create-cluster region=euw1 as=other\n{}\n\
                create-cluster region=use1 as=blue\n{}\n\
                run until=quiet\n";
    let without = "regions use1=us-east-1 euw1=eu-west-1\n\
                   create-cluster region=use1 as=blue\n{}\n\
                   run until=quiet\n";
    let took = |text: &str| {
        let scenario = Scenario::parse(text).expect("a well-formed scenario");
        let report = run(&scenario, Some(3), TraceLevel::Milestones);
        let lines: Vec<_> =
            report.outputs.into_iter().flatten().filter(|line| line.contains("blue")).collect();
        let at = |what: &str| {
            let line = lines.iter().find(|line| line.ends_with(what)).expect("the line is there");
            line.trim()
                .split(' ')
                .next()
                .expect("a time")
                .replace('.', "")
                .parse::<i64>()
                .expect("milliseconds")
        };
        at("blue CREATING → ACTIVE") - at("blue CREATING")
    };
    assert_eq!(took(with), took(without));
}

fn scenarios() -> Vec<Scenario> {
    let read = |path: &PathBuf| fs::read_to_string(path).expect("a readable scenario");
    paths().iter().map(|path| Scenario::parse(&read(path)).expect("a well-formed scenario")).collect()
}

fn paths() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut folders = vec![root];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of scenarios") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}
