//! The README, held true: its console blocks are run, and the scenario that it shows is the one in the repository.

use std::fs;
use std::path::Path;

/// What the README says before the program's own arguments, and what a test says instead.
const BUILD_AND_RUN: &str = "$ cargo run --release -- ";
const RUN: &str = "$ dsql-sim ";

#[test]
fn the_console_blocks_show_what_happens() {
    let readme = read("README.md");
    assert!(readme.contains(BUILD_AND_RUN), "the README begins with how to build and run");
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme-as-run.md");
    fs::write(&path, readme.replace(BUILD_AND_RUN, RUN)).expect("a place for the README as it is run");
    trycmd::TestCases::new().case(&path);
}

#[test]
fn the_scenario_shown_is_the_one_in_the_repository() {
    let shown = read("scenarios/retry/a_lost_response_and_a_retry_make_one_cluster.scenario");
    assert!(
        read("README.md").contains(&format!("```text\n{shown}```")),
        "the README shows an older scenario"
    );
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a file of the repository")
}
