//! Runs scenarios.
//!
//! A run has two phases. In the first, the blocks of the file run, and safety is checked after every event. In the
//! second, which the file need not write, every fault is undone, and the world must converge.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::sync::Arc;

use serde_json::Value;

use crate::check::{RunEnd, Simulation};
use crate::control::records::Cluster;
use crate::map::FixedMap;
use crate::region::Region;
use crate::sim::client::{Call, CallId, Outcome};
use crate::sim::coverage::Coverage;
use crate::sim::fault::Fault;
use crate::sim::trace::TraceLevel;
use crate::sim::{DEFAULT_EPOCH, Options, World};
use crate::types::Instant;

use super::diagnostic::Span;
use super::expect::{ClusterState, Comparison, Expectation, Operator};
use super::warning::{Injected, Warning, WarningReason};
use super::{Action, CallStep, Scenario, Step, When, body, panic, write};

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

/// Like [`run`]; `prepare` gets the simulation before the first event, for instance to add invariants.
#[must_use]
pub fn run_with(
    scenario: &Scenario,
    seed: Option<u64>,
    level: TraceLevel,
    prepare: impl FnOnce(&mut Simulation),
) -> Report {
    let mut run = Run::new(scenario, seed.unwrap_or(scenario.set_up.seed), level);
    let mut outputs = Vec::new();
    let done = panic::catch(|| {
        prepare(&mut run.simulation);
        run.everything(&mut outputs)
    });
    let failure = done.unwrap_or_else(|words| Err(run.panicked(words))).err();
    let begin = outputs.iter().map(Vec::len).sum();
    let warnings = run.warnings();
    let world = run.simulation.world();
    // A panic may have left the world half changed: it is not read any further.
    let is_sound = failure.as_ref().is_some_and(|failure| failure.invariant != PANIC);
    let waits = if is_sound { world.who_waits() } else { String::new() };
    let rest = world.trace().lines()[begin..].to_vec();
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
        coverage: covered(scenario, &run),
        exercised: run.simulation.exercised(),
    }
}

/// A run of a scenario that is under way.
struct Run<'a> {
    scenario: &'a Scenario,
    simulation: Simulation,
    /// The ends of the named calls.
    answers: FixedMap<Arc<str>, Ended>,
    /// The end of the last call.
    last: Option<Ended>,
    /// Behind `parallel`, the calls that begin together, each with its time and the key of its step.
    together: Option<Vec<(Instant, &'a CallStep, u64)>>,
    /// Whether the world has converged and no step has changed it since: then it need not converge again at the end.
    has_converged: bool,
    /// The step that runs now.
    current: Option<Span>,
    /// The members of requests and errors that were covered by calls that ended.
    coverage: Coverage,
    injected: Injected<'a>,
    warnings: Vec<Warning>,
}

type Done = Result<(), Failure>;

