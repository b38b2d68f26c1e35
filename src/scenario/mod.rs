//! Scenario files: their syntax ([`script`]), their meaning ([`Scenario`]), and their execution ([`run`]).
//!
//! A scenario is text that reads from top to bottom, cause beside effect: blocks of commands, and under each block
//! its trace, as it was recorded for the pinned seed. Two claims are kept apart. Expectations (`expect`) and
//! invariants hold for every seed, and no tool ever rewrites them. The recorded trace holds for one seed, and
//! `--rewrite` updates it.

pub mod diagnostic;
pub mod expect;
pub mod recording;
pub mod reference;
pub mod run;
pub mod script;
pub mod verb;
pub mod warning;

mod arguments;
mod body;
mod named_calls;
pub(crate) mod panic;
mod possible;
mod read;
mod read_fault;
mod read_principal;
mod report;
mod step_keys;
mod write;
mod write_fault;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::api::{Operation, Request};
use crate::control::assumptions::Assumptions;
use crate::control::authorization::Principals;
use crate::control::mutant::Mutants;
use crate::iam::Identity;
use crate::region::Region;
use crate::sim::Latency;
use crate::sim::client::{ClientOptions, WaitFor};
use crate::sim::fault::Fault;
use crate::sim::trace::TraceLevel;
use crate::types::{Account, ClientId, PrincipalId};

pub use read_fault::injected_error;

use diagnostic::{Diagnostic, Span};
use expect::Expectation;
use report::Report;
use script::Script;

/// A scenario: a file that was read and validated. Its debug output is the file.
///
/// ```
/// use dsql_sim::Scenario;
///
/// let text = "seed 42\nregions use1=us-east-1\nops: create-cluster use1 as=blue\nexpect blue status is ACTIVE\n";
/// let scenario = Scenario::parse(text).expect("a scenario");
/// let failure = scenario.run(None).failure.expect("the cluster is still CREATING");
/// assert_eq!(failure.invariant, "expectation");
/// ```
#[derive(Clone)]
pub struct Scenario {
    /// The syntax tree of the file; empty for a scenario that no file holds.
    pub script: Script,
    /// The world in which the scenario begins.
    pub set_up: SetUp,
    /// The steps of each block of the script.
    pub blocks: Vec<Vec<Step>>,
    /// Steps that test less than they seem to, as far as reading alone shows it.
    pub warnings: Vec<Diagnostic>,
}

/// The world in which a scenario begins: who calls, how the network and the disks behave, and what is planted.
#[derive(Clone, Debug)]
pub struct SetUp {
    /// The seed for which the recorded traces hold.
    pub seed: u64,
    /// Short names of Regions, as in `use1=us-east-1`, in the order of the file.
    pub regions: Vec<(Arc<str>, Region)>,
    /// The principals as which clients can run. A [`PrincipalId`] is an index into this list.
    pub principals: Vec<PrincipalOptions>,
    /// The clients. A [`ClientId`] is an index into this list; a scenario that was read has at least one.
    pub clients: Vec<ClientOptions>,
    /// The delay of each message.
    pub latency: Latency,
    /// The duration of a write to a node's disk.
    pub disk: Duration,
    /// The answers to questions that the record of the real service leaves open.
    pub assumptions: Assumptions,
    /// The planted bugs.
    pub mutants: Mutants,
    /// The level at which the trace is recorded.
    pub trace: TraceLevel,
}

/// A principal of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrincipalOptions {
    /// The name of the principal in the file.
    pub name: Arc<str>,
    /// The access key id with which a real client is this principal.
    pub access_key: Option<Arc<str>>,
    /// The principal's ARN and its policies.
    pub identity: Arc<Identity>,
}

/// A step: an action, and the key of its random draws.
#[derive(Clone, Debug)]
pub struct Step {
    /// The key of all random draws about the step. It depends on the data of its action, not on its spelling, and on
    /// the number of equal steps before it. So the removal of another step leaves the draws of this one as they are,
    /// which is what makes a scenario shrink well.
    pub key: u64,
    /// The command in the file; empty for a scenario that no file holds.
    pub span: Span,
    /// The action.
    pub action: Action,
}

