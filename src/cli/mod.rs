//! What the command line draws on a terminal.
//!
//! Parsing arguments and printing do not belong here: drawings are returned as text.

pub mod diagnostics;
