//! The file of a recording: appended to beside its final name as long as the server runs, and renamed at the end.
//!
//! A server that is killed leaves what it has recorded in the file beside. An earlier recording is replaced by a
//! complete one only.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A recording that is being written.
#[derive(Debug)]
pub(super) struct RecordFile {
    path: PathBuf,
    partial: PathBuf,
    file: File,
}

impl RecordFile {
    /// Begins the recording that will be at `path`. What an earlier server has left beside it is discarded.
    ///
    /// # Errors
    /// The file cannot be created.
    pub(super) fn create(path: &Path) -> io::Result<RecordFile> {
        let mut partial = OsString::from(path);
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let file = File::create(&partial).map_err(|error| named(&partial, &error))?;
        Ok(RecordFile { file, path: path.to_owned(), partial })
    }

    /// Appends `text`. It survives the process from then on.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn append(&mut self, text: &str) -> io::Result<()> {
        self.file.write_all(text.as_bytes()).map_err(|error| named(&self.partial, &error))
    }

    /// What was recorded so far.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn read(&self) -> io::Result<String> {
        fs::read_to_string(&self.partial).map_err(|error| named(&self.partial, &error))
    }

    /// Completes the recording under its final name.
    ///
    /// # Errors
    /// The file cannot be written or renamed. What was appended is still there.
    pub(super) fn finish(self) -> io::Result<()> {
        let renamed = self.file.sync_all().and_then(|()| fs::rename(&self.partial, &self.path));
        renamed.map_err(|error| named(&self.partial, &error))
    }
}

/// The error with the name of the file.
fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
