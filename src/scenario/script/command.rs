//! The syntax of one command line: client, verb, words, options and comment.
//!
//! Bodies and the lines around a command do not belong here.

use super::piece::Piece;
use super::{Command, Span, Word};
use crate::scenario::diagnostic::Diagnostic;

/// The verb whose line is an expression.
const EXPRESSION_VERB: &str = "expect";

impl Command {
    /// Reads one command line, such as `ops: create-cluster region=use1`. The command has no body yet.
    ///
    /// # Errors
    ///
    /// Every mistake in the line.
    pub fn parse(line: &str) -> Result<Command, Vec<Diagnostic>> {
        let mut mistakes = Vec::new();
        let command = read(Piece { text: line, start: 0 }, &mut mistakes);
        if mistakes.is_empty() { Ok(command) } else { Err(mistakes) }
    }
}

/// Reads a command line. A command comes back even from a broken line, so that the mistakes in later lines are found.
pub(super) fn read(line: Piece<'_>, mistakes: &mut Vec<Diagnostic>) -> Command {
    let (line, remark) = split_remark(line.trim_start().trim_end());
    let (actor, action) = split_actor(line);
    let (verb, rest) = action.split_word();
    if let Some(actor) = actor
        && actor.text.is_empty()
    {
        mistakes.push(Diagnostic::new("a client's name is missing before `:`", line.split_word().0.span()));
    }
    if verb.text.is_empty() {
        mistakes.push(
            Diagnostic::new("a command is missing", line.span()).label("a client, but nothing for it to do"),
        );
    }
    let words = if verb.text == EXPRESSION_VERB { Vec::new() } else { split_words(rest, mistakes) };
    let mut command = Command {
        actor: actor.map(Piece::word),
        verb: verb.word(),
        rest: rest.word(),
        remark: remark.text.to_owned(),
        span: line.span(),
        ..Command::default()
    };
    for word in words {
        match split_option(word) {
            Some((key, value)) => command.options.push((key.word(), unquote(value))),
            None => command.args.push(unquote(word)),
        }
    }
    command
}

/// The line up to a body that begins on it, and the body, if there is one.
pub(super) fn split_body(line: Piece<'_>) -> (Piece<'_>, Option<Piece<'_>>) {
    let (verb, _) = split_actor(line).1.split_word();
    // An expectation may compare with an object.
    if verb.text == EXPRESSION_VERB {
        return (line, None);
    }
    match word_beginning(line, &['#', '{']) {
        Some(at) if line.text[at..].starts_with('{') => {
            let (head, body) = line.split_at(at);
            (head, Some(body))
        }
        _ => (line, None),
    }
}

/// The line up to the comment at its end, and the comment with the spaces before it; empty if there is none.
fn split_remark(line: Piece<'_>) -> (Piece<'_>, Piece<'_>) {
    let begin = word_beginning(line, &['#']).unwrap_or(line.text.len());
    line.split_at(line.text[..begin].trim_end().len())
}

/// The offset of the first word outside double quotes that begins with one of `letters`.
fn word_beginning(line: Piece<'_>, letters: &[char]) -> Option<usize> {
    let mut is_quoted = false;
    let mut begins_word = true;
    line.text.char_indices().find_map(|(at, letter)| {
        let is_found = begins_word && !is_quoted && letters.contains(&letter);
        is_quoted ^= letter == '"';
        begins_word = letter.is_whitespace();
        is_found.then_some(at)
    })
}

/// The client, if the first word ends in a colon, and the rest of the line.
fn split_actor(line: Piece<'_>) -> (Option<Piece<'_>>, Piece<'_>) {
    let (first, after) = line.split_word();
    match first.text.strip_suffix(':') {
        Some(name) => (Some(Piece { text: name, ..first }), after),
        None => (None, line),
    }
}

/// Splits at white space, except between double quotes.
fn split_words<'a>(text: Piece<'a>, mistakes: &mut Vec<Diagnostic>) -> Vec<Piece<'a>> {
    let mut words = Vec::new();
    let mut remaining = text;
    while !remaining.text.is_empty() {
        let mut quote = None;
        let end = remaining.text.char_indices().find_map(|(at, letter)| {
            if letter == '"' {
                quote = if quote.is_none() { Some(at) } else { None };
            }
            (quote.is_none() && letter.is_whitespace()).then_some(at)
        });
        if let Some(at) = quote {
            mistakes.push(unbalanced(remaining.split_at(at).1.span()));
        }
        let (word, after) = remaining.split_at(end.unwrap_or(remaining.text.len()));
        words.push(word);
        remaining = after.trim_start();
    }
    words
}

fn unbalanced(span: Span) -> Diagnostic {
    Diagnostic::new("unbalanced quote", span)
        .label("opened here")
        .help("close it with `\"` on the same line".to_owned())
}

