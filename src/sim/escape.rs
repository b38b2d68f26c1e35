//! Text of clients in a line of the trace.

use std::borrow::Cow;

/// `text` with its control characters escaped. It may hold what a client has sent, which must neither end the line nor
/// reach a terminal.
pub(super) fn one_line(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut line = String::new();
    for letter in text.chars() {
        match letter.is_control() {
            true => line.extend(letter.escape_default()),
            false => line.push(letter),
        }
    }
    Cow::Owned(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_sends_is_one_line_of_the_trace() {
        assert_eq!(one_line("é → ✗ \\"), "é → ✗ \\");
        assert_eq!(one_line("x\n----\nok\u{1b}[2J\u{85}"), "x\\n----\\nok\\u{1b}[2J\\u{85}");
    }
}
