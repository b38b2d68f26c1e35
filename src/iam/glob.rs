//! Patterns with wildcards and variables.

use super::context::{Context, ContextValues};

/// A pattern, compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Glob {
    pieces: Vec<GlobPiece>,
    has_variables: bool,
    /// Whether the case of letters does not matter.
    any_case: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum GlobPiece {
    Text(String),
    /// `?`: one character; a colon only if so said.
    One {
        colon: bool,
    },
    /// `*`: any run; over colons only if so said.
    Run {
        colon: bool,
    },
    Variable {
        key: String,
        default: Option<String>,
        colon: bool,
    },
}

/// How a pattern is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// Whether `*` and `?` are wildcards.
    pub(super) wildcards: bool,
    /// Whether `${…}` is a variable.
    pub(super) variables: bool,
}

impl Glob {
    /// A pattern for any text.
    pub(super) fn of_text(text: &str, reading: Reading) -> Result<Glob, String> {
        Ok(Glob::new(pieces(text, reading, |_| true)?))
    }

    /// A pattern for actions, the case of whose letters does not matter.
    pub(super) fn of_action(text: &str) -> Result<Glob, String> {
        let glob = Glob::of_text(text, Reading { wildcards: true, variables: false })?;
        Ok(Glob { any_case: true, ..glob })
    }

    /// A pattern for ARNs, segment by segment; `*` stands for everything.
    pub(super) fn of_arn(text: &str, variables: bool) -> Result<Glob, String> {
        let reading = Reading { wildcards: true, variables };
        if text == "*" {
            return Glob::of_text(text, reading);
        }
        // Colons of a variable's default are no separators.
        let mut pieces = pieces(text, reading, |colons| colons >= 5)?;
        if let Some(GlobPiece::Run { colon }) = pieces.last_mut() {
            *colon = true;
        }
        Ok(Glob::new(pieces))
    }

    fn new(pieces: Vec<GlobPiece>) -> Glob {
        let has_variables = pieces.iter().any(|piece| matches!(piece, GlobPiece::Variable { .. }));
        Glob { pieces, has_variables, any_case: false }
    }

    /// Whether `text` fits it; `None` if a variable in it has no value.
    #[inline]
    pub(super) fn matches(&self, text: &str, context: &dyn Context) -> Option<bool> {
        if !self.has_variables {
            return Some(fits(&self.pieces, text, self.any_case));
        }
        let resolved: Option<Vec<GlobPiece>> =
            self.pieces.iter().map(|piece| resolve(piece, context)).collect();
        Some(fits(&resolved?, text, self.any_case))
    }

    /// The same without wildcards, and without regard to case.
    pub(super) fn matches_any_case(&self, text: &str, context: &dyn Context) -> Option<bool> {
        let mut whole = String::new();
        for piece in &self.pieces {
            match resolve(piece, context)? {
                GlobPiece::Text(plain) => whole.push_str(&plain),
                _ => return Some(false),
            }
        }
        Some(whole.to_lowercase() == text.to_lowercase())
    }
}

/// A variable becomes its value, as plain text. In a segment of an ARN a value with a colon fits nothing.
fn resolve(piece: &GlobPiece, context: &dyn Context) -> Option<GlobPiece> {
    let GlobPiece::Variable { key, default, colon } = piece else { return Some(piece.clone()) };
    let value = context.get(key).and_then(ContextValues::only).or(default.as_deref())?;
    (*colon || !value.contains(':')).then(|| GlobPiece::Text(value.to_owned()))
}

