//! Generated scenarios, and scenarios printed from what they mean.

use std::fs;
use std::path::PathBuf;

use dsql_sim::internals::control::mutant::{Mutant, Mutants};
use dsql_sim::internals::generate::{CallKind, Size, generate, vary};
use dsql_sim::internals::scenario::run::run;
use dsql_sim::internals::scenario::{Action, Scenario};
use dsql_sim::internals::sim::fault::FaultKind;
use dsql_sim::internals::sim::trace::TraceLevel;
use strum::VariantArray;

const SHAPES: [Size; 2] = [Size::SMALL, Size::USUAL];

fn parsed(text: &str) -> Scenario {
    Scenario::parse(text).unwrap_or_else(|mistakes| panic!("{mistakes:#?}\n{text}"))
}

/// The scenario files below `folders`, with what they say.
fn repository(folders: &[&str]) -> Vec<(PathBuf, Scenario)> {
    let files = folders.iter().flat_map(|folder| walkdir::WalkDir::new(folder).sort_by_file_name());
    let files = files
        .map(|entry| entry.expect("a readable folder").into_path())
        .filter(|path| path.extension().is_some_and(|it| it == "scenario"));
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a readable file");
        (path, parsed(&text))
    };
    let read: Vec<_> = files.map(read).collect();
    assert!(read.len() > 100);
    read
}

/// The steps that are not set-up, with their keys, and without their places in a file.
fn steps(scenario: &Scenario) -> Vec<(u64, String)> {
    let steps = scenario.blocks.iter().flatten().filter(|step| !matches!(step.action, Action::SetUp));
    steps.map(|step| (step.key, format!("{:?}", step.action))).collect()
}

#[test]
fn a_generated_scenario_prints_and_parses_back_to_the_same_steps_run_and_hash() {
    for shape in &SHAPES {
        for seed in 0..1000 {
            let scenario = generate(seed, shape);
            let text = scenario.print("made up");
            let back = parsed(&text);
            assert_eq!(steps(&scenario), steps(&back), "{text}");
            assert_eq!(format!("{:?}", scenario.set_up), format!("{:?}", back.set_up), "{text}");
            assert_eq!(text, back.print("made up"));
            let (one, other) = (run(&scenario, None, TraceLevel::None), run(&back, None, TraceLevel::None));
            assert_eq!(
                (one.hash, one.events, one.failure),
                (other.hash, other.events, other.failure),
                "{text}"
            );
        }
    }
}

#[test]
fn a_scenario_of_the_repository_prints_and_parses_back_to_the_same_run() {
    for (path, written) in repository(&["scenarios", "tests/mutants", "docs/examples"]) {
        let text = written.print("");
        let back = parsed(&text);
        assert_eq!(text, back.print(""), "{}", path.display());
        assert_eq!(steps(&written), steps(&back), "{}\n{text}", path.display());
        let (one, other) = (run(&written, None, TraceLevel::None), run(&back, None, TraceLevel::None));
        assert_eq!(one.hash, other.hash, "{}\n{text}", path.display());
        let failed = |report: dsql_sim::internals::scenario::run::Report| {
            report.failure.map(|failure| failure.invariant)
        };
        assert_eq!(failed(one), failed(other), "{}\n{text}", path.display());
    }
}

#[test]
fn a_scenario_of_the_repository_holds_under_any_faults_and_its_variation_is_a_scenario() {
    let (mut expectations, mut faulty) = (0, 0);
    for (path, written) in repository(&["scenarios"]) {
        let bare = vary(&written, 0, &Size { faults: 0..=0, ..Size::USUAL });
        for seed in 0..10 {
            let varied = vary(&written, seed, &Size::USUAL);
            let text = varied.print("");
            assert_eq!(steps(&varied), steps(&parsed(&text)), "{}\n{text}", path.display());
            let report = run(&varied, None, TraceLevel::None);
            assert_eq!(report.failure, None, "{}\n{text}", path.display());
            faulty += usize::from(steps(&varied).len() > steps(&bare).len());
            expectations += steps(&varied).iter().filter(|(_, action)| action.starts_with("Expect")).count();
        }
    }
    assert!(faulty > 500, "{faulty} variations have faults");
    assert_eq!(expectations, 0);
}

