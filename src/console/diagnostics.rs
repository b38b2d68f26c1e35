//! Diagnostics: renders the mistakes in a scenario file as rustc renders its own, with the source line underlined.
//!
//! The mistakes are found in `scenario`; the rendered text is printed by the commands.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::scenario::diagnostic::{Diagnostic, Span};

/// Renders the diagnostics of the file at `path`, whose text is `source`: in their order, a blank line between them.
pub(crate) fn render(path: &str, source: &str, diagnostics: &[Diagnostic], colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let groups = diagnostics.iter().map(|diagnostic| group(path, source, diagnostic));
    groups.map(|group| renderer.render(&[group]) + "\n").collect::<Vec<_>>().join("\n")
}

fn group<'a>(path: &'a str, source: &'a str, diagnostic: &'a Diagnostic) -> Group<'a> {
    let label = Some(diagnostic.label.as_str()).filter(|label| !label.is_empty());
    let underlined = AnnotationKind::Primary.span(within(source, diagnostic.span)).label(label);
    let level = if diagnostic.is_warning { Level::WARNING } else { Level::ERROR };
    level
        .primary_title(&diagnostic.message)
        .element(Snippet::source(source).path(path).annotation(underlined))
        .elements(diagnostic.help.as_ref().map(|help| Level::HELP.message(help)))
}

/// The span, moved to character boundaries that exist: a span that was made by hand may not fit the file.
fn within(source: &str, span: Span) -> Range<usize> {
    let start = source.floor_char_boundary(span.start);
    start..source.floor_char_boundary(span.end).max(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::script::Script;

    const SOURCE: &str =
        "ops: create-cluster\n{\n  \"multiRegionProperties\": { \"witnesRegion\": \"us-west-2\" }\n}\n";

    fn unknown_member() -> Diagnostic {
        let start = SOURCE.find("\"witnes").expect("it is there");
        let message = "unknown member `witnesRegion` of CreateCluster.multiRegionProperties";
        Diagnostic::new(message, Span { start, end: start + 14 })
            .help("did you mean `witnessRegion`?".to_owned())
    }

    #[test]
    fn a_mistake_is_underlined_below_its_source_and_above_its_help() {
        let expected = r#"error: unknown member `witnesRegion` of CreateCluster.multiRegionProperties
 --> scenarios/a.scenario:3:30
  |
3 |   "multiRegionProperties": { "witnesRegion": "us-west-2" }
  |                              ^^^^^^^^^^^^^^
  |
  = help: did you mean `witnessRegion`?
"#;
        assert_eq!(render("scenarios/a.scenario", SOURCE, &[unknown_member()], false), expected);
    }

    #[test]
    fn mistakes_are_separated_by_a_blank_line() {
        let source = "a \"b\r\n----\r\n\r\n  c\r\n";
        let mistakes = Script::parse(source).expect_err("mistakes");
        let expected = r#"error: unbalanced quote
 --> a:1:3
  |
1 | a "b
  |   ^^ opened here
  |
  = help: close it with `"` on the same line

error: a command must begin in column 1
 --> a:4:3
  |
4 |   c
  |   ^
  |
  = help: remove the spaces before it
"#;
        assert_eq!(render("a", source, &mistakes, false), expected);
    }

    #[test]
    fn colour_is_left_out_unless_requested() {
        assert!(render("a", SOURCE, &[unknown_member()], true).contains('\u{1b}'));
        assert!(!render("a", SOURCE, &[unknown_member()], false).contains('\u{1b}'));
    }

    #[test]
    fn an_empty_file_and_a_span_that_does_not_fit_can_be_rendered() {
        let empty = Script::parse("").expect_err("a mistake");
        assert!(render("a", "", &empty, false).starts_with("error: the scenario is empty\n --> a:1:1\n"));
        for span in [Span { start: 1, end: 1 }, Span { start: 9, end: 12 }, Span { start: 3, end: 0 }] {
            assert!(render("a", "é\n", &[Diagnostic::new("wrong", span)], false).contains("--> a:"));
        }
    }
}
