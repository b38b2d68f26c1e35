//! A check: one program under many seeds, and the failure of one of them, shrunk and kept.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::generate::ProgramTargets;
use crate::rng::{fingerprint, mix};
use crate::scenario::run::{Failure, PANIC};
use crate::scenario::{Scenario, SetUp};
use crate::sim::World;
use crate::sim::trace::TraceLevel;

use super::Sim;
use super::executor::RunLimits;
use super::process::RunOutput;
use super::report::{CheckFailure, FailureKind, FailureText, RunFailure, USUAL_SUSPECTS};
use super::run::{Assertion, CheckedInvariant, RunPlan, SeedRun, run_seed};
use super::schedule::{FaultSource, lines_of, read_file, read_lines, read_set_up, targets_of};
use super::shrinking::{KeptSchedule, shrink};

/// Begins the check `name`: a program of yours with the official SDK, under many seeds. [The module](crate::sdk) shows
/// one.
///
/// The name also begins the names of files: use letters, digits and hyphens.
pub fn check(name: &str) -> SdkCheck {
    SdkCheck {
        name: name.to_owned(),
        seeds: 0..100,
        faults: FaultSource::None,
        set_up: String::new(),
        processes: Vec::new(),
        limits: RunLimits {
            is_in_order: false,
            connection_time_out: Some(Duration::from_secs(60)),
            time_limit: Duration::from_secs(2 * 3600),
            may_leave_tasks: false,
            recovers: false,
        },
        checks_determinism: true,
        shrink_runs: 300,
        folder: PathBuf::from("sdk-regressions"),
        assertions: Vec::new(),
        invariants: Vec::new(),
    }
}

/// A check under construction. [`SdkCheck::run`] runs it.
#[must_use = "a check does nothing until it is run"]
pub struct SdkCheck {
    pub(super) name: String,
    seeds: Range<u64>,
    faults: FaultSource,
    set_up: String,
    processes: Vec<Arc<str>>,
    pub(super) limits: RunLimits,
    checks_determinism: bool,
    pub(super) shrink_runs: usize,
    folder: PathBuf,
    assertions: Vec<Assertion>,
    invariants: Vec<CheckedInvariant>,
}

/// The result of a check that holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckSummary {
    /// The number of seeds.
    pub seeds: u64,
    /// The number of requests of all seeds.
    pub requests: u64,
    /// The hash of every event of every seed: those of the worlds, and the bytes of the requests with their
    /// signatures.
    pub hash: u64,
}

impl SdkCheck {
    /// The seeds; 0 to 99 without this. The environment variable `DSQL_SIM_SEED` selects one seed instead.
    pub fn seeds(self, seeds: Range<u64>) -> SdkCheck {
        SdkCheck { seeds, ..self }
    }

    /// The faults: [`Swarm`](super::Swarm), or lines of the scenario language for every seed.
    pub fn faults(self, faults: impl Into<FaultSource>) -> SdkCheck {
        SdkCheck { faults: faults.into(), ..self }
    }

    /// The set-up of the worlds, as a scenario file has it: principals, keys, latencies, switches. The client `main`
    /// is the program.
    pub fn set_up(self, text: &str) -> SdkCheck {
        SdkCheck { set_up: text.to_owned(), ..self }
    }

    /// The processes that random faults may crash, besides nodes: names that the program gives to
    /// [`Sim::process`](super::Sim::process).
    pub fn processes(self, names: &[&str]) -> SdkCheck {
        SdkCheck { processes: names.iter().map(|name| (*name).into()).collect(), ..self }
    }

    /// The virtual time after which a connection without an answer breaks, 60 seconds without this. The SDK then
    /// retries. With `None` a client waits for ever for an answer that is lost, as the SDK does by itself: it has no
    /// time-out for responses unless its configuration sets one.
    pub fn connection_time_out(mut self, time_out: Option<Duration>) -> SdkCheck {
        self.limits.connection_time_out = time_out;
        self
    }

    /// The virtual time within which a run must end, two hours without this.
    pub fn time_limit(mut self, limit: Duration) -> SdkCheck {
        self.limits.time_limit = limit;
        self
    }

    /// Runs tasks in the order in which they wake, as tokio does, instead of one that the seed draws.
    pub fn in_order(mut self) -> SdkCheck {
        self.limits.is_in_order = true;
        self
    }

