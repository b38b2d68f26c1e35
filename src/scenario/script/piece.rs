//! Slices of a file that know their offset in it, so that no offset is computed twice.

use super::{Span, Word};

/// A slice of the text of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    /// The text.
    pub(super) text: &'a str,
    /// The offset of its first byte in the file.
    pub(super) start: usize,
}

impl<'a> Piece<'a> {
    pub(super) fn span(self) -> Span {
        Span { start: self.start, end: self.start + self.text.len() }
    }

    pub(super) fn word(self) -> Word {
        Word { text: self.text.to_owned(), span: self.span() }
    }

    /// The pieces before and after the offset `at`.
    pub(super) fn split_at(self, at: usize) -> (Piece<'a>, Piece<'a>) {
        let (head, tail) = self.text.split_at(at);
        (Piece { text: head, ..self }, Piece { text: tail, start: self.start + at })
    }

    pub(super) fn trim_start(self) -> Piece<'a> {
        self.split_at(self.text.len() - self.text.trim_start().len()).1
    }

    pub(super) fn trim_end(self) -> Piece<'a> {
        Piece { text: self.text.trim_end(), ..self }
    }

    /// The first line, without its end, and the rest.
    pub(super) fn split_line(self) -> (Piece<'a>, Piece<'a>) {
        let end = self.text.find('\n').map_or(self.text.len(), |newline| newline + 1);
        let (line, after) = self.split_at(end);
        (Piece { text: line.text.trim_end_matches(['\n', '\r']), ..line }, after)
    }

    /// The text up to the first white space, and the text behind the white space.
    pub(super) fn split_word(self) -> (Piece<'a>, Piece<'a>) {
        let (word, after) = self.split_at(self.text.find(char::is_whitespace).unwrap_or(self.text.len()));
        (word, after.trim_start())
    }
}
