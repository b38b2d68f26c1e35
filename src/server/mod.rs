//! The server: simulated Regions behind one HTTP port, for unmodified SDK clients.
//!
//! One thread owns the world (`driver`). It paces virtual time by a `clock`, turns each request into a call of the
//! world (`commands`), commits to disk what became durable (`store`), and then sends the outcome back. Connections
//! reach that thread through a `handle`. The sockets (`http`) decode and encode HTTP through [`wire`](crate::api::wire)
//! alone. Tests control the world under `/_sim/` (`admin`) or by the paths of other stand-ins (`conventions`); web
//! pages cannot (`access`), except for the server's own (`live_page`), which shows the world as it goes (`live_feed`).
//! STS says who a caller is, and no other service is there (`other_services`).
//!
//! A request becomes a call with a single attempt, because the SDK client on the other side retries by itself. If the
//! simulated network loses the answer of a call, the server closes the connection without one.

mod access;
mod admin;
mod callers;
mod clock;
mod commands;
mod commit_count;
mod conventions;
mod driver;
mod environment_events;
mod faults;
mod handle;
pub mod health;
mod http;
mod latest_lines;
mod live_calls;
mod live_feed;
mod live_memory;
mod live_page;
mod live_picture;
mod observed;
mod other_services;
mod record_file;
mod request_log;
mod respond;
mod rows;
mod store;
mod views;

use std::future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::scenario::run::Failure;
use crate::scenario::{PrincipalOptions, Scenario};
use crate::sim::trace::TraceLevel;
use crate::types::Account;

pub use access::AccessRules;
pub use clock::Pace;
pub use driver::ServerEnd;
pub use respond::client_timeout;
pub use store::DataError;

use callers::Callers;
use respond::Responder;

/// The configuration of a server.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// The address to listen on. Port 0 picks a free port.
    pub address: SocketAddr,
    /// Whether to listen on a free port if that of `address` is taken.
    pub may_take_other_port: bool,
    /// The host names that the server answers to, and the token of its control interface.
    pub access: AccessRules,
    /// The account of access key ids that name neither an account nor a principal.
    pub account: Account,
    /// How virtual time passes.
    pub pace: Pace,
    /// The virtual time that a client waits for an answer, unless its request says otherwise: that of a lost answer.
    pub client_timeout: Duration,
    /// The set-up, and calls and faults that run before the first client connects.
    pub scenario: Scenario,
    /// Principals by access key id, in addition to those of the scenario. They may differ each time that a world in a
    /// data directory is continued.
    pub principals: Vec<PrincipalOptions>,
    /// The file to which the calls of clients are recorded as a scenario. As long as the server runs, it is written
    /// beside, with `.partial` behind its name.
    pub record: Option<PathBuf>,
    /// The detail of the trace that `GET /_sim/trace` shows.
    pub trace: TraceLevel,
    /// The data directory; without one, the world ends with the process.
    pub data: Option<PathBuf>,
    /// Whether the server ends when its standard input does, as when the process that holds the other end has ended.
    pub ends_with_input: bool,
    /// The limits on resources that clients use.
    pub limits: Limits,
}

/// The highest speed, in virtual seconds per second: some four months a minute.
pub const MOST_SPEED: u32 = 200_000;

/// Limits on the resources that clients use, so that no client can exhaust the server's memory or sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest request body, in bytes.
    pub body: usize,
    /// The number of open connections. Further connections wait to be accepted.
    pub connections: usize,
    /// The timeout of each phase of a connection: idle, reading a request's head, reading its body, and waiting for the
    /// client to read the answer.
    pub patience: Duration,
    /// The memory, in estimated bytes, for what lives: clusters, the tokens that are remembered, open calls, and the
    /// values to which a recording refers. Calls beyond it fail with ThrottlingException, except those that delete.
    pub memory: usize,
    /// The number of trace lines kept.
    pub trace: usize,
    /// The number of distinct clients by access key id, without those of principals. Further access key ids share the
    /// last client.
    pub clients: usize,
    /// The number of required permissions kept for each principal.
    pub permissions: usize,
}

