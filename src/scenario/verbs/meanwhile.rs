//! `meanwhile`: a fault among calls that begin together.

use std::time::Duration;

use super::{Chapter, VerbEntry, VerbReader, at, write_fault};
use crate::scenario::arguments::{Arguments, duration};
use crate::scenario::diagnostic::{Diagnostic, Parsed};
use crate::scenario::read::ScenarioReader;
use crate::scenario::run::{Done, Run, Together};
use crate::scenario::script::Word;
use crate::scenario::write::Writer;
use crate::scenario::{Action, Step, When};
use crate::sim::fault::Fault;
use crate::types::print_duration;

pub(super) const MEANWHILE: VerbEntry = VerbEntry {
    name: "meanwhile",
    chapter: Chapter::Time,
    usage: "meanwhile AFTER [+PAUSE] FAULT",
    meaning: "\
Injects the fault that follows among the calls behind `parallel`, `AFTER` their common beginning, as `after` delays a
call. Calls and faults of one time happen in the order of the file. With a `PAUSE` the fault is planned at that time,
and happens so much later. Without `parallel` before it, `AFTER` counts from now. `dsql-sim serve --record` writes the
faults that came between the calls in this form.",
    example: "meanwhile 250ms crash use1",
    reader: VerbReader::Step(read),
};

fn read(reader: &mut ScenarioReader, arguments: &mut Arguments<'_>) -> Parsed<Action> {
    let incomplete = |arguments: &Arguments<'_>| {
        Diagnostic::new("`meanwhile` needs a time and a fault", arguments.span())
            .help("as in `meanwhile 250ms crash use1`".to_owned())
    };
    let after = duration(arguments.word().ok_or_else(|| incomplete(arguments))?)?;
    let mut name = arguments.word().ok_or_else(|| incomplete(arguments))?;
    let mut pause = Duration::ZERO;
    if let Some(text) = name.text.strip_prefix('+') {
        pause = duration(&Word { text: text.to_owned(), span: name.span })?;
        name = arguments.word().ok_or_else(|| incomplete(arguments))?;
    }
    Ok(Action::FaultAt(When::Meanwhile(after, pause), at::read_fault(reader, arguments, name)?))
}

pub(in crate::scenario) fn write(after: Duration, pause: Duration, fault: &Fault, writer: &mut Writer<'_>) {
    writer.add(format_args!("meanwhile {} ", print_duration(after)));
    if pause > Duration::ZERO {
        writer.add(format_args!("+{} ", print_duration(pause)));
    }
    write_fault(fault, writer);
}

/// Adds the fault to the calls that begin together, or waits for its time by itself.
pub(in crate::scenario) fn run<'a>(
    after: Duration,
    pause: Duration,
    fault: &'a Fault,
    run: &mut Run<'a>,
    step: &Step,
) -> Done {
    let at = run.now().after(after);
    match &mut run.together {
        Some(together) => {
            together.push((at, Together::Fault(pause, fault, step.span)));
            Ok(())
        }
        None => run.inject_meanwhile(at, pause, fault, step.span),
    }
}
