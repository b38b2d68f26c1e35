//! What must hold of any scenario, any bytes, any request and any listing.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use dsql_sim::api::{
    CreateClusterInput, DeleteClusterInput, ListClustersInput, Operation, Request, Response,
};
use dsql_sim::internals::control::mutant::{Mutant, Mutants};
use dsql_sim::internals::generate::{Size, strategy};
use dsql_sim::internals::scenario::run::{PANIC, run};
use dsql_sim::internals::scenario::{Action, CallStep, SetUp};
use dsql_sim::internals::sim::Change;
use dsql_sim::internals::sim::trace::TraceLevel;
use dsql_sim::internals::types::Identifier;
use dsql_sim::property::Property;
use dsql_sim::{Call, ClientId, Options, Outcome, Region, Scenario};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngSeed, TestRunner};

/// The same cases in every run; a search from other seeds is `dsql-sim sweep`'s.
fn config(cases: u32) -> Config {
    Config { cases, rng_seed: RngSeed::Fixed(2026), failure_persistence: None, ..Config::default() }
}

fn region(name: &str) -> Region {
    Region::parse(name).expect("a Region")
}

/// Steps with their keys, without their places in a file.
fn steps(scenario: &Scenario) -> Vec<(u64, String)> {
    let steps = scenario.blocks.iter().flatten().filter(|step| !matches!(step.action, Action::SetUp));
    steps.map(|step| (step.key, format!("{:?}", step.action))).collect()
}

/// A call with any input: what it asks for need not make sense.
fn call() -> impl Strategy<Value = Action> {
    // What begins with a dollar sign would refer to another call.
    let input = strategy::requests().prop_map(|mut request| {
        request.replace_texts(|text| Some(text.replace('$', "%")));
        request
    });
    (input, strategy::regions(), 1..5_u16, any::<bool>()).prop_map(|(input, region, attempts, skip)| {
        Action::Call(CallStep {
            client: ClientId(0),
            region,
            alias: None,
            attempts,
            time_out: CallStep::TIME_OUT,
            after: Duration::ZERO,
            waiter: None,
            principal: None,
            may_be_skipped: skip,
            input,
        })
    })
}

