//! The provisioning function of `docs/provisioning.md` with its three bugs, each found from a seed, and without them.

mod first;
mod fixed;
mod second;
mod third;

use dsql_sim::prelude::Region;
use dsql_sim::sdk::{self, CheckFailure, FailureKind, Swarm};

use crate::folder;

/// The failure of the program in a module, under `$seeds`.
macro_rules! failure_of {
    ($module:ident, $seeds:expr) => {{
        let folder = folder(concat!("tutorial-", stringify!($module)));
        let check = sdk::check("provision").seeds($seeds).folder(folder).faults(Swarm::recoverable());
        let failure = check.try_run(|sim| async move {
            let (one, two) = (sim.client("us-east-1"), sim.client("us-east-2"));
            let result = $module::provision("orders", &one, &two, "us-west-2").await;
            sim.converge().await;
            let regions = [Region::US_EAST_1, Region::US_EAST_2];
            let clusters = sim.world(|world| regions.map(|region| world.clusters(region).count()));
            match result {
                Ok(_) => assert_eq!(clusters, [1, 1], "one cluster in each Region"),
                Err(error) => assert_eq!(clusters, [0, 0], "nothing is left behind after: {error}"),
            }
        });
        failure.expect_err("the program has a bug")
    }};
}

fn assert_finds(failure: &CheckFailure, words: &str, faults: usize) {
    assert_eq!(failure.kind, FailureKind::Panic, "{failure}");
    assert!(failure.message.contains(words), "{failure}");
    assert!(failure.faults.len() <= faults, "{failure}");
}

#[test]
fn a_wait_for_a_cluster_without_its_peer_is_found_without_any_fault() {
    let failure = failure_of!(first, 0..1000);
    assert_finds(&failure, "nothing is left behind after: exceeded max wait time (900s)", 0);
}

#[test]
fn a_program_that_gives_up_half_way_is_found_by_a_seed() {
    let failure = failure_of!(second, 0..1000);
    assert_finds(&failure, "nothing is left behind after", 3);
}

#[test]
fn a_retry_without_a_token_is_found_by_a_seed() {
    let failure = failure_of!(third, 0..1000);
    assert_finds(&failure, "one cluster in each Region", 3);
}

#[test]
fn the_page_shows_these_programs() {
    let page = include_str!("../../../docs/provisioning.md");
    let [first, fixed] = [include_str!("first.rs"), include_str!("fixed.rs")].map(|module| {
        let (_, program) = module.split_once("\n\n").expect("a header");
        program.replace("pub(super) ", "")
    });
    let (fixed, test) = fixed.split_once("\n// The test:\n\n").expect("two parts");
    for part in [&first, fixed, test] {
        assert!(page.contains(part), "the page lacks this:\n{part}");
    }
}
