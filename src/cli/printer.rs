//! The output of `run`: text for people, JSON lines for programs, or one JUnit report.
//!
//! With many seeds, text shows the first of equal failures in full and counts the others: a thousand copies of one
//! failure would hide the second one.

use std::io::{self, Write};

use indexmap::IndexMap;

use crate::console::files::File;
use crate::console::{failure, run_page};
use crate::explain::explanation::Explanation;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::run::{Failure, Report, STRICT, run_with_history};
use crate::shrink::Likeness;
use crate::sim::trace::TraceLevel;

use super::json_report::{self, RunRecord};
use super::junit::JunitReport;
use super::run::{RunArguments, RunFormat};
use super::{counted, log, show};

/// A run that has ended.
pub(super) struct Finished<'a> {
    pub(super) file: &'a File,
    pub(super) report: Report,
    pub(super) failure: Option<Failure>,
    /// The parts of the file that tested less than it says. Only a run with the file's own seed is judged for it.
    pub(super) warnings: Vec<Diagnostic>,
}

/// Prints runs in the order in which it gets them.
pub(super) struct RunPrinter<'a> {
    arguments: &'a RunArguments,
    level: TraceLevel,
    /// Failures of many seeds, the equal ones together, by scenario and likeness.
    groups: IndexMap<(&'a str, Likeness), FailureGroup>,
    junit: JunitReport,
}

/// Equal failures of one scenario: the first was printed, the others are counted.
struct FailureGroup {
    first: u64,
    others: u64,
    /// The first few seeds of the others.
    examples: Vec<u64>,
}

impl<'a> RunPrinter<'a> {
    pub(super) fn new(arguments: &'a RunArguments) -> RunPrinter<'a> {
        let (groups, junit) = (IndexMap::new(), JunitReport::default());
        RunPrinter { arguments, level: arguments.trace_level(), groups, junit }
    }

    /// Prints a run, or keeps it for the end.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn print(&mut self, finished: &Finished<'a>, out: &mut impl Write) -> io::Result<()> {
        let Finished { file, report, failure, warnings } = finished;
        let mut record = RunRecord::new(&file.path, &file.text, report, failure.as_ref());
        record.warnings = json_report::warnings(&file.text, warnings);
        match self.arguments.format {
            RunFormat::Json => {
                if self.arguments.seeds.is_none() {
                    record.blocks = json_report::blocks(&file.scenario.script, report);
                }
                writeln!(out, "{}", serde_json::to_string(&record)?)
            }
            RunFormat::Junit => {
                self.junit.add(&record);
                Ok(())
            }
            RunFormat::Text => self.text(finished, &record, out),
        }
    }

    /// Prints what was kept: the counts of equal failures, or the JUnit report.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn finish(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.arguments.format == RunFormat::Junit {
            return self.junit.write(out);
        }
        for ((path, _), FailureGroup { first, others, examples }) in &self.groups {
            if *others > 0 {
                let seeds: Vec<String> = examples.iter().map(u64::to_string).collect();
                let rest = others - examples.len() as u64;
                let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
                let verb = if *others == 1 { "fails" } else { "fail" };
                let count = counted(*others, "more seed");
                let seeds = seeds.join(", ");
                writeln!(out, "{path}: {count} {verb} in the same way as seed {first}: {seeds}{rest}")?;
            }
        }
        Ok(())
    }

    fn text(&mut self, finished: &Finished<'a>, record: &RunRecord, out: &mut impl Write) -> io::Result<()> {
        let Finished { file, report, failure, warnings } = finished;
        if self.is_counted(finished) {
            return Ok(());
        }
        let is_traced = self.level != TraceLevel::None;
        // A quiet run shows the traces of failures alone.
        if is_traced && (failure.is_some() || !self.arguments.quiet) {
            writeln!(out, "{} with seed {}", file.path, report.seed)?;
            for line in report.outputs.iter().flatten().chain(&report.rest) {
                writeln!(out, "{line}")?;
            }
        }
        match failure {
            Some(failure) if failure.invariant == STRICT => {
                return failure::vacuous(file, report.seed, failure, warnings, out);
            }
            Some(failure) => self.failed(finished, failure, is_traced, out)?,
            None if self.arguments.quiet => return Ok(()),
            // A line for each of a thousand seeds that pass would hide the one that fails.
            None if self.arguments.seeds.is_some() && self.arguments.verbose == 0 => return Ok(()),
            None => show::passed(record, out)?,
        }
        show::warnings(file, warnings, out)
    }

    /// Prints a failure with its explanation, and writes its page if a folder for pages is named. Most runs pass, so
    /// that none keeps its history: a failure that a person reads is worth another run.
    fn failed(
        &self,
        finished: &Finished<'a>,
        failure: &Failure,
        is_traced: bool,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let Finished { file, report, .. } = finished;
        let (again, explanation) = log::silently(|| {
            let again = run_with_history(&file.scenario, Some(report.seed), TraceLevel::None);
            let explanation = Explanation::of(&file.scenario, &again);
            (again, explanation)
        });
        failure::failed(file, report, failure, explanation.as_ref(), is_traced, out)?;
        let Some(folder) = &self.arguments.report else { return Ok(()) };
        let page = run_page::write_failed(folder, file, &again, failure, explanation.as_ref())?;
        writeln!(out, "  page: {}", page.display())
    }

    /// Whether an equal failure was printed before, so that this one is counted only. Where traces are shown, each run
    /// is: the reader asked for them.
    fn is_counted(&mut self, finished: &Finished<'a>) -> bool {
        let Finished { file, report, failure, .. } = finished;
        let Some(failure) = failure.as_ref().filter(|failure| failure.invariant != STRICT) else {
            return false;
        };
        if self.arguments.seeds.is_none() || self.level != TraceLevel::None {
            return false;
        }
        let key = (file.path.as_str(), Likeness::of(failure, &file.scenario));
        let Some(group) = self.groups.get_mut(&key) else {
            self.groups.insert(key, FailureGroup { first: report.seed, others: 0, examples: Vec::new() });
            return false;
        };
        group.others += 1;
        if group.examples.len() < EXAMPLES {
            group.examples.push(report.seed);
        }
        true
    }
}

/// How many seeds of equal failures are listed.
const EXAMPLES: usize = 8;
