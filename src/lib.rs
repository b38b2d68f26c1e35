//! A deterministic multi-Region simulator and test harness for the Amazon Aurora DSQL control plane.
//!
//! Each Region has a mock control plane and a witness node, connected by a simulated network in virtual time. Clients
//! call them as an SDK does. Faults lose messages, cut Regions off and stop processes between two writes, and every
//! [invariant](check::Invariant) is checked after every event. The same build, scenario and seed give the same trace,
//! byte for byte.
//!
//! [Scenario files](scenario) run with `dsql-sim run`. From Rust, a [`Simulation`] does the same:
//!
//! ```
//! use dsql_sim::api::{CreateClusterInput, Request, Response};
//! use dsql_sim::{Call, ClientId, Fault, NodeId, Options, Outcome, Region, Simulation};
//!
//! # fn main() -> Result<(), dsql_sim::Violation> {
//! let region = Region::parse("us-east-1").expect("a Region");
//! let mut simulation = Simulation::new(Options::new(42));
//!
//! // An invariant of your own, checked after every event like the built-in ones.
//! simulation.invariant("one-cluster-at-most", move |world| {
//!     let count = world.storage(region).map_or(0, |storage| storage.clusters().count());
//!     if count <= 1 { Ok(()) } else { Err(format!("there are {count} clusters")) }
//! });
//!
//! // The control plane crashes after it has stored the cluster and before it answers, and restarts two seconds later.
//! let node = NodeId::ControlPlane(region);
//! simulation.inject(Fault::crash_after_persist(node, 1))?;
//! simulation.inject_in(std::time::Duration::from_secs(2), Fault::restart(node));
//!
//! // The SDK retries with the same client token, and gets the first cluster as the answer.
//! let create = Request::CreateCluster(CreateClusterInput::default());
//! let call = simulation.call(ClientId(0), Call::new(region, create, 1));
//! let Outcome::Ok(answer) = simulation.finish(call)? else { panic!("no attempt was answered") };
//! assert!(matches!(&*answer, Response::CreateCluster(cluster) if cluster.deletion_protection_enabled));
//!
//! // All faults are repaired, and every cluster must converge.
//! simulation.converge(None)
//! # }
//! ```
//!
//! The layers, each importing only from those below it: [`region`], [`types`], [`rng`], [`map`], [`coverage_mark`] and
//! [`api`] define the domain types; [`control`] implements one Region's control plane and the witness node; [`sim`] is
//! the world around them; [`check`] holds the invariants; [`scenario`] is the language of scenario files.

pub mod api;
pub mod check;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
#[cfg(any(feature = "cli", feature = "suite"))]
mod console;
pub mod control;
pub mod coverage_mark;
pub mod generate;
pub mod iam;
pub mod index;
pub mod map;
#[cfg(feature = "model-check")]
pub mod model;
pub mod permissions;
#[cfg(feature = "proptest")]
pub mod property;
pub mod region;
pub mod rng;
pub mod scenario;
#[cfg(feature = "server")]
pub mod server;
pub mod shrink;
pub mod sim;
#[cfg(feature = "suite")]
mod suite;
pub mod sweep;
pub mod table;
pub mod types;

pub use check::{Simulation, Violation};
pub use region::Region;
pub use scenario::Scenario;
pub use sim::client::{Call, CallId, ClientOptions, Outcome};
pub use sim::fault::Fault;
pub use sim::log::SimulatedTime;
pub use sim::{Options, World};
#[cfg(feature = "suite")]
#[doc(hidden)]
pub use suite::{run_trials, suite};
pub use types::{ClientId, NodeId};

/// The Rust blocks of the README and of the page about the library compile.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../docs/library.md")]
    struct Library;
}
