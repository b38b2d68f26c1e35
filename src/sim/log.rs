//! The events of a world as events of the crate `tracing`, for any subscriber.
//!
//! The target of an event is the kind of its node, or what it is about; its level follows from its meaning:
//!
//! | level | events |
//! |---|---|
//! | `WARN` | a fault, and what it did: a lost, held or duplicated message, a crash, a lost write, an injected error |
//! | `INFO` | a call, an attempt and an outcome, a change of a status or of a link, a restart |
//! | `DEBUG` | a message that is sent or arrives, any other write |
//! | `TRACE` | a timer, and an answer before it is sent |
//!
//! The fields are `seed`, `node` and, where the event has one, `operation`, `cluster` (the identifier) and `call` (its
//! key). The message is the line of the trace. `ERROR` is left to the invariants.
//!
//! An event carries no time of its own: the clock of a subscriber would show when it was simulated. [`SimulatedTime`]
//! is the time of the event that a subscriber handles.

use std::cell::Cell;

use tracing::Level;
use tracing::level_filters::LevelFilter;

use crate::api::{Operation, Request, Response};
use crate::control::message::{Commit, Note};
use crate::types::{Identifier, Instant, NodeId};

use super::client::Outcome;
use super::network::{Envelope, Payload};
use super::trace::{TraceEvent, TraceFormatter, TraceLevel};

/// The targets of the events of a world, which the command line knows by name.
#[cfg(feature = "cli")]
pub(crate) const TARGETS: [&str; 5] = [CLIENT, CONTROL_PLANE, WITNESS, NETWORK, FAULT];

/// Calls, and what arrives at a client.
const CLIENT: &str = "dsql_sim::client";
/// The control planes.
const CONTROL_PLANE: &str = "dsql_sim::control_plane";
/// The witness nodes.
const WITNESS: &str = "dsql_sim::witness";
/// Messages on their way.
const NETWORK: &str = "dsql_sim::network";
/// Faults and their ends, and remarks of a scenario.
const FAULT: &str = "dsql_sim::fault";

thread_local! {
    /// Set only while an event is emitted, and never read by a world.
    static EMITTED_AT: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// The virtual time of the event that a `tracing` subscriber is handling.
///
/// With the feature `tracing-subscriber`, it is a timer of the crate of that name: `fmt().with_timer(SimulatedTime)`
/// writes the time in seconds with three decimals, in eight characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SimulatedTime;

impl SimulatedTime {
    /// The virtual time of the event that is being emitted on this thread; `None` outside of such an event, or if it
    /// belongs to no world.
    #[must_use]
    pub fn of_event() -> Option<Instant> {
        EMITTED_AT.get()
    }
}

#[cfg(feature = "tracing-subscriber")]
impl tracing_subscriber::fmt::time::FormatTime for SimulatedTime {
    fn format_time(&self, writer: &mut tracing_subscriber::fmt::format::Writer<'_>) -> std::fmt::Result {
        match SimulatedTime::of_event() {
            Some(now) => writer.write_str(&super::trace::time(now)),
            None => writer.write_str("       -"),
        }
    }
}

/// Calls `emit`, whose events get the simulated time `now`.
pub(crate) fn at(now: Instant, emit: impl FnOnce()) {
    EMITTED_AT.set(Some(now));
    emit();
    EMITTED_AT.set(None);
}

/// Whether any subscriber may want an event: a load and a comparison, which is all that an event costs without one.
#[inline(always)]
pub(super) fn is_listening() -> bool {
    LevelFilter::current() != LevelFilter::OFF
}

/// Emits an event with `$target`. Target and level are constants of a line of code each, because a subscriber decides
/// once for each such line whether it wants the events.
macro_rules! emit_with_level {
    ($target:expr, $logged:expr) => {
        match $logged.event.severity() {
            Level::ERROR => emit_event!($target, Level::ERROR, $logged),
            Level::WARN => emit_event!($target, Level::WARN, $logged),
            Level::INFO => emit_event!($target, Level::INFO, $logged),
            Level::DEBUG => emit_event!($target, Level::DEBUG, $logged),
            Level::TRACE => emit_event!($target, Level::TRACE, $logged),
        }
    };
}

/// Emits an event with constant target and level. `tracing` evaluates the fields only if a subscriber wants it.
macro_rules! emit_event {
    ($target:expr, $level:expr, $logged:expr) => {
        tracing::event!(
            target: $target,
            $level,
            seed = $logged.seed,
            node = $logged.node().as_deref(),
            operation = $logged.operation(),
            cluster = $logged.cluster().as_deref(),
            call = $logged.call(),
            "{}",
            $logged.message()
        )
    };
}

/// Emits an event of the world with `seed` that happens at `now`.
pub(super) fn emit(now: Instant, seed: u64, event: &TraceEvent<'_>, formatter: &TraceFormatter<'_>) {
    let logged = LoggedEvent { seed, event, formatter };
    at(now, || match event.target() {
        EventTarget::Client => emit_with_level!(CLIENT, logged),
        EventTarget::ControlPlane => emit_with_level!(CONTROL_PLANE, logged),
        EventTarget::Witness => emit_with_level!(WITNESS, logged),
        EventTarget::Network => emit_with_level!(NETWORK, logged),
        EventTarget::Fault => emit_with_level!(FAULT, logged),
    });
}

/// What an event is about: the constants above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EventTarget {
    Client,
    ControlPlane,
    Witness,
    Network,
    Fault,
}

