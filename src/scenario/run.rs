//! Runs scenarios.
//!
//! A run has two phases. In the first, the blocks of the file run, and safety is checked after every event. In the
//! second, which the file need not write, every fault is undone, and the world must converge. Each verb has its effect
//! in its own file.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::check::Simulation;
use crate::control::records::Cluster;
use crate::map::FixedMap;
use crate::region::Region;
use crate::sim::World;
use crate::sim::client::{Call, CallId, Outcome};
use crate::sim::coverage::Coverage;
use crate::sim::fault::Fault;
use crate::sim::history::History;
use crate::sim::trace::TraceLevel;
use crate::types::Instant;

use super::call_ends::CallEnds;
use super::diagnostic::Span;
use super::future::FutureSteps;
use super::warning::{Injected, Warning, WarningReason};
use super::write::fault_text;
use super::{Action, CallStep, Scenario, SetUp, Step, panic};

pub use super::report::{EXPECTATION, Failure, PANIC, Report, STRICT, TRACE};

/// Runs the blocks of `scenario` without the convergence behind them, and returns the simulation in its state by then.
/// `prepare` gets the simulation before the first event, for instance to add invariants.
///
/// # Errors
/// The failure of an expectation or an invariant.
pub fn run_blocks(
    scenario: &Scenario,
    level: TraceLevel,
    prepare: impl FnOnce(&mut Simulation),
) -> Result<Simulation, Failure> {
    let mut run = Run::new(scenario, scenario.set_up.seed, level);
    prepare(&mut run.simulation);
    scenario.blocks.iter().try_for_each(|steps| run.block(steps))?;
    Ok(run.simulation)
}

/// Runs `scenario` with `seed`, or with its own.
#[must_use]
pub fn run(scenario: &Scenario, seed: Option<u64>, level: TraceLevel) -> Report {
    run_with(scenario, seed, level, |_| {})
}

/// Like [`run`]; the report has the events with their causes.
#[must_use]
pub fn run_with_history(scenario: &Scenario, seed: Option<u64>, level: TraceLevel) -> Report {
    run_with(scenario, seed, level, |simulation| simulation.world_mut().keep_history())
}

/// Like [`run`]; `prepare` gets the simulation before the first event, for instance to add invariants.
#[must_use]
pub fn run_with(
    scenario: &Scenario,
    seed: Option<u64>,
    level: TraceLevel,
    prepare: impl FnOnce(&mut Simulation),
) -> Report {
    let mut run = Run::new(scenario, seed.unwrap_or(scenario.set_up.seed), level);
    prepare(&mut run.simulation);
    run.report()
}

/// Like [`run_with_history`], without some steps.
#[must_use]
pub fn run_without(scenario: &Scenario, seed: Option<u64>, omission: &Omission<'_>) -> Report {
    let mut run = Run::new(scenario, seed.unwrap_or(scenario.set_up.seed), TraceLevel::None);
    run.simulation.world_mut().keep_history();
    run.omission = Some(omission);
    run.report()
}

/// A run of a scenario that is under way.
pub(super) struct Run<'a> {
    scenario: &'a Scenario,
    pub(super) simulation: Simulation,
    /// The ends of the calls so far.
    pub(super) call_ends: CallEnds,
    /// Behind `parallel`, the calls that begin together and the faults among them, each with its time.
    pub(super) together: Option<Vec<(Instant, Together<'a>)>>,
    /// Whether the world has converged and no step has changed it since: then it need not converge again at the end.
    pub(super) has_converged: bool,
    /// The step that runs now.
    current: Option<Span>,
    /// The last call of the file that was run.
    last_call: Option<&'a Action>,
    /// The members of requests and errors that were covered by calls that ended.
    coverage: Coverage,
    injected: Injected<'a>,
    warnings: Vec<Warning>,
    /// What the steps of a future do; `None` if nothing is drawn anew.
    pub(super) future: Option<FutureSteps>,
    /// The steps that the run leaves out, if it does not run the whole scenario.
    omission: Option<&'a Omission<'a>>,
}

