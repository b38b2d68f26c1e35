//! The simulated Regions behind one HTTP port, for clients that know nothing of a simulation.
//!
//! One thread owns the world (`desk`): it paces virtual time by the wall clock, makes each request a call of the
//! world, and gives the outcome back. The sockets (`http`) take HTTP apart and put it together, through
//! [`wire`](crate::api::wire) alone. What a test wants of the world itself is under `/_sim/` (`admin`).
//!
//! A request is a call that is tried once: whoever sent it tries again, as SDKs do. A call whose answer the simulated
//! network loses ends with its connection.

mod admin;
mod clock;
mod desk;
mod http;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::scenario::Scenario;
use crate::scenario::run::Failure;

pub use desk::Ended;

/// How the world is served.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; port 0 picks a free one.
    pub address: SocketAddr,
    /// How many virtual seconds pass in a second, from 1 to [`MOST_SPEED`].
    pub speed: u32,
    /// What has happened before the first client comes: set-up, calls and faults.
    pub scenario: Scenario,
    /// Whether what clients send is kept, to be a scenario in the end. It takes memory for every call.
    pub records: bool,
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
    /// How long the head of a request may take, and how long a connection may be idle.
    pub head_time: Duration,
    /// How long a body may take.
    pub body_time: Duration,
    /// Access key ids that are told apart; later ones count as the last of these.
    pub clients: usize,
}

impl Limits {
    /// 1 MiB of body, 1024 connections, 30 seconds for a head and for a body, 1000 clients.
    pub const DEFAULT: Limits = Limits {
        body: 1 << 20,
        connections: 1024,
        head_time: Duration::from_secs(30),
        body_time: Duration::from_secs(30),
        clients: 1000,
    };
}

/// Why there was nothing to serve.
#[derive(Debug)]
pub enum Error {
    /// The address is taken or not ours, or the system refused something.
    Io(io::Error),
    /// The scenario that was to happen first fails.
    Scenario(Failure),
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        Error::Io(error)
    }
}

/// Serves until the process is told to end (SIGTERM or Ctrl-C), then lets every call end and the world come to rest.
///
/// `ready` is told the address as soon as clients can come.
///
/// # Errors
/// Nothing was served: see [`Error`].
pub fn serve(options: &Options, ready: impl FnOnce(SocketAddr) -> io::Result<()>) -> Result<Ended, Error> {
    let (desk, keeper) = desk::open(options).map_err(Error::Scenario)?;
    let runtime = Runtime::new()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(options.address).await?;
        ready(listener.local_addr()?)?;
        http::serve(listener, &desk, options.limits).await
    })?;
    desk.stop();
    let ended =
        keeper.join().ok().flatten().ok_or_else(|| io::Error::other("the world's thread panicked"))?;
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(ended)
}
