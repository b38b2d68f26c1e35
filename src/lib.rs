//! A deterministic multi-Region simulator and test harness for the Amazon Aurora DSQL control plane.
//!
//! Each Region has a mock control plane and a witness node, connected by a simulated network in virtual time. Clients
//! call them as an SDK does. Faults lose messages, cut Regions off and stop processes between two writes, and every
//! [invariant](check::Invariant) is checked after every event. The same build, scenario and seed give the same trace,
//! byte for byte.
//!
//! A [`Simulation`] is such a world in a test:
//!
//! ```
//! use dsql_sim::prelude::*;
//!
//! # fn main() -> Result<(), CallError> {
//! let mut sim = Simulation::new(Options::new(42));
//!
//! // An invariant of your own, checked after every event like the built-in ones.
//! sim.invariant("one-cluster-at-most", |world| {
//!     let count = world.clusters(Region::US_EAST_1).count();
//!     if count <= 1 { Ok(()) } else { Err(format!("there are {count} clusters")) }
//! });
//!
//! // The answer to the first attempt is lost. The client retries with the same client token, as an SDK does.
//! let ops = sim.client("ops").id();
//! sim.inject(Fault::drop(Region::US_EAST_1, ops).response_of(Operation::CreateCluster).times(1))?;
//! let created = sim.client("ops").create_cluster(Region::US_EAST_1).send()?;
//! assert!(created.deletion_protection_enabled);
//!
//! // All faults are repaired, and every cluster must converge.
//! sim.converge(None)?;
//! assert!(sim.cluster(created.arn).is_some());
//! # Ok(())
//! # }
//! ```
//!
//! A [`Scenario`] is a file with calls, faults and expectations, which `dsql-sim run` runs as well;
//! `scenario_suite!` (feature `suite`) makes tests of them. A [`Property`](property::Property) is an invariant in
//! generated scenarios (feature `proptest`), and [`server::serve`] serves the same world to real SDK clients (feature
//! `server`). `sdk::check` runs a program with the official SDK for Rust in virtual time (feature `sdk`).

pub mod api;
pub mod check;
#[doc(hidden)]
pub mod internals;
pub mod prelude;
#[cfg(feature = "proptest")]
pub mod property;
#[cfg(feature = "sdk")]
pub mod sdk;
#[cfg(feature = "server")]
pub mod server;

#[cfg(feature = "cli")]
mod cli;
#[cfg(any(feature = "cli", feature = "suite"))]
mod console;
mod control;
mod coverage_mark;
mod explain;
mod fidelity;
#[cfg(any(feature = "server", feature = "sdk"))]
mod gateway;
mod generate;
mod iam;
mod index;
mod map;
#[cfg(feature = "model-check")]
mod model;
mod page;
mod permissions;
mod region;
mod rng;
mod scenario;
mod shrink;
mod sim;
mod slots;
#[cfg(feature = "suite")]
mod suite;
mod sweep;
mod table;
mod types;

pub use check::{CallBuilder, CallError, CallHandle, Client, RunEnd, Simulation, Violation};
pub use control::assumptions::Assumptions;
pub use control::records::{Cluster, MultiRegion};
pub use region::Region;
pub use scenario::Scenario;
pub use scenario::diagnostic::Diagnostic;
pub use scenario::run::{Failure, Report};
pub use sim::client::{Call, CallId, ClientOptions, LastSeen, Outcome, WaitFor, WaiterStatus};
pub use sim::fault::Fault;
pub use sim::log::SimulatedTime;
pub use sim::trace::TraceLevel;
pub use sim::{Latency, Options, World};
#[cfg(feature = "suite")]
#[doc(hidden)]
pub use suite::suite;
pub use types::{ClientId, Instant, NodeId};

/// Callers with IAM policies, for [`Options::principals`].
pub mod principals {
    pub use crate::control::authorization::Principals;
    pub use crate::iam::{Document, Identity, Principal};
    pub use crate::types::PrincipalId;
}

/// KMS keys, for [`Options::keys`].
pub mod keys {
    pub use crate::control::keys::{Keys, KmsKey};
}

/// Faults, and what they are made of: [`Fault`] is a value, and its constructors read as a sentence.
pub mod fault {
    pub use crate::control::authorization::IamAction;
    pub use crate::control::environment::{ExternalEvent, KeyScope};
    pub use crate::control::message::{DelayRange, MessageKind};
    pub use crate::sim::fault::{
        Crash, CrashPoint, Deny, Fault, Heal, InjectedEvent, MessageMatch, NodeMatch, Outage, Point, Refuse,
        Release, Restart, Rule, RuleAction, Skew, Unfinished, Written,
    };
}

/// The Rust blocks of the README and of the pages about the library and the SDK compile.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../docs/library.md")]
    struct Library;
    #[cfg(feature = "sdk")]
    #[doc = include_str!("../docs/sdk.md")]
    struct Sdk;
    #[cfg(feature = "sdk")]
    #[doc = include_str!("../docs/provisioning.md")]
    struct Provisioning;
}