#[test]
fn faults_around_a_scenario_find_what_its_own_run_does_not() {
    let text = fs::read_to_string("scenarios/create/three_steps_make_a_pair.scenario").expect("a file");
    let mut written = parsed(&text);
    written.set_up.mutants = Mutants::NONE.with(Mutant::TimersForgottenInCrash);
    assert_eq!(run(&written, None, TraceLevel::None).failure, None);
    let failures =
        (0..1000).filter_map(|seed| run(&vary(&written, seed, &Size::USUAL), None, TraceLevel::None).failure);
    assert!(failures.map(|failure| failure.invariant).any(|name| name == "nothing-stuck"));
}

#[test]
fn other_words_for_the_same_steps_change_nothing() {
    let text = "seed 2\nregions use1=us-east-1 usw2=us-west-2\ndrop use1->ops CreateCluster.response rate=50%\n\
                create-cluster region=use1 as=blue\n{ \"clientToken\": \"blue-1\" }\nadvance 60s\n";
    let keys_and_hash = |text: &str| {
        let scenario = parsed(text);
        (steps(&scenario), run(&scenario, None, TraceLevel::None).hash)
    };
    for (words, others) in
        [("use1", "virginia"), ("60s", "1m"), ("region=use1 as=blue", "as=blue region=us-east-1")]
    {
        assert_eq!(keys_and_hash(text), keys_and_hash(&text.replace(words, others)), "{others}");
    }
}

#[test]
fn a_client_that_does_nothing_changes_no_key() {
    let text = "regions use1=us-east-1\ncreate-cluster region=use1\nlist-clusters region=use1\n";
    let with_another = format!("clients ops ci\n{}", text.replace("\ncreate", "\nops: create"))
        .replace("\nlist", "\nops: list");
    assert_eq!(steps(&parsed(text)), steps(&parsed(&with_another)));
}

#[test]
fn a_seed_gives_one_scenario_and_its_neighbour_another() {
    for seed in 0..200 {
        let text = |seed| generate(seed, &Size::USUAL).print("");
        assert_eq!(text(seed), text(seed));
        assert_ne!(text(seed), text(seed + 1));
    }
}

#[test]
fn each_kind_of_call_and_fault_is_in_some_scenarios_and_absent_from_some() {
    let mut texts = Vec::new();
    for seed in 0..400 {
        texts.push(generate(seed, &Size::USUAL).print(""));
    }
    let words = [
        "update-cluster",
        "delete-cluster",
        "get-cluster",
        "list-clusters",
        "wait ",
        "parallel",
        "advance",
        "clientToken",
        "nextToken",
        "drop ",
        "delay ",
        "duplicate ",
        "hold ",
        "slow ",
        "partition ",
        "crash ",
        "outage ",
        "skew ",
        "deny ",
        "throttle ",
        "idle ",
        "connect ",
        "disable-keys ",
        "enable-keys ",
        "tag-resource",
        "put-cluster-policy",
        "create-stream",
        "delete-stream",
        "restart ",
        "heal ",
        "release",
        "allow ",
        "assume ",
        "latency ",
        "disk ",
        "account=",
        "kmsEncryptionKey",
        "metricGroups",
        "\"tags\"",
        "bypassPolicyLockoutSafetyCheck",
        "expectedPolicyVersion",
        "get-vpc-endpoint-service-name",
        "resourceArn",
        "converge except=",
    ];
    assert!(words.len() > CallKind::VARIANTS.len() + FaultKind::VARIANTS.len() - 2);
    for word in words {
        let has = texts.iter().filter(|text| text.contains(word)).count();
        assert!((1..texts.len()).contains(&has), "`{word}` is in {has} of {}", texts.len());
    }
}

#[test]
fn generated_scenarios_hold() {
    for shape in &SHAPES {
        for seed in 0..2000 {
            let scenario = generate(seed, shape);
            let report = run(&scenario, None, TraceLevel::None);
            assert_eq!(report.failure, None, "{}", scenario.print(""));
        }
    }
}
