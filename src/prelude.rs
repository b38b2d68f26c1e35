//! Everything that a test of a simulation names: `use dsql_sim::prelude::*`.

pub use crate::api::{ClusterArn, ClusterStatus, Operation};
pub use crate::fault::{Fault, MessageMatch, NodeMatch, Written};
pub use crate::{
    Assumptions, Call, CallError, ClientId, ClientOptions, NodeId, Options, Outcome, Region, Scenario,
    Simulation, Violation, World,
};
