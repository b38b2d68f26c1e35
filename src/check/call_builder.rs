//! A call as a value to be completed: its input, how often and how long it is attempted, and its typed answer.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use crate::api::{self, OperationInput};
use crate::region::Region;
use crate::sim::client::{Call, CallId, LastSeen, Outcome};
use crate::types::{ClientId, PrincipalId};

use super::{Simulation, Violation};

/// A call that a [`Client`](super::Client) is about to make. Setters are named after the members of the input, and
/// `witness` and `peer` are those of its multi-Region properties.
///
/// ```
/// use dsql_sim::prelude::*;
///
/// # fn main() -> Result<(), CallError> {
/// let mut sim = Simulation::new(Options::new(42));
/// let created = sim
///     .client("ops")
///     .create_cluster(Region::US_EAST_1)
///     .deletion_protection_enabled(false)
///     .tags("team", "blue")
///     .attempts(1)
///     .send()?;
/// assert_eq!(created.status, ClusterStatus::Creating);
/// # Ok(())
/// # }
/// ```
#[must_use = "a call is made by `send` or `start`"]
pub struct CallBuilder<'s, I> {
    simulation: &'s mut Simulation,
    client: ClientId,
    key: Option<u64>,
    /// The call, whose request and key are filled in when it is made.
    call: Call,
    pub(super) input: I,
}

/// A call that is under way: [`Simulation::wait`] returns its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallHandle<I> {
    id: CallId,
    input: PhantomData<I>,
}

/// The reason why a call has no answer of its operation.
#[derive(Clone, Debug, PartialEq)]
pub enum CallError {
    /// The service answered with an exception.
    Service(Arc<api::Error>),
    /// The last attempt got no answer, or the client crashed: the call may have been carried out, or may still be.
    Unknown,
    /// A waiter used up its calls.
    TimedOut(LastSeen),
    /// An invariant was violated before the call ended.
    Violation(Violation),
}

impl<'s, I: OperationInput> CallBuilder<'s, I> {
    pub(super) fn new(
        simulation: &'s mut Simulation,
        client: ClientId,
        region: Region,
        input: I,
    ) -> CallBuilder<'s, I> {
        let call = Call::new(region, I::default().into_request(), 0);
        CallBuilder { simulation, client, key: None, call, input }
    }

    /// Makes the call, and runs the world until it has ended.
    ///
    /// # Errors
    /// The call failed, its outcome is unknown, or an invariant is violated.
    pub fn send(self) -> Result<I::Output, CallError> {
        let (simulation, call) = self.begin();
        simulation.wait(call)
    }

    /// Makes the call and returns at once, so that calls overlap. The world moves when it is stepped or waited for.
    pub fn start(self) -> CallHandle<I> {
        self.begin().1
    }

    fn begin(self) -> (&'s mut Simulation, CallHandle<I>) {
        let CallBuilder { simulation, client, key, call, input } = self;
        let key = key.unwrap_or_else(|| simulation.next_key(client));
        let call = Call { key, request: Arc::new(input.into_request()), ..call };
        let id = simulation.call(client, call);
        (simulation, CallHandle { id, input: PhantomData })
    }

    /// The Region to call instead of the resource's own.
    pub fn region(mut self, region: Region) -> Self {
        self.call.region = region;
        self
    }

    /// The maximum number of attempts, 3 by default.
    pub fn attempts(mut self, attempts: u16) -> Self {
        self.call.attempts = attempts;
        self
    }

    /// The time that each attempt waits for its answer, 10 seconds by default.
    pub fn time_out(mut self, time_out: Duration) -> Self {
        self.call.time_out = time_out;
        self
    }

    /// The principal that calls, if it is not the client's.
    pub fn principal(mut self, principal: PrincipalId) -> Self {
        self.call.principal = Some(principal);
        self
    }

    /// The name in traces of the cluster that the call creates.
    pub fn alias(mut self, alias: impl Into<Arc<str>>) -> Self {
        self.call.alias = Some(alias.into());
        self
    }

    /// The key of the draws about the call. By default it is made from the number of the client's call, so that another
    /// client's calls do not change it.
    pub fn key(mut self, key: u64) -> Self {
        self.key = Some(key);
        self
    }
}

impl<I> CallHandle<I> {
    /// The call, for the functions that take calls of any operation.
    #[must_use]
    pub fn id(self) -> CallId {
        self.id
    }
}

impl CallError {
    /// The name of the exception or of the violated invariant, or `unknown` or `timed-out`.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            CallError::Service(error) => error.name(),
            CallError::Unknown => "unknown",
            CallError::TimedOut(_) => "timed-out",
            CallError::Violation(violation) => &violation.invariant,
        }
    }

    /// The exception, if the service answered with one.
    #[must_use]
    pub fn as_service_error(&self) -> Option<&api::Error> {
        match self {
            CallError::Service(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::Service(error) => error.fmt(f),
            CallError::Unknown => f.write_str("the outcome is unknown: the last attempt got no answer"),
            CallError::TimedOut(last_seen) => write!(f, "the waiter timed out, last seen {last_seen}"),
            CallError::Violation(violation) => violation.fmt(f),
        }
    }
}

impl std::error::Error for CallError {}

impl From<Violation> for CallError {
    fn from(violation: Violation) -> CallError {
        CallError::Violation(violation)
    }
}

/// The answer of a call that ended with `outcome`.
pub(super) fn answer<I: OperationInput>(outcome: &Outcome) -> Result<I::Output, CallError> {
    match outcome {
        Outcome::Ok(response) => {
            Ok(I::output(response).expect("the answer is that of the call's operation").clone())
        }
        Outcome::Failed(error) => Err(CallError::Service(error.clone())),
        // Only a waiter for the end of a cluster ends this way, and a builder makes none.
        Outcome::Gone | Outcome::Unknown => Err(CallError::Unknown),
        Outcome::TimedOut(last_seen) => Err(CallError::TimedOut(*last_seen)),
    }
}

impl<I> fmt::Debug for CallBuilder<'_, I>
where
    I: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CallBuilder { client, call, input, .. } = self;
        f.debug_struct("CallBuilder")
            .field("client", client)
            .field("region", &call.region)
            .field("input", input)
            .finish_non_exhaustive()
    }
}