/// Compiles `text`; `may_cross` says whether wildcards behind so many colons reach over one.
fn pieces(text: &str, reading: Reading, may_cross: impl Fn(usize) -> bool) -> Result<Vec<GlobPiece>, String> {
    let mut pieces = Vec::new();
    let mut colons = 0;
    let mut rest = text;
    let mut plain = String::new();
    let flush = |plain: &mut String, pieces: &mut Vec<GlobPiece>| {
        if !plain.is_empty() {
            pieces.push(GlobPiece::Text(std::mem::take(plain)));
        }
    };
    while let Some(letter) = rest.chars().next() {
        let colon = may_cross(colons);
        if reading.variables
            && let Some(after) = rest.strip_prefix("${")
        {
            let (inner, behind) =
                after.split_once('}').ok_or("a variable has no end: write it as in ${aws:username}")?;
            rest = behind;
            match inner {
                "*" | "?" | "$" => plain.push_str(inner),
                _ => {
                    flush(&mut plain, &mut pieces);
                    pieces.push(variable(inner, colon)?);
                }
            }
            continue;
        }
        rest = &rest[letter.len_utf8()..];
        match letter {
            '*' | '?' if reading.wildcards => {
                flush(&mut plain, &mut pieces);
                pieces.push(if letter == '*' { GlobPiece::Run { colon } } else { GlobPiece::One { colon } });
            }
            _ => {
                colons += usize::from(letter == ':');
                plain.push(letter);
            }
        }
    }
    flush(&mut plain, &mut pieces);
    Ok(pieces)
}

fn variable(inner: &str, colon: bool) -> Result<GlobPiece, String> {
    let (key, default) = match inner.split_once(',') {
        None => (inner, None),
        Some((key, default)) => {
            let default = default.trim().strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
            let default = default.ok_or("a variable's default is quoted, as in ${aws:username, 'nobody'}")?;
            (key, Some(default.to_owned()))
        }
    };
    let key = key.trim();
    if key.is_empty() || key.contains(char::is_whitespace) {
        return Err(format!("${{{inner}}} is no variable: write it as in ${{aws:username}}"));
    }
    Ok(GlobPiece::Variable { key: key.to_owned(), default, colon })
}

/// Whether `text` fits `pieces`. A run that was too short is made longer, the last one first.
fn fits(pieces: &[GlobPiece], text: &str, any_case: bool) -> bool {
    let (mut place, mut rest) = (0, text);
    // Where to go on when something does not fit: behind the last run, with more in it.
    let mut again: Option<(usize, &str)> = None;
    loop {
        let next = match pieces.get(place) {
            None if rest.is_empty() => return true,
            None => None,
            Some(GlobPiece::Text(plain)) => strip(rest, plain, any_case),
            Some(GlobPiece::One { colon }) => one(rest, *colon),
            Some(GlobPiece::Run { colon }) if place + 1 == pieces.len() => {
                return *colon || !rest.contains(':');
            }
            Some(GlobPiece::Run { .. }) => {
                again = Some((place, rest));
                Some(rest)
            }
            Some(GlobPiece::Variable { .. }) => unreachable!("variables are resolved before"),
        };
        if let Some(next) = next {
            (place, rest) = (place + 1, next);
            continue;
        }
        let Some((run, begin)) = again else { return false };
        let GlobPiece::Run { colon } = pieces[run] else { unreachable!("it was a run") };
        let Some(longer) = longer(begin, colon, &pieces[run + 1], any_case) else { return false };
        again = Some((run, longer));
        (place, rest) = (run + 1, longer);
    }
}

/// What is left behind a run that takes in more of `text`: at least a character, and no less than up to where what
/// comes behind it can begin.
fn longer<'a>(text: &'a str, colon: bool, behind: &GlobPiece, any_case: bool) -> Option<&'a str> {
    let rest = one(text, colon)?;
    let GlobPiece::Text(plain) = behind else { return Some(rest) };
    let first = plain.as_bytes()[0];
    let begins = |byte: u8| if any_case { byte.eq_ignore_ascii_case(&first) } else { byte == first };
    let at = rest.bytes().position(|byte| begins(byte) || (byte == b':' && !colon))?;
    // A character that begins as `plain` does begins one, and so does a colon.
    begins(rest.as_bytes()[at]).then(|| &rest[at..])
}

fn strip<'a>(text: &'a str, plain: &str, any_case: bool) -> Option<&'a str> {
    if !any_case {
        return text.strip_prefix(plain);
    }
    let (begin, rest) = text.split_at_checked(plain.len())?;
    begin.eq_ignore_ascii_case(plain).then_some(rest)
}

fn one(text: &str, colon: bool) -> Option<&str> {
    let letter = text.chars().next()?;
    (colon || letter != ':').then(|| &text[letter.len_utf8()..])
}
