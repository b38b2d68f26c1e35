//! `--log` and `RUST_LOG`: the events of worlds and of the server, as lines on standard error.

use std::io;

use tracing::level_filters::LevelFilter;
use tracing::subscriber::set_global_default;
use tracing::{Dispatch, dispatcher};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;

use crate::sim::log::{SimulatedTime, TARGETS};

use super::show;

/// The variable that is read without `--log`.
const VARIABLE: &str = "RUST_LOG";

/// The targets of events outside of a world.
const OTHER_TARGETS: [&str; 2] = ["dsql_sim::check", "dsql_sim::server"];

/// The filter of `serve` if none is given: a line for each request, each fault and each violation.
#[cfg(feature = "server")]
pub(super) const SERVER_FILTER: &str = "dsql_sim::server=info,dsql_sim::fault=info,dsql_sim::check=info";

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

/// Prints the events that a filter selects from now on: that of `--log`, else that of `RUST_LOG`, else `default`.
/// Without any of them, no subscriber is installed.
///
/// # Errors
/// `RUST_LOG` is no filter.
pub(super) fn start(option: Option<Targets>, default: Option<&str>) -> io::Result<()> {
    let filter = match option {
        Some(filter) => Some(filter),
        None => match variable()? {
            Some(filter) => Some(filter),
            None => default.map(str::parse).transpose().map_err(io::Error::other)?,
        },
    };
    let Some(filter) = filter else { return Ok(()) };
    // A reader that leaves changes nothing: the layer drops a line that cannot be written. Each line is one write under
    // the lock of standard error, so that the lines of several threads stay whole.
    let lines = fmt::layer().with_timer(SimulatedTime).with_ansi(show::has_colour()).with_writer(io::stderr);
    set_global_default(tracing_subscriber::registry().with(filter).with(lines)).map_err(io::Error::other)
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

const LEVELS: &str = "off, error, warn, info, debug, trace";
