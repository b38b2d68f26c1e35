//! Properties: invariants of a user, checked in generated worlds.
//!
//! A [`Property`] is an invariant as a closure. It is checked after every event of generated scenarios, beside the
//! built-in invariants; a panic of the closure is a failure too. A failing scenario is shrunk by the [`Shrinker`] and
//! written to a file. From then on, that file runs before any new scenario.
//!
//! ```
//! use dsql_sim::prelude::*;
//! use dsql_sim::property::Property;
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let folder = folder.path();
//! Property::new("fewer-than-a-hundred-clusters", |world| {
//!     let clusters: usize = Region::all().map(|region| world.clusters(region).count()).sum();
//!     if clusters < 100 { Ok(()) } else { Err(format!("there are {clusters}")) }
//! })
//! .folder(folder)
//! .check();
//! ```

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

use crate::check::Simulation;
use crate::explain::explanation::Explanation;
use crate::rng::fingerprint;
use crate::scenario::Scenario;
use crate::scenario::run::{Failure, PANIC, Report, run, run_with};
use crate::shrink::{Shrinker, render_failure};
use crate::sim::World;
use crate::sim::trace::TraceLevel;

pub use crate::generate::{Size, strategy};

/// Returns a message if a world violates the property.
type PropertyCheck = dyn Fn(&World) -> Result<(), String>;

/// A property that must hold in every world after every event.
///
/// ```
/// use dsql_sim::prelude::*;
/// use dsql_sim::property::{Property, Size};
/// use proptest::test_runner::Config;
///
/// # let folder = tempfile::tempdir().unwrap();
/// Property::new("a-peer-is-in-another-region", |world| {
///     let clusters = || Region::all().flat_map(|region| world.clusters(region));
///     let alone = clusters().find(|it| it.linked_peer().is_some_and(|peer| peer.region == it.arn.region));
///     alone.map_or(Ok(()), |cluster| Err(format!("{} has its peer in its own Region", cluster.arn)))
/// })
/// .size(Size::SMALL)
/// .config(Config::with_cases(20))
/// # .folder(folder.path())
/// .check();
/// ```
pub struct Property {
    name: String,
    holds: Rc<PropertyCheck>,
    size: Size,
    folder: PathBuf,
    config: Config,
}

impl Property {
    /// The property `name`. `holds` returns an error message for a world that violates it.
    ///
    /// The name also begins the names of files: use letters, digits and hyphens.
    pub fn new(name: &str, holds: impl Fn(&World) -> Result<(), String> + 'static) -> Property {
        Property {
            name: name.to_owned(),
            holds: Rc::new(holds),
            size: Size::USUAL,
            folder: PathBuf::from("proptest-regressions"),
            config: Config::default(),
        }
    }

    /// Generates scenarios of this size instead of the usual one.
    #[must_use]
    pub fn size(self, size: Size) -> Property {
        Property { size, ..self }
    }

    /// Keeps failing scenarios in this folder instead of the package's `proptest-regressions`.
    #[must_use]
    pub fn folder(self, folder: impl Into<PathBuf>) -> Property {
        Property { folder: folder.into(), ..self }
    }

    /// Runs with this configuration of proptest: the number of cases, the seed. Its regression files are not used,
    /// because the scenario files take their part.
    #[must_use]
    pub fn config(self, config: Config) -> Property {
        Property { config, ..self }
    }

    /// Checks every scenario that failed before, then generated ones.
    ///
    /// # Panics
    /// A scenario fails. The message has the violation, the smallest scenario that shows it, the path of its file, and
    /// how to run it.
    #[track_caller]
    pub fn check(&self) {
        for path in self.saved() {
            let text =
                fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let scenario = Scenario::parse(&text)
                .unwrap_or_else(|mistakes| panic!("{} is not a scenario: {mistakes:?}", path.display()));
            let report = self.run_traced(&scenario, TraceLevel::Milestones);
            if let Some(failure) = &report.failure {
                panic!("{}", self.failure_message(failure, &scenario, &report, &text, &path));
            }
        }
        let mut runner = TestRunner::new(Config { failure_persistence: None, ..self.config.clone() });
        match runner.run(&strategy::scenarios(self.size.clone()), |scenario| self.judge(&scenario)) {
            Ok(()) => {}
            Err(TestError::Fail(reason, _) | TestError::Abort(reason)) => panic!("{}", reason.message()),
        }
    }