/// The key and the value, if the word has the form `key=value`. The key is never empty; the value may be.
fn split_option(word: Piece<'_>) -> Option<(Piece<'_>, Piece<'_>)> {
    let at = word.text.find(['=', '"']).filter(|at| *at > 0 && word.text[*at..].starts_with('='))?;
    let (key, sign_and_value) = word.split_at(at);
    Some((key, sign_and_value.split_at(1).1))
}

/// The word without its quotes, if they enclose all of it.
fn unquote(piece: Piece<'_>) -> Word {
    let inside = piece.text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let text = inside.filter(|text| !text.contains('"')).unwrap_or(piece.text);
    Word { text: text.to_owned(), span: piece.span() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(words: &[Word]) -> Vec<&str> {
        words.iter().map(|word| word.text.as_str()).collect()
    }

    fn pairs(options: &[(Word, Word)]) -> Vec<(&str, &str)> {
        options.iter().map(|(key, value)| (key.text.as_str(), value.text.as_str())).collect()
    }

    #[test]
    fn a_line_splits_into_actor_verb_words_and_options() {
        let command = Command::parse("ops: create-cluster eu region=use1 as=blue").expect("a command");
        assert_eq!(command.actor.expect("an actor").text, "ops");
        assert_eq!(command.verb.text, "create-cluster");
        assert_eq!(texts(&command.args), ["eu"]);
        assert_eq!(pairs(&command.options), [("region", "use1"), ("as", "blue")]);
        assert_eq!(command.rest.text, "eu region=use1 as=blue");
    }

    #[test]
    fn only_the_first_word_can_be_an_actor() {
        let command = Command::parse("at 12s ops: create-cluster").expect("a command");
        assert_eq!(command.actor, None);
        assert_eq!(command.verb.text, "at");
        assert_eq!(texts(&command.args), ["12s", "ops:", "create-cluster"]);
    }

    #[test]
    fn quotes_hold_spaces_together() {
        let command = Command::parse(r#"show "a b" text="c  d" e"#).expect("a command");
        assert_eq!(texts(&command.args), ["a b", "e"]);
        assert_eq!(pairs(&command.options), [("text", "c  d")]);
        assert_eq!(command.options[0].1.span, Span { start: 16, end: 22 }, "the quotes are underlined too");
    }

    #[test]
    fn an_equals_sign_with_nothing_before_it_makes_no_option() {
        let command = Command::parse(r#"wait a == b c= "d=e""#).expect("a command");
        assert_eq!(texts(&command.args), ["a", "==", "b", "d=e"]);
        assert_eq!(pairs(&command.options), [("c", "")]);
    }

    #[test]
    fn what_follows_expect_is_left_whole() {
        let command = Command::parse(r#"expect reason == "it's # x=1""#).expect("a command");
        assert_eq!(command.rest.text, r#"reason == "it's # x=1""#);
        assert_eq!((command.args.len(), command.options.len()), (0, 0));
    }

    #[test]
    fn a_comment_may_end_a_line() {
        for line in ["show blue", "ops: get-cluster a=b", r##"expect tags.a == "# b""##, "parallel"] {
            let command = Command::parse(&format!("{line}  # \"why\" x=1")).expect("a command");
            let bare = Command::parse(line).expect("a command");
            assert_eq!(command.remark, "  # \"why\" x=1");
            assert_eq!(Command { remark: String::new(), ..command }, bare);
        }
        assert_eq!(texts(&Command::parse("show a#b").expect("a command").args), ["a#b"]);
    }

    #[test]
    fn a_body_on_the_line_is_found_outside_quotes_comments_and_expectations() {
        let split = |text| split_body(Piece { text, start: 0 }).1.map(|body| body.text);
        assert_eq!(split("ops: a b=c { \"d\": 1 }"), Some("{ \"d\": 1 }"));
        for line in ["a b={}", "a \"b { c\"", "a # {}", "expect tags == {}"] {
            assert_eq!(split(line), None, "{line}");
        }
    }

    #[test]
    fn an_unbalanced_quote_is_pointed_to() {
        let mistakes = Command::parse("show \"a b\" text=\"c d").expect_err("a mistake");
        assert_eq!(mistakes[0].message, "unbalanced quote");
        assert_eq!(mistakes[0].span, Span { start: 16, end: 20 });
    }

    #[test]
    fn an_actor_needs_a_name_and_something_to_do() {
        let message = |line| Command::parse(line).expect_err("a mistake")[0].message.clone();
        assert_eq!(message("ops:"), "a command is missing");
        assert_eq!(message(": show"), "a client's name is missing before `:`");
        assert_eq!(message(""), "a command is missing");
    }
}
