//! `at`: a fault at a later time.

use super::{Chapter, Verb, VerbEntry, VerbReader, write_fault};
use crate::scenario::arguments::{Arguments, duration};
use crate::scenario::diagnostic::{Diagnostic, Parsed};
use crate::scenario::read::ScenarioReader;
use crate::scenario::run::{Done, Run};
use crate::scenario::script::Word;
use crate::scenario::warning::WarningReason;
use crate::scenario::write::Writer;
use crate::scenario::{Action, Step, When};
use crate::sim::fault::Fault;
use crate::types::{Instant, print_duration};

pub(super) const AT: VerbEntry = VerbEntry {
    name: "at",
    chapter: Chapter::Time,
    usage: "at TIME FAULT",
    meaning: "\
Injects the fault that follows at a virtual time, or, with a `+`, after that time from now.",
    example: "at +250ms crash use1",
    reader: VerbReader::Step(read),
};

fn read(reader: &mut ScenarioReader, arguments: &mut Arguments<'_>) -> Parsed<Action> {
    let (Some(time), Some(name)) = (arguments.word(), arguments.word()) else {
        return Err(Diagnostic::new("`at` needs a time and a fault", arguments.span())
            .help("as in `at +250ms crash use1`".to_owned()));
    };
    let text = time.text.strip_prefix('+');
    let word = Word { text: text.unwrap_or(&time.text).to_owned(), span: time.span };
    let moment = duration(&word)?;
    let when = if text.is_some() { When::In(moment) } else { When::At(moment) };
    Ok(Action::FaultAt(when, read_fault(reader, arguments, name)?))
}

/// The fault whose verb is `name`. The words behind it are a command of their own.
pub(super) fn read_fault(
    reader: &ScenarioReader,
    arguments: &mut Arguments<'_>,
    name: &Word,
) -> Parsed<Fault> {
    let verb: Verb = super::read(name)?;
    let VerbReader::Fault(read) = verb.entry().reader else {
        return Err(Diagnostic::new(format!("`{}` is not a fault", name.text), name.span));
    };
    let inner = arguments.remaining(name);
    let mut inner = Arguments::new(&inner);
    let fault = read(&reader.set_up, &mut inner)?;
    inner.finish()?;
    Ok(fault)
}

pub(in crate::scenario) fn write(when: When, fault: &Fault, writer: &mut Writer<'_>) {
    let (sign, time) = match when {
        When::At(time) => ("", time),
        When::In(time) | When::Meanwhile(_, time) => ("+", time),
    };
    writer.add(format_args!("at {sign}{} ", print_duration(time)));
    write_fault(fault, writer);
}

pub(in crate::scenario) fn run<'a>(when: When, fault: &'a Fault, run: &mut Run<'a>, step: &Step) -> Done {
    let at = match when {
        When::At(at) => Instant::START.after(at),
        When::In(pause) | When::Meanwhile(_, pause) => run.now().after(pause),
    };
    // The world injects it at once then. The test may still mean something, so this is a warning and no failure.
    if at < run.now() {
        run.warn(step.span, WarningReason::Passed(run.now()));
    }
    run.plan(at, fault, step.span);
    Ok(())
}
