//! The syntax of scenario files: parses text into a tree and prints it, without regard to the meaning.
//!
//! ```text
//! file    = { comment | blank | block } ;
//! block   = command { command | comment | blank } "----" NL { output line } ( blank | end of file ) ;
//! command = [ actor ":" ] verb { word | key "=" value } [ comment ] NL [ body ] ;
//! body    = JSON object, its "{" in column 1, on the line right below its command ;
//! ```
//!
//! The last block may lack its `----`: it has never been recorded. The verbs and their arguments do not belong here,
//! with one exception: the expression behind `expect` is left whole.

mod command;
mod json;
mod parse;
mod piece;
mod print;

pub use super::diagnostic::Span;
pub use json::{Json, JsonKind, Member};
pub(super) use parse::{SEPARATOR, is_trace_line};

/// A scenario file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// The blocks, in the order of the file.
    pub blocks: Vec<Block>,
    /// The comment and blank lines after the last block, verbatim.
    pub trailing: Vec<String>,
}

/// Commands, and the output that was recorded for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// The comment and blank lines before the first command, verbatim.
    pub leading: Vec<String>,
    /// The commands; at least one.
    pub commands: Vec<Command>,
    /// The comment and blank lines between the last command and `----`, verbatim.
    pub closing: Vec<String>,
    /// Whether `----` follows the commands. Only the last block of a file can go without.
    pub recorded: bool,
    /// The recorded output: no line of it is blank, none is `----`.
    pub output: Vec<Line>,
    /// From the first command to the end of the output.
    pub span: Span,
}

/// One command: a line, and perhaps a JSON body.
///
/// The line is printed from `actor`, `verb` and `rest`; `args` and `options` are `rest` taken apart. Use
/// [`Command::parse`] to make a command whose parts agree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// The comment and blank lines between the previous command and this one, verbatim.
    pub comments: Vec<String>,
    /// The client, without the colon.
    pub actor: Option<Word>,
    /// The first word behind the client.
    pub verb: Word,
    /// The words that are not options, in order; none for `expect`.
    pub args: Vec<Word>,
    /// The `key=value` pairs, in order; none for `expect`.
    pub options: Vec<(Word, Word)>,
    /// The text behind the verb, verbatim, without a comment.
    pub rest: Word,
    /// The comment at the end of the line, with the spaces before it; empty if there is none.
    pub remark: String,
    /// The JSON object below the line.
    pub body: Option<Body>,
    /// From the first letter of the line to the last before its comment, or to the end of the body.
    pub span: Span,
}

/// A piece of text and its position. The span of a quoted word includes its quotes; the text does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// The text.
    pub text: String,
    /// Its position in the file.
    pub span: Span,
}

/// A line of recorded output.
pub type Line = Word;

/// The JSON object that belongs to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// The JSON, verbatim except that lines end in LF.
    pub text: String,
    /// Its position in the file.
    pub span: Span,
    /// The same JSON as a tree.
    pub value: Json,
}

impl From<&str> for Word {
    /// A word that no file holds.
    fn from(text: &str) -> Word {
        Word { text: text.to_owned(), span: Span::default() }
    }
}

impl Script {
    /// The same script with other recorded output: one list of lines for each block.
    ///
    /// # Panics
    ///
    /// If there are not as many lists as blocks.
    #[must_use]
    pub fn with_outputs(&self, outputs: Vec<Vec<String>>) -> Script {
        assert_eq!(self.blocks.len(), outputs.len(), "every block has one output");
        let blocks =
            self.blocks.iter().zip(outputs).map(|(block, output)| block.with_output(output)).collect();
        Script { blocks, trailing: self.trailing.clone() }
    }
}

impl Block {
    fn with_output(&self, output: Vec<String>) -> Block {
        let output = output.iter().map(|line| Line::from(line.as_str())).collect();
        Block { recorded: true, output, ..self.clone() }
    }
}