/// The steps of a scenario that a run leaves out, by their positions in its text. All others begin no earlier than in
/// the whole run, so that leaving one out does not move the others.
#[derive(Debug)]
pub struct Omission<'a> {
    left_out: &'a BTreeSet<usize>,
    /// The time at which each step began in the whole run.
    begins: &'a FixedMap<usize, Instant>,
    /// The time at which the whole run failed or, if it failed later, was repaired. A fault that is planned for later
    /// keeps a run from its repair, so that leaving it out must not bring that forward.
    end: Instant,
}

impl<'a> Omission<'a> {
    /// Leaves these steps out of a run whose whole history is known.
    #[must_use]
    pub fn new(left_out: &'a BTreeSet<usize>, history: &'a History, end: Instant) -> Omission<'a> {
        let end = history.repaired_at().map_or(end, |repaired| repaired.min(end));
        Omission { left_out, begins: history.steps(), end }
    }
}

/// A call that begins together with others, or a fault among them.
#[derive(Clone, Copy)]
pub(super) enum Together<'a> {
    /// A call, with the key of its step and the span of its command.
    Call(&'a CallStep, u64, Span),
    /// A fault, injected so long after its time, with the span of its command.
    Fault(Duration, &'a Fault, Span),
}

/// The result of a step.
pub(super) type Done = Result<(), Failure>;

impl<'a> Run<'a> {
    pub(super) fn new(scenario: &'a Scenario, seed: u64, level: TraceLevel) -> Run<'a> {
        let set_up = &scenario.set_up;
        let mut simulation = Simulation::new(set_up.options(seed, level));
        for (name, region) in &set_up.regions {
            simulation.world_mut().names_mut().name_region(*region, name.clone());
        }
        Run {
            scenario,
            simulation,
            call_ends: CallEnds::default(),
            together: None,
            has_converged: false,
            current: None,
            last_call: None,
            coverage: Coverage::default(),
            injected: Injected::default(),
            warnings: Vec::new(),
            future: None,
            omission: None,
        }
    }

    /// Runs the scenario to its end or its failure.
    fn report(mut self) -> Report {
        let mut outputs = Vec::new();
        let done = panic::catch(|| self.everything(&mut outputs));
        let failure = done.unwrap_or_else(|words| Err(self.panicked(words))).err();
        let begin = outputs.iter().map(Vec::len).sum();
        let warnings = self.warnings();
        let world = self.simulation.world();
        // A panic may have left the world half changed: it is not read any further.
        let is_sound = failure.as_ref().is_some_and(|failure| failure.invariant != PANIC);
        let waits = if is_sound { world.who_waits() } else { String::new() };
        let rest = world.trace().lines()[begin..].to_vec();
        let history = self.simulation.world_mut().take_history();
        let world = self.simulation.world();
        Report {
            seed: world.options().seed,
            failure,
            waits: waits.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect(),
            warnings,
            hash: world.trace().hash(),
            events: world.trace().events(),
            end: world.now(),
            outputs,
            rest,
            covered: world.covered(),
            coverage: covered(self.scenario, &self),
            exercised: self.simulation.exercised(),
            history,
        }
    }

    fn warnings(&self) -> Vec<Warning> {
        let mut warnings = self.injected.idle(self.world());
        warnings.extend(self.warnings.iter().cloned());
        warnings
    }

    fn lines(&self) -> usize {
        self.simulation.world().trace().lines().len()
    }

    fn lines_since(&self, begin: usize) -> Vec<String> {
        self.simulation.world().trace().lines()[begin..].to_vec()
    }

    /// Runs the blocks, whose traces go to `outputs`, and lets the world converge.
    pub(super) fn everything(&mut self, outputs: &mut Vec<Vec<String>>) -> Done {
        for steps in &self.scenario.blocks {
            let begin = self.lines();
            self.block(steps)?;
            outputs.push(self.lines_since(begin));
        }
        self.current = None;
        if let Some(omission) = self.omission {
            self.simulation.run_until(omission.end).map_err(|violation| Failure::of(violation, None))?;
        }
        if self.has_converged {
            return Ok(());
        }
        self.simulation.converge(None).map_err(|violation| Failure::of(violation, None))
    }

    pub(super) fn panicked(&self, words: String) -> Failure {
        Failure { invariant: PANIC.to_owned(), message: words, span: self.current, at: self.now() }
    }

    fn block(&mut self, steps: &'a [Step]) -> Done {
        for step in steps {
            self.current = Some(step.span);
            if let Some(omission) = self.omission {
                if let Some(begin) = omission.begins.get(&step.span.start)
                    && self.together.is_none()
                {
                    self.advance_to(*begin, step.span)?;
                }
                if omission.left_out.contains(&step.span.start) {
                    // A step that is left out ends the calls before it all the same.
                    if !step.action.is_together() {
                        self.finish_together(Some(step.span))?;
                    }
                    continue;
                }
            }
            self.simulation.world_mut().at_step(step.span.start);
            self.step(step)?;
        }
        let last = steps.last().map(|step| step.span);
        self.finish_together(last)
    }

    fn step(&mut self, step: &'a Step) -> Done {
        if !step.action.is_together() {
            self.finish_together(Some(step.span))?;
        }
        self.simulation.pass_moment();
        if self.is_unasked(step) {
            return Ok(());
        }
        self.has_converged &= step.action.only_reads();
        if let Action::Call(_) = step.action {
            self.last_call = Some(&step.action);
        }
        step.action.run(self, step).map_err(|failure| self.with_part(failure, step))
    }

    /// Adds the failed call to a failure, where the command of the step stands for several calls.
    fn with_part(&self, failure: Failure, step: &Step) -> Failure {
        match self.last_call {
            Some(call) if step.is_part => {
                let call = self.set_up().words(call);
                Failure { message: format!("{}\n  the call was `{call}`", failure.message), ..failure }
            }
            _ => failure,
        }
    }

    /// Injects a fault now.
    pub(super) fn inject(&mut self, fault: &'a Fault, span: Span) -> Done {
        if self.leaves_out_fault(fault) {
            return Ok(());
        }
        self.note_fault(fault, span);
        let set_up = self.set_up();
        let injected = self.simulation.inject_as(fault.clone(), || fault_text(set_up, fault));
        injected.map_err(|violation| Failure::of(violation, Some(span)))
    }

    /// Plans a fault for `at`.
    pub(super) fn plan(&mut self, at: Instant, fault: &'a Fault, span: Span) {
        if self.leaves_out_fault(fault) {
            return;
        }
        self.note_fault(fault, span);
        self.simulation.world_mut().at_step(span.start);
        let text = fault_text(self.set_up(), fault);
        self.simulation.world_mut().inject_at(at, fault.clone(), text.into());
    }

    /// Runs the world up to `at`, and plans a fault for `pause` later. Without a pause it is injected before anything
    /// else begins.
    pub(super) fn inject_meanwhile(
        &mut self,
        at: Instant,
        pause: Duration,
        fault: &'a Fault,
        span: Span,
    ) -> Done {
        self.advance_to(at, span)?;
        self.plan(at.after(pause), fault, span);
        self.simulation.run_until(self.now()).map_err(|violation| Failure::of(violation, Some(span)))
    }

    /// Notes that the world gets `fault` next, now or as a plan.
    fn note_fault(&mut self, fault: &'a Fault, span: Span) {
        self.injected.note(self.simulation.world(), span, fault);
    }

    /// Runs the world up to `at`, if that is later than now.
    pub(super) fn advance_to(&mut self, at: Instant, span: Span) -> Done {
        if at > self.now() {
            self.simulation.run_until(at).map_err(|violation| Failure::of(violation, Some(span)))?;
        }
        Ok(())
    }

    /// Adds a warning about the step at `span`.
    pub(super) fn warn(&mut self, span: Span, reason: WarningReason) {
        self.warnings.push(Warning { span, reason });
    }

    pub(super) fn set_up(&self) -> &'a SetUp {
        &self.scenario.set_up
    }

    pub(super) fn world(&self) -> &World {
        self.simulation.world()
    }

    pub(super) fn now(&self) -> Instant {
        self.world().now()
    }

    /// Begins a call; `None` if it was left out.
    pub(super) fn begin_call(
        &mut self,
        at: Instant,
        step: &CallStep,
        key: u64,
        span: Span,
    ) -> Result<Option<CallId>, Failure> {
        self.advance_to(at, span)?;
        if self.leaves_out_call(key) {
            return Ok(None);
        }
        let request = match step.request(&|name, member| self.call_ends.resolve(name, member)) {
            Ok(request) => request,
            Err(_) if self.is_drawn_anew() => {
                self.note_left_out();
                return Ok(None);
            }
            // The trace shows it, so that a trace explains itself.
            Err(missing) if step.may_be_skipped => {
                let text = || format!("{} is left out: {missing}", step.operation());
                self.simulation.world_mut().remark(text);
                self.warn(span, WarningReason::LeftOut(missing.to_string()));
                return Ok(None);
            }
            Err(missing) => return Err(self.failure(missing.to_string(), span)),
        };
        let call = Call {
            alias: step.alias.clone(),
            attempts: step.attempts,
            time_out: step.time_out,
            waiter: step.waiter,
            principal: step.principal,
            ..Call::new(step.region, request, key)
        };
        Ok(Some(self.simulation.call(step.client, call)))
    }

    pub(super) fn finish_call(&mut self, id: CallId, step: &CallStep, span: Span) -> Done {
        let outcome = self.simulation.finish(id).map_err(|violation| Failure::of(violation, Some(span)))?;
        match (&outcome, self.simulation.world().call_of(id)) {
            (Outcome::Ok(_), Some((_, call))) => self.coverage.accept(&call.request),
            (Outcome::Failed(error), _) => self.coverage.refuse(step.operation(), error),
            _ => {}
        }
        self.call_ends.note_last(step, outcome);
        Ok(())
    }

    /// Begins the calls behind `parallel`, each at its time, with the faults among them, and waits for their ends.
    fn finish_together(&mut self, span: Option<Span>) -> Done {
        let Some(mut together) = self.together.take() else { return Ok(()) };
        // The sort is stable: of calls and faults with one time, the first of the file comes first.
        let span = span.unwrap_or_default();
        together.sort_by_key(|(at, ..)| *at);
        let mut begun: Vec<(CallId, &CallStep)> = Vec::new();
        let mut open: Vec<(CallId, &CallStep)> = Vec::new();
        for (at, member) in together {
            let (step, key, own) = match member {
                Together::Call(step, key, own) => (step, key, own),
                Together::Fault(pause, fault, span) => {
                    self.inject_meanwhile(at, pause, fault, span)?;
                    continue;
                }
            };
            self.advance_to(at, span)?;
            // A later call may refer to one that has ended by now.
            open.retain(|(id, step)| match self.simulation.world().outcome(*id).cloned() {
                None => true,
                Some(outcome) => {
                    self.call_ends.note_named(step, outcome);
                    false
                }
            });
            self.simulation.world_mut().at_step(own.start);
            let begins = self.begin_call(at, step, key, span)?.map(|id| (id, step));
            begun.extend(begins);
            open.extend(begins);
        }
        begun.into_iter().try_for_each(|(id, step)| self.finish_call(id, step, span))
    }

    /// The cluster that the call `name` created, if it exists. Its identifier is known from the answer or, if that was
    /// lost, from the name that the trace gave to it.
    pub(super) fn cluster(&self, name: &str) -> Option<&Arc<Cluster>> {
        let answered = match self.call_ends.ended(Some(name)).map(|ended| &ended.outcome) {
            Some(Outcome::Ok(response)) => response.cluster(),
            _ => None,
        };
        let named = self.world().names().clusters_called(name);
        let mut storages = Region::all().filter_map(|region| self.world().storage(region));
        storages.find_map(|storage| {
            answered.into_iter().chain(named.clone()).find_map(|identifier| storage.cluster(identifier))
        })
    }

    /// The failure of the step at `span`, with this message.
    pub(super) fn failure(&self, message: String, span: Span) -> Failure {
        Failure { invariant: EXPECTATION.to_owned(), message, span: Some(span), at: self.now() }
    }
}

/// The coverage of a run.
fn covered(scenario: &Scenario, run: &Run<'_>) -> Coverage {
    let mut coverage = run.coverage.clone();
    coverage |= run.world().coverage();
    coverage.assume(&scenario.set_up.assumptions);
    coverage
}
