//! The command line: its messages, its exit codes, its refusals, and the reproduce commands that it prints.

mod failures;
mod log;
mod mistakes;
mod output;
mod permissions;
mod probability;
mod selection;
mod warnings;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn records(output: &Output) -> Vec<Value> {
    stdout(output).lines().map(|line| serde_json::from_str(line).expect("a JSON object a line")).collect()
}

fn dsql_sim(folder: &Path, arguments: &[&str]) -> Output {
    command(folder).args(arguments).output().expect("it runs")
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dsql-sim"));
    command
        .current_dir(folder)
        .env_remove("CI")
        .env_remove("NO_COLOR")
        .env_remove("RUST_LOG")
        .stdin(Stdio::null());
    command
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}
