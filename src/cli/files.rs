//! The scenario files that a command line names: found, read and checked, all of them before any is run.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::scenario::Scenario;

use super::diagnostics;

/// The path that stands for standard input.
pub(super) const STANDARD_INPUT: &str = "-";

/// A scenario file that was read.
#[derive(Debug)]
pub(super) struct File {
    /// Its path, as it is printed.
    pub(super) path: String,
    /// Its text.
    pub(super) text: String,
    /// What it says.
    pub(super) scenario: Scenario,
}

/// What is wrong with a file.
#[derive(Debug)]
pub(super) struct BadFile {
    /// Its path, as it is printed.
    pub(super) path: String,
    /// What is wrong, ready to be printed.
    pub(super) message: String,
}

/// Reads every file that `paths` name.
///
/// # Errors
/// What is wrong with any of them.
pub(super) fn read(paths: &[PathBuf], colour: bool) -> Result<Vec<File>, Vec<BadFile>> {
    let mut files = Vec::new();
    let mut bad = Vec::new();
    let mut found = Vec::new();
    for path in paths {
        match find(path) {
            Ok(paths) => found.extend(paths),
            Err(message) => bad.push(BadFile { path: path.display().to_string(), message }),
        }
    }
    for path in found {
        match read_one(&path, colour) {
            Ok(file) => files.push(file),
            Err(message) => bad.push(BadFile { path: path.display().to_string(), message }),
        }
    }
    if bad.is_empty() { Ok(files) } else { Err(bad) }
}

/// The file itself, or the scenario files below a directory, in order of their names.
pub(super) fn find(path: &Path) -> Result<Vec<PathBuf>, String> {
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
            "error: there is no scenario in {}\n  = help: scenario files end in .scenario\n",
            path.display()
        ));
    }
    Ok(found)
}

pub(super) fn read_one(path: &Path, colour: bool) -> Result<File, String> {
    let name = path.display().to_string();
    let bytes = if path == Path::new(STANDARD_INPUT) {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(path)
    };
    let bytes = bytes.map_err(|error| format!("error: cannot read {name}: {error}\n"))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("error: {name} is not text: byte {at} is not UTF-8\n")
    })?;
    match Scenario::parse(&text) {
        Ok(scenario) => Ok(File { path: name, text, scenario }),
        Err(mistakes) => Err(diagnostics::render(&name, &text, &mistakes, colour)),
    }
}
