//! `run --format junit`: all runs as one JUnit report, for the test pages of CI systems.
//!
//! A scenario file is a test suite; each run of it with a seed is a test case. The report carries no wall-clock times:
//! two runs of one command print the same text.

use std::io::{self, Write};

use indexmap::IndexMap;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::json_report::{OutcomeRecord, RunRecord};

/// A report that is being collected: JUnit is one document, so nothing is printed before the last run.
#[derive(Debug, Default)]
pub(super) struct JunitReport {
    /// The suites by the path of their scenario.
    suites: IndexMap<String, TestSuite>,
}

impl JunitReport {
    /// Adds a run as a test case of its scenario's suite.
    pub(super) fn add(&mut self, record: &RunRecord) {
        let mut case = TestCase::new(format!("seed {}", record.seed), status(record));
        case.set_classname(record.scenario.clone());
        case.add_property(("seed", record.seed.to_string().as_str()));
        if let Some(command) = &record.reproduce {
            case.add_property(("reproduce", command.as_str()));
        }
        let suite = self.suites.entry(record.scenario.clone());
        suite.or_insert_with(|| TestSuite::new(record.scenario.clone())).add_test_case(case);
    }

    /// Prints the report.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn write(&mut self, out: &mut impl Write) -> io::Result<()> {
        let mut report = Report::new("dsql-sim run");
        report.add_test_suites(std::mem::take(&mut self.suites).into_values());
        let text = report.to_string().map_err(io::Error::other)?;
        writeln!(out, "{}", text.trim_end())
    }
}

fn status(record: &RunRecord) -> TestCaseStatus {
    let kind = match record.outcome {
        OutcomeRecord::Pass => return TestCaseStatus::success(),
        OutcomeRecord::Fail => NonSuccessKind::Failure,
        OutcomeRecord::Error => NonSuccessKind::Error,
    };
    let mut status = TestCaseStatus::non_success(kind);
    let message = record.message.as_deref().unwrap_or_default();
    status.set_message(message.lines().next().unwrap_or_default());
    status.set_type(record.invariant.as_deref().unwrap_or("bad-file"));
    status.set_description(description(record, message));
    status
}

/// The failure as text: where, what, the lines before it, and the command that reproduces it.
fn description(record: &RunRecord, message: &str) -> String {
    let line = record.line.map_or_else(String::new, |line| format!(":{line}"));
    let mut text = vec![format!("{}{line}", record.scenario), message.to_owned()];
    if !record.before.is_empty() {
        text.push("before it:".to_owned());
        text.extend(record.before.iter().map(|line| format!("  {line}")));
    }
    text.extend(record.waits.iter().map(|wait| format!("at that moment: {wait}")));
    text.extend(record.reproduce.iter().map(|command| format!("reproduce: {command}")));
    text.join("\n")
}
