//! Scenario files: what they say, and how they are read and written.
//!
//! Running a scenario does not belong here, and neither does drawing its mistakes on a terminal.

pub mod diagnostic;
pub mod script;
