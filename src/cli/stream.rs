//! Standard output and standard error, whose reader may leave before the command ends.

use std::io::{self, Stderr, Stdout, Write};

use anstream::AutoStream;

/// A stream that outlives its reader: after a reader such as `head` has left, output is discarded without an error.
///
/// The exit code tells what held, and must not depend on how much of the output was read. So the command goes on to
/// the code that it would have had with a patient reader.
pub(super) struct OutputStream<W> {
    name: &'static str,
    inner: W,
    has_reader: bool,
}

/// Standard output, coloured as `--color` decides.
pub(super) fn stdout() -> OutputStream<AutoStream<Stdout>> {
    OutputStream::new("standard output", anstream::stdout())
}

/// Standard error, coloured as `--color` decides.
pub(super) fn stderr() -> OutputStream<AutoStream<Stderr>> {
    OutputStream::new("standard error", anstream::stderr())
}

impl<W: Write> OutputStream<W> {
    fn new(name: &'static str, inner: W) -> OutputStream<W> {
        OutputStream { name, inner, has_reader: true }
    }

    /// Whether the reader was still there at the last write.
    pub(super) fn has_reader(&self) -> bool {
        self.has_reader
    }

    /// The result of a write; if the reader has left, `instead`.
    fn outlive<T>(&mut self, result: io::Result<T>, instead: T) -> io::Result<T> {
        match result {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.has_reader = false;
                Ok(instead)
            }
            Err(error) => Err(io::Error::new(error.kind(), format!("{}: {error}", self.name))),
            Ok(done) => Ok(done),
        }
    }
}

impl<W: Write> Write for OutputStream<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.has_reader {
            return Ok(bytes.len());
        }
        let written = self.inner.write(bytes);
        self.outlive(written, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.has_reader {
            return Ok(());
        }
        let flushed = self.inner.flush();
        self.outlive(flushed, ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pipe with room for so many bytes, whose writes fail when it is full.
    struct Pipe(usize, io::ErrorKind);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.0);
            self.0 -= taken;
            if taken == 0 { Err(self.1.into()) } else { Ok(taken) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_leaves_is_not_an_error_and_a_full_disk_is() {
        let mut left = OutputStream::new("a pipe", Pipe(3, io::ErrorKind::BrokenPipe));
        assert!(left.has_reader());
        writeln!(left, "more than three bytes").expect("it is discarded");
        writeln!(left, "and so does this").expect("it is discarded");
        assert!(!left.has_reader());
        let mut full = OutputStream::new("a pipe", Pipe(3, io::ErrorKind::StorageFull));
        assert_eq!(
            writeln!(full, "more than three").map_err(|error| error.kind()),
            Err(io::ErrorKind::StorageFull)
        );
    }
}
