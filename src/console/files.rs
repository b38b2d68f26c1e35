//! Finds and reads scenario files.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::scenario::Scenario;

use super::diagnostics;

/// The path that stands for standard input.
pub(crate) const STANDARD_INPUT: &str = "-";

/// A scenario file that was read.
#[derive(Debug)]
pub(crate) struct File {
    /// The path as it is printed.
    pub(crate) path: String,
    pub(crate) text: String,
    /// The meaning of the text.
    pub(crate) scenario: Scenario,
}

/// The file itself, or the scenario files below a directory in the order of their names.
///
/// # Errors
/// The directory cannot be read, or has no scenario file.
pub(crate) fn find(path: &Path) -> Result<Vec<PathBuf>, String> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in walkdir::WalkDir::new(path).sort_by_file_name() {
        let entry = entry.map_err(|error| format!("error: {error}\n"))?;
        if entry.path().extension().is_some_and(|extension| extension == "scenario") {
            found.push(entry.into_path());
        }
    }
    if found.is_empty() {
        return Err(format!(
            "error: there is no scenario in {}\n  = help: the names of scenario files end in .scenario\n",
            path.display()
        ));
    }
    Ok(found)
}

/// Reads one file.
///
/// # Errors
/// The diagnostics, ready to be printed.
pub(crate) fn read_one(path: &Path, colour: bool) -> Result<File, String> {
    let name = path.display().to_string();
    let bytes = if path == Path::new(STANDARD_INPUT) {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(path)
    };
    let mut bytes = bytes.map_err(|error| format!("error: cannot read {name}: {error}\n"))?;
    if path.extension().is_some_and(|extension| extension == "partial") {
        bytes.truncate(complete(&bytes));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        format!("error: {name} is not text: byte {offset} is not UTF-8\n")
    })?;
    match Scenario::parse(&text) {
        Ok(scenario) => Ok(File { path: name, text, scenario }),
        Err(mistakes) => Err(diagnostics::render(&name, &text, &mistakes, colour)),
    }
}

/// The length of the complete commands of a recording that was cut off, as when the server was killed while it wrote. A
/// blank line ends each of them.
fn complete(bytes: &[u8]) -> usize {
    bytes.windows(2).rposition(|pair| pair == b"\n\n").map_or(0, |at| at + 2)
}
