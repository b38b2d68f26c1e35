//! Prints a syntax tree.
//!
//! Printing reads texts and never spans, so that scripts that no file holds print as well.

use super::parse::SEPARATOR;
use super::{Block, Command, Script};

impl Script {
    /// The text of the file. A file that [`Script::parse`] has read prints as it was, except that it begins with no
    /// byte order mark, that every line ends in LF, that one space separates client, verb and the rest, and that no
    /// space ends a command.
    #[must_use]
    pub fn print(&self) -> String {
        let mut page = String::new();
        let mut output_is_open = false;
        for (index, block) in self.blocks.iter().enumerate() {
            if output_is_open {
                close_output(&mut page, &block.leading);
            }
            // Without `----` a block would run into the next, so only the last can be left unrecorded.
            output_is_open = block.recorded || index + 1 < self.blocks.len();
            print_block(&mut page, block, output_is_open);
        }
        if output_is_open && !self.trailing.is_empty() {
            close_output(&mut page, &self.trailing);
        }
        print_lines(&mut page, &self.trailing);
        page
    }
}

/// A blank line ends recorded output: writes one, unless the lines that follow begin with one.
fn close_output(page: &mut String, following: &[String]) {
    if following.first().is_none_or(|line| !line.trim().is_empty()) {
        print_line(page, "");
    }
}

fn print_block(page: &mut String, block: &Block, recorded: bool) {
    print_lines(page, &block.leading);
    for command in &block.commands {
        print_command(page, command);
    }
    print_lines(page, &block.closing);
    if recorded {
        print_line(page, SEPARATOR);
        print_lines(page, block.output.iter().map(|line| &line.text));
    }
}

fn print_command(page: &mut String, command: &Command) {
    print_lines(page, &command.comments);
    if let Some(actor) = &command.actor {
        page.push_str(&actor.text);
        page.push_str(": ");
    }
    page.push_str(&command.verb.text);
    if !command.rest.text.is_empty() {
        page.push(' ');
        page.push_str(&command.rest.text);
    }
    page.push_str(&command.remark);
    page.push('\n');
    if let Some(body) = &command.body {
        print_line(page, &body.text);
    }
}

fn print_lines<'a>(page: &mut String, lines: impl IntoIterator<Item = &'a String>) {
    for line in lines {
        print_line(page, line);
    }
}

fn print_line(page: &mut String, line: &str) {
    page.push_str(line);
    page.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::script::{Span, Word};

    const SAMPLE: &str = r#"# Lost response, then a retry.
#

seed 42
regions use1=us-east-1 use2=us-east-2
# Only once.
drop use1->ops CreateCluster.response  times=1  # The answer.
----
ok

# Two at once.
ops: create-cluster region=use1 as=blue attempts=1
{
  "clientToken": "blue-1}\"",

  "multiRegionProperties": { "witnessRegion": "us-west-2" },
  "tags": { "né": [1, 2.50, -1e3, true, null, "\u00e9\ud83d\ude00", {}, []] }
}

  # Indented comments are comments.
ci: delete-cluster $blue.identifier reason="a b"
{}
expect status == "PENDING_SETUP"  # at once
# Closing words.

----
 0.000 ops  -> use1  CreateCluster token=blue-1  
# Output too.
{

silent
----

at 12s ops: show
{ "a": 1 }

# Trailing words.

"#;

    fn parse(text: &str) -> Script {
        Script::parse(text).expect("a well-formed file")
    }

    #[test]
    fn a_well_formed_file_prints_as_it_was() {
        assert_eq!(parse(SAMPLE).print(), SAMPLE);
        for text in [
            "a\n",
            "a\n----\n",
            "a\n\n\n----\n\n\n\nb\n----\nok\n\n\n",
            "\n# x\na b=\n# y\n",
            "a\n----\nok\n\n# x\n",
        ] {
            assert_eq!(parse(text).print(), text);
        }
    }

    #[test]
    fn every_part_of_a_file_is_a_part_of_the_tree() {
        let script = parse(SAMPLE);
        let [first, second, silent, last] = script.blocks.as_slice() else { panic!("four blocks") };
        assert_eq!(first.leading, ["# Lost response, then a retry.", "#", ""]);
        assert_eq!(first.commands[2].comments, ["# Only once."]);
        assert_eq!(second.commands.len(), 3);
        assert_eq!(second.commands[1].comments, ["", "  # Indented comments are comments."]);
        assert_eq!(second.closing, ["# Closing words.", ""]);
        assert_eq!(second.output.len(), 3);
        assert!(silent.recorded && silent.output.is_empty());
        assert!(!last.recorded && last.commands[0].body.is_some());
        assert_eq!(script.trailing, ["", "# Trailing words.", ""]);
    }

    #[test]
    fn line_ends_and_spaces_around_words_are_made_uniform() {
        assert_eq!(parse("ops:  a   b  c \r\n{\r\n}\r\n----\r\nok").print(), "ops: a b  c\n{\n}\n----\nok\n");
        assert_eq!(parse(&SAMPLE.replace('\n', "\r\n")).print(), SAMPLE);
    }

    #[test]
    fn a_byte_order_mark_is_left_out() {
        assert_eq!(parse("\u{feff}a\n").print(), "a\n");
    }

    #[test]
    fn a_script_made_by_hand_is_read_back_as_it_was_made() {
        let block = |line: &str| Block {
            commands: vec![Command::parse(line).expect("a command")],
            output: vec![Word::from("ok")],
            ..Block::default()
        };
        let script =
            Script { blocks: vec![block("seed 1"), block("ops: run until=quiet")], trailing: vec![] };
        assert_eq!(script.print(), "seed 1\n----\nok\n\nops: run until=quiet\n");
    }

    #[test]
    fn new_output_replaces_the_old_in_every_block() {
        let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        let script = parse("a\n----\nold\nold\n\nb\n# x\n");
        let rewritten = script.with_outputs(vec![lines(&["new"]), lines(&["1", " 2"])]).print();
        assert_eq!(rewritten, "a\n----\nnew\n\nb\n----\n1\n 2\n\n# x\n");
        assert_eq!(parse(&rewritten).print(), rewritten);
    }

    #[test]
    fn a_printed_file_prints_again_the_same_and_no_text_is_too_broken_to_read() {
        for text in mutations(SAMPLE) {
            match Script::parse(&text) {
                Ok(script) => {
                    let printed = script.print();
                    assert_eq!(parse(&printed).print(), printed, "after {text:?}");
                }
                Err(mistakes) => {
                    let fits = |span: Span| text.get(span.start..span.end).is_some();
                    assert!(mistakes.iter().all(|mistake| fits(mistake.span)), "{mistakes:?} in {text:?}");
                }
            }
        }
    }

    /// Every prefix of `text`, and `text` with each letter taken out or replaced by a troublesome one.
    fn mutations(text: &str) -> impl Iterator<Item = String> {
        text.char_indices().flat_map(move |(at, letter)| {
            let (before, after) = (&text[..at], &text[at + letter.len_utf8()..]);
            let replaced = ["", "\"", "{", "}", "\n", "\\", " ", "\r", "\u{1}", "é\u{2028}"];
            let replaced = replaced.map(|other| format!("{before}{other}{after}"));
            std::iter::once(before.to_owned()).chain(replaced)
        })
    }
}