    /// Lets tasks go on when the program has ended. Otherwise that is a failure.
    pub fn may_leave_tasks(mut self) -> SdkCheck {
        self.limits.may_leave_tasks = true;
        self
    }

    /// Whether each seed is run twice and both runs must be equal. They are by default.
    pub fn check_determinism(self, checks_determinism: bool) -> SdkCheck {
        SdkCheck { checks_determinism, ..self }
    }

    /// The number of runs with which a failing schedule is made smaller, 300 without this.
    pub fn shrink_runs(self, shrink_runs: usize) -> SdkCheck {
        SdkCheck { shrink_runs, ..self }
    }

    /// The folder for the schedules of failures, without this `sdk-regressions` in the package of the test.
    pub fn folder(self, folder: impl Into<PathBuf>) -> SdkCheck {
        SdkCheck { folder: folder.into(), ..self }
    }

    /// An assertion about the world of each seed, after the program has ended, every fault is repaired and the world
    /// has converged. It panics if it does not hold.
    pub fn then(mut self, assertion: impl Fn(&Sim) + Sync + 'static) -> SdkCheck {
        self.assertions.push(Box::new(assertion));
        self
    }

    /// An invariant of your own, evaluated after every event like those of the service. `holds` returns a description
    /// of the violation as its error.
    pub fn invariant(
        mut self,
        name: &str,
        holds: impl Fn(&World) -> Result<(), String> + Send + Sync + 'static,
    ) -> SdkCheck {
        self.invariants.push((name.to_owned(), Arc::new(holds)));
        self
    }

    /// Runs `program` under every seed, after every schedule that failed before.
    ///
    /// # Panics
    /// A run fails: the program panics or returns an error, an invariant is violated, or one of the other kinds of
    /// [`FailureKind`]. The message is that of [`CheckFailure`].
    #[track_caller]
    pub fn run<B, F>(self, program: B) -> CheckSummary
    where
        B: Fn(Sim) -> F + Sync,
        F: Future + 'static,
        F::Output: RunOutput,
    {
        match self.try_run(program) {
            Ok(summary) => summary,
            Err(failure) => panic!("{failure}"),
        }
    }

    /// Like [`SdkCheck::run`], with the failure as an error.
    ///
    /// # Errors
    /// The first run that fails.
    pub fn try_run<B, F>(self, program: B) -> Result<CheckSummary, Box<CheckFailure>>
    where
        B: Fn(Sim) -> F + Sync,
        F: Future + 'static,
        F::Output: RunOutput,
    {
        let set_up = read_set_up(&self.set_up, &self.processes).map_err(|mistake| self.mistake(mistake))?;
        let run = |plan: RunPlan<'_>| run_seed(plan, &program);
        let only = chosen_seed().map_err(|mistake| self.mistake(mistake))?;
        if only.is_none() {
            self.run_kept(&run)?;
        }
        let targets = self.rehearse(&set_up, &run)?;
        let seeds = only.map_or(self.seeds.clone(), |seed| seed..seed + 1);
        let mut summary = CheckSummary::default();
        for seed in seeds {
            let schedule = self.schedule(seed, &set_up, &targets).map_err(|mistake| self.mistake(mistake))?;
            let record = self.run_checked(self.plan(seed, &schedule), &schedule, &run)?;
            summary.seeds += 1;
            summary.requests += record.log.requests;
            summary.hash = mix(summary.hash, record.hash());
        }
        Ok(summary)
    }

    pub(super) fn has_random_faults(&self) -> bool {
        matches!(self.faults, FaultSource::Swarm(_))
    }

    pub(super) fn plan<'a>(&'a self, seed: u64, schedule: &'a Scenario) -> RunPlan<'a> {
        let limits = RunLimits { recovers: self.has_random_faults(), ..self.limits };
        let (assertions, invariants) = (&self.assertions[..], &self.invariants[..]);
        RunPlan { seed, schedule, limits, trace: TraceLevel::None, assertions, invariants }
    }

