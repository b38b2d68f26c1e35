//! `dsql-sim serve` from outside: real sockets, real processes, real disks.
#![expect(clippy::disallowed_methods, reason = "real processes take real time")]

mod access;
mod basics;
mod conventions;
mod crash;
mod ends;
mod hostile;
mod http;
mod instant;
mod live;
mod log;
mod other_services;
mod principals;
mod recorded;
mod replay;
mod server;
mod stepped;