    /// Checks one scenario. A `proptest!` test with strategies of its own calls this for each case.
    ///
    /// # Errors
    /// The scenario fails; the message is that of [`Property::check`].
    pub fn judge(&self, scenario: &Scenario) -> Result<(), TestCaseError> {
        let Some(failure) = self.run(scenario).failure else { return Ok(()) };
        let small = self.smallest(scenario);
        let report = self.run_traced(&small, TraceLevel::Milestones);
        let failure = report.failure.clone().unwrap_or(failure);
        let text = self.file_text(&failure, &small, &report);
        let path = self.folder.join(format!("{}-{:016x}.scenario", self.name, fingerprint(&text)));
        let written = fs::create_dir_all(&self.folder).and_then(|()| fs::write(&path, &text));
        let message = self.failure_message(&failure, &small, &report, &text, &path);
        Err(TestCaseError::fail(match written {
            Ok(()) => message,
            Err(error) => format!("{message}\nthe file could not be written: {error}"),
        }))
    }

    fn run(&self, scenario: &Scenario) -> Report {
        self.run_traced(scenario, TraceLevel::None)
    }

    fn run_traced(&self, scenario: &Scenario, level: TraceLevel) -> Report {
        run_with(scenario, None, level, |simulation: &mut Simulation| {
            // A run whose trace is read has failed before: it is explained, too.
            if level > TraceLevel::None {
                simulation.world_mut().keep_history();
            }
            let holds = self.holds.clone();
            simulation.invariant(&self.name, move |world| holds(world));
        })
    }

    fn smallest(&self, scenario: &Scenario) -> Scenario {
        let judge = |scenario: &Scenario| self.run(scenario).failure;
        let Some(mut shrinker) = Shrinker::new(scenario, judge) else { return scenario.clone() };
        while shrinker.step().is_some() {}
        shrinker.scenario()
    }

    /// The files of this property's earlier failures, sorted by name.
    fn saved(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten();
        let is_own = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.strip_prefix(&self.name)
                .is_some_and(|rest| rest.starts_with('-') && rest.ends_with(".scenario"))
        };
        let mut saved: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(is_own).collect();
        saved.sort();
        saved
    }

    /// The text of the file that keeps a failing scenario.
    fn file_text(&self, failure: &Failure, scenario: &Scenario, report: &Report) -> String {
        if self.is_known_to_command_line(failure, scenario) {
            return render_failure(scenario, report);
        }
        // A reader who runs the file as other files are run would take the property for one that holds.
        let verb = if failure.invariant == PANIC { "panics at" } else { "does not hold:" };
        scenario.print(&format!(
            "`{}` {verb} {}\n\nIt is a property of a test, which the command line does not know: `dsql-sim run` finds\n\
             no violation here. Run `cargo test` in the package of the test, which runs this file first.",
            self.name, failure.message
        ))
    }

    fn failure_message(
        &self,
        failure: &Failure,
        scenario: &Scenario,
        report: &Report,
        text: &str,
        path: &Path,
    ) -> String {
        let verb = if failure.invariant == PANIC { "at" } else { "does not hold:" };
        let mut message = format!("{} {verb} {}\n\n{text}\n", failure.invariant, failure.message);
        if let Some(explanation) = Explanation::of(scenario, report) {
            let _ = writeln!(message, "why:\n  {}\n", explanation.short().join("\n  "));
        }
        let path = path.display();
        let _ = write!(
            message,
            "written to {path}, which this test runs first from now on\n\
             show its trace: dsql-sim run {path} --trace milestones"
        );
        if !self.is_known_to_command_line(failure, scenario) {
            let _ =
                write!(message, "\nthe command line does not know this property: only this test checks it");
        }
        message
    }

    /// Whether the scenario fails in the same way without the property, which is compiled into the test alone.
    fn is_known_to_command_line(&self, failure: &Failure, scenario: &Scenario) -> bool {
        let without = run(scenario, None, TraceLevel::None).failure;
        without.is_some_and(|without| without.invariant == failure.invariant)
    }
}