/// Faults around calls that nobody would make.
fn odd_scenarios() -> impl Strategy<Value = Scenario> {
    let [one, other, witness] = ["us-east-1", "us-east-2", "us-west-2"].map(region);
    let faults = strategy::fault_plans([one, other], witness, 1, 0..=3);
    let actions =
        (prop::collection::vec(call(), 0..5), faults).prop_map(|(calls, faults)| [faults, calls].concat());
    (any::<u64>(), prop::collection::vec(actions, 1..3)).prop_map(|(seed, blocks)| {
        let blocks = blocks.into_iter().filter(|block| !block.is_empty()).collect();
        Scenario::of(SetUp { seed, ..SetUp::new() }, blocks)
    })
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn what_is_printed_parses_back_to_the_same_scenario_and_run(
        scenario in prop_oneof![strategy::scenarios(Size::USUAL), odd_scenarios()]
    ) {
        let text = scenario.print("");
        let back = Scenario::parse(&text);
        prop_assert!(back.is_ok(), "{}", text);
        let back = back.unwrap();
        prop_assert_eq!(steps(&scenario), steps(&back), "{}", text);
        prop_assert_eq!(&text, &back.print(""));
        let (one, other) = (run(&scenario, None, TraceLevel::None), run(&back, None, TraceLevel::None));
        prop_assert!(one.failure.iter().all(|failure| failure.invariant != PANIC), "{:?}\n{}", one.failure, text);
        prop_assert_eq!((one.hash, one.failure), (other.hash, other.failure), "{}", text);
    }

    #[test]
    fn any_bytes_are_a_scenario_or_a_mistake(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Scenario::parse(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_words_of_the_language_are_a_scenario_or_a_mistake(words in prop::collection::vec(word(), 0..40)) {
        let text = words.concat();
        if let Ok(scenario) = Scenario::parse(&text) {
            let printed = scenario.print("");
            let back = Scenario::parse(&printed);
            prop_assert!(back.is_ok(), "{text}\nprints as\n{printed}");
            prop_assert_eq!(steps(&scenario), steps(&back.unwrap()), "{}", text);
        }
    }

    #[test]
    fn a_file_with_pieces_torn_out_is_a_scenario_or_a_mistake(
        file in select(files()), cuts in prop::collection::vec((any::<prop::sample::Index>(), 0..30_usize, word()), 1..4)
    ) {
        let mut text: Vec<char> = file.chars().collect();
        for (place, length, word) in cuts {
            let start = place.index(text.len() + 1);
            let end = (start + length).min(text.len());
            text.splice(start..end, word.chars());
        }
        let _ = Scenario::parse(&text.into_iter().collect::<String>());
    }

    #[test]
    fn a_request_is_its_json_and_is_judged_without_a_panic(request in strategy::requests()) {
        let json = request.to_json();
        let back = Request::from_json(request.operation(), json.clone()).ok();
        prop_assert_eq!(back.as_ref(), Some(&request), "{}", json);
        if let Err(error) = request.validate() {
            prop_assert_eq!(error.name(), "ValidationException");
            prop_assert!(error.to_json()["fieldList"].as_array().is_some_and(|fields| !fields.is_empty()));
        }
    }

    #[test]
    fn an_arn_is_its_text(arn in strategy::arns()) {
        prop_assert_eq!(dsql_sim::internals::types::ClusterArn::parse(&arn.to_string()), Some(arn));
    }
}

/// A piece of the language, or of something else.
fn word() -> impl Strategy<Value = String> {
    let own = [
        "create-cluster",
        "update-cluster",
        "delete-cluster",
        "get-cluster",
        "list-clusters",
        " region=us-east-1",
        " region=",
        " as=blue",
        " as=",
        "$blue.arn",
        "$",
        "{",
        "}",
        "{\"identifier\":\"$blue.identifier\"}",
        "\n",
        "\n\n",
        "----",
        "\n----\n",
        "expect ",
        "status == ACTIVE",
        "outcome unknown",
        "seed 1\n",
        "seed ",
        "regions a=us-east-1\n",
        "clients ops home=us-east-1\n",
        "latency 5ms\n",
        "latency 1s..",
        "assume token_window=10s\n",
        "mutant ",
        "drop ",
        "us-east-1<->us-west-2",
        "crash us-east-1",
        " after=",
        "at +1s ",
        "at 5s ",
        "partition ",
        "heal\n",
        "advance ",
        "99999999999999999999s\n",
        "run until=quiet",
        "parallel\n",
        "converge",
        "#",
        "ops: ",
        "wait cluster-active ",
        "\u{0}",
        "é",
        "\"",
        "[",
        "]",
        "-1",
        "times=0",
        "rate=101%",
        "skew us-east-1 by=-",
        "show blue\n",
        " ",
    ];
    prop_oneof![8 => select(own.map(str::to_owned).to_vec()), 1 => "\\PC{0,5}"]
}

fn files() -> Vec<String> {
    let files = walkdir::WalkDir::new("scenarios").sort_by_file_name().into_iter().flatten();
    let files = files.filter(|entry| entry.path().extension().is_some_and(|it| it == "scenario"));
    files.map(|entry| fs::read_to_string(entry.path()).expect("a readable file")).collect()
}

#[test]
fn a_property_that_fails_is_told_as_a_small_scenario_that_is_run_first_from_then_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let property = |most: usize| {
        Property::new("few-clusters", move |world| {
            let count = |region| world.clusters(region).count();
            let clusters: usize = Region::all().map(count).sum();
            if clusters <= most { Ok(()) } else { Err(format!("there are {clusters} clusters")) }
        })
        .folder(folder.path())
        .config(config(200))
    };
    let report = panics(|| property(1).check());
    assert!(report.starts_with("few-clusters does not hold: there are 2 clusters\n"), "{report}");
    assert_eq!(report.lines().filter(|line| line.starts_with("create-cluster")).count(), 2, "{report}");
    assert!(report.contains("show its trace: dsql-sim run "), "{report}");
    assert!(
        report.contains("# It is a property of a test, which the command line does not know"),
        "{report}"
    );
    let [file] = &saved(folder.path())[..] else { panic!("one file is written") };
    assert!(report.contains(&fs::read_to_string(file).expect("a file")), "{report}");

    // Without a single new case, the file fails again; and holds once the property does.
    let again = panics(|| property(1).config(config(0)).check());
    assert_eq!(again, report);
    property(100).check();
    assert_eq!(saved(folder.path()).len(), 1);
}

#[test]
fn a_property_that_panics_fails_and_is_made_small() {
    let folder = tempfile::tempdir().expect("a folder");
    let property = Property::new("asserts-few-clusters", |world| {
        let count = |region| world.clusters(region).count();
        let clusters: usize = Region::all().map(count).sum();
        assert!(clusters <= 1, "there are {clusters} clusters");
        Ok(())
    });
    let report = panics(|| property.folder(folder.path()).config(config(200)).check());
    assert!(report.starts_with(&format!("panic at {}:", file!())), "{report}");
    assert!(report.contains(": there are 2 clusters\n"), "{report}");
    assert_eq!(report.lines().filter(|line| line.starts_with("create-cluster")).count(), 2, "{report}");
    assert_eq!(saved(folder.path()).len(), 1);
}

fn saved(folder: &Path) -> Vec<std::path::PathBuf> {
    fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect()
}

fn panics(what: impl FnOnce()) -> String {
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(what)).expect_err("it fails");
    *caught.downcast::<String>().expect("a text")
}

