//! `--log` and `RUST_LOG`: the events of worlds and of the server, as lines on standard error.

use std::io;

use tracing::level_filters::LevelFilter;
use tracing::subscriber::set_global_default;
use tracing::{Dispatch, dispatcher};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;

use crate::sim::log::{SimulatedTime, TARGETS};

use super::show;

/// The variable that is read without `--log`.
const VARIABLE: &str = "RUST_LOG";

/// The targets of events outside of a world.
const OTHER_TARGETS: [&str; 2] = ["dsql_sim::check", "dsql_sim::server"];

/// What the log does without a filter, and when its reader falls behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogUse {
    /// A command that ends: it prints nothing without a filter, and waits for its reader.
    Command,
    /// A server: it prints [`SERVER_FILTER`] without a filter, and drops lines rather than wait. A program that starts
    /// it with a pipe as its standard error need not read the pipe.
    Server,
}

/// Reads the value of `--log`.
///
/// # Errors
/// A directive is malformed, or its target is none of this program's, so that it would select nothing.
pub(super) fn parse(text: &str) -> Result<Targets, String> {
    let filter = parse_directives(text)?;
    let known = || TARGETS.iter().chain(&OTHER_TARGETS);
    // A target of a filter is a prefix of the targets that it selects.
    match filter.iter().find(|(target, _)| !known().any(|known| known.starts_with(target))) {
        None => Ok(filter),
        Some((target, _)) => {
            let known: Vec<_> = known().copied().collect();
            Err(format!("`{target}` is neither a level ({LEVELS}) nor a target ({})", known.join(", ")))
        }
    }
}

/// Reads a filter that may have targets of other programs, too.
fn parse_directives(text: &str) -> Result<Targets, String> {
    let directives: Vec<_> = text.split(',').map(str::trim).collect();
    for directive in &directives {
        if directive.is_empty() || directive.parse::<Targets>().is_err() {
            return Err(format!(
                "`{directive}` is neither a level ({LEVELS}) nor TARGET=LEVEL, as in dsql_sim::witness=debug"
            ));
        }
    }
    directives.join(",").parse().map_err(|error| format!("{error}"))
}

/// Prints the events that a filter selects from now on: that of `--log`, else that of `RUST_LOG`, else that of a
/// server. Without any of them, no subscriber is installed.
///
/// The lines of a server are written by a thread of their own, until the value returned is dropped.
///
/// # Errors
/// `RUST_LOG` is no filter.
pub(super) fn start(option: Option<Targets>, log_use: LogUse) -> io::Result<Option<WorkerGuard>> {
    let is_server = log_use == LogUse::Server;
    let filter = match option {
        Some(filter) => Some(filter),
        None => match variable()? {
            Some(filter) => Some(filter),
            None => is_server.then(|| SERVER_FILTER.parse()).transpose().map_err(io::Error::other)?,
        },
    };
    let Some(filter) = filter else { return Ok(None) };
    let events = tracing_subscriber::registry().with(filter);
    // A reader that leaves changes nothing: the layer drops a line that cannot be written. Each line is one write under
    // the lock of standard error, so that the lines of several threads stay whole.
    let lines = fmt::layer().with_timer(SimulatedTime).with_ansi(show::has_colour());
    if !is_server {
        set_global_default(events.with(lines.with_writer(io::stderr))).map_err(io::Error::other)?;
        return Ok(None);
    }
    let buffer = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(WAITING_LINES);
    let (writer, writing) = buffer.finish(io::stderr());
    set_global_default(events.with(lines.with_writer(writer))).map_err(io::Error::other)?;
    Ok(Some(writing))
}

/// The filter in the environment; `None` if the variable is absent or empty.
fn variable() -> io::Result<Option<Targets>> {
    #[expect(clippy::disallowed_methods, reason = "the command line reads the environment")]
    let value = std::env::var_os(VARIABLE);
    let value = value.filter(|value| !value.is_empty());
    let filter = value.map(|value| parse_directives(&value.to_string_lossy())).transpose();
    filter.map_err(|error| io::Error::other(format!("the variable {VARIABLE} is no filter: {error}")))
}

/// Whether lines of the log may appear between those of a progress bar.
pub(super) fn is_shown() -> bool {
    LevelFilter::current() != LevelFilter::OFF
}

/// Runs a scenario again without its events, which the first run has emitted.
pub(super) fn silently<T>(run: impl FnOnce() -> T) -> T {
    dispatcher::with_default(&Dispatch::none(), run)
}

/// The filter of a server if none is given: a line for each request, each fault and each violation.
const SERVER_FILTER: &str = "dsql_sim::server=info,dsql_sim::fault=info,dsql_sim::check=info";

/// The number of lines of a server that wait for their reader before further ones are dropped.
const WAITING_LINES: usize = 16 * 1024;

const LEVELS: &str = "off, error, warn, info, debug, trace";
