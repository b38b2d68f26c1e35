//! Parses the lines of a file: comments, commands, bodies and recorded output.
//!
//! The syntax within a command line or a body does not belong here.

use std::mem::take;

use super::piece::Piece;
use super::{Block, Body, Command, Script, Span, command, json};
use crate::scenario::diagnostic::Diagnostic;

/// The line between the commands of a block and the output recorded for them.
pub(in crate::scenario) const SEPARATOR: &str = "----";

impl Script {
    /// Reads a scenario file.
    ///
    /// # Errors
    ///
    /// Every mistake in the syntax of the file, in its order.
    pub fn parse(text: &str) -> Result<Script, Vec<Diagnostic>> {
        let mut parser = Parser::new(text);
        while let Some(line) = parser.next_line() {
            parser.read_line(line);
        }
        parser.finish()
    }
}

/// The kind of a line that is neither margin nor recorded output.
enum LexemeKind {
    Separator,
    Body,
    /// A bracket that closes nothing.
    Bracket,
    /// A line of a trace that no `----` precedes.
    Trace,
    Command,
}

impl LexemeKind {
    fn of(line: Piece<'_>) -> LexemeKind {
        match line.text.trim() {
            SEPARATOR => LexemeKind::Separator,
            // Miscounted dashes: read as a command, they would make commands of the output below them.
            text if text.len() >= 3 && text.bytes().all(|byte| byte == b'-') => LexemeKind::Separator,
            text if text.starts_with('{') => LexemeKind::Body,
            text if text.starts_with(['}', ']']) => LexemeKind::Bracket,
            text if is_trace_line(text) => LexemeKind::Trace,
            _ => LexemeKind::Command,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            LexemeKind::Separator => "`----`",
            LexemeKind::Body => "a body",
            LexemeKind::Bracket => "a bracket",
            LexemeKind::Trace => "a trace",
            LexemeKind::Command => "a command",
        }
    }
}

/// Whether `line` reads as a line of a trace: `ok`, or a line that begins with a time to the millisecond. No verb does.
pub(in crate::scenario) fn is_trace_line(line: &str) -> bool {
    let time = line.split_whitespace().next().and_then(|time| time.split_once('.'));
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    line == "ok"
        || time
            .is_some_and(|(seconds, millis)| are_digits(seconds) && are_digits(millis) && millis.len() == 3)
}

/// Whether a line is blank or a comment. Such lines can stand anywhere but in bodies and output.
fn is_margin(line: Piece<'_>) -> bool {
    let text = line.text.trim_start();
    text.is_empty() || text.starts_with('#')
}

fn is_indented(line: Piece<'_>) -> bool {
    line.text.starts_with(char::is_whitespace) && !is_margin(line)
}

