//! `dsql-sim health`: the health check of a running server.

use std::io::{self, Write};
use std::time::Duration;

use crate::server::health;

use super::{exit, stream};

/// The arguments of `health`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct HealthArguments {
    /// The URL of the server, as `serve` prints it.
    #[arg(value_name = "URL", default_value = "http://127.0.0.1:4566")]
    url: String,
    /// The time limit in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=3600))]
    timeout: u32,
}

/// Checks the server, and returns the exit code.
pub(super) fn health(arguments: &HealthArguments) -> io::Result<u8> {
    match health::check(&arguments.url, Duration::from_secs(arguments.timeout.into())) {
        Ok(()) => {
            writeln!(stream::stdout(), "{} is healthy", arguments.url)?;
            Ok(exit::PASS)
        }
        Err(error) => {
            writeln!(stream::stderr(), "error: {}: {error}", arguments.url)?;
            Ok(exit::FAILED)
        }
    }
}
