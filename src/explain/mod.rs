//! Explanations of a run that failed.

pub mod probability;
