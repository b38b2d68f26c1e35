//! The page about the evidence, generated from the tables and from the scenarios of the switches.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Evidence;
use super::behaviour::BEHAVIOUR;
use super::constraints::CONSTRAINTS;
use super::invariants::INVARIANTS;
use super::operations::OPERATIONS;
use super::refusals::REFUSALS;
use crate::control::assumptions::Assumptions;

/// The page as Markdown. `assumptions` has the texts of the files in `scenarios/assumptions`, by name without ending.
#[must_use]
pub fn markdown(assumptions: &BTreeMap<String, String>) -> String {
    let mut page = INTRODUCTION.to_owned();
    let rows = OPERATIONS.iter().map(|(it, rule)| (format!("**{it}** {}", rule.sentence), rule.evidence));
    table(&mut page, "Operations", rows);
    for (title, rules) in BEHAVIOUR {
        table(&mut page, title, rules.iter().map(|rule| (rule.sentence.to_owned(), rule.evidence)));
    }
    let rows = REFUSALS
        .iter()
        .map(|it| (format!("\"{}\" {}", it.message.trim(), it.rule.sentence), it.rule.evidence));
    table(&mut page, "Refusals", rows);
    let rows = CONSTRAINTS.iter().map(|it| (it.rule.sentence.to_owned(), it.rule.evidence));
    table(&mut page, "Field constraints", rows);
    let rows =
        INVARIANTS.iter().map(|(it, evidence)| (format!("`{}`: {}", it.name(), it.sentence()), *evidence));
    table(&mut page, "Invariants", rows);
    switches(&mut page, assumptions);
    page
}

fn table(page: &mut String, title: &str, rows: impl Iterator<Item = (String, Evidence)>) {
    let _ = writeln!(page, "\n## {title}\n\n| rule | certainty | sources | shown by |\n|---|---|---|---|");
    for (sentence, Evidence { certainty, sources, scenarios }) in rows {
        let sources: Vec<_> = sources.iter().map(|source| source.link()).collect();
        let scenarios: Vec<_> = scenarios.iter().map(|path| link(path)).collect();
        let (sentence, sources) = (sentence.replace('|', "\\|"), sources.join(", "));
        let _ = writeln!(page, "| {sentence} | {certainty} | {sources} | {} |", scenarios.join(", "));
    }
}

/// The switches, each with the scenarios that set it and what their openings have about it.
fn switches(page: &mut String, assumptions: &BTreeMap<String, String>) {
    page.push_str(SWITCHES);
    for [name, default, _, question] in Assumptions::table() {
        let _ = write!(page, "\n### `{name}`\n\n{question}\n\nDefault: `{default}`.\n");
        for (scenario, text) in assumptions.iter().filter(|(_, text)| is_about(text, &name)) {
            let _ = write!(page, "\n{}: {}\n", link(&format!("assumptions/{scenario}")), reason(text));
        }
    }
}

/// Whether a scenario is about the switch: a line of `assume` begins with it. The switches behind it on the line only
/// serve the scenario.
#[must_use]
pub fn is_about(text: &str, switch: &str) -> bool {
    let mut set_first = text.lines().filter_map(|line| line.strip_prefix("assume ")?.split('=').next());
    set_first.any(|name| name == switch)
}

/// The reason in the opening of a scenario: its paragraphs behind the claim, without a remark on mutants.
fn reason(text: &str) -> String {
    let opening = text.lines().take_while(|line| line.starts_with('#')).skip(2);
    let lines: Vec<_> = opening.map(|line| line.trim_start_matches('#').trim()).collect();
    let paragraphs = lines.split(|line| line.is_empty()).map(|lines| lines.join(" "));
    let about: Vec<_> = paragraphs.filter(|it| !it.starts_with("No planted bug")).collect();
    about.join(" ")
}

/// A link to the scenario, with its name in words.
fn link(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or_default().replace('_', " ");
    format!("[{name}](../scenarios/{path}.scenario)")
}

const INTRODUCTION: &str = "\
# Evidence

What is known about each rule that dsql-sim has, where it is from, and a scenario that shows it. The certainty is one of
four:

- *documented*: documentation or a published model of AWS has it;
- *observed*: a client of the service met it and published the result;
- *inferred*: it follows from what is documented or observed;
- *assumed*: the public record is silent, and the behaviour is the one most consistent with the sources. Most of these
  have a [switch](#switches).

This page is generated from the tables in `src/fidelity` and the openings of `scenarios/assumptions`. A test demands a
source and a scenario for each operation, refusal, field constraint, invariant and switch.
[Differences from AWS](differences-from-aws.md) has what is not simulated.
";

const SWITCHES: &str = "
## Switches

Each is an open question, so its certainty is *assumed*. A scenario shows the other answer; its reason has what is
known, and from where.
";
