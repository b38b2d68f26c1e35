//! Your own provisioning code, with the official `aws-sdk-dsql`, in virtual time and from a seed (feature `sdk`).
//!
//! The SDK is unmodified. Its connections, its clock, its timers and its random numbers are those of the simulation,
//! so that a waiter of ten minutes takes a millisecond, and a seed brings back every byte of every request,
//! signatures included. The code under test takes its clients as arguments; all else about it is as in production.
//!
//! ```
//! use aws_sdk_dsql::Client;
//! use dsql_sim::sdk::{self, Swarm};
//!
//! async fn provision(client: &Client) -> Result<String, Box<dyn std::error::Error>> {
//!     let created = client.create_cluster().send().await?;
//!     let wait = client.get_cluster().identifier(created.identifier());
//!     Ok(wait.send().await?.identifier().to_owned())
//! }
//!
//! sdk::check("provision").seeds(0..10).faults(Swarm::recoverable().count(0..=1)).run(|sim| async move {
//!     let patient = aws_sdk_dsql::config::retry::RetryConfig::standard().with_max_attempts(20);
//!     let client = Client::from_conf(sim.config("us-east-1").retry_config(patient).build());
//!     provision(&client).await
//! });
//! ```
//!
//! # A run
//!
//! Each seed has a fresh world, a fresh thread and a fresh runtime of tokio with a paused clock. The program is a
//! task of an executor, which also runs what [`Sim::spawn`] and [`Sim::process`] begin; of the tasks that are ready,
//! the seed draws the next one. `tokio::time`, `tokio::spawn` and `tokio::sync` work and are in virtual time. Every
//! invariant is checked after every event of the world. When the program has ended, every fault is repaired and the
//! world must converge.
//!
//! A run fails if the program panics or returns an error, if an invariant is violated, if every task waits for
//! another, if two hours of virtual time pass, if tasks are left over, or if no request was sent. A failing schedule
//! of faults is made smaller, with the program as the workload, and is written to a file, which is run first from
//! then on.
//!
//! # Requests
//!
//! A request becomes a call of the world with one attempt, because the SDK retries by itself. If the network loses
//! the request or the answer, the connection breaks after a minute of virtual time
//! ([`SdkCheck::connection_time_out`]), or earlier if the client's own read time-out is shorter. If the Region is
//! unreachable, the client's connect time-out ends the attempt (3.1 seconds by default). A node that is down resets
//! the connection at once.
//!
//! # What cannot be cured
//!
//! The order of a `HashMap`, `tokio::select!` without `biased;`, `SystemTime::now`, other threads and random numbers
//! from the operating system differ from run to run. Each seed is therefore run twice, and the first difference is
//! shown. `aws_config::load_defaults` reads the environment and the network: take a client, or a configuration, as an
//! argument.

mod check;
mod clock;
mod connector;
mod disk;
mod executor;
mod hygiene;
mod local;
mod mailbox;
mod process;
mod ready;
mod report;
mod requests;
mod run;
mod run_log;
mod schedule;
mod shrinking;
mod sim;

pub use check::{CheckSummary, SdkCheck, check};
pub use disk::ProcessDisk;
pub use process::{ProcessHandle, RunOutput, TaskHandle};
pub use report::{CheckFailure, FailureKind};
pub use schedule::{FaultSource, Swarm};
pub use sim::{FaultTextError, Sim};