    /// A run without faults, which shows what faults can be aimed at. It is the same whatever seeds follow.
    fn rehearse(
        &self,
        set_up: &SetUp,
        run: &dyn Fn(RunPlan<'_>) -> SeedRun,
    ) -> Result<ProgramTargets, Box<CheckFailure>> {
        if !self.has_random_faults() {
            return Ok(ProgramTargets::default());
        }
        let schedule = Scenario::of(SetUp { seed: 0, ..set_up.clone() }, Vec::new());
        let record = self.run_checked(self.plan(0, &schedule), &schedule, run)?;
        Ok(targets_of(&record, set_up))
    }

    fn schedule(&self, seed: u64, set_up: &SetUp, targets: &ProgramTargets) -> Result<Scenario, String> {
        let set_up = SetUp { seed, ..set_up.clone() };
        match &self.faults {
            FaultSource::None => Ok(Scenario::of(set_up, Vec::new())),
            FaultSource::Lines(lines) => read_lines(lines, &set_up),
            FaultSource::Swarm(swarm) => Ok(swarm.draw(seed, &set_up, targets)),
        }
    }

    /// Runs a schedule, and once more to compare.
    fn run_checked(
        &self,
        plan: RunPlan<'_>,
        schedule: &Scenario,
        run: &dyn Fn(RunPlan<'_>) -> SeedRun,
    ) -> Result<SeedRun, Box<CheckFailure>> {
        let record = run(plan);
        if record.failure.is_some() {
            return Err(self.failed(plan, &record, schedule, run));
        }
        if self.checks_determinism {
            let again = run(plan);
            if again.hash() != record.hash() {
                return Err(self.differs(plan.seed, &record, &again));
            }
        }
        Ok(record)
    }

    /// Runs the schedules of earlier failures.
    fn run_kept(&self, run: &dyn Fn(RunPlan<'_>) -> SeedRun) -> Result<(), Box<CheckFailure>> {
        for path in self.kept_files() {
            let mistake = |why: String| self.mistake(format!("{}: {why}", path.display()));
            let text = fs::read_to_string(&path).map_err(|error| mistake(error.to_string()))?;
            let schedule = read_file(&text).map_err(mistake)?;
            let mut plan = self.plan(schedule.set_up.seed, &schedule);
            plan.limits.is_in_order |= text.lines().any(|line| line == IN_ORDER);
            let record = run(plan);
            if record.failure.is_some() {
                let traced = run(RunPlan { trace: TraceLevel::Milestones, ..plan });
                let is_in_order = plan.limits.is_in_order;
                let kept = KeptSchedule { schedule: schedule.clone(), is_in_order };
                return Err(self.report(&record, &traced, &kept, 0, Some(path)));
            }
        }
        Ok(())
    }

    /// The files of this check, sorted by name.
    fn kept_files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten();
        let is_own = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let hash = name.strip_prefix(&self.name).and_then(|rest| rest.strip_prefix('-'));
            hash.and_then(|hash| hash.strip_suffix(".scenario")).is_some_and(|hash| hash.len() == 16)
        };
        let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(is_own).collect();
        files.sort();
        files
    }

    /// The failure of a seed: makes its schedule smaller, writes it to a file, and describes both.
    fn failed(
        &self,
        plan: RunPlan<'_>,
        record: &SeedRun,
        schedule: &Scenario,
        run: &dyn Fn(RunPlan<'_>) -> SeedRun,
    ) -> Box<CheckFailure> {
        let again = run(plan);
        if again.hash() != record.hash() {
            return self.differs(plan.seed, record, &again);
        }
        let drawn = lines_of(schedule).len();
        let kept = shrink(self, record, schedule, run);
        let mut small = self.plan(kept.schedule.set_up.seed, &kept.schedule);
        small.limits.is_in_order = kept.is_in_order;
        let traced = run(RunPlan { trace: TraceLevel::Milestones, ..small });
        let path = match record.failure.as_ref().map(|failure| failure.kind) {
            Some(FailureKind::SetUp) | None => None,
            Some(_) => self.keep(&kept, traced.failure.as_ref()),
        };
        let shown = if traced.failure.is_some() { &traced } else { record };
        self.report(shown, &traced, &kept, drawn, path)
    }

    /// Writes the schedule to its file; `None` if that is not possible.
    fn keep(&self, kept: &KeptSchedule, failure: Option<&RunFailure>) -> Option<PathBuf> {
        let failure = failure?;
        let first = failure.message.lines().next().unwrap_or_default();
        let mut comment = format!(
            "`{}` fails: {}: {first}\n\nThe faults of a check of `dsql_sim::sdk`, whose calls are those of its \
             program. `cargo test` runs this\nfile first.",
            self.name,
            failure.kind.name()
        );
        if kept.is_in_order {
            comment += &format!("\n\n{}", IN_ORDER.trim_start_matches("# "));
        }
        let text = kept.schedule.print(&comment);
        let path = self.folder.join(format!("{}-{:016x}.scenario", self.name, fingerprint(&text)));
        let written = fs::create_dir_all(&self.folder).and_then(|()| fs::write(&path, &text));
        written.ok().map(|()| path)
    }

    /// The failure of `record`, with the trace of `traced`, a second run of the same schedule.
    fn report(
        &self,
        record: &SeedRun,
        traced: &SeedRun,
        kept: &KeptSchedule,
        drawn: usize,
        path: Option<PathBuf>,
    ) -> Box<CheckFailure> {
        let unknown =
            RunFailure::new(FailureKind::Nondeterminism, "the run passes the second time".to_owned());
        let failure = record.failure.clone().unwrap_or(unknown);
        let (seed, faults) = (kept.schedule.set_up.seed, lines_of(&kept.schedule));
        let remedy = self.remedy(seed, path.as_deref());
        let text = FailureText {
            name: &self.name,
            failure: &failure,
            seed,
            faults: &faults,
            drawn,
            is_in_order: kept.is_in_order,
            trace: &traced.lines,
            remedy: &remedy,
        };
        let text = text.print();
        Box::new(CheckFailure {
            kind: failure.kind,
            message: failure.message,
            seed,
            faults,
            file: path,
            text,
        })
    }

    /// The lines about how to bring a failure back.
    fn remedy(&self, seed: u64, path: Option<&Path>) -> Vec<String> {
        let current = thread::current();
        let test = current.name().filter(|name| *name != "main").unwrap_or(&self.name);
        let mut lines = vec![format!("reproduce: DSQL_SIM_SEED={seed} cargo test {test} -- --exact")];
        if let Some(path) = path {
            lines.push(format!(
                "the faults are in {}, which this test runs first from now on",
                path.display()
            ));
        }
        lines
    }

    /// The failure of two runs of one seed that differ.
    fn differs(&self, seed: u64, one: &SeedRun, two: &SeedRun) -> Box<CheckFailure> {
        let difference = one.log.difference(&two.log);
        let difference = difference
            .unwrap_or_else(|| "the program's requests are equal, and the world differs".to_owned());
        let message = format!("two runs of one seed differ\n{difference}\n{USUAL_SUSPECTS}");
        let failure = RunFailure::new(FailureKind::Nondeterminism, message);
        let remedy = self.remedy(seed, None);
        let text = FailureText {
            name: &self.name,
            failure: &failure,
            seed,
            faults: &[],
            drawn: 0,
            is_in_order: false,
            trace: &[],
            remedy: &remedy,
        };
        let text = text.print();
        let (kind, message) = (failure.kind, failure.message);
        Box::new(CheckFailure { kind, message, seed, faults: Vec::new(), file: None, text })
    }

    /// The failure of a check that cannot begin.
    fn mistake(&self, why: String) -> Box<CheckFailure> {
        let text = format!("`{}` cannot begin: {why}", self.name);
        let kind = FailureKind::SetUp;
        Box::new(CheckFailure { kind, message: why, seed: 0, faults: Vec::new(), file: None, text })
    }
}

impl SeedRun {
    /// The failure in the form in which scenarios fail.
    pub(super) fn scenario_failure(&self) -> Option<Failure> {
        let RunFailure { kind, message, at, invariant, .. } = self.failure.as_ref()?;
        let name = match kind {
            FailureKind::Panic => PANIC,
            kind => invariant.as_deref().unwrap_or(kind.name()),
        };
        Some(Failure { invariant: name.to_owned(), message: message.clone(), span: None, at: *at })
    }
}

/// The seed that the environment asks for.
#[expect(clippy::disallowed_methods, reason = "an adapter: a person asks for one seed by the environment")]
fn chosen_seed() -> Result<Option<u64>, String> {
    let Some(text) = std::env::var_os("DSQL_SIM_SEED") else { return Ok(None) };
    let seed = text.to_str().and_then(|text| text.trim().parse().ok());
    seed.map(Some).ok_or_else(|| format!("DSQL_SIM_SEED is not a seed: {}", text.display()))
}

/// The line of a file whose failure needs no interleaving.
pub(super) const IN_ORDER: &str = "# Tasks run in the order in which they wake.";
