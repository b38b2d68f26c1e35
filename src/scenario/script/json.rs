//! JSON whose values know their position, parsed strictly: extensions that AWS tools refuse are refused here.

use std::collections::BTreeSet;

use jsonc_parser::ParseStringErrorKind;
use jsonc_parser::ast::{ObjectProp, ObjectPropName, StringLit, Value};
use jsonc_parser::common::{Range, Ranged};
use jsonc_parser::errors::{ParseError, ParseErrorKind};
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::parse::SEPARATOR;
use super::piece::Piece;
use super::{Span, Word};
use crate::scenario::diagnostic::Diagnostic;

/// A JSON value and its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json {
    /// The value.
    pub kind: JsonKind,
    /// Its position, quotes and brackets included.
    pub span: Span,
}

/// A JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JsonKind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number that `serde_json` can hold.
    Number(serde_json::Number),
    /// A string, without its quotes and escapes.
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// An object: no two members have the same name.
    Object(Vec<Member>),
}

/// A member of a JSON object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The name, without its quotes; the span includes them.
    pub name: Word,
    /// The value.
    pub value: Json,
}

impl Json {
    /// Reads one JSON value. Spans count from the start of `text`.
    ///
    /// # Errors
    ///
    /// The first syntax error, or all values that are well written but wrong, such as repeated members.
    pub fn parse(text: &str) -> Result<Json, Vec<Diagnostic>> {
        read(Piece { text, start: 0 })
    }

    /// The value without its spans.
    #[must_use]
    pub fn to_value(&self) -> serde_json::Value {
        match &self.kind {
            JsonKind::Null => serde_json::Value::Null,
            JsonKind::Bool(value) => serde_json::Value::Bool(*value),
            JsonKind::Number(value) => serde_json::Value::Number(value.clone()),
            JsonKind::String(value) => serde_json::Value::String(value.clone()),
            JsonKind::Array(elements) => elements.iter().map(Json::to_value).collect(),
            JsonKind::Object(members) => {
                members.iter().map(|member| (member.name.text.clone(), member.value.to_value())).collect()
            }
        }
    }
}

/// Reads one JSON value; spans count from the start of the file.
pub(super) fn read(source: Piece<'_>) -> Result<Json, Vec<Diagnostic>> {
    let unclosed = unclosed_string(source.text);
    let tree = match (parse_to_ast(source.text, &CollectOptions::default(), &STRICT), unclosed) {
        // The parser lets strings run over lines, so it stumbles only well after the quote that is missing.
        (Err(error), Some(quote)) if quote < error.range().end => Err(quote_missing(source, quote)),
        (Ok(_), Some(quote)) => Err(quote_missing(source, quote)),
        (Err(error), _) => Err(syntax_error(source, &error)),
        (Ok(parsed), None) => parsed.value.ok_or_else(|| nothing_there(source)),
    };
    let mut reader = JsonReader { source, mistakes: Vec::new() };
    let json = reader.json(tree.map_err(|mistake| vec![mistake])?);
    if reader.mistakes.is_empty() { Ok(json) } else { Err(reader.mistakes) }
}

/// JSON, and none of its extensions.
const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// Converts the parser's tree, and collects mistakes that are no syntax errors, such as repeated members.
struct JsonReader<'a> {
    source: Piece<'a>,
    mistakes: Vec<Diagnostic>,
}

