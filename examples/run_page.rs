//! The page of a run from its JSON form, as a program of another language may write it.
//!
//! ```text
//! cargo run --example run_page -- run.json run.html
//! ```

use std::fs;
use std::process::ExitCode;

use dsql_sim::internals::page;

#[expect(clippy::print_stderr, reason = "a program tells its caller what is wrong")]
fn main() -> ExitCode {
    let paths: Vec<_> = std::env::args().skip(1).collect();
    let [from, to] = paths.as_slice() else {
        eprintln!("usage: run_page RUN.json RUN.html");
        return ExitCode::from(2);
    };
    match write(from, to) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{from} to {to}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(from: &str, to: &str) -> Result<(), Box<dyn std::error::Error>> {
    let document: serde_json::Value = serde_json::from_str(&fs::read_to_string(from)?)?;
    let title = document["file"].as_str().unwrap_or("run");
    fs::write(to, page::run_page(&document, title)?)?;
    Ok(())
}
