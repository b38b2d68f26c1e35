//! A world with its checker: the entry point for tests that users write.

use std::fmt;
use std::time::Duration;

use crate::api::OperationInput;
use crate::control::records::{Batch, Cluster};
use crate::region::Region;
use crate::rng;
use crate::sim::client::{Call, CallId, ClientOptions, Outcome};
use crate::sim::fault::Fault;
use crate::sim::future::Future;
use crate::sim::log;
use crate::sim::{Options, World};
use crate::types::{ClientId, ClusterArn, Instant, NodeId};

use super::call_builder::{CallError, CallHandle, answer};
use super::client::Client;
use super::invariant::Invariant;
use super::{CheckCounts, Checker, Violation};

/// A world in which every invariant, the built-in ones and those that a user adds, is checked after every event.
///
/// ```
/// use dsql_sim::prelude::*;
///
/// # fn main() -> Result<(), CallError> {
/// let mut sim = Simulation::new(Options::new(42));
/// let (blue, green) =
///     sim.client("ops").create_linked_pair(Region::US_EAST_1, Region::US_EAST_2, Region::US_WEST_2)?;
///
/// // The peer's Region goes dark. What is left of the pair still answers.
/// sim.inject(Fault::outage(Region::US_EAST_2))?;
/// assert_eq!(sim.client("ops").get_cluster(blue).send()?.status, ClusterStatus::Active);
/// assert_eq!(sim.client("ops").get_cluster(green).send(), Err(CallError::Unknown));
///
/// // Everything is repaired, and the pair converges.
/// sim.converge(None)?;
/// assert_eq!(sim.cluster(green).and_then(|green| green.linked_peer()), Some(blue));
/// # Ok(())
/// # }
/// ```
pub struct Simulation {
    world: World,
    /// `None` if only the user's own invariants are checked.
    checker: Option<Checker>,
    own: Vec<(String, OwnInvariant)>,
    watchers: Vec<Watcher>,
    /// The number of calls of each client whose key was made.
    keyed_calls: Vec<u64>,
    /// The number of rules whose key was made.
    keyed_rules: u64,
    future: Option<Future>,
}

/// An invariant of the user: `Err` describes the violation.
type OwnInvariant = Box<dyn Fn(&World) -> Result<(), String>>;

/// An observer of the world, called after every event.
type Watcher = Box<dyn FnMut(&World)>;

/// The end of a wait for the world to become quiet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// The world became quiet: nothing more happens without a call or a fault.
    Quiet,
    /// The time limit passed first.
    TimeUp,
}

impl Simulation {
    /// A new world with `options`, in which nothing has happened.
    #[must_use]
    pub fn new(options: Options) -> Simulation {
        Simulation {
            world: World::new(options),
            checker: Some(Checker::default()),
            own: Vec::new(),
            watchers: Vec::new(),
            keyed_calls: Vec::new(),
            keyed_rules: 0,
            future: None,
        }
    }

    /// Draws the future anew from the moment that `future` names.
    pub(crate) fn draw_future(&mut self, future: Future) {
        self.future = Some(future);
    }

    /// The future of the run, with the moments that it has passed, if there is one.
    pub(crate) fn future(&self) -> Option<&Future> {
        self.future.as_ref()
    }

    /// Whether the future leaves out a step that would begin now; `key` is the key of the draw.
    pub(crate) fn leaves_out(&mut self, key: u64) -> bool {
        self.pass_moment();
        self.future.as_mut().is_some_and(|future| future.leaves_out(key))
    }

    /// Notes that nothing is half done, so that a future may begin here.
    pub(crate) fn pass_moment(&mut self) {
        if let Some(future) = &mut self.future {
            future.pass(&mut self.world);
        }
    }

    /// Starts the world at `now` with disks that hold what nodes wrote before, oldest first, as after the restart of
    /// a server. The world must not have processed any event.
    pub fn restore(&mut self, now: Instant, written: impl IntoIterator<Item = (NodeId, Batch)>) {
        let written: Vec<_> = written.into_iter().collect();
        if let Some(checker) = &mut self.checker {
            let keys = self.world.options().keys.clone();
            written.iter().for_each(|(node, batch)| checker.recall(*node, batch, &keys));
        }
        self.world.restore(now, written);
    }

    /// Adds an invariant of the user, which is evaluated after every event. `holds` returns a description of the
    /// violation as its error.
    pub fn invariant(&mut self, name: &str, holds: impl Fn(&World) -> Result<(), String> + 'static) {
        self.own.push((name.to_owned(), Box::new(holds)));
    }