impl JsonReader<'_> {
    fn json(&mut self, value: Value<'_>) -> Json {
        let span = span_in(self.source, value.range());
        let kind = match value {
            Value::NullKeyword(_) => JsonKind::Null,
            Value::BooleanLit(literal) => JsonKind::Bool(literal.value),
            Value::NumberLit(literal) => self.number(literal.value, span),
            Value::StringLit(literal) => JsonKind::String(self.string(literal).text),
            Value::Array(array) => {
                JsonKind::Array(array.elements.into_iter().map(|element| self.json(element)).collect())
            }
            Value::Object(object) => JsonKind::Object(self.members(object.properties)),
        };
        Json { kind, span }
    }

    fn number(&mut self, text: &str, span: Span) -> JsonKind {
        match text.parse() {
            Ok(number) => JsonKind::Number(number),
            Err(_) => {
                self.mistakes.push(Diagnostic::new("the number is out of range", span));
                JsonKind::Null
            }
        }
    }

    fn string(&mut self, literal: StringLit<'_>) -> Word {
        if literal.text(self.source.text).contains(|letter: char| letter < ' ') {
            let span = span_in(self.source, literal.range);
            let mistake = Diagnostic::new("invalid JSON: a control character in a string", span);
            self.mistakes.push(mistake.help("write it as an escape, such as `\\t`".to_owned()));
        }
        Word { text: literal.value.into_owned(), span: span_in(self.source, literal.range) }
    }

    fn members(&mut self, properties: Vec<ObjectProp<'_>>) -> Vec<Member> {
        let mut seen = BTreeSet::new();
        let mut members = Vec::new();
        for property in properties {
            let name = self.name(property.name);
            if !seen.insert(name.text.clone()) {
                self.mistakes.push(Diagnostic::new(format!("duplicate member `{}`", name.text), name.span));
            }
            members.push(Member { name, value: self.json(property.value) });
        }
        members
    }

    fn name(&mut self, name: ObjectPropName<'_>) -> Word {
        match name {
            ObjectPropName::String(literal) => self.string(literal),
            ObjectPropName::Word(literal) => {
                unreachable!("strict JSON has no unquoted name: {}", literal.value)
            }
        }
    }
}

fn span_in(source: Piece<'_>, range: Range) -> Span {
    Span { start: source.start + range.start, end: source.start + range.end }
}

fn nothing_there(source: Piece<'_>) -> Diagnostic {
    Diagnostic::new("invalid JSON: expected a value", source.span())
}

fn quote_missing(source: Piece<'_>, quote: usize) -> Diagnostic {
    let (line, _) = source.split_at(quote).1.split_line();
    Diagnostic::new("invalid JSON: unterminated string", line.trim_end().span())
        .help("a string ends, with `\"`, on the line where it begins".to_owned())
}

fn syntax_error(source: Piece<'_>, error: &ParseError) -> Diagnostic {
    use ParseErrorKind::{UnterminatedArray, UnterminatedObject};
    let (start, end) = (error.range().start, error.range().end);
    let end = match error.kind() {
        // The opening bracket is at fault, not everything after it.
        UnterminatedArray | UnterminatedObject => start + 1,
        _ => end,
    };
    let (at_fault, _) = source.split_at(end).0.split_at(start).1.split_line();
    Diagnostic::new(format!("invalid JSON: {}", complaint(error.kind())), at_fault.span())
}

/// The mistake, as what was expected where that is known.
fn complaint(kind: &ParseErrorKind) -> String {
    use ParseErrorKind as Kind;
    let known = match kind {
        Kind::ExpectedColonAfterObjectKey => "expected `:` after the member's name",
        Kind::ExpectedObjectValue => "expected a value after `:`",
        Kind::ExpectedComma => "expected `,`",
        Kind::ExpectedStringObjectProperty => "expected a member's name in double quotes",
        Kind::UnexpectedTokenInObject => "expected a member's name in double quotes, or `}`",
        Kind::UnexpectedCloseBrace => "expected a value or `]`, not `}`",
        Kind::UnexpectedColon | Kind::UnexpectedComma | Kind::UnexpectedWord | Kind::UnexpectedToken => {
            "expected a value"
        }
        Kind::SingleQuotedStringsNotAllowed => "expected double quotes, not single",
        Kind::TrailingCommasNotAllowed => "a comma after the last value",
        Kind::UnterminatedObject => "this `{` is never closed",
        Kind::UnterminatedArray => "this `[` is never closed",
        Kind::String(ParseStringErrorKind::UnterminatedStringLiteral) => "unterminated string",
        other => return in_lower_case(&other.to_string()),
    };
    known.to_owned()
}

