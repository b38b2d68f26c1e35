//! The health check of a running server, from outside.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::conventions::HEALTH;

/// Whether the server at `url` (`http://HOST:PORT`) answers its health check within `patience`.
///
/// # Errors
/// The server cannot be reached, does not answer in time, or its world has ended.
pub fn check(url: &str, patience: Duration) -> io::Result<()> {
    let authority = url.strip_prefix("http://").unwrap_or(url).trim_end_matches('/');
    let with_port = match authority.rsplit_once(':') {
        Some((_, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => authority.to_owned(),
        _ => format!("{authority}:80"),
    };
    let mut refused = io::Error::other("the name has no address");
    // A name such as localhost has several addresses, and the server listens on one of them.
    for address in with_port.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, patience) {
            Ok(stream) => return ask(stream, authority, patience),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

fn ask(mut stream: TcpStream, authority: &str, patience: Duration) -> io::Result<()> {
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    write!(stream, "GET {HEALTH} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\r\n")?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    match line.split_whitespace().nth(1) {
        Some("200") => Ok(()),
        Some(status) => Err(io::Error::other(format!("the answer has status {status}"))),
        None => Err(io::Error::other("the answer is not HTTP")),
    }
}