    /// Disables the invariants of [`Invariant`](super::Invariant); only those of the user are evaluated. This shows
    /// what they find by themselves.
    pub fn only_own_invariants(&mut self) {
        self.checker = None;
    }

    /// Adds an observer, which is called after every event and before the invariants are evaluated.
    pub fn watch(&mut self, look: impl FnMut(&World) + 'static) {
        self.watchers.push(Box::new(look));
    }

    /// The world, for reading.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The number of evaluations of each invariant of [`Invariant`](super::Invariant) so far.
    #[must_use]
    pub fn exercised(&self) -> CheckCounts {
        self.checker.as_ref().map(Checker::exercised).unwrap_or_default()
    }

    /// The world, for naming resources and filling it before the first event. Events that are stepped through this
    /// reference are not checked.
    pub fn world_mut(&mut self) -> &mut World {
        &mut self.world
    }

    /// The client called `name`. If there is none yet, it is added, with the first client's account and home.
    pub fn client(&mut self, name: &str) -> Client<'_> {
        let clients = &self.world.options().clients;
        if let Some(index) = clients.iter().position(|client| *client.name == *name) {
            return Client::new(self, ClientId(index as u32));
        }
        let first = clients.first().cloned().unwrap_or_default();
        let id = self.world.add_client(ClientOptions { name: name.into(), principal: None, ..first });
        Client::new(self, id)
    }

    /// The record of a cluster, as its control plane has it in memory; `None` if there is no such cluster.
    #[must_use]
    pub fn cluster(&self, arn: impl Into<ClusterArn>) -> Option<&Cluster> {
        self.world.cluster(arn)
    }

    /// Processes events until `call` has ended, and returns its answer.
    ///
    /// # Errors
    /// The call failed, its outcome is unknown, or an invariant is violated.
    pub fn wait<I: OperationInput>(&mut self, call: CallHandle<I>) -> Result<I::Output, CallError> {
        answer::<I>(&self.finish_and_take(call.id())?)
    }

    /// The key of the next call of `client`: the same whatever other clients do.
    pub(super) fn next_key(&mut self, client: ClientId) -> u64 {
        let index = client.0 as usize;
        if self.keyed_calls.len() <= index {
            self.keyed_calls.resize(index + 1, 0);
        }
        self.keyed_calls[index] += 1;
        made_key(self.keyed_calls[index])
    }

    /// Begins a call of `client`. It proceeds as the simulation steps.
    pub fn call(&mut self, client: ClientId, call: Call) -> CallId {
        self.world.call(client, call)
    }

    /// Processes the next event; `false` if there is none.
    ///
    /// # Errors
    /// An invariant is violated.
    pub fn step(&mut self) -> Result<bool, Violation> {
        self.pass_moment();
        let stepped = self.world.step();
        self.check()?;
        Ok(stepped)
    }

    /// Injects a fault now. Rules without a key get one.
    ///
    /// # Errors
    /// An invariant is violated.
    pub fn inject(&mut self, fault: impl Into<Fault>) -> Result<(), Violation> {
        let fault = self.keyed(fault.into());
        let words = format!("{fault:?}");
        self.inject_as(fault, || words)
    }

    /// Injects a fault now; `words` describe it in the trace, if one is kept.
    ///
    /// # Errors
    /// An invariant is violated.
    pub fn inject_as(&mut self, fault: Fault, words: impl FnOnce() -> String) -> Result<(), Violation> {
        self.world.remark(words);
        self.world.inject(fault);
        self.check()
    }

    /// Plans a fault for `pause` from now. Rules without a key get one.
    pub fn inject_in(&mut self, pause: Duration, fault: impl Into<Fault>) {
        let fault = self.keyed(fault.into());
        let at = self.world.now().after(pause);
        let words = format!("{fault:?}");
        self.world.inject_at(at, fault, words.into());
    }

    /// Processes events until `call` has ended. The world keeps the outcome.
    ///
    /// # Errors
    /// An invariant is violated.
    ///
    /// # Panics
    /// If the outcome was taken from the world before.
    pub fn finish(&mut self, call: CallId) -> Result<Outcome, Violation> {
        loop {
            if let Some(outcome) = self.world.outcome(call) {
                return Ok(outcome.clone());
            }
            let stepped = self.step()?;
            assert!(stepped, "a call that goes on has a time-out, and so an event to come");
        }
    }

    /// [`Simulation::finish`], after which the world forgets the call.
    pub(super) fn finish_and_take(&mut self, call: CallId) -> Result<Outcome, Violation> {
        let outcome = self.finish(call)?;
        self.world.take(call);
        Ok(outcome)
    }

    /// Processes events until any call ends, and returns it; `None` if no event is left.
    ///
    /// # Errors
    /// An invariant is violated.
    pub fn next_ended(&mut self) -> Result<Option<CallId>, Violation> {
        loop {
            // A call that was waited for has been taken.
            while let Some(ended) = self.world.pop_ended() {
                if self.world.outcome(ended).is_some() {
                    return Ok(Some(ended));
                }
            }
            if !self.step()? {
                return Ok(None);
            }
        }
    }

    /// Processes every event up to and including `moment`.
    ///
    /// # Errors
    /// An invariant is violated.
    pub fn run_until(&mut self, moment: Instant) -> Result<(), Violation> {
        self.world.wake_at(moment);
        while self.world.next_event_at().is_some_and(|at| at <= moment) {
            self.step()?;
        }
        Ok(())
    }

    /// Processes events until the world is quiet, for at most `limit` of virtual time.
    ///
    /// # Errors
    /// An invariant is violated.
    pub fn run_until_quiet(&mut self, limit: Duration) -> Result<RunEnd, Violation> {
        let end = self.world.now().after(limit);
        while !self.world.is_quiet() {
            match self.world.next_event_at() {
                Some(at) if at > end => return Ok(RunEnd::TimeUp),
                Some(_) => self.step()?,
                None => break,
            };
        }
        Ok(RunEnd::Quiet)
    }

    /// The second phase of a run: processes every planned fault, heals everything, and requires that the world
    /// converges within [`CONVERGENCE_LIMIT`]. The Region `except`, if any, stays in the state in which it is.
    ///
    /// # Errors
    /// An invariant is violated, or the world did not become quiet in time.
    pub fn converge(&mut self, except: Option<Region>) -> Result<(), Violation> {
        // A planned fault after the repair would break again what is to converge.
        while self.world.has_planned_faults() {
            self.step()?;
        }
        self.world.heal_all(except);
        self.check()?;
        if self.run_until_quiet(CONVERGENCE_LIMIT)? == RunEnd::TimeUp {
            let violation = Violation {
                invariant: Invariant::NothingStuck.name().to_owned(),
                message: format!("the world does not come to rest{}", self.world.who_waits()),
                at: self.world.now(),
            };
            self.log(&violation);
            return Err(violation);
        }
        let verdict =
            self.checker.as_mut().map_or(Ok(()), |checker| checker.check_quiet(&self.world, except));
        verdict.inspect_err(|violation| self.log(violation))
    }

    /// `fault` with a key for each rule that has none.
    fn keyed(&mut self, mut fault: Fault) -> Fault {
        let rules = &mut self.keyed_rules;
        fault.fill_keys(&mut || {
            *rules += 1;
            made_key(*rules)
        });
        fault
    }

    fn check(&mut self) -> Result<(), Violation> {
        self.evaluate().inspect_err(|violation| self.log(violation))
    }

    /// Emits a violation as an event of `tracing`.
    fn log(&self, violation: &Violation) {
        log::at(violation.at, || {
            tracing::error!(
                target: "dsql_sim::check",
                seed = self.world.options().seed,
                invariant = violation.invariant.as_str(),
                "{}",
                violation.message
            );
        });
    }

    fn evaluate(&mut self) -> Result<(), Violation> {
        // Observers come first: they must see the event that violates an invariant, too.
        self.watchers.iter_mut().for_each(|look| look(&self.world));
        if let Some(checker) = &mut self.checker {
            checker.check(&self.world)?;
        }
        for (name, holds) in &self.own {
            holds(&self.world).map_err(|message| Violation {
                invariant: name.clone(),
                message: self.world.names().in_text(&message),
                at: self.world.now(),
            })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation").field("now", &self.world.now()).finish_non_exhaustive()
    }
}

/// The n-th key that is made. It is far from the small numbers that a person chooses.
fn made_key(n: u64) -> u64 {
    rng::mix(0, n)
}

/// The virtual time that a healed world has to become quiet: far more than any chain of deadlines and pauses takes.
pub const CONVERGENCE_LIMIT: Duration = Duration::from_secs(3600);
