//! The scenario files that a command line names: all of them are found, read and checked before one is run.

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
    /// The path as it is printed.
    pub(super) path: String,
    pub(super) text: String,
    /// The meaning of the text.
    pub(super) scenario: Scenario,
}

/// A path that cannot be read, or a file that is not a scenario.
#[derive(Debug)]
pub(super) struct BadFile {
    /// The path as it is printed.
    pub(super) path: String,
    /// The diagnostics, ready to be printed.
    pub(super) message: String,
}

/// The files that a command line names, not read yet.
#[derive(Debug, Default)]
pub(super) struct Selection {
    pub(super) paths: Vec<PathBuf>,
    /// The names that lead to no file.
    pub(super) bad: Vec<BadFile>,
}

impl Selection {
    /// Finds the scenario files that `paths` name. With `filters`, only paths that contain one of them are selected:
    /// a file that is filtered out is not read, so that a mistake in it does not matter.
    pub(super) fn find(paths: &[PathBuf], filters: &[String]) -> Selection {
        let mut selection = Selection::default();
        for path in paths {
            match find(path) {
                Ok(found) => selection.paths.extend(found),
                Err(message) => {
                    selection.bad.push(BadFile { path: path.display().to_string(), message });
                }
            }
        }
        let is_wanted = |path: &PathBuf| {
            let path = path.display().to_string();
            filters.is_empty() || filters.iter().any(|filter| path.contains(filter))
        };
        selection.paths.retain(is_wanted);
        selection
    }

    /// Reads the selected files.
    ///
    /// # Errors
    /// Every file that is bad, so that the mistakes of all are shown at once.
    pub(super) fn read(self, colour: bool) -> Result<Vec<File>, Vec<BadFile>> {
        let Selection { paths, mut bad } = self;
        let mut files = Vec::new();
        for path in paths {
            match read_one(&path, colour) {
                Ok(file) => files.push(file),
                Err(message) => bad.push(BadFile { path: path.display().to_string(), message }),
            }
        }
        if bad.is_empty() { Ok(files) } else { Err(bad) }
    }
}

/// Reads every file that `paths` name.
///
/// # Errors
/// Every file that is bad.
pub(super) fn read(paths: &[PathBuf], colour: bool) -> Result<Vec<File>, Vec<BadFile>> {
    Selection::find(paths, &[]).read(colour)
}

/// The file itself, or the scenario files below a directory in the order of their names.
///
/// # Errors
/// The directory cannot be read, or has no scenario file.
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
        let offset = error.utf8_error().valid_up_to();
        format!("error: {name} is not text: byte {offset} is not UTF-8\n")
    })?;
    match Scenario::parse(&text) {
        Ok(scenario) => Ok(File { path: name, text, scenario }),
        Err(mistakes) => Err(diagnostics::render(&name, &text, &mistakes, colour)),
    }
}
