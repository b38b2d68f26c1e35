//! `dsql-sim serve` from outside: real sockets, real processes, real disks.
#![expect(clippy::disallowed_methods, reason = "real processes take real time")]

mod basics;
mod crash;
mod hostile;
mod http;
mod log;
mod principals;
mod recorded;
mod server;
