//! The count of commits, in a small file beside the database.
//!
//! A database that finds its last commit damaged goes back to the one before, as it must after a power failure. The
//! answers that depended on the lost commit have left, so the store refuses such a directory: its count says that there
//! was one commit more. The count is written after a commit and before any answer. A process that is killed in between
//! leaves a count that is too small by one, and has not answered.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::rng::mix;

/// The name of the file.
pub(super) const NAME: &str = "dsql-sim.commits";

/// The count of a directory that is in use.
#[derive(Debug)]
pub(super) struct CommitCount {
    file: File,
    count: u64,
    database: PathBuf,
    /// The device and the number of the database file.
    identity: (u64, u64),
}

impl CommitCount {
    /// The count of the open file `database`, which has so many commits.
    pub(super) fn open(database: &Path, count: u64) -> io::Result<CommitCount> {
        let file = File::options().write(true).open(database.with_file_name(NAME))?;
        Ok(CommitCount { file, count, identity: identity(database)?, database: database.to_owned() })
    }

    /// The number of the next commit.
    pub(super) fn next(&self) -> u64 {
        self.count + 1
    }

    /// Counts a commit.
    ///
    /// # Errors
    /// The count could not be written, or the database file has been removed or replaced, so that the commit went to a
    /// file that has no name any more.
    pub(super) fn add(&mut self) -> io::Result<()> {
        self.count += 1;
        self.file.write_all_at(text(self.count).as_bytes(), 0)?;
        match identity(&self.database) {
            Ok(identity) if identity == self.identity => Ok(()),
            _ => Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!("{} was removed while it was served", self.database.display()),
            )),
        }
    }
}

/// Writes the count of a directory that is new.
pub(super) fn create(directory: &Path, count: u64) -> io::Result<()> {
    fs::write(directory.join(NAME), text(count))
}

/// The count in `directory`; `None` if there is no such file.
///
/// # Errors
/// The file cannot be read, or holds something else: a text about it.
pub(super) fn read(directory: &Path) -> Result<Option<u64>, String> {
    let bytes = match fs::read(directory.join(NAME)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("{NAME}: {error}")),
    };
    let count = str::from_utf8(&bytes).ok().and_then(|text| text.get(..DIGITS)?.parse().ok());
    let count = count.filter(|count| text(*count).as_bytes() == bytes);
    count.map(Some).ok_or_else(|| format!("{NAME} holds no count"))
}

/// The content of the file: the count and its checksum, always of one length.
fn text(count: u64) -> String {
    format!("{count:0DIGITS$} {:016x}\n", mix(count, 0))
}

fn identity(file: &Path) -> io::Result<(u64, u64)> {
    fs::metadata(file).map(|file| (file.dev(), file.ino()))
}

/// The number of digits of the largest count.
const DIGITS: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_read_as_it_was_written_and_no_flipped_bit_is_another_count() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(read(folder.path()), Ok(None));
        create(folder.path(), 41).expect("room");
        let path = folder.path().join(NAME);
        let bytes = fs::read(&path).expect("a file");
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, flipped).expect("room");
            assert!(read(folder.path()).is_err(), "bit {bit}");
        }
        fs::write(&path, bytes).expect("room");
        assert_eq!(read(folder.path()), Ok(Some(41)));
    }
}
