//! A deterministic multi-Region simulator and test harness for the Amazon Aurora DSQL control plane.

#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
pub mod region;
pub mod rng;
pub mod scenario;
pub mod types;