/// The action of a step.
#[derive(Clone, Debug, Hash)]
pub enum Action {
    /// A command of the set-up. The run has nothing to do for it: reading has put its content into [`SetUp`].
    SetUp,
    /// A call by a client. The scenario continues when the call has ended, unless [`Action::Parallel`] came before.
    Call(CallStep),
    /// Begins the calls that follow, up to the next action of another kind, together. They all end before that action
    /// runs, or before the block ends.
    Parallel,
    /// A fault that is injected now. The call before it has ended, so the fault meets what the call has left under way.
    Fault(Fault),
    /// A fault that is injected at a later virtual time, in the middle of whatever runs by then. If that moment has
    /// passed, the fault is injected at once, with a warning.
    FaultAt(When, Fault),
    /// Runs the world for this long.
    Advance(Duration),
    /// Runs the world until it is quiet: no call is open and nothing is under way but retries that cannot succeed. The
    /// run fails if that takes longer than this.
    RunUntilQuiet(Duration),
    /// Undoes every fault, runs the world until it is quiet, and checks that it has converged. The named Region stays
    /// dead; the others must converge without it. A run without this action at its end does it all the same.
    Converge(Option<Region>),
    /// Fails the run unless the expectation holds now.
    Expect(Expectation),
    /// Writes the true state of the clusters that these calls created into the trace.
    Show(Vec<Arc<str>>),
}

/// The virtual time at which a planned fault is injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum When {
    /// A time since the beginning of the scenario.
    At(Duration),
    /// A time from the step on.
    In(Duration),
}

/// A call of a scenario, which may refer to the answers of earlier calls.
#[derive(Clone, Debug)]
pub struct CallStep {
    /// The client that calls.
    pub client: ClientId,
    /// The Region whose endpoint is called.
    pub region: Region,
    /// The name of the call, and of the cluster that it creates.
    pub alias: Option<Arc<str>>,
    /// The number of attempts, as an SDK makes them; at least 1.
    pub attempts: u16,
    /// The time that an attempt waits for its answer.
    pub time_out: Duration,
    /// The time from the step to the first attempt.
    pub after: Duration,
    /// The condition until which the call is repeated, if it is a waiter.
    pub waiter: Option<WaitFor>,
    /// The principal of this call, if it is not the client's.
    pub principal: Option<PrincipalId>,
    /// Whether the call is left out if a reference in it has no value (`if-missing=skip`); otherwise the run fails.
    pub may_be_skipped: bool,
    /// The request, with references in its texts that are filled in when the call begins.
    pub input: Request,
}

impl CallStep {
    /// The number of attempts without `attempts=`.
    pub const ATTEMPTS: u16 = 3;
    /// The time that an attempt waits without `timeout=`.
    pub const TIME_OUT: Duration = Duration::from_secs(10);

    /// The request of the call. `resolve` gives the value of each reference, from the name of a call and the path of a
    /// member of its answer.
    ///
    /// # Errors
    /// The first error of `resolve`: a text about the reference that has no value.
    pub fn request(&self, resolve: &dyn Fn(&str, &str) -> Result<String, String>) -> Result<Request, String> {
        body::fill_request(&self.input, resolve)
    }

    /// The operation that is called.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.input.operation()
    }
}

impl SetUp {
    /// The set-up of a scenario without set-up commands, before it has its default client.
    #[must_use]
    pub fn new() -> SetUp {
        SetUp {
            seed: 0,
            regions: Vec::new(),
            principals: Vec::new(),
            clients: Vec::new(),
            latency: Latency::Measured,
            disk: Duration::from_millis(1),
            assumptions: Assumptions::DEFAULT,
            mutants: Mutants::NONE,
            trace: TraceLevel::Milestones,
        }
    }

    /// The principal with this access key id.
    #[must_use]
    pub fn principal_of(&self, access_key: &str) -> Option<PrincipalId> {
        let has_key = |known: &PrincipalOptions| known.access_key.as_deref() == Some(access_key);
        self.principals.iter().position(has_key).and_then(PrincipalId::new)
    }

    /// The account of `principal`.
    ///
    /// # Panics
    /// If the set-up has no such principal.
    #[must_use]
    pub fn account_of(&self, principal: PrincipalId) -> Account {
        let principal = &self.principals[principal.index()].identity.principal;
        principal.account().and_then(Account::parse).expect("a principal was read with an account")
    }

    /// The identities of the principals, as a world takes them.
    #[must_use]
    pub fn principals(&self) -> Arc<Principals> {
        let known = self.principals.iter().map(|principal| principal.identity.clone()).collect();
        Arc::new(Principals { known, are_watched: false })
    }
}

impl Default for SetUp {
    fn default() -> SetUp {
        SetUp::new()
    }
}

impl fmt::Debug for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{}", self.print(""))
    }
}

impl Scenario {
    /// Reads a scenario file.
    ///
    /// # Errors
    /// Every mistake in the file, in its order.
    pub fn parse(text: &str) -> Result<Scenario, Vec<Diagnostic>> {
        let script = Script::parse(text)?;
        read::read(script)
    }

    /// Runs the scenario with its own seed, or with `seed`, and keeps a trace of milestones.
    #[must_use]
    pub fn run(&self, seed: Option<u64>) -> Report {
        run::run(self, seed, TraceLevel::Milestones)
    }
}