struct Parser<'a> {
    /// The whole text.
    file: Piece<'a>,
    /// The text that is still to be read; it begins at the start of a line.
    unread: Piece<'a>,
    /// The complete blocks.
    blocks: Vec<Block>,
    /// The block that is being read.
    block: Block,
    /// The comment and blank lines since the last command or block.
    margin: Vec<String>,
    mistakes: Vec<Diagnostic>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Parser<'a> {
        let file = Piece { text, start: 0 };
        // Some editors write one. Spans count it, because it is in the file.
        let mark = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len_utf8() } else { 0 };
        Parser {
            file,
            unread: file.split_at(mark).1,
            blocks: Vec::new(),
            block: Block::default(),
            margin: Vec::new(),
            mistakes: Vec::new(),
        }
    }

    fn next_line(&mut self) -> Option<Piece<'a>> {
        if self.unread.text.is_empty() {
            return None;
        }
        let (line, after) = self.unread.split_line();
        self.unread = after;
        Some(line)
    }

    /// Reads the next line if it `is_wanted`.
    fn next_line_if(&mut self, is_wanted: impl Fn(Piece<'a>) -> bool) -> Option<Piece<'a>> {
        let (line, _) = self.unread.split_line();
        if is_wanted(line) { self.next_line() } else { None }
    }

    fn read_line(&mut self, line: Piece<'a>) {
        if is_margin(line) {
            self.margin.push(line.text.to_owned());
            return;
        }
        let (kind, content) = (LexemeKind::of(line), line.trim_start().trim_end());
        // A trace is indented so that its times stand in one column.
        if is_indented(line) && !matches!(kind, LexemeKind::Trace) {
            let message = format!("{} must begin in column 1", kind.name());
            self.mistake(message, content.span(), "remove the spaces before it");
        }
        match kind {
            LexemeKind::Separator => self.read_output(content),
            LexemeKind::Body => self.read_body(content),
            LexemeKind::Bracket => self.refuse_bracket(content.split_at(1).0),
            LexemeKind::Trace => self.refuse_trace(content),
            LexemeKind::Command => self.read_command(content),
        }
        if is_indented(line) {
            // A slip of the tab key, or the rest of a broken body, is one mistake and not one for each line.
            while self.next_line_if(is_indented).is_some() {}
        }
    }

    fn refuse_bracket(&mut self, bracket: Piece<'a>) {
        let message = format!("`{}` closes nothing", bracket.text);
        self.mistakes.push(Diagnostic::new(message, bracket.span()));
    }

    /// One mistake for the whole trace: its lines up to the next blank one are skipped.
    fn refuse_trace(&mut self, line: Piece<'a>) {
        self.mistake(
            "a line of a trace without `----` above it",
            line.span(),
            "`----` stands between the commands of a block and their trace, and a blank line ends the trace",
        );
        while self.next_line_if(|line| !matches!(line.text.trim(), "" | SEPARATOR)).is_some() {}
    }

    fn read_command(&mut self, line: Piece<'a>) {
        let (line, body) = command::split_body(line);
        let mut command = command::read(line, &mut self.mistakes);
        if self.block.commands.is_empty() {
            self.block.leading = take(&mut self.margin);
            self.block.span = command.span;
        } else {
            command.comments = take(&mut self.margin);
        }
        self.block.span.end = command.span.end;
        self.block.commands.push(command);
        if let Some(body) = body {
            let brace = body.split_at(1).0.span();
            self.mistake("the body stands on the line of its command", brace, "begin a new line before `{`");
            // Reading the body keeps its other lines from being taken for commands.
            self.next_body(body);
        }
    }

    fn read_body(&mut self, line: Piece<'a>) {
        let body = self.next_body(line);
        let stray = match self.block.commands.last_mut() {
            Some(Command { body: Some(_), .. }) => "the command above already has a body",
            Some(command) if self.margin.is_empty() => {
                let end = body.as_ref().map_or(command.span.end, |body| body.span.end);
                command.span.end = end;
                self.block.span.end = end;
                command.body = body;
                return;
            }
            _ => "a body without a command right above it",
        };
        self.mistake(stray, line.split_at(1).0.span(), "write the command on the line before `{`");
    }

    /// Reads the body that begins with `line`, up to the end of the line where it closes.
    fn next_body(&mut self, line: Piece<'a>) -> Option<Body> {
        let (_, from_brace) = self.file.split_at(line.start);
        let (object, after) = from_brace.split_at(json::object_length(from_brace.text));
        let (tail, unread) = after.split_line();
        self.unread = unread;
        let tail = tail.trim_start().trim_end();
        if !tail.text.is_empty() {
            self.mistake("unexpected text after the body", tail.span(), "begin a new line after `}`");
        }
        match json::read(object) {
            Ok(value) => Some(Body { text: object.text.replace("\r\n", "\n"), span: object.span(), value }),
            Err(mistakes) => {
                self.mistakes.extend(mistakes);
                None
            }
        }
    }

    /// Reads the recorded output below `separator`, which completes the block.
    fn read_output(&mut self, separator: Piece<'a>) {
        let mut block = take(&mut self.block);
        block.closing = take(&mut self.margin);
        block.recorded = true;
        block.span.end = separator.span().end;
        if separator.text != SEPARATOR {
            self.mistake("the line above recorded output is `----`", separator.span(), "write four dashes");
        }
        while let Some(line) = self.next_line_if(|line| !line.text.trim().is_empty()) {
            if line.text.trim() == SEPARATOR {
                let help = "end the output above with a blank line";
                self.mistake("`----` within recorded output", line.span(), help);
            }
            block.span.end = line.span().end;
            block.output.push(line.word());
        }
        if block.commands.is_empty() {
            self.mistakes.push(Diagnostic::new("`----` without a command before it", separator.span()));
        } else {
            self.blocks.push(block);
        }
    }

    fn finish(mut self) -> Result<Script, Vec<Diagnostic>> {
        if !self.block.commands.is_empty() {
            self.blocks.push(self.block);
        }
        if self.blocks.is_empty() && self.mistakes.is_empty() {
            self.mistakes.push(Diagnostic::new("the scenario is empty", Span::default()));
        }
        if self.mistakes.is_empty() {
            return Ok(Script { blocks: self.blocks, trailing: self.margin });
        }
        self.mistakes.sort_by_key(|mistake| mistake.span.start);
        Err(self.mistakes)
    }

    fn mistake(&mut self, message: impl Into<String>, span: Span, help: &str) {
        self.mistakes.push(Diagnostic::new(message, span).help(help.to_owned()));
    }
}

const BYTE_ORDER_MARK: char = '\u{feff}';

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::script::Word;

    /// The messages, each with the text at fault.
    fn mistakes(text: &str) -> Vec<(String, &str)> {
        let mistakes = Script::parse(text).expect_err("mistakes");
        mistakes.into_iter().map(|one| (one.message, &text[one.span.start..one.span.end])).collect()
    }

    fn one<'a>(message: &str, at_fault: &'a str) -> Vec<(String, &'a str)> {
        vec![(message.to_owned(), at_fault)]
    }

    #[test]
    fn a_body_needs_a_command_right_above_it() {
        let message = "a body without a command right above it";
        assert_eq!(mistakes("{}\n"), one(message, "{"));
        assert_eq!(mistakes("a\n\n{}\n"), one(message, "{"));
        assert_eq!(mistakes("a\n# why\n{}\n----\n"), one(message, "{"));
        assert_eq!(mistakes("a\n----\nok\n\n{}\n"), one(message, "{"));
    }

    #[test]
    fn a_command_has_one_body_at_most() {
        assert_eq!(mistakes("a\n{}\n{}\n"), one("the command above already has a body", "{"));
        assert_eq!(mistakes("a\n{}\n\n{}\n"), one("the command above already has a body", "{"));
    }

    #[test]
    fn an_unclosed_body_does_not_hide_the_mistakes_after_it() {
        let text = "a\n{\n  \"x\": {\n\nb \"c\n----\n\nd\n{ \"y\": }\n----\n";
        let expected = [
            ("invalid JSON: this `{` is never closed", "{"),
            ("unbalanced quote", "\"c"),
            ("invalid JSON: expected a value or `]`, not `}`", "}"),
        ];
        assert_eq!(mistakes(text), expected.map(|(message, text)| (message.to_owned(), text)));
        assert_eq!(Script::parse(text).expect_err("mistakes")[0].span.start, 11, "the innermost");
    }

    #[test]
    fn spans_in_a_body_count_from_the_start_of_the_file() {
        let text = "# é\na\r\n{\r\n  \"x\": 1,\r\n  \"x\": 2\r\n}\r\n";
        let mistakes = Script::parse(text).expect_err("a mistake");
        assert_eq!(mistakes[0].message, "duplicate member `x`");
        assert_eq!(mistakes[0].span.start, text.rfind("\"x\"").expect("it is there"));
    }

    #[test]
    fn a_separator_needs_a_command_before_it() {
        let message = "`----` without a command before it";
        assert_eq!(mistakes("# why\n----\nok\n"), one(message, "----"));
        assert_eq!(mistakes("a\n----\n\n----\nok\n"), one(message, "----"));
    }

    #[test]
    fn a_separator_within_output_betrays_a_missing_blank_line() {
        assert_eq!(mistakes("a\n----\nok\nb\n----\nok\n"), one("`----` within recorded output", "----"));
    }

    #[test]
    fn a_separator_has_four_dashes() {
        let message = "the line above recorded output is `----`";
        assert_eq!(mistakes("a\n---\nok\n"), one(message, "---"));
        assert_eq!(mistakes("a\n-----\nok\n"), one(message, "-----"));
    }

    #[test]
    fn a_body_begins_on_a_line_of_its_own() {
        let message = "the body stands on the line of its command";
        assert_eq!(mistakes("a b=c {\n  \"x\": 1\n}\n----\n"), one(message, "{"));
        assert_eq!(mistakes("ops: a { \"x\": 1 }\n----\n"), one(message, "{"));
    }

    #[test]
    fn a_trace_needs_a_separator_above_it() {
        let message = "a line of a trace without `----` above it";
        assert_eq!(mistakes("a\n   0.000 b\n 0.001 c\n\nd\n----\nok\n"), one(message, "0.000 b"));
        assert_eq!(mistakes("a\nok\n"), one(message, "ok"));
        assert_eq!(mistakes("a\n----\n0.000 b\n\n0.001 c\n"), one(message, "0.001 c"));
    }

    #[test]
    fn a_byte_order_mark_is_skipped_and_counted() {
        let text = "\u{feff}a\n}\n";
        assert_eq!(mistakes(text), one("`}` closes nothing", "}"));
        let script = Script::parse("\u{feff}a\n").expect("a script");
        assert_eq!(
            script.blocks[0].commands[0].verb,
            Word { text: "a".to_owned(), span: Span { start: 3, end: 4 } }
        );
    }

    #[test]
    fn nothing_follows_a_body_on_its_line() {
        assert_eq!(mistakes("a\n{\n} b c \n----\n"), one("unexpected text after the body", "b c"));
        assert_eq!(mistakes("a\n{}}\n----\n"), one("unexpected text after the body", "}"));
    }

    #[test]
    fn a_bracket_that_closes_nothing_is_no_command() {
        assert_eq!(mistakes("a\n{}\n}\n"), one("`}` closes nothing", "}"));
    }

    #[test]
    fn commands_bodies_and_separators_begin_in_column_one() {
        assert_eq!(mistakes("a\n  b c\n----\n"), one("a command must begin in column 1", "b c"));
        assert_eq!(mistakes("a\n {}\n----\n"), one("a body must begin in column 1", "{}"));
        assert_eq!(mistakes("a\n\t----\nok\n"), one("`----` must begin in column 1", "----"));
    }

    #[test]
    fn a_run_of_indented_lines_is_one_mistake() {
        assert_eq!(mistakes("a\n b\n c\n  d\n----\n"), one("a command must begin in column 1", "b"));
    }

    #[test]
    fn a_file_without_commands_is_empty() {
        for text in ["", "\n\n", "# why\n"] {
            assert_eq!(mistakes(text), one("the scenario is empty", ""));
        }
    }

    #[test]
    fn spans_cover_commands_with_their_bodies_and_blocks_with_their_output() {
        let text = "# why\nops: a\n{\n}\nb\n----\n x\n\nc\n";
        let script = Script::parse(text).expect("a script");
        let stands = |span: Span| &text[span.start..span.end];
        assert_eq!(stands(script.blocks[0].commands[0].span), "ops: a\n{\n}");
        assert_eq!(stands(script.blocks[0].commands[1].span), "b");
        assert_eq!(stands(script.blocks[0].span), "ops: a\n{\n}\nb\n----\n x");
        assert_eq!(stands(script.blocks[0].output[0].span), " x");
        assert_eq!(stands(script.blocks[1].span), "c");
    }
}
