//! A deterministic multi-Region simulator and test harness for the Amazon Aurora DSQL control plane.

pub mod region;
pub mod rng;
pub mod types;
