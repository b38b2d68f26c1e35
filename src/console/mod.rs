//! Scenario files as people meet them: files found and read, their mistakes, and the failures of their runs, as text.
//!
//! The command line and [`scenario_suite!`](crate::scenario_suite) print the same texts.

pub(crate) mod diagnostics;
pub(crate) mod failure;
pub(crate) mod files;
pub(crate) mod run_page;
