//! The simulated Regions behind one HTTP port, for clients that know nothing of a simulation.
//!
//! One thread owns the world (`keeper`): it paces virtual time by the wall clock, makes each request that comes to its
//! `desk` a call of the world, keeps what became durable (`store`), and gives the outcome back. The sockets (`http`)
//! take HTTP apart and put it together, through [`wire`](crate::api::wire) alone. What a test wants of the world itself
//! is under `/_sim/` (`admin`).
//!
//! A request is a call that is tried once: whoever sent it tries again, as SDKs do. A call whose answer the simulated
//! network loses ends with its connection.

mod admin;
mod clock;
mod driver;
mod handle;
mod http;
mod store;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::scenario::run::Failure;
use crate::scenario::{PrincipalOptions, Scenario};
use crate::sim::trace::TraceLevel;

pub use driver::ServerEnd;

/// How the world is served.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Where to listen; port 0 picks a free one.
    pub address: SocketAddr,
    /// How many virtual seconds pass in a second, from 1 to [`MOST_SPEED`].
    pub speed: u32,
    /// What has happened before the first client comes: set-up, calls and faults.
    pub scenario: Scenario,
    /// Whom clients are by their access key ids, besides the scenario's principals. They may change from one life of a
    /// world to the next.
    pub principals: Vec<PrincipalOptions>,
    /// Whether what clients send is kept, to be a scenario in the end. It takes memory for every call.
    pub records: bool,
    /// How much of what happens can be asked for.
    pub trace: TraceLevel,
    /// Where what is durable in the world is kept for another time; nowhere, if not said.
    pub data: Option<PathBuf>,
    /// What clients may use.
    pub limits: Limits,
}

/// The most virtual seconds that pass in a second: some four months a minute.
pub const MOST_SPEED: u32 = 200_000;

/// What clients may use of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a body.
    pub body: usize,
    /// Connections at a time; more wait to be accepted.
    pub connections: usize,
    /// How long a connection may be idle, how long the head of a request may take and how long its body, and how long a
    /// client may read nothing of an answer.
    pub patience: Duration,
    /// Bytes of memory that calls which change something may take, as they are reckoned; when recording, all calls.
    /// More are refused until a reset.
    pub memory: usize,
    /// Lines of the trace that are remembered.
    pub trace: usize,
    /// Access key ids that are told apart besides those of principals; later ones count as the last of these.
    pub clients: usize,
    /// Things that calls needed, of each principal, that are remembered.
    pub permissions: usize,
}

impl Limits {
    /// 1 MiB of body, 1024 connections, 30 seconds of patience, 1 GiB of memory, 10,000 lines of trace,
    /// 1000 clients, 10,000 things that calls needed.
    pub const DEFAULT: Limits = Limits {
        body: 1 << 20,
        connections: 1024,
        patience: Duration::from_secs(30),
        memory: 1 << 30,
        trace: 10_000,
        clients: 1000,
        permissions: 10_000,
    };
}

/// Why there is nothing to serve, or no more.
#[derive(Debug)]
pub enum StartError {
    /// The address is taken or not ours, or the system refused something.
    Io(io::Error),
    /// The scenario that was to happen first fails.
    Scenario(Failure),
    /// The data directory cannot be used, and is as it was.
    Data {
        /// Which.
        directory: PathBuf,
        /// Why not.
        why: String,
    },
    /// What became durable in the world could not be kept. It was not answered.
    Kept(redb::Error),
    /// The world's thread ended by itself: a bug.
    Panicked,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Io(error) => write!(f, "{error}"),
            StartError::Scenario(failure) => {
                write!(f, "the scenario fails: {}: {}", failure.invariant, failure.message)
            }
            StartError::Data { directory, why } => {
                write!(f, "the data directory {} cannot be used: {why}", directory.display())
            }
            StartError::Kept(error) => write!(f, "what was written could not be kept: {error}"),
            StartError::Panicked => f.write_str("the world's thread panicked"),
        }
    }
}

impl std::error::Error for StartError {}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> StartError {
        StartError::Io(error)
    }
}

/// Serves until the process is told to end (SIGTERM or Ctrl-C), then lets every call end and the world come to rest.
///
/// `ready` is told the address as soon as clients can come.
///
/// # Errors
/// Nothing was served, or no more: see [`StartError`].
pub fn serve(
    options: &ServerOptions,
    ready: impl FnOnce(SocketAddr) -> io::Result<()>,
) -> Result<ServerEnd, StartError> {
    let (desk, mut backroom) = handle::open(options)?;
    let runtime = Runtime::new()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(options.address).await?;
        ready(listener.local_addr()?)?;
        tokio::select! {
            served = http::serve(listener, &desk, options.limits) => served,
            () = backroom.ends() => Ok(()),
        }
    })?;
    desk.stop();
    let ended = backroom.join();
    runtime.shutdown_timeout(Duration::from_secs(1));
    ended
}
