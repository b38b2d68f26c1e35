//! A world with its checker: what a user's own test holds in its hands.

use std::fmt;
use std::time::Duration;

use crate::control::storage::Batch;
use crate::region::Region;
use crate::sim::client::{Call, CallId, Outcome};
use crate::sim::fault::Fault;
use crate::sim::{Options, World};
use crate::types::{ClientId, Instant, NodeId};

use super::invariant::Invariant;
use super::{CheckCounts, Checker, Violation};

/// A world in which every invariant, and every one that a user adds, is checked after every event.
pub struct Simulation {
    world: World,
    /// `None` if only what a user adds is checked.
    checker: Option<Checker>,
    own: Vec<(String, OwnInvariant)>,
    watchers: Vec<Watcher>,
}

/// A user's own invariant: what is wrong with the world, if something is.
type OwnInvariant = Box<dyn Fn(&World) -> Result<(), String>>;

/// Somebody who looks at the world after every event.
type Watcher = Box<dyn FnMut(&World)>;

/// How a wait for quiet ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// The world is quiet.
    Quiet,
    /// The time was up.
    TimeUp,
}

impl Simulation {
    /// A world made with `options`, in which nothing has happened.
    #[must_use]
    pub fn new(options: Options) -> Simulation {
        let (checker, own, watchers) = (Some(Checker::default()), Vec::new(), Vec::new());
        Simulation { world: World::new(options), checker, own, watchers }
    }

    /// Begins at `now` with what nodes wrote in another life, oldest first, and starts them: before anything happens.
    pub fn restore(&mut self, now: Instant, written: impl IntoIterator<Item = (NodeId, Batch)>) {
        let written: Vec<_> = written.into_iter().collect();
        if let Some(checker) = &mut self.checker {
            written.iter().for_each(|(node, batch)| checker.recall(*node, batch));
        }
        self.world.restore(now, written);
    }

    /// Checks an invariant of the user's after every event, too.
    pub fn invariant(&mut self, name: &str, holds: impl Fn(&World) -> Result<(), String> + 'static) {
        self.own.push((name.to_owned(), Box::new(holds)));
    }

    /// Checks none of [`INVARIANTS`](super::INVARIANTS), but only what a user adds: to see what that finds by itself.
    pub fn only_own_invariants(&mut self) {
        self.checker = None;
    }

    /// Lets somebody look at the world after every event, before it is checked.
    pub fn watch(&mut self, look: impl FnMut(&World) + 'static) {
        self.watchers.push(Box::new(look));
    }

    /// The world, to look at.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// How often each invariant of [`INVARIANTS`](super::INVARIANTS) was judged so far.
    #[must_use]
    pub fn exercised(&self) -> CheckCounts {
        self.checker.as_ref().map(Checker::exercised).unwrap_or_default()
    }

    /// The world, to name things and to fill it before anything happens. Whoever steps it steps past the checker.
    pub fn world_mut(&mut self) -> &mut World {
        &mut self.world
    }

    /// Begins a call.
    pub fn call(&mut self, client: ClientId, call: Call) -> CallId {
        self.world.call(client, call)
    }

    /// Lets the next event happen; `false` if there is none.
    ///
    /// # Errors
    /// An invariant does not hold any more.
    pub fn step(&mut self) -> Result<bool, Violation> {
        let stepped = self.world.step();
        self.check()?;
        Ok(stepped)
    }

    /// Injects a fault now.
    ///
    /// # Errors
    /// An invariant does not hold any more.
    pub fn inject(&mut self, fault: Fault) -> Result<(), Violation> {
        let words = format!("{fault:?}");
        self.inject_as(fault, || words)
    }

    /// Injects a fault now; `words` say in the trace what it is, if there is one.
    ///
    /// # Errors
    /// An invariant does not hold any more.
    pub fn inject_as(&mut self, fault: Fault, words: impl FnOnce() -> String) -> Result<(), Violation> {
        self.world.announce(words);
        self.world.inject(fault);
        self.check()
    }

    /// Injects a fault some time from now.
    pub fn inject_in(&mut self, pause: Duration, fault: Fault) {
        let at = self.world.now().after(pause);
        let words = format!("{fault:?}");
        self.world.inject_at(at, fault, words.into());
    }

    /// Lets things happen until `call` has ended; its outcome stays with the world.
    ///
    /// # Errors
    /// An invariant does not hold any more.
    ///
    /// # Panics
    /// If the call was taken from the world before.
    pub fn finish(&mut self, call: CallId) -> Result<Outcome, Violation> {
        loop {
            if let Some(outcome) = self.world.outcome(call) {
                return Ok(outcome.clone());
            }
            let stepped = self.step()?;
            assert!(stepped, "a call that goes on has a time-out, and so an event to come");
        }
    }

    /// Lets things happen until a call ends, and names it; `None` if nothing is left to happen.
    ///
    /// # Errors
    /// An invariant does not hold any more.
    pub fn next_ended(&mut self) -> Result<Option<CallId>, Violation> {
        loop {
            if let Some(ended) = self.world.pop_ended() {
                return Ok(Some(ended));
            }
            if !self.step()? {
                return Ok(None);
            }
        }
    }

    /// Lets everything happen up to and including `moment`.
    ///
    /// # Errors
    /// An invariant does not hold any more.
    pub fn run_until(&mut self, moment: Instant) -> Result<(), Violation> {
        self.world.wake_at(moment);
        while self.world.next_event_at().is_some_and(|at| at <= moment) {
            self.step()?;
        }
        Ok(())
    }

    /// Lets things happen until the world is quiet, for `limit` of virtual time at most.
    ///
    /// # Errors
    /// An invariant does not hold any more.
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

    /// The second phase of a run: every fault that was injected for later happens, everything is put right, and what
    /// is left to converge must converge within [`CONVERGENCE_LIMIT`]. The Region `except`, if any, stays as dead as it
    /// is.
    ///
    /// # Errors
    /// An invariant does not hold, or the world did not come to rest.
    pub fn converge(&mut self, except: Option<Region>) -> Result<(), Violation> {
        while self.world.has_planned_faults() {
            self.step()?;
        }
        self.world.heal_all(except);
        self.check()?;
        if self.run_until_quiet(CONVERGENCE_LIMIT)? == RunEnd::TimeUp {
            return Err(Violation {
                invariant: Invariant::NothingStuck.name().to_owned(),
                message: format!("the world does not come to rest{}", self.world.who_waits()),
                at: self.world.now(),
            });
        }
        self.checker.as_mut().map_or(Ok(()), |checker| checker.check_quiet(&self.world, except))
    }

    fn check(&mut self) -> Result<(), Violation> {
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

/// How much virtual time a healed world has to come to rest.
pub const CONVERGENCE_LIMIT: Duration = Duration::from_secs(3600);
