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
pub mod verbs;
pub mod warning;

mod action;
mod arguments;
mod body;
mod call_ends;
pub(crate) mod future;
mod named_calls;
pub(crate) mod panic;
mod possible;
mod read;
mod report;
mod step_keys;
mod write;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::control::assumptions::Assumptions;
use crate::control::authorization::Principals;
use crate::control::keys::{Keys, KmsKey};
use crate::control::mutant::Mutants;
use crate::iam::Identity;
use crate::region::Region;
use crate::sim::client::ClientOptions;
use crate::sim::trace::TraceLevel;
use crate::sim::{DEFAULT_EPOCH, Latency, Options};
use crate::types::{Account, PrincipalId};

pub use action::{Action, Step, When};
pub use body::ReferenceError;
pub use verbs::call::CallStep;
pub use verbs::refuse::injected_error;
#[cfg(any(feature = "server", feature = "sdk"))]
pub(crate) use write::fault_text;

use diagnostic::Diagnostic;
use report::Report;
use script::Script;

/// A scenario: a file that was read and validated. Its debug output is the file.
///
/// ```
/// use dsql_sim::Scenario;
///
/// let text = "seed 42\nregions use1=us-east-1\ncreate-cluster region=use1\nexpect status == ACTIVE\n";
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
    /// The KMS keys with their names in the file.
    pub keys: Vec<(Arc<str>, KmsKey)>,
    /// The clients. A [`ClientId`](crate::types::ClientId) is an index into this list; a scenario that was read has at
    /// least one.
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

impl SetUp {
    /// The set-up of a scenario without set-up commands, before it has its default client.
    #[must_use]
    pub fn new() -> SetUp {
        SetUp {
            seed: 0,
            regions: Vec::new(),
            principals: Vec::new(),
            keys: Vec::new(),
            clients: Vec::new(),
            latency: Latency::Measured,
            disk: verbs::disk::DEFAULT,
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
        Arc::new(Principals { known, ..Principals::default() })
    }

    /// The configuration of a world with this set-up.
    #[must_use]
    pub fn options(&self, seed: u64, trace: TraceLevel) -> Options {
        Options {
            seed,
            clients: self.clients.clone(),
            principals: self.principals(),
            keys: self.keys(),
            assumptions: Arc::new(self.assumptions.clone()),
            mutants: self.mutants,
            latency: self.latency.clone(),
            disk: self.disk,
            epoch: DEFAULT_EPOCH,
            trace,
        }
    }

    /// The KMS keys, as a world takes them.
    #[must_use]
    pub fn keys(&self) -> Arc<Keys> {
        Arc::new(Keys { declared: self.keys.iter().map(|(_, key)| key.clone()).collect() })
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