/// Something that happens while somebody turns pages.
#[derive(Clone, Debug)]
enum Turn {
    Create,
    Delete(prop::sample::Index),
    Page(i64),
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let turn = prop_oneof![
        2 => Just(Turn::Create),
        2 => any::<prop::sample::Index>().prop_map(Turn::Delete),
        3 => (1..4_i64).prop_map(Turn::Page),
    ];
    prop::collection::vec(turn, 1..20)
}

/// Lists every cluster page by page, while `turns` create and delete others; gives what existed throughout and what
/// was listed.
fn listing(turns: &[Turn], before: usize, mutants: Mutants) -> (BTreeSet<Identifier>, Vec<Identifier>) {
    let region = region("us-east-1");
    let assumptions = dsql_sim::internals::control::assumptions::Assumptions {
        deleted_visible: Duration::ZERO,
        ..Default::default()
    };
    // Our own invariants would stop the run before this test has its say, so nothing checks here.
    let mut world =
        dsql_sim::World::new(Options { mutants, assumptions: assumptions.into(), ..Options::new(1) });
    let mut number = 0;
    let mut call = |request: Request| {
        number += 1;
        let call = world.call(ClientId(0), Call::new(region, request, number));
        while world.outcome(call).is_none() {
            assert!(world.step());
        }
        let outcome = world.take(call).expect("it has ended");
        world.run_until(world.now().after(Duration::from_secs(600)));
        match outcome {
            Outcome::Ok(response) => response,
            other => panic!("{other:?}"),
        }
    };
    let create = || {
        Request::CreateCluster(CreateClusterInput {
            deletion_protection_enabled: Some(false),
            ..Default::default()
        })
    };
    let mut alive = Vec::new();
    for _ in 0..before {
        alive.extend(call(create()).cluster());
    }
    let mut throughout: BTreeSet<Identifier> = alive.iter().copied().collect();
    let (mut listed, mut next, mut is_over) = (Vec::new(), None, false);
    // After the turns, the rest of the pages.
    let turns = turns.iter().cloned().chain(std::iter::repeat(Turn::Page(2)));
    for turn in turns {
        match turn {
            _ if is_over => break,
            Turn::Create => alive.extend(call(create()).cluster()),
            Turn::Delete(which) => {
                if alive.is_empty() {
                    continue;
                }
                let identifier = alive.swap_remove(which.index(alive.len()));
                throughout.remove(&identifier);
                call(Request::DeleteCluster(DeleteClusterInput {
                    identifier: identifier.to_string(),
                    client_token: None,
                }));
            }
            Turn::Page(size) => {
                let input = ListClustersInput { max_results: Some(size), next_token: next.take() };
                let answer = call(Request::ListClusters(input));
                let Response::ListClusters(page) = &*answer else { panic!("{answer:?}") };
                listed.extend(page.clusters.iter().map(|cluster| cluster.arn.identifier));
                next = page.next_token.clone();
                is_over = next.is_none();
            }
        }
    }
    (throughout, listed)
}

/// Whether each cluster that existed throughout was listed exactly once, and none twice.
fn is_complete(throughout: &BTreeSet<Identifier>, listed: &[Identifier]) -> bool {
    let once: BTreeSet<Identifier> = listed.iter().copied().collect();
    once.len() == listed.len() && throughout.is_subset(&once)
}

#[test]
fn pages_are_complete_while_clusters_come_and_go_and_a_planted_bug_is_seen() {
    let judge = |mutants: Mutants| {
        TestRunner::new(config(60)).run(&(turns(), 0..7_usize), |(turns, before)| {
            let (throughout, listed) = listing(&turns, before, mutants);
            prop_assert!(is_complete(&throughout, &listed), "{:?} of {:?}", listed, throughout);
            Ok(())
        })
    };
    judge(Mutants::NONE).unwrap_or_else(|error| panic!("{error}"));
    assert!(judge(Mutants::NONE.with(Mutant::PageSkipsAfterDelete)).is_err());
}

#[test]
fn every_answer_of_a_run_is_its_json() {
    let answers = Rc::new(Cell::new(0));
    let counted = answers.clone();
    let folder = tempfile::tempdir().expect("a folder");
    let property = Property::new("answers-are-their-json", move |world| {
        for change in world.changes() {
            if let Change::Replied { request, result: Ok(response), .. } = change {
                counted.set(counted.get() + 1);
                let back = Response::from_json(request.operation(), response.to_json());
                if back.as_ref().ok() != Some(&**response) {
                    return Err(format!("{response:?} comes back as {back:?}"));
                }
            }
        }
        Ok(())
    });
    property.folder(folder.path()).config(config(300)).check();
    assert!(answers.get() > 1000, "{}", answers.get());
}

#[test]
fn every_operation_is_among_the_requests() {
    let mut runner = TestRunner::new(config(1));
    let requests = strategy::requests();
    let drawn: BTreeSet<Operation> =
        (0..500).map(|_| requests.new_tree(&mut runner).expect("a request").current().operation()).collect();
    assert_eq!(drawn.len(), Operation::ALL.len());
}
