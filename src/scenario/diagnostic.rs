//! Diagnostics: mistakes in a scenario file, with their position and a correction.
//!
//! The library returns them as values; the command line and the server render them.

/// A range of bytes in a file. The default span, empty and at the start, is for commands that no file holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The offset of the first byte.
    pub start: usize,
    /// The offset after the last byte.
    pub end: usize,
}

/// The result of reading a part of a file.
pub(super) type Parsed<T> = Result<T, Diagnostic>;

/// The result of reading a part of a file, with every mistake in it.
pub(super) type ParsedWhole<T> = Result<T, Vec<Diagnostic>>;

/// A mistake in a scenario file, or a warning about a step that tests less than it seems to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The mistake, in one line.
    pub message: String,
    /// The text at fault.
    pub span: Span,
    /// A remark to stand beside the underlined text; may be empty.
    pub label: String,
    /// The correction, in one line.
    pub help: Option<String>,
    /// Whether the file can be run nevertheless.
    pub is_warning: bool,
}

impl Diagnostic {
    /// A mistake with neither label nor help.
    #[must_use]
    pub fn new(message: impl Into<String>, span: Span) -> Diagnostic {
        Diagnostic { message: message.into(), span, label: String::new(), help: None, is_warning: false }
    }

    /// The same diagnostic as a warning.
    #[must_use]
    pub fn warning(self) -> Diagnostic {
        Diagnostic { is_warning: true, ..self }
    }

    /// The same mistake with a remark beside the underlined text.
    #[must_use]
    pub fn label(self, label: impl Into<String>) -> Diagnostic {
        Diagnostic { label: label.into(), ..self }
    }

    /// The same mistake with advice. Takes an option so that [`did_you_mean`] can be passed straight in.
    #[must_use]
    pub fn help(self, help: impl Into<Option<String>>) -> Diagnostic {
        Diagnostic { help: help.into(), ..self }
    }
}

/// The question to ask about an unknown `word`: "did you mean `candidate`?", for the closest candidate.
///
/// A candidate is close if at most two letters, or a third of the word, have to be added, removed, replaced
/// or swapped with their neighbour. Of equally close candidates, the first wins.
#[must_use]
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let length = word.chars().count();
    // Two short words that share no letter are within two letters of each other, and yet unlike.
    let furthest = (length / 3).max(2).min(length.saturating_sub(1));
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= furthest)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| format!("did you mean `{candidate}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_candidate_is_suggested() {
        let members = ["clientToken", "witnessRegion", "clusters"];
        assert_eq!(did_you_mean("witnesRegion", members).as_deref(), Some("did you mean `witnessRegion`?"));
        assert_eq!(did_you_mean("cluster", members).as_deref(), Some("did you mean `clusters`?"));
    }

    #[test]
    fn of_equally_close_candidates_the_first_is_suggested() {
        assert_eq!(did_you_mean("use3", ["use1", "use2"]).as_deref(), Some("did you mean `use1`?"));
    }

    #[test]
    fn longer_words_may_differ_by_a_third() {
        let suggested = did_you_mean("multiRegionProps", ["multiRegionProperties"]);
        assert_eq!(suggested.as_deref(), Some("did you mean `multiRegionProperties`?"));
    }

    #[test]
    fn nothing_is_suggested_for_a_word_unlike_all_candidates() {
        assert_eq!(did_you_mean("partition", ["crash", "restart"]), None);
        assert_eq!(did_you_mean("xy", ["at", "on"]), None);
        assert_eq!(did_you_mean("", ["at"]), None);
    }
}
