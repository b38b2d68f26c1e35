//! Smaller failures: few faults, a file that is run first, and its replay.

use std::fs;
use std::time::Duration;

use aws_sdk_dsql::Client;
use aws_sdk_dsql::config::retry::RetryConfig;
use dsql_sim::prelude::{Region, Scenario};
use dsql_sim::sdk::{self, CheckFailure, FailureKind, Sim, Swarm};

use crate::folder;

/// Creates a cluster by hand-made retries, each with a token of its own.
async fn retries_without_a_token(sim: Sim) {
    let config = sim.config("us-east-1").retry_config(RetryConfig::disabled());
    let client = Client::from_conf(config.build());
    while client.create_cluster().send().await.is_err() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

fn check(
    folder: std::path::PathBuf,
    seeds: std::ops::Range<u64>,
) -> Result<sdk::CheckSummary, Box<CheckFailure>> {
    let check = sdk::check("no-token").folder(folder).seeds(seeds).faults(Swarm::recoverable().count(4..=8));
    let at_most_one = |sim: &Sim| {
        let count = sim.world(|world| world.clusters(Region::US_EAST_1).count());
        assert!(count <= 1, "the program made a second cluster");
    };
    check.then(at_most_one).try_run(retries_without_a_token)
}

#[test]
fn a_failure_is_shrunk_to_a_few_faults_and_its_file_is_run_first() {
    let folder = folder("no-token");
    let failure = check(folder.clone(), 0..200).expect_err("a lost answer makes a second cluster");
    assert_eq!(failure.kind, FailureKind::Panic, "{failure}");
    assert!((1..=3).contains(&failure.faults.len()), "{failure}");
    let path = failure.file.clone().expect("a file");
    let text = fs::read_to_string(&path).expect("the file");
    assert!(text.starts_with("# `no-token` fails: panic: tests/sdk/shrinking.rs:"), "{text}");
    let scenario = Scenario::parse(&text).expect("the file is a scenario");
    assert!(scenario.run(None).failure.is_none(), "faults alone violate nothing");
    // Whatever the seeds, the file is run first, and fails in the same way.
    let again = check(folder, 0..0).expect_err("the file fails");
    assert_eq!(
        (again.kind, &again.message, &again.faults),
        (failure.kind, &failure.message, &failure.faults)
    );
    assert_eq!(again.file, Some(path));
}

#[test]
fn the_file_of_another_check_is_not_run() {
    let folder = folder("other-check");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("no-token-extra-0123456789abcdef.scenario"), "no scenario at all").expect("a file");
    check(folder, 0..0).expect("no seeds, and no file of its own");
}

#[test]
fn a_failure_without_faults_is_found_before_any_fault_is_drawn() {
    let folder = folder("fails-alone");
    let check = sdk::check("fails-alone").folder(folder).faults(Swarm::recoverable());
    let failure = check.try_run(|sim| async move {
        sim.client("us-east-1").list_clusters().send().await.expect("a listing");
        assert_eq!(sim.now(), Duration::ZERO, "whatever happens");
    });
    let failure = failure.expect_err("it fails");
    assert!(failure.faults.is_empty(), "{failure}");
    assert!(failure.to_string().contains("it fails without any fault"), "{failure}");
}