fn in_lower_case(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// The length of the object with which `text` begins.
///
/// An object that is never closed is taken to end with its block, or before the first line that looks like a command.
/// So one missing brace does not hide the mistakes behind it.
pub(super) fn object_length(text: &str) -> usize {
    closing_brace(text).unwrap_or_else(|| {
        let looks_like_command = |line: &str| line.starts_with(|c: char| c.is_ascii_alphabetic() || c == '#');
        let is_past = |line: &str| line.starts_with(SEPARATOR) || looks_like_command(line);
        text[..start_of_line(text, is_past)].trim_end().len()
    })
}

/// The offset of the first line that `is_wanted`, or of the end.
fn start_of_line(text: &str, is_wanted: impl Fn(&str) -> bool) -> usize {
    text.split_inclusive('\n').take_while(|line| !is_wanted(line)).map(str::len).sum()
}

/// The offset behind the brace that closes the first, if one does before the end of the block.
fn closing_brace(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    landmarks(text).find_map(|(at, landmark)| {
        match landmark {
            Landmark::Open => depth += 1,
            Landmark::Close => depth = depth.saturating_sub(1),
            Landmark::UnclosedString | Landmark::Separator => return Some(None),
        }
        (depth == 0).then_some(Some(at + 1))
    })?
}

/// The offset of the first quote that opens a string and has no partner on its line.
fn unclosed_string(text: &str) -> Option<usize> {
    landmarks(text).find_map(|(at, landmark)| matches!(landmark, Landmark::UnclosedString).then_some(at))
}

/// A position by which to find one's way in JSON that may be broken.
enum Landmark {
    /// A `{` outside strings.
    Open,
    /// A `}` outside strings.
    Close,
    /// The first quote of a string that its line does not close.
    UnclosedString,
    /// The end of the line above a `----`, which ends the block.
    Separator,
}

/// The part of the JSON in which a byte stands.
#[derive(Clone, Copy)]
enum TextPosition {
    Outside,
    String { quote: usize },
    Escape { quote: usize },
}

fn landmarks(text: &str) -> impl Iterator<Item = (usize, Landmark)> {
    let is_above_separator =
        |at: usize| text[at..].get(1..).is_some_and(|below| below.starts_with(SEPARATOR));
    let mut position = TextPosition::Outside;
    // The end of the text ends its last line.
    text.bytes().chain([b'\n']).enumerate().filter_map(move |(at, byte)| {
        let (next, landmark) = match (position, byte) {
            (TextPosition::Outside, b'"') => (TextPosition::String { quote: at }, None),
            (TextPosition::Outside, b'{') => (TextPosition::Outside, Some((at, Landmark::Open))),
            (TextPosition::Outside, b'}') => (TextPosition::Outside, Some((at, Landmark::Close))),
            (TextPosition::Outside, b'\n') if is_above_separator(at) => {
                (TextPosition::Outside, Some((at, Landmark::Separator)))
            }
            (TextPosition::Outside, _) | (TextPosition::String { .. }, b'"') => (TextPosition::Outside, None),
            (TextPosition::String { quote } | TextPosition::Escape { quote }, b'\n') => {
                (TextPosition::Outside, Some((quote, Landmark::UnclosedString)))
            }
            (TextPosition::String { quote }, b'\\') => (TextPosition::Escape { quote }, None),
            (TextPosition::String { quote } | TextPosition::Escape { quote }, _) => {
                (TextPosition::String { quote }, None)
            }
        };
        position = next;
        landmark
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(text: &str) -> (String, &str) {
        let mistakes = Json::parse(text).expect_err("a mistake");
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
        (
            mistakes[0].message.replace("invalid JSON: ", ""),
            &text[mistakes[0].span.start..mistakes[0].span.end],
        )
    }

    #[test]
    fn a_value_without_its_spans_is_what_serde_json_reads() {
        let text =
            r#"{ "a": [1, -2.5e3, 18446744073709551615, true, null], "b\n": { "é": "\ud83d\ude00\\" } }"#;
        let expected: serde_json::Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(Json::parse(text).expect("JSON").to_value(), expected);
    }

    #[test]
    fn every_value_knows_its_position() {
        let text = r#"{ "é": [ "x", 12 ] }"#;
        let JsonKind::Object(members) = Json::parse(text).expect("JSON").kind else { panic!("an object") };
        let stands = |span: Span| &text[span.start..span.end];
        assert_eq!(stands(members[0].name.span), r#""é""#);
        assert_eq!(stands(members[0].value.span), r#"[ "x", 12 ]"#);
        let JsonKind::Array(elements) = &members[0].value.kind else { panic!("an array") };
        assert_eq!(stands(elements[1].span), "12");
    }

    #[test]
    fn extensions_of_json_are_refused_at_their_position() {
        let message = |text| mistake(text).0;
        assert_eq!(mistake("{ 'a': 1 }"), ("expected double quotes, not single".to_owned(), "'"));
        assert_eq!(mistake("{ a: 1 }"), ("expected a member's name in double quotes".to_owned(), "a"));
        assert_eq!(mistake(r#"{ "a": 1, }"#), ("a comma after the last value".to_owned(), ","));
        assert_eq!(mistake("{ // x\n}"), ("comments are not allowed".to_owned(), "// x"));
        assert_eq!(message(r#"{ "a": 0x1 }"#), "hexadecimal numbers are not allowed");
        assert_eq!(message(r#"{ "a": +1 }"#), "unary plus on numbers is not allowed");
        assert_eq!(message(r#"{ "a": NaN }"#), "expected a value");
        assert_eq!(message(r#"{ "a": "\x41" }"#), "invalid escape");
        assert_eq!(message("{ \"a\": \"\t\" }"), "a control character in a string");
    }

    #[test]
    fn a_syntax_error_shows_what_was_expected_and_where() {
        assert_eq!(mistake(r#"{ "a" 1 }"#), ("expected `:` after the member's name".to_owned(), "1"));
        assert_eq!(mistake(r#"{ "a": , }"#), ("expected a value".to_owned(), ","));
        assert_eq!(mistake(r#"{ "a": 1 "b": 2 }"#), ("expected `,`".to_owned(), ""));
        assert_eq!(mistake(r#"{ "a": [1 }"#), ("expected a value or `]`, not `}`".to_owned(), "}"));
        assert_eq!(mistake(r#"{ "a": { "b": 1 }"#), ("this `{` is never closed".to_owned(), "{"));
        assert_eq!(mistake("[1,"), ("this `[` is never closed".to_owned(), "["));
        assert_eq!(mistake(""), ("expected a value".to_owned(), ""));
    }

    #[test]
    fn a_string_without_its_closing_quote_is_pointed_to() {
        let expected = ("unterminated string".to_owned(), "\"x,");
        assert_eq!(mistake("{\n  \"a\": \"x,\n  \"b\": \"y\"\n}"), expected);
        assert_eq!(mistake("{ \"a\": \"x,"), expected);
        assert_eq!(mistake("{ \"a\": \"x,\n\" }"), expected);
    }

    #[test]
    fn a_mistake_before_an_unclosed_string_comes_first() {
        assert_eq!(mistake(r#"{ 'it"s': 1 }"#).0, "expected double quotes, not single");
    }

    #[test]
    fn every_repeated_member_is_a_mistake() {
        let text = r#"{ "a": { "b": 1, "b": 2 }, "a": 3 }"#;
        let mistakes = Json::parse(text).expect_err("mistakes");
        let found: Vec<_> = mistakes.iter().map(|one| (one.message.as_str(), one.span.start)).collect();
        assert_eq!(found, [("duplicate member `b`", 17), ("duplicate member `a`", 27)]);
    }

    #[test]
    fn a_number_beyond_all_bounds_is_a_mistake() {
        assert_eq!(mistake("[1e999]"), ("the number is out of range".to_owned(), "1e999"));
    }

    #[test]
    fn deep_nesting_is_a_mistake_and_not_a_crash() {
        assert_eq!(mistake(&"[".repeat(100_000)).0, "maximum nesting depth exceeded");
    }

    #[test]
    fn an_object_ends_at_the_brace_that_closes_it() {
        for object in ["{}", r#"{ "a": "}" }"#, r#"{ "\"}": {} }"#, "{\ntrue\n}"] {
            assert_eq!(object_length(&format!("{object} {{}}\n----\n}}")), object.len(), "{object}");
        }
    }

    #[test]
    fn an_object_never_closed_ends_before_the_next_command_or_the_end_of_its_block() {
        for after in ["", "\n----\n}", "\n\nexpect x\n", "\n# why\n{}\n"] {
            assert_eq!(object_length(&format!("{{\n  \"a{after}")), 6, "{after}");
        }
    }
}
