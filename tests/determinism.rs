//! The same build, scenario and seed give the same trace: in one process and another, on one thread and several.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use dsql_sim::Scenario;
use dsql_sim::api::{CreateClusterInput, ListClustersInput, Request};
use dsql_sim::internals::scenario::run::{run, run_blocks};
use dsql_sim::internals::sim::trace::TraceLevel;
use dsql_sim::prelude::*;

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

/// The hash and the number of the events of calls whose requests and answers are doubled and delayed, with time-outs
/// that many of them reach. The world forgets a call that has ended if `forgets`.
fn doubled_calls(seed: u64, forgets: bool) -> (u64, u64) {
    let scenario = "latency 1ms\ndisk 1ms\nduplicate *->* copies=2\ndelay *->* by=1ms..40ms rate=50%\n\
                    at +300ms crash ops\ncrash us-east-1 after=persist:CreateCluster nth=30\n\
                    at +700ms restart us-east-1\n";
    let scenario = Scenario::parse(scenario).expect("a scenario");
    let mut sim = run_blocks(&scenario, TraceLevel::None, |_| {}).expect("no failure");
    for key in 0..200 {
        let request = match (key + seed) % 3 {
            0 => Request::CreateCluster(CreateClusterInput::default()),
            _ => Request::ListClusters(ListClustersInput::default()),
        };
        let call = Call::new(Region::US_EAST_1, request, key);
        let time_out = Duration::from_millis(20);
        sim.call(ClientId(0), Call { attempts: 1, time_out, ..call });
        let later = sim.world().now().after(Duration::from_millis(5));
        sim.run_until(later).expect("no violation");
        while let Some(ended) = sim.world_mut().pop_ended().filter(|_| forgets) {
            sim.world_mut().take(ended).expect("an outcome");
        }
    }
    sim.converge(None).expect("no violation");
    (sim.world().trace().hash(), sim.world().trace().events())
}

#[test]
fn a_world_that_forgets_its_calls_goes_the_way_of_one_that_keeps_them() {
    for seed in 0..10 {
        assert_eq!(doubled_calls(seed, true), doubled_calls(seed, false));
    }
}

#[test]
fn a_crash_of_a_client_ends_its_calls_in_the_order_of_their_beginning() {
    let mut sim = Simulation::new(Options::new(1));
    let begin = |sim: &mut Simulation, key| {
        let request = Request::ListClusters(ListClustersInput::default());
        sim.call(ClientId(0), Call::new(Region::US_EAST_1, request, key))
    };
    // The places of two calls that were forgotten are taken in the other order.
    let forgotten = [begin(&mut sim, 1), begin(&mut sim, 2)];
    for id in forgotten {
        sim.finish(id).expect("no violation");
    }
    for id in forgotten {
        sim.world_mut().take(id).expect("an outcome");
    }
    while sim.world_mut().pop_ended().is_some() {}
    let open = [begin(&mut sim, 3), begin(&mut sim, 4)];
    sim.inject(Fault::crash(NodeId::Client(ClientId(0)))).expect("no violation");
    let ended: Vec<_> = std::iter::from_fn(|| sim.world_mut().pop_ended()).collect();
    assert_eq!(ended, open);
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
