//! Patterns with wildcards and policy variables.

/// The value of a policy variable, by the name of its condition key.
pub(super) type VariableValue<'a> = &'a dyn Fn(&str) -> Result<String, Unexpanded>;

/// The reason why a pattern has no meaning for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unexpanded {
    /// A variable has no value, and so the pattern fits nothing.
    NoValue,
    /// The value of a variable is not known.
    Unknown,
}

/// What is special in a pattern.
#[derive(Clone, Copy)]
pub(super) struct Expansion<'a> {
    /// Whether `*` stands for any run of characters and `?` for any single one.
    pub(super) wildcards: bool,
    /// The values of variables; `None` where `${…}` is plain text.
    pub(super) variable: Option<VariableValue<'a>>,
}

/// A part of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PatternPiece {
    Is(char),
    One,
    Run,
}

/// Whether a text fits a pattern.
pub(super) fn fits_text(pattern: &str, text: &str, expansion: Expansion<'_>) -> Result<bool, Unexpanded> {
    if !pattern.contains(['*', '?', '$']) {
        return Ok(pattern == text);
    }
    Ok(fits(&pieces(pattern, expansion, false)?, text))
}

/// The pattern, which has no wildcards, with the values of its variables.
pub(super) fn expanded(pattern: &str, variable: Option<VariableValue<'_>>) -> Result<String, Unexpanded> {
    let pieces = pieces(pattern, Expansion { wildcards: false, variable }, false)?;
    Ok(pieces
        .into_iter()
        .filter_map(|piece| if let PatternPiece::Is(letter) = piece { Some(letter) } else { None })
        .collect())
}

/// Whether an ARN fits a pattern. The six parts are compared one by one; a pattern that ends in an asterisk covers
/// the parts that it leaves out.
pub(super) fn fits_arn(
    pattern: &str,
    arn: &str,
    variable: Option<VariableValue<'_>>,
) -> Result<bool, Unexpanded> {
    if pattern.bytes().all(|byte| byte == b'*') || pattern == arn {
        return Ok(true);
    }
    let pieces = pieces(pattern, Expansion { wildcards: true, variable }, true)?;
    let parts: Vec<&[PatternPiece]> = pieces.splitn(6, |piece| *piece == PatternPiece::Is(':')).collect();
    let found: Vec<&str> = arn.splitn(6, ':').collect();
    let is_whole = parts.len() == found.len() || (parts.len() < found.len() && pattern.ends_with('*'));
    Ok(is_whole && parts.iter().zip(found).all(|(part, found)| fits(part, found)))
}

/// The pieces of a pattern, with the values of variables as plain text. In one of the first five parts of an ARN a
/// value cannot stand for several parts, so one with a colon has no meaning.
fn pieces(pattern: &str, expansion: Expansion<'_>, is_arn: bool) -> Result<Vec<PatternPiece>, Unexpanded> {
    let mut pieces = Vec::new();
    let (mut rest, mut colons) = (pattern, 0);
    while let Some(letter) = rest.chars().next() {
        if let (Some(value), Some(inner)) = (expansion.variable, rest.strip_prefix("${"))
            && let Some((name, after)) = inner.split_once('}')
        {
            let value =
                if matches!(name, "*" | "?" | "$") { Ok(name.to_owned()) } else { of_variable(name, value) };
            let value = value?;
            if is_arn && colons < 5 && value.contains(':') {
                return Err(Unexpanded::NoValue);
            }
            pieces.extend(value.chars().map(PatternPiece::Is));
            rest = after;
            continue;
        }
        colons += usize::from(letter == ':');
        rest = &rest[letter.len_utf8()..];
        pieces.push(match letter {
            '*' if expansion.wildcards => PatternPiece::Run,
            '?' if expansion.wildcards => PatternPiece::One,
            other => PatternPiece::Is(other),
        });
    }
    Ok(pieces)
}

/// The value of a variable, as in `${aws:username}` or `${aws:username, 'guest'}`.
fn of_variable(name: &str, value: VariableValue<'_>) -> Result<String, Unexpanded> {
    let (key, default) = name.split_once(',').map_or((name, None), |(key, default)| (key, Some(default)));
    match (value(key.trim()), default) {
        (Err(Unexpanded::NoValue), Some(default)) => Ok(default.trim().trim_matches('\'').to_owned()),
        (value, _) => value,
    }
}

/// Whether a text fits: its beginning the pieces before the first run, its end those after the last one, and what is
/// between them, in order, the pieces between two runs.
fn fits(pattern: &[PatternPiece], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let begins = |chunk: &[PatternPiece], text: &[char]| {
        let is_same = |(piece, letter): (&PatternPiece, &char)| {
            matches!(piece, PatternPiece::One) || *piece == PatternPiece::Is(*letter)
        };
        chunk.len() <= text.len() && chunk.iter().zip(text).all(is_same)
    };
    let chunks: Vec<&[PatternPiece]> = pattern.split(|piece| *piece == PatternPiece::Run).collect();
    let [first, middle @ .., last] = &chunks[..] else {
        return pattern.len() == text.len() && begins(pattern, &text);
    };
    let Some(end) = text.len().checked_sub(last.len()).filter(|end| *end >= first.len()) else {
        return false;
    };
    let mut rest = &text[first.len()..end];
    begins(first, &text)
        && begins(last, &text[end..])
        && middle.iter().all(|chunk| {
            let start = (0..=rest.len()).find(|start| begins(chunk, &rest[*start..]));
            start.inspect(|start| rest = &rest[start + chunk.len()..]).is_some()
        })
}
