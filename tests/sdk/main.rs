//! The official SDK in virtual time: requests, failures, processes, determinism, shrinking.

mod basics;
mod determinism;
mod failures;
mod page;
mod processes;
mod samples;
mod shrinking;
mod tutorial;

use std::path::PathBuf;

/// An empty folder for the files of a check.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("sdk").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    folder
}
