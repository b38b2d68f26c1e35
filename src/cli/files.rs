//! The scenario files that a command line names: all of them are found, read and checked before one is run.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::console::files::{File, find, read_one};

use super::{show, stream};

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

/// Reads the one file at `path`; `None` if it is bad, after its mistakes were printed.
pub(super) fn read_or_print(path: &Path) -> io::Result<Option<File>> {
    match read_one(path, show::has_colour()) {
        Ok(file) => Ok(Some(file)),
        Err(message) => write!(stream::stderr(), "{message}").map(|()| None),
    }
}
