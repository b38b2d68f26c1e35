//! Globs: patterns with the wildcards `*` and `?` and with policy variables.

use super::context::{Context, ContextValues};

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Glob {
    pieces: Vec<GlobPiece>,
    has_variables: bool,
    ignores_case: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum GlobPiece {
    Text(String),
    /// `?`: one character.
    One {
        crosses_colon: bool,
    },
    /// `*`: any run of characters.
    Run {
        crosses_colon: bool,
    },
    /// `${key}` or `${key, 'default'}`. The key is in lower case.
    Variable {
        key: String,
        default: Option<String>,
        crosses_colon: bool,
    },
}

/// The syntax of a pattern, which depends on the operator and on the version of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GlobSyntax {
    /// Whether `*` and `?` are wildcards.
    pub(super) wildcards: bool,
    /// Whether `${…}` is a variable.
    pub(super) variables: bool,
}

/// The reason why a pattern cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum GlobError {
    #[error("a variable has no end: write it as in ${{aws:username}}")]
    UnclosedVariable,
    #[error("a variable's default is quoted, as in ${{aws:username, 'nobody'}}")]
    UnquotedDefault,
    #[error("${{{0}}} is no variable: write it as in ${{aws:username}}")]
    InvalidVariable(String),
}

impl Glob {
    /// Compiles a pattern for text without structure.
    pub(super) fn of_text(text: &str, syntax: GlobSyntax) -> Result<Glob, GlobError> {
        Ok(Glob::new(pieces(text, syntax, |_| true)?))
    }

    /// Compiles a pattern for actions, which ignores case.
    pub(super) fn of_action(text: &str) -> Result<Glob, GlobError> {
        let glob = Glob::of_text(text, GlobSyntax { wildcards: true, variables: false })?;
        Ok(Glob { ignores_case: true, ..glob })
    }

    /// Compiles a pattern for ARNs. Wildcards stay within their segment, except in the resource segment and at the end.
    /// `*` alone matches everything.
    pub(super) fn of_arn(text: &str, variables: bool) -> Result<Glob, GlobError> {
        let syntax = GlobSyntax { wildcards: true, variables };
        if text == "*" {
            return Glob::of_text(text, syntax);
        }
        // The resource is the sixth segment, and may contain colons of its own. Colons in the default of a variable are
        // not counted: they separate no segments of the pattern.
        let mut pieces = pieces(text, syntax, |colons| colons >= 5)?;
        if let Some(GlobPiece::Run { crosses_colon }) = pieces.last_mut() {
            *crosses_colon = true;
        }
        Ok(Glob::new(pieces))
    }

    fn new(pieces: Vec<GlobPiece>) -> Glob {
        let has_variables = pieces.iter().any(|piece| matches!(piece, GlobPiece::Variable { .. }));
        Glob { pieces, has_variables, ignores_case: false }
    }

    /// The text of a pattern without wildcards and variables, whether or not the operator would expand them.
    pub(super) fn as_fixed(&self) -> Option<&str> {
        let text = match &self.pieces[..] {
            [] => "",
            [GlobPiece::Text(text)] => text,
            _ => return None,
        };
        let is_fixed = !text.contains(['*', '?']) && !text.contains("${");
        is_fixed.then_some(text)
    }

    /// Whether `text` matches; `None` if a variable of the pattern has no value.
    #[inline]
    pub(super) fn matches(&self, text: &str, context: &dyn Context) -> Option<bool> {
        if !self.has_variables {
            return Some(matches(&self.pieces, text, self.ignores_case));
        }
        let resolved: Option<Vec<GlobPiece>> =
            self.pieces.iter().map(|piece| resolve(piece, context)).collect();
        Some(matches(&resolved?, text, self.ignores_case))
    }

