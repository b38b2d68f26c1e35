//! The reference of the scenario language, generated from the tables by which scenario files are read.

use std::fmt::Write as _;

use crate::control::assumptions::Assumptions;

use super::verbs::{Chapter, Verb};

/// The reference as Markdown: the page in the repository, and what `dsql-sim help scenario` prints.
#[must_use]
pub fn markdown() -> String {
    let mut page = INTRODUCTION.to_owned();
    for chapter in Chapter::ALL {
        let _ = write!(page, "\n## {}\n", chapter.title());
        for verb in Verb::ALL.iter().filter(|verb| verb.chapter() == chapter) {
            page.push('\n');
            page.push_str(&verb_section(*verb));
        }
    }
    page.push_str(
        "\n## Assumptions\n\nThe switches of `assume`, each an open question about the real service. A file in the \
         repository's\n`scenarios/assumptions` has what is known about it, and what the other answer changes.\n\n",
    );
    page.push_str("| switch | default | values | question |\n|---|---|---|---|\n");
    for [name, default, values, question] in Assumptions::table() {
        let _ = writeln!(page, "| `{name}` | `{default}` | {} | {question} |", values.replace('|', "\\|"));
    }
    page
}

/// The section about `verb`.
#[must_use]
pub fn verb_section(verb: Verb) -> String {
    let (name, usage, meaning, example) = (verb.name(), verb.usage(), verb.meaning(), verb.example());
    format!("### `{name}`\n\n```text\n{usage}\n```\n\n{meaning}\n\n```text\n{example}\n```\n")
}

/// What the table of `assume` has about the switch `name`; `None` if there is no such switch.
#[must_use]
pub fn switch_section(name: &str) -> Option<String> {
    let [name, default, values, question] =
        Assumptions::table().into_iter().find(|[known, ..]| known == name)?;
    Some(format!(
        "### `{name}`\n\n```text\nassume {name}=VALUE\n```\n\n{question}\n\nThe value is {values}; the default is \
         `{default}`.\n"
    ))
}

const INTRODUCTION: &str = "\
# Scenario files

A scenario is a text file, `*.scenario`, that reads from top to bottom. It consists of blocks. A block is one or more
commands, then a line `----`, then the trace of the block as it was recorded for the scenario's seed, then a blank line.

```text
# A line that begins with # is a comment, and so is what follows a # behind a command.

seed 42
regions use1=us-east-1 usw2=us-west-2
----
ok

create-cluster region=use1 as=blue
{ \"multiRegionProperties\": { \"witnessRegion\": \"us-west-2\" } }
expect status == PENDING_SETUP
----
   0.000 ops        calls use1 CreateCluster as blue
```

Expectations and invariants hold for every seed; no tool rewrites them. The recorded trace holds for the scenario's own
seed, and `dsql-sim run --rewrite` records it anew; it refuses when an expectation or an invariant does
not hold, and when the variable `CI` is set.

The input of a call is AWS JSON, as `--cli-input-json` takes it, beginning in the first column of the next line. Inside
its strings, `$NAME.MEMBER` is a member of the answer to the earlier call `NAME`.

A fault that never *acts* tests nothing, and `dsql-sim run` warns of it. The description of each fault says when it
acts. There is a warning, too, of a call that was left out, of an `at` whose moment had passed, of a name that is given
twice, and of an `expect` that compares with a value that cannot occur. With `--strict`, each of these fails the
scenario.

In a trace, clusters have the names that their calls were given with `as`; the identifier that a second attempt of the
call brought along is `NAME.2`.
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::script::Script;

    #[test]
    fn every_example_is_well_formed() {
        for verb in Verb::ALL {
            assert!(Script::parse(verb.example()).is_ok(), "{}", verb.name());
        }
    }

    #[test]
    fn every_verb_and_every_switch_is_in_the_reference() {
        let page = markdown();
        assert!(Verb::ALL.iter().all(|verb| page.contains(&format!("### `{}`", verb.name()))));
        assert!(Assumptions::NAMES.iter().all(|name| page.contains(&format!("| `{name}` |"))));
    }
}
