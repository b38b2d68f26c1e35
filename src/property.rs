//! Properties of your own, judged in worlds that nobody thought of.
//!
//! A [`Property`] is an invariant as a closure. It is looked at after every event of generated scenarios, beside our
//! own invariants; one that panics fails, too. What fails is made small by the one [`Shrinker`] there is and written
//! down as a scenario file; from then on that file is what is run first.
//!
//! ```
//! use dsql_sim::property::Property;
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let folder = folder.path();
//! Property::new("nobody-has-a-hundred-clusters", |world| {
//!     let count = |region| world.storage(region).map_or(0, |storage| storage.clusters().count());
//!     let clusters: usize = dsql_sim::Region::all().map(count).sum();
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
use crate::generate::{Size, strategy};
use crate::rng::key_of_bytes;
use crate::scenario::Scenario;
use crate::scenario::run::{Failure, PANIC, Report, run_with};
use crate::shrink::{Shrinker, render_failure};
use crate::sim::World;
use crate::sim::trace::TraceLevel;

/// Says what is wrong with a world, if something is.
type PropertyCheck = dyn Fn(&World) -> Result<(), String>;

/// A property that every world must have, all the time.
pub struct Property {
    name: String,
    holds: Rc<PropertyCheck>,
    shape: Size,
    folder: PathBuf,
    config: Config,
}

impl Property {
    /// The property `name`: of a world that does not have it, `holds` says what is wrong.
    ///
    /// The name is that of files, too: letters, digits and hyphens.
    pub fn new(name: &str, holds: impl Fn(&World) -> Result<(), String> + 'static) -> Property {
        Property {
            name: name.to_owned(),
            holds: Rc::new(holds),
            shape: Size::USUAL,
            folder: PathBuf::from("proptest-regressions"),
            config: Config::default(),
        }
    }

    /// Judges scenarios of this shape instead of the usual one.
    #[must_use]
    pub fn shape(self, shape: Size) -> Property {
        Property { shape, ..self }
    }

    /// Keeps failing scenarios in this folder instead of `proptest-regressions` of the package.
    #[must_use]
    pub fn folder(self, folder: impl Into<PathBuf>) -> Property {
        Property { folder: folder.into(), ..self }
    }

    /// Runs as proptest is told here: how many cases, from which seed. Its own files of regressions are not used.
    #[must_use]
    pub fn config(self, config: Config) -> Property {
        Property { config, ..self }
    }

    /// Judges every scenario that failed before, then generated ones.
    ///
    /// # Panics
    /// If one fails: with what does not hold, the smallest scenario that shows it, where that is written down, and the
    /// command that runs it.
    pub fn check(&self) {
        for path in self.saved() {
            let text =
                fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let scenario = Scenario::parse(&text)
                .unwrap_or_else(|mistakes| panic!("{} is no scenario: {mistakes:?}", path.display()));
            let report = self.run_traced(&scenario, TraceLevel::Milestones);
            if let Some(failure) = &report.failure {
                panic!("{}", self.told(failure, &text, &path));
            }
        }
        let mut runner = TestRunner::new(Config { failure_persistence: None, ..self.config.clone() });
        match runner.run(&strategy::scenarios(self.shape.clone()), |scenario| self.judge(&scenario)) {
            Ok(()) => {}
            Err(TestError::Fail(reason, _) | TestError::Abort(reason)) => panic!("{}", reason.message()),
        }
    }

    /// Judges one scenario: what a `proptest!` test with strategies of its own does with each.
    ///
    /// # Errors
    /// The scenario fails, told as [`Property::check`] does.
    pub fn judge(&self, scenario: &Scenario) -> Result<(), TestCaseError> {
        let Some(failure) = self.run(scenario).failure else { return Ok(()) };
        let small = self.smallest(scenario);
        let report = self.run_traced(&small, TraceLevel::Milestones);
        let failure = report.failure.clone().unwrap_or(failure);
        let text = render_failure(&small, &report);
        let path = self.folder.join(format!("{}-{:016x}.scenario", self.name, key_of_bytes(text.as_bytes())));
        let written = fs::create_dir_all(&self.folder).and_then(|()| fs::write(&path, &text));
        let told = self.told(&failure, &text, &path);
        Err(TestCaseError::fail(match written {
            Ok(()) => told,
            Err(error) => format!("{told}\nit could not be written: {error}"),
        }))
    }

    fn run(&self, scenario: &Scenario) -> Report {
        self.run_traced(scenario, TraceLevel::None)
    }

    fn run_traced(&self, scenario: &Scenario, level: TraceLevel) -> Report {
        run_with(scenario, None, level, |simulation: &mut Simulation| {
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

    /// The scenarios of this property that failed before, by name.
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

    fn told(&self, failure: &Failure, text: &str, path: &Path) -> String {
        let verb = if failure.invariant == PANIC { "at" } else { "does not hold:" };
        let mut told = format!("{} {verb} {}\n\n{text}\n", failure.invariant, failure.message);
        let path = path.display();
        let _ = write!(
            told,
            "written to {path}, which this test runs first from now on\n\
             look at it: dsql-sim run {path} --trace milestones"
        );
        told
    }
}