impl Limits {
    /// Bodies of 1 MiB, 1024 connections, timeouts of 30 seconds, 1 GiB of memory, 10,000 trace lines, 1000 clients and
    /// 10,000 permissions.
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

/// The error that prevents a server from starting, or ends it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An error of the operating system.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The address cannot be listened on, as when it is in use.
    #[error(
        "cannot listen on {address}: {error}. To proceed, choose another port, or 0 for a free one (--port)"
    )]
    Address {
        /// The address.
        address: SocketAddr,
        /// The reason.
        error: io::Error,
    },
    /// The address is not one of loopback, and no token protects the control interface.
    #[error(
        "every program that reaches {0} could control the simulation. To proceed, give `--token TOKEN`, which /_sim/ \
         then demands"
    )]
    NoToken(SocketAddr),
    /// The scenario that runs before the first client fails.
    #[error("the scenario fails: {}: {}", .0.invariant, .0.message)]
    Scenario(Failure),
    /// The data directory cannot be used. It is left unchanged.
    #[error("the data directory {} cannot be used: {error}", directory.display())]
    Data {
        /// The data directory.
        directory: PathBuf,
        /// The reason.
        error: DataError,
    },
    /// A commit to the data directory failed. No answer that depends on it was sent.
    #[error("the data could not be committed: {0}")]
    Kept(redb::Error),
    /// The recording cannot be written.
    #[error("the recording cannot be written: {0}")]
    NotRecorded(io::Error),
    /// The world's thread panicked, which is a bug of the simulation.
    #[error("the world's thread panicked")]
    Panicked,
}

/// Serves until the process receives SIGTERM, SIGINT or SIGHUP, or its standard input
/// ends if [`ServerOptions::ends_with_input`] is set. Then it lets every pending call end and the world converge.
///
/// `ready` receives the address as soon as clients can connect.
///
/// # Errors
/// The server did not start, or the world ended by itself: see [`StartError`].
pub fn serve(
    options: &ServerOptions,
    ready: impl FnOnce(SocketAddr) -> io::Result<()>,
) -> Result<ServerEnd, StartError> {
    if !options.address.ip().is_loopback() && options.access.token.is_none() {
        return Err(StartError::NoToken(options.address));
    }
    let runtime = Runtime::new()?;
    // Before the world begins: a server that cannot listen leaves an earlier recording as it is.
    let listener = runtime.block_on(listen(options))?;
    let (handle, mut world_thread) = handle::open(options)?;
    let responder = Responder {
        handle: handle.clone(),
        rules: options.access.clone().into(),
        callers: Callers::of(&options.scenario.set_up, &options.principals, options.account),
    };
    runtime.block_on(async {
        ready(listener.local_addr()?)?;
        tokio::select! {
            served = http::serve(listener, responder, options.limits) => served?,
            () = world_thread.ends() => {}
            () = input_ends(options.ends_with_input) => {}
        }
        Ok::<(), StartError>(())
    })?;
    handle.stop();
    let ended = world_thread.join();
    runtime.shutdown_timeout(Duration::from_secs(1));
    ended
}

async fn listen(options: &ServerOptions) -> Result<TcpListener, StartError> {
    let address = options.address;
    match TcpListener::bind(address).await {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && options.may_take_other_port => {
            Ok(TcpListener::bind(SocketAddr::new(address.ip(), 0)).await?)
        }
        bound => bound.map_err(|error| StartError::Address { address, error }),
    }
}

/// Waits until standard input ends; for ever unless `is_watched`.
async fn input_ends(is_watched: bool) {
    if !is_watched {
        return future::pending().await;
    }
    let (sender, ended) = oneshot::channel::<()>();
    // A thread, because a read from a terminal or a pipe cannot be given up.
    thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        drop(sender);
    });
    // No message is ever sent: the wait ends with an error when the sender is dropped.
    let _ = ended.await;
}