    /// Like [`Glob::matches`], ignoring case by the rules of Unicode. The pattern has no wildcards.
    pub(super) fn matches_ignore_case(&self, text: &str, context: &dyn Context) -> Option<bool> {
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

/// Replaces a variable by its value, which is plain text even if it contains `*`. Within a segment of an ARN, a value
/// with a colon is rejected: otherwise one variable could supply several segments, such as the account.
fn resolve(piece: &GlobPiece, context: &dyn Context) -> Option<GlobPiece> {
    let GlobPiece::Variable { key, default, crosses_colon } = piece else { return Some(piece.clone()) };
    let value = context.get(key).and_then(ContextValues::only).or_else(|| default.clone())?;
    (*crosses_colon || !value.contains(':')).then_some(GlobPiece::Text(value))
}

/// Compiles `text`. `may_cross` decides whether wildcards after the given number of colons match a colon.
fn pieces(
    text: &str,
    syntax: GlobSyntax,
    may_cross: impl Fn(usize) -> bool,
) -> Result<Vec<GlobPiece>, GlobError> {
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
        let crosses_colon = may_cross(colons);
        if syntax.variables
            && let Some(after) = rest.strip_prefix("${")
        {
            let (inner, remainder) = after.split_once('}').ok_or(GlobError::UnclosedVariable)?;
            rest = remainder;
            match inner {
                "*" | "?" | "$" => plain.push_str(inner),
                _ => {
                    flush(&mut plain, &mut pieces);
                    pieces.push(variable(inner, crosses_colon)?);
                }
            }
            continue;
        }
        rest = &rest[letter.len_utf8()..];
        match letter {
            '*' | '?' if syntax.wildcards => {
                flush(&mut plain, &mut pieces);
                pieces.push(if letter == '*' {
                    GlobPiece::Run { crosses_colon }
                } else {
                    GlobPiece::One { crosses_colon }
                });
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

fn variable(inner: &str, crosses_colon: bool) -> Result<GlobPiece, GlobError> {
    let (key, default) = match inner.split_once(',') {
        None => (inner, None),
        Some((key, default)) => {
            let default = default.trim().strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
            (key, Some(default.ok_or(GlobError::UnquotedDefault)?.to_owned()))
        }
    };
    let key = key.trim();
    if key.is_empty() || key.contains(char::is_whitespace) {
        return Err(GlobError::InvalidVariable(inner.to_owned()));
    }
    Ok(GlobPiece::Variable { key: key.to_ascii_lowercase(), default, crosses_colon })
}

/// Whether `text` matches `pieces`. A run starts empty and grows when the pieces after it do not match. Only the last
/// run has to grow: it can take whatever an earlier run could, because a run crosses colons if an earlier one does. So
/// the time is at most the product of both lengths.
fn matches(pieces: &[GlobPiece], text: &str, ignores_case: bool) -> bool {
    let (mut position, mut rest) = (0, text);
    // The last run, with the text after the characters that it takes so far.
    let mut last_run: Option<(usize, &str)> = None;
    loop {
        let next = match pieces.get(position) {
            None if rest.is_empty() => return true,
            None => None,
            Some(GlobPiece::Text(plain)) => strip(rest, plain, ignores_case),
            Some(GlobPiece::One { crosses_colon }) => strip_one(rest, *crosses_colon),
            Some(GlobPiece::Run { crosses_colon }) if position + 1 == pieces.len() => {
                return *crosses_colon || !rest.contains(':');
            }
            Some(GlobPiece::Run { .. }) => {
                last_run = Some((position, rest));
                Some(rest)
            }
            Some(GlobPiece::Variable { .. }) => unreachable!("variables are resolved before"),
        };
        if let Some(next) = next {
            (position, rest) = (position + 1, next);
            continue;
        }
        let Some((run, after)) = last_run else { return false };
        let GlobPiece::Run { crosses_colon } = pieces[run] else { unreachable!("it was a run") };
        let Some(after) = extend_run(after, crosses_colon, &pieces[run + 1], ignores_case) else {
            return false;
        };
        last_run = Some((run, after));
        (position, rest) = (run + 1, after);
    }
}

/// Extends a run over `text` by at least one character, and up to the next position at which the `following` piece can
/// begin; gives the text after the run. `None` if the run would have to cross a colon, or the text ends.
fn extend_run<'a>(
    text: &'a str,
    crosses_colon: bool,
    following: &GlobPiece,
    ignores_case: bool,
) -> Option<&'a str> {
    let rest = strip_one(text, crosses_colon)?;
    let GlobPiece::Text(plain) = following else { return Some(rest) };
    let first = plain.as_bytes()[0];
    let begins = |byte: u8| if ignores_case { byte.eq_ignore_ascii_case(&first) } else { byte == first };
    let at = rest.bytes().position(|byte| begins(byte) || (byte == b':' && !crosses_colon))?;
    // The byte is the first of a character, as the first byte of `plain` and a colon are, so the slice is valid.
    begins(rest.as_bytes()[at]).then(|| &rest[at..])
}

fn strip<'a>(text: &'a str, plain: &str, ignores_case: bool) -> Option<&'a str> {
    if !ignores_case {
        return text.strip_prefix(plain);
    }
    let (begin, rest) = text.split_at_checked(plain.len())?;
    begin.eq_ignore_ascii_case(plain).then_some(rest)
}

fn strip_one(text: &str, crosses_colon: bool) -> Option<&str> {
    let letter = text.chars().next()?;
    (crosses_colon || letter != ':').then(|| &text[letter.len_utf8()..])
}