impl<'a> Run<'a> {
    fn new(scenario: &'a Scenario, seed: u64, level: TraceLevel) -> Run<'a> {
        let set_up = &scenario.set_up;
        let mut simulation = Simulation::new(Options {
            seed,
            clients: set_up.clients.clone(),
            principals: set_up.principals(),
            assumptions: Arc::new(set_up.assumptions.clone()),
            mutants: set_up.mutants,
            latency: set_up.latency.clone(),
            disk: set_up.disk,
            epoch: DEFAULT_EPOCH,
            trace: level,
        });
        for (name, region) in &set_up.regions {
            simulation.world_mut().names_mut().name_region(*region, name.clone());
        }
        Run {
            scenario,
            simulation,
            answers: FixedMap::default(),
            last: None,
            together: None,
            has_converged: false,
            current: None,
            coverage: Coverage::default(),
            injected: Injected::default(),
            warnings: Vec::new(),
        }
    }

    fn warnings(&self) -> Vec<Warning> {
        let mut warnings = self.injected.idle(self.world());
        warnings.extend(self.warnings.iter().cloned());
        warnings
    }

    fn warn(&mut self, span: Span, reason: WarningReason) {
        self.warnings.push(Warning { span, reason });
    }

    fn lines(&self) -> usize {
        self.simulation.world().trace().lines().len()
    }

    fn lines_since(&self, begin: usize) -> Vec<String> {
        self.simulation.world().trace().lines()[begin..].to_vec()
    }

    /// Runs the blocks, whose traces go to `outputs`, and lets the world converge.
    fn everything(&mut self, outputs: &mut Vec<Vec<String>>) -> Done {
        for steps in &self.scenario.blocks {
            let begin = self.lines();
            self.block(steps)?;
            outputs.push(self.lines_since(begin));
        }
        self.current = None;
        if self.has_converged {
            return Ok(());
        }
        self.simulation.converge(None).map_err(|violation| Failure::of(violation, None))
    }

    fn panicked(&self, words: String) -> Failure {
        Failure { invariant: PANIC.to_owned(), message: words, span: self.current, at: self.now() }
    }

    fn block(&mut self, steps: &'a [Step]) -> Done {
        for step in steps {
            self.current = Some(step.span);
            self.step(step)?;
        }
        let last = steps.last().map(|step| step.span);
        self.finish_together(last)
    }

    fn step(&mut self, step: &'a Step) -> Done {
        let span = step.span;
        if !matches!(step.action, Action::Call(_)) {
            self.finish_together(Some(span))?;
        }
        let failed = |violation| Failure::of(violation, Some(span));
        // These read the world and do not change it.
        self.has_converged &= matches!(step.action, Action::Expect(_) | Action::Show(_) | Action::SetUp);
        match &step.action {
            Action::SetUp => Ok(()),
            Action::Parallel => {
                self.together = Some(Vec::new());
                Ok(())
            }
            Action::Call(call) => self.call(call, step.key, span),
            Action::Fault(fault) => {
                self.injected.note(self.simulation.world(), span, fault);
                let words = || write::fault_text(&self.scenario.set_up, fault);
                self.simulation.inject_as(fault.clone(), words).map_err(failed)
            }
            Action::FaultAt(when, fault) => {
                self.plan(*when, fault, span);
                Ok(())
            }
            Action::Advance(pause) => {
                let until = self.now().after(*pause);
                self.simulation.run_until(until).map_err(failed)
            }
            Action::RunUntilQuiet(limit) => match self.simulation.run_until_quiet(*limit).map_err(failed)? {
                RunEnd::Quiet => Ok(()),
                RunEnd::TimeUp => {
                    let waits = self.world().who_waits();
                    self.unexpected(format!("the world is not quiet within the limit{waits}"), span)
                }
            },
            Action::Converge(except) => {
                self.has_converged = except.is_none();
                self.simulation.converge(*except).map_err(failed)
            }
            Action::Expect(expectation) => self.expect(expectation, span),
            Action::Show(names) => {
                for name in names {
                    let text = self.describe(name);
                    self.simulation.world_mut().remark(|| text);
                }
                Ok(())
            }
        }
    }

    fn call(&mut self, call: &'a CallStep, key: u64, span: Span) -> Done {
        let at = self.now().after(call.after);
        // Behind `parallel`, a call waits until every call of its group is known: they begin in the order of their
        // times.
        if let Some(together) = &mut self.together {
            together.push((at, call, key));
            return Ok(());
        }
        match self.begin(at, call, key, span)? {
            Some(id) => self.finish(id, call, span),
            None => Ok(()),
        }
    }

    fn plan(&mut self, when: When, fault: &'a Fault, span: Span) {
        self.injected.note(self.simulation.world(), span, fault);
        let at = match when {
            When::At(at) => Instant::START.after(at),
            When::In(pause) => self.now().after(pause),
        };
        // The world injects it at once then. The test may still mean something, so this is a warning and no failure.
        if at < self.now() {
            self.warn(span, WarningReason::Passed(self.now()));
        }
        let text = write::fault_text(&self.scenario.set_up, fault);
        self.simulation.world_mut().inject_at(at, fault.clone(), text.into());
    }

    fn world(&self) -> &World {
        self.simulation.world()
    }

    fn now(&self) -> Instant {
        self.world().now()
    }

    /// Begins a call; `None` if it was left out.
    fn begin(
        &mut self,
        at: Instant,
        step: &CallStep,
        key: u64,
        span: Span,
    ) -> Result<Option<CallId>, Failure> {
        self.wait_until(at, span)?;
        let request = match step.request(&|name, member| self.resolve(name, member)) {
            Ok(request) => request,
            // The trace shows it, so that a trace explains itself.
            Err(missing) if step.may_be_skipped => {
                let text = || format!("{} is left out: {missing}", step.operation());
                self.simulation.world_mut().remark(text);
                self.warn(span, WarningReason::LeftOut(missing));
                return Ok(None);
            }
            Err(missing) => return Err(self.failure(missing, span)),
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

    fn finish(&mut self, id: CallId, step: &CallStep, span: Span) -> Done {
        let outcome = self.simulation.finish(id).map_err(|violation| Failure::of(violation, Some(span)))?;
        match (&outcome, self.simulation.world().call_of(id)) {
            (Outcome::Ok(_), Some((_, call))) => self.coverage.accept(&call.request),
            (Outcome::Failed(error), _) => self.coverage.refuse(step.operation(), error),
            _ => {}
        }
        let ended = Ended::from(outcome);
        remember(&mut self.answers, step, ended.clone());
        self.last = Some(ended);
        Ok(())
    }

    /// Begins the calls behind `parallel`, each at its time, and waits until all have ended.
    fn finish_together(&mut self, span: Option<Span>) -> Done {
        let Some(mut together) = self.together.take() else { return Ok(()) };
        // The sort is stable: of calls with one time, the first of the file begins first.
        let span = span.unwrap_or_default();
        together.sort_by_key(|(at, ..)| *at);
        let mut begun: Vec<(CallId, &CallStep)> = Vec::new();
        let mut open: Vec<(CallId, &CallStep)> = Vec::new();
        for (at, step, key) in together {
            self.wait_until(at, span)?;
            // A later call may refer to one that has ended by now.
            open.retain(|(id, step)| match self.simulation.world().outcome(*id).cloned() {
                None => true,
                Some(outcome) => {
                    remember(&mut self.answers, step, outcome.into());
                    false
                }
            });
            let begins = self.begin(at, step, key, span)?.map(|id| (id, step));
            begun.extend(begins);
            open.extend(begins);
        }
        begun.into_iter().try_for_each(|(id, step)| self.finish(id, step, span))
    }

    fn wait_until(&mut self, at: Instant, span: Span) -> Done {
        if at > self.now() {
            self.simulation.run_until(at).map_err(|violation| Failure::of(violation, Some(span)))?;
        }
        Ok(())
    }

    fn ended(&self, name: Option<&str>) -> Option<&Ended> {
        match name {
            None => self.last.as_ref(),
            Some(name) => self.answers.get(name),
        }
    }

    /// The value to which a reference refers.
    fn value(&self, name: &str, member: &str) -> Result<Cow<'_, Value>, String> {
        let ended = self.ended(Some(name)).ok_or_else(|| format!("call `{name}` was not made"))?;
        let outcome = ended.outcome.name();
        let value = match member {
            "outcome" => Some(Cow::Owned(Value::from(outcome))),
            path => ended.member(path),
        };
        value.ok_or_else(|| format!("`${name}.{member}` has no value: call `{name}` ended {outcome}"))
    }

    /// The text to which a reference refers.
    fn resolve(&self, name: &str, member: &str) -> Result<String, String> {
        self.value(name, member).map(|value| match &*value {
            Value::String(text) => text.clone(),
            value => value.to_string(),
        })
    }

    /// The value with which an expectation compares. A reference by itself keeps the type of its value; one inside a
    /// text becomes text.
    fn wanted(&self, wanted: &Value) -> Result<Value, String> {
        if let Some(reference) = wanted.as_str().and_then(body::only_reference) {
            return self.value(reference.name, reference.member).map(Cow::into_owned);
        }
        body::fill(wanted, &|name, member| self.resolve(name, member))
    }

    fn expect(&self, expectation: &Expectation, span: Span) -> Done {
        match expectation {
            Expectation::Clusters(region, test) => {
                let count = self.world().storage(*region).map_or(0, |storage| storage.clusters().count());
                let subject = format!("clusters in {}", self.world().names().region(*region));
                self.compare(&subject, Some(Value::from(count)), test, span)
            }
            Expectation::Answer { call, subject, test } => {
                let Some(ended) = self.ended(call.as_deref()) else {
                    return self.unexpected("no call has been made".to_owned(), span);
                };
                let outcome = &ended.outcome;
                let seen = match (subject.as_str(), outcome) {
                    ("outcome", outcome) => Some(Value::from(outcome.name())),
                    ("error", Outcome::Failed(error)) => Some(Value::from(error.name())),
                    ("error", _) => None,
                    ("http", Outcome::Failed(error)) => Some(Value::from(error.http_status())),
                    ("http", Outcome::Ok(_)) => Some(Value::from(200)),
                    ("http", Outcome::Gone) => Some(Value::from(404)),
                    (path, _) => ended.member(path).map(Cow::into_owned),
                };
                self.compare(subject, seen, test, span).map_err(|failure| self.explained(failure, outcome))
            }
            Expectation::State(name, state) => self.expect_state(name, state, span),
        }
    }

    /// Compares what was `seen` of the `subject` with what is expected of it.
    fn compare(&self, subject: &str, seen: Option<Value>, test: &Comparison, span: Span) -> Done {
        let shown = |value: &Value| {
            let text = value.as_str().filter(|text| !text.is_empty() && !text.contains(char::is_whitespace));
            self.world().names().in_text(&text.map_or_else(|| value.to_string(), str::to_owned))
        };
        let (holds, expected) = match test {
            Comparison::Absent => (seen.is_none(), format!("{subject} to be absent")),
            Comparison::Present => (seen.is_some(), format!("{subject} to be present")),
            Comparison::Compares(operator, wanted) => {
                let wanted = self.wanted(wanted).map_err(|message| self.failure(message, span))?;
                // Nothing is unequal to everything, and compares to nothing else.
                let holds = match &seen {
                    Some(seen) => operator.holds(seen, &wanted),
                    None => *operator == Operator::Unequal && !wanted.is_null(),
                };
                let operator = match operator {
                    // Behind several words, as in `clusters in use1`, a bare value would look like one of them.
                    Operator::Equal if !subject.contains(' ') => String::new(),
                    operator => format!("{} ", operator.name()),
                };
                (holds, format!("{subject} {operator}{}", shown(&wanted)))
            }
        };
        if holds {
            return Ok(());
        }
        let got = seen.as_ref().map_or("nothing".to_owned(), shown);
        self.unexpected(format!("expected {expected}, got {got}"), span)
    }

    /// Adds to a failure the answer of the service, if the call failed, or the last state that a waiter read.
    fn explained(&self, failure: Failure, outcome: &Outcome) -> Failure {
        let explanation = match outcome {
            Outcome::Failed(error) => {
                let message = self.world().names().in_text(&error.to_string());
                format!("the answer was {} {message}", error.http_status())
            }
            Outcome::TimedOut(sight) => format!("the waiter last read: {sight}"),
            Outcome::Ok(_) | Outcome::Gone | Outcome::Unknown => return failure,
        };
        Failure { message: format!("{}\n  {explanation}", failure.message), ..failure }
    }

    fn expect_state(&self, name: &str, state: &ClusterState, span: Span) -> Done {
        let cluster = self.cluster(name);
        let holds = match state {
            ClusterState::Gone => cluster.is_none(),
            ClusterState::Status(status) => cluster.is_some_and(|cluster| cluster.status == *status),
            ClusterState::LinkedWith(other) => {
                let (one, other) = (cluster, self.cluster(other));
                let peer = |cluster: Option<&Arc<Cluster>>| cluster.and_then(|cluster| cluster.linked_peer());
                let arn = |cluster: Option<&Arc<Cluster>>| cluster.map(|cluster| cluster.arn);
                peer(one).is_some() && peer(one) == arn(other) && peer(other) == arn(one)
            }
        };
        if holds {
            return Ok(());
        }
        let expected = match state {
            ClusterState::Gone => "gone".to_owned(),
            ClusterState::Status(status) => status.to_string(),
            ClusterState::LinkedWith(other) => format!("linked with {other}"),
        };
        self.unexpected(format!("expected {name} to be {expected}, got: {}", self.describe(name)), span)
    }

    /// The cluster that the call `name` created, if it exists. Its identifier is known from the answer or, if that was
    /// lost, from the name that the trace gave to it.
    fn cluster(&self, name: &str) -> Option<&Arc<Cluster>> {
        let answered = match self.ended(Some(name)).map(|ended| &ended.outcome) {
            Some(Outcome::Ok(response)) => response.cluster(),
            _ => None,
        };
        let named = self.world().names().clusters_called(name);
        let mut storages = Region::all().filter_map(|region| self.world().storage(region));
        storages.find_map(|storage| {
            answered.into_iter().chain(named.clone()).find_map(|identifier| storage.cluster(identifier))
        })
    }

    /// The true state of a cluster, as a text.
    fn describe(&self, name: &str) -> String {
        let names = self.world().names();
        let Some(cluster) = self.cluster(name) else { return format!("{name} is gone") };
        let mut text = format!("{name} in {} is {}", names.region(cluster.arn.region), cluster.status);
        if let Some(multi_region) = &cluster.multi_region {
            let witness = names.region(multi_region.witness);
            text += &match (multi_region.peer, multi_region.linked) {
                (None, _) => format!(", witness {witness}, no peer declared"),
                (Some(peer), false) => {
                    format!(", witness {witness}, declares {}", names.cluster(peer.identifier))
                }
                (Some(peer), true) => {
                    format!(", witness {witness}, linked with {}", names.cluster(peer.identifier))
                }
            };
        }
        if cluster.deletion_protection { text + ", protected" } else { text }
    }

    fn unexpected(&self, message: String, span: Span) -> Done {
        Err(self.failure(message, span))
    }

    fn failure(&self, message: String, span: Span) -> Failure {
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

/// The end of a call: its outcome and its answer.
#[derive(Clone)]
struct Ended {
    outcome: Outcome,
    /// The output, or the body of the error, as JSON. It is computed at the first reference to it and kept: many later
    /// calls refer to one answer.
    answer: OnceCell<Option<Value>>,
}

impl Ended {
    /// The member of the answer at `path`.
    fn member(&self, path: &str) -> Option<Cow<'_, Value>> {
        let answer = self.answer.get_or_init(|| match &self.outcome {
            Outcome::Ok(response) => Some(response.to_json()),
            Outcome::Failed(error) => Some(error.to_json()),
            Outcome::Gone | Outcome::Unknown | Outcome::TimedOut(_) => None,
        });
        body::member(answer.as_ref()?, path)
    }
}

impl From<Outcome> for Ended {
    fn from(outcome: Outcome) -> Ended {
        Ended { outcome, answer: OnceCell::new() }
    }
}

/// From now on the name of a call stands for its end.
fn remember(answers: &mut FixedMap<Arc<str>, Ended>, step: &CallStep, ended: Ended) {
    let Some(alias) = &step.alias else { return };
    answers.insert(alias.clone(), ended);
}
