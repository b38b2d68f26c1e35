//! The page of a run, and the folder that pages of failed runs are written to.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::explain::document::{Heading, RunDocument};
use crate::explain::explanation::Explanation;
use crate::page;
use crate::scenario::run::{Failure, Report};

use super::failure::reproduce;
use super::files::File;

/// The document of a run of `file`; `None` if the run kept no history.
pub(crate) fn document(
    file: &File,
    report: &Report,
    failure: Option<&Failure>,
    explanation: Option<&Explanation>,
) -> Option<RunDocument> {
    let reproduce = match failure {
        Some(failure) => reproduce(&file.path, report.seed, failure),
        None => format!("dsql-sim run {} --seed {}", file.path, report.seed),
    };
    let heading = Heading { file: &file.path, text: &file.text, reproduce: &reproduce };
    RunDocument::new(heading, report, failure, explanation)
}

/// Writes the page of a failed run into `folder`, which is made if it does not exist, and returns its path.
///
/// # Errors
/// The folder or the file cannot be written.
pub(crate) fn write_failed(
    folder: &Path,
    file: &File,
    report: &Report,
    failure: &Failure,
    explanation: Option<&Explanation>,
) -> io::Result<PathBuf> {
    let page = page_of(file, report, Some(failure), explanation)?;
    let path = folder.join(format!("{}-{}.html", name_of(&file.path), report.seed));
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, page));
    written.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    Ok(path)
}

/// The page of a run of `file`.
///
/// # Errors
/// The run kept no history.
pub(crate) fn page_of(
    file: &File,
    report: &Report,
    failure: Option<&Failure>,
    explanation: Option<&Explanation>,
) -> io::Result<String> {
    let document = document(file, report, failure, explanation)
        .ok_or_else(|| io::Error::other("a run without a history has no page"))?;
    page::run_page(&document, &title(&document)).map_err(io::Error::other)
}

/// The text of the window's tab: what failed, and where.
pub(crate) fn title(document: &RunDocument) -> String {
    match &document.failure {
        Some(failure) => format!("{} · {} · seed {}", failure.invariant, document.file, document.seed),
        None => format!("{} · seed {}", document.file, document.seed),
    }
}

/// A path as the name of a file: two scenarios of one name in two folders have two pages.
pub(crate) fn name_of(path: &str) -> String {
    let path = path.strip_suffix(".scenario").unwrap_or(path);
    let letters =
        path.chars().map(|letter| if letter.is_alphanumeric() || letter == '_' { letter } else { '-' });
    letters.collect::<String>().trim_matches('-').to_owned()
}
