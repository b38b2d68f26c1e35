//! A deterministic multi-Region simulator and test harness for the Amazon Aurora DSQL control plane.

pub mod api;
pub mod check;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
pub mod control;
pub mod map;
pub mod region;
pub mod rng;
pub mod scenario;
pub mod sim;
pub mod types;
