//! Scenario files: what they say ([`script`]), what it means ([`Scenario`]), and how it is carried out ([`run`]).
//!
//! A scenario is text that reads from top to bottom, cause beside effect: blocks of commands, and under each block
//! the trace of it that was recorded for the pinned seed. Two truths are kept apart: what `expect` and the
//! invariants say holds for every seed and no tool ever rewrites it; the recorded trace holds for one seed, and
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
use script::Script;

/// A scenario: everything a file says, checked. Debugging prints it as a file.
#[derive(Clone)]
pub struct Scenario {
    /// The file's text as a tree.
    pub script: Script,
    /// What it begins with.
    pub set_up: SetUp,
    /// The steps of each block of the script.
    pub blocks: Vec<Vec<Step>>,
    /// What in the file tests less than it says, as far as reading shows it.
    pub warnings: Vec<Diagnostic>,
}

/// What a scenario begins with.
#[derive(Clone, Debug)]
pub struct SetUp {
    /// The seed that the recorded traces hold for.
    pub seed: u64,
    /// Short names of Regions.
    pub regions: Vec<(Arc<str>, Region)>,
    /// Whom clients can run as.
    pub principals: Vec<PrincipalOptions>,
    /// Who calls.
    pub clients: Vec<ClientOptions>,
    /// How long messages take.
    pub latency: Latency,
    /// How long a write to disk takes.
    pub disk: Duration,
    /// How open questions are answered.
    pub assumptions: Assumptions,
    /// Bugs planted on purpose.
    pub mutants: Mutants,
    /// How much of the trace is recorded.
    pub trace: TraceLevel,
}

/// A principal of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrincipalOptions {
    /// What it is called.
    pub name: Arc<str>,
    /// The access key id with which a real client is this principal.
    pub access_key: Option<Arc<str>>,
    /// Who it is, and what it may do.
    pub identity: Arc<Identity>,
}

/// A step: what to do, and what its draws are keyed by.
#[derive(Clone, Debug)]
pub struct Step {
    /// What random draws about the step are keyed by: what it does, whatever the words, and how many equal steps come
    /// before it. Removing another step does not change it.
    pub key: u64,
    /// Where it stands.
    pub span: Span,
    /// What to do.
    pub action: Action,
}

/// What a step does.
#[derive(Clone, Debug)]
pub enum Action {
    /// Nothing any more: it was part of the set-up.
    SetUp,
    /// Makes a call.
    Call(CallStep),
    /// Begins the calls that follow together.
    Parallel,
    /// Injects a fault now.
    Fault(Fault),
    /// Injects a fault later.
    FaultAt(When, Fault),
    /// Lets time pass.
    Advance(Duration),
    /// Lets things happen until the world is quiet, for so long at most.
    RunUntilQuiet(Duration),
    /// Puts everything right and demands convergence, without a Region that stays dead.
    Converge(Option<Region>),
    /// Demands something.
    Expect(Expectation),
    /// Writes the state of clusters into the trace.
    Show(Vec<Arc<str>>),
}

/// When a scheduled fault happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// So long after the scenario began.
    At(Duration),
    /// So long from now.
    In(Duration),
}

/// A call to be made.
#[derive(Clone, Debug)]
pub struct CallStep {
    /// Who calls.
    pub client: ClientId,
    /// Where.
    pub region: Region,
    /// What the call, and the cluster that it creates, is called.
    pub alias: Option<Arc<str>>,
    /// How often it is tried.
    pub attempts: u16,
    /// How long an attempt waits.
    pub time_out: Duration,
    /// How long it waits before it begins.
    pub after: Duration,
    /// What it is repeated for, if it is a waiter.
    pub waiter: Option<WaitFor>,
    /// Who calls, if it is not who the client runs as.
    pub principal: Option<PrincipalId>,
    /// Whether it is left out if something that it refers to has no value; otherwise the scenario fails.
    pub may_be_skipped: bool,
    /// What is called, with references in its texts that are yet to be filled in.
    pub input: Request,
}

impl CallStep {
    /// How often a call is tried unless said.
    pub const ATTEMPTS: u16 = 3;
    /// How long an attempt waits unless said.
    pub const TIME_OUT: Duration = Duration::from_secs(10);

    /// The request that the call makes, with every reference, a name and a member, filled in by `resolve`.
    ///
    /// # Errors
    /// The first reference that has no value, in words.
    pub fn request(&self, resolve: &dyn Fn(&str, &str) -> Result<String, String>) -> Result<Request, String> {
        body::fill_request(&self.input, resolve)
    }

    /// What is called.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.input.operation()
    }
}

impl SetUp {
    /// What a scenario begins with that says nothing.
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
        let has_it = |known: &PrincipalOptions| known.access_key.as_deref() == Some(access_key);
        self.principals.iter().position(has_it).and_then(PrincipalId::new)
    }

    /// The account of a principal of it.
    #[must_use]
    pub fn account_of(&self, principal: PrincipalId) -> Account {
        let principal = &self.principals[principal.index()].identity.principal;
        principal.account().and_then(Account::parse).expect("a principal was read with an account")
    }

    /// The principals, for a world.
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
    /// Every mistake that was found, in the order of the file.
    pub fn parse(text: &str) -> Result<Scenario, Vec<Diagnostic>> {
        let script = Script::parse(text)?;
        read::read(script)
    }
}

/// Where a caller is who does not say.
fn default_home() -> Region {
    Region::parse("us-east-1").expect("us-east-1 is a Region")
}