impl TraceEvent<'_> {
    fn target(&self) -> EventTarget {
        match self {
            TraceEvent::Sent(..) | TraceEvent::Lost(..) | TraceEvent::Copied(..) | TraceEvent::Held(_) => {
                EventTarget::Network
            }
            event => match event.actor() {
                Some(NodeId::Client(_)) => EventTarget::Client,
                Some(NodeId::ControlPlane(_)) => EventTarget::ControlPlane,
                Some(NodeId::Witness(_)) => EventTarget::Witness,
                None => EventTarget::Fault,
            },
        }
    }

    fn severity(&self) -> Level {
        match self {
            TraceEvent::Remark(_)
            | TraceEvent::FaultInjected(..)
            | TraceEvent::Lost(..)
            | TraceEvent::Copied(..)
            | TraceEvent::Held(_)
            | TraceEvent::Crashed(..)
            | TraceEvent::Forgot(..)
            | TraceEvent::Injected(..) => Level::WARN,
            TraceEvent::Replied(..) | TraceEvent::Fired(..) => Level::TRACE,
            event if event.level() == TraceLevel::Messages => Level::DEBUG,
            _ => Level::INFO,
        }
    }
}

/// An event whose fields are computed only if a subscriber wants it.
struct LoggedEvent<'a> {
    seed: u64,
    event: &'a TraceEvent<'a>,
    formatter: &'a TraceFormatter<'a>,
}

impl LoggedEvent<'_> {
    fn message(&self) -> String {
        self.event.full_text(self.formatter)
    }

    fn node(&self) -> Option<String> {
        self.event.actor().map(|node| self.formatter.node(Some(node)))
    }

    fn operation(&self) -> Option<&'static str> {
        let operation = match self.event {
            TraceEvent::Invoked(_, call, _)
            | TraceEvent::Retried(_, call, _)
            | TraceEvent::Ended(_, call, _) => Some(call.request.operation()),
            TraceEvent::Injected(_, operation, _) => Some(*operation),
            event => event.envelope().and_then(Envelope::operation),
        };
        operation.map(Operation::name)
    }

    fn cluster(&self) -> Option<String> {
        let cluster = match self.event {
            TraceEvent::Ended(_, call, Outcome::Ok(response)) => described(&call.request, response),
            TraceEvent::Invoked(_, call, _)
            | TraceEvent::Retried(_, call, _)
            | TraceEvent::Ended(_, call, _) => named(&call.request),
            TraceEvent::Wrote(_, commit) | TraceEvent::Forgot(_, commit) => written(commit),
            TraceEvent::Noted(_, Note::Chosen { cluster, .. }) => Some(cluster.identifier),
            event => event.envelope().and_then(Envelope::cluster),
        };
        cluster.map(|identifier| identifier.to_string())
    }

    fn call(&self) -> Option<u64> {
        match self.event {
            TraceEvent::Invoked(_, call, _)
            | TraceEvent::Retried(_, call, _)
            | TraceEvent::Ended(_, call, _) => Some(call.key),
            TraceEvent::Replied(_, delivery, _)
            | TraceEvent::Noted(_, Note::Replayed(delivery) | Note::Joined(delivery)) => Some(delivery.call),
            TraceEvent::Wrote(_, commit) | TraceEvent::Forgot(_, commit) => {
                commit.cause.map(|delivery| delivery.call)
            }
            event => event.envelope()?.payload.delivery().map(|delivery| delivery.call),
        }
    }
}

impl Envelope {
    fn operation(&self) -> Option<Operation> {
        match &self.payload {
            Payload::Request { request, .. } => Some(request.operation()),
            Payload::Response { operation, .. } => Some(*operation),
            Payload::Reset(_) | Payload::Message(_) => None,
        }
    }

    fn cluster(&self) -> Option<Identifier> {
        match &self.payload {
            Payload::Request { request, .. } => named(request),
            Payload::Response { result, .. } => result.as_ref().ok().and_then(|response| response.cluster()),
            Payload::Reset(_) | Payload::Message(_) => None,
        }
    }
}

/// The cluster that a request names.
fn named(request: &Request) -> Option<Identifier> {
    request.identifier().and_then(Identifier::parse)
}

/// The cluster that a response describes or, where it describes none, its request names.
fn described(request: &Request, response: &Response) -> Option<Identifier> {
    response.cluster().or_else(|| named(request))
}

/// The cluster whose record a write changes.
fn written(commit: &Commit) -> Option<Identifier> {
    let after = commit.batch.cluster.as_ref().and_then(|(_, _, record)| record.as_ref());
    after.or(commit.before.cluster.as_ref()).map(|record| record.arn.identifier)
}
