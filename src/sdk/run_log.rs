//! The log of a run: what the program did, byte for byte, by which two runs of one seed are compared.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use crate::region::Region;
use crate::rng::{fingerprint, mix};
use crate::types::{Instant, print_duration};

/// What the program of a run did, in order.
#[derive(Debug, Default)]
pub(super) struct RunLog {
    entries: Vec<LogEntry>,
    hash: u64,
    /// The number of requests.
    pub(super) requests: u64,
    /// The Regions that were called.
    pub(super) called: BTreeSet<Region>,
    /// The Regions that requests named as witness Regions.
    pub(super) witnesses: BTreeSet<Region>,
}

/// An event of a program.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) enum LogEntry {
    /// A process sent a request.
    Sent(SentRequest),
    /// A task ended at this time.
    Ended(Instant, Arc<str>),
    /// A process crashed at this time.
    Crashed(Instant, Arc<str>),
}

/// A request as it was sent, with its signature.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SentRequest {
    pub(super) at: Instant,
    pub(super) process: Arc<str>,
    pub(super) method: String,
    pub(super) uri: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Hash for SentRequest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let SentRequest { at, process, method, uri, headers, body } = self;
        (at, process, method, uri, headers).hash(state);
        state.write(body);
    }
}

impl RunLog {
    pub(super) fn add(&mut self, entry: LogEntry) {
        self.hash = mix(self.hash, fingerprint(&entry));
        self.entries.push(entry);
    }

    /// The hash of all events so far.
    pub(super) fn hash(&self) -> u64 {
        self.hash
    }

    /// The first event that differs from that of `other`, as it was in both; `None` if all are equal.
    pub(super) fn difference(&self, other: &RunLog) -> Option<String> {
        let count = self.entries.len().max(other.entries.len());
        let pair = |index: usize| (self.entries.get(index), other.entries.get(index));
        let index = (0..count).find(|index| pair(*index).0 != pair(*index).1)?;
        let (one, two) = pair(index);
        let both = match (one, two) {
            (Some(LogEntry::Sent(one)), Some(LogEntry::Sent(two))) if one.line() == two.line() => {
                return Some(format!("event {}: {}\n{}", index + 1, one.line(), one.differing(two)));
            }
            both => both,
        };
        let line = |entry: Option<&LogEntry>| entry.map_or("nothing".to_owned(), ToString::to_string);
        Some(format!(
            "event {}:\n  in the first run:  {}\n  in the second run: {}",
            index + 1,
            line(both.0),
            line(both.1)
        ))
    }
}

impl fmt::Display for LogEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogEntry::Sent(request) => {
                write!(f, "{} {}", request.line(), String::from_utf8_lossy(&request.body))
            }
            LogEntry::Ended(at, task) => write!(f, "{} the task `{task}` ends", seconds(*at)),
            LogEntry::Crashed(at, process) => write!(f, "{} `{process}` crashes", seconds(*at)),
        }
    }
}

impl SentRequest {
    fn line(&self) -> String {
        format!("{} `{}` sends {} {}", seconds(self.at), self.process, self.method, self.uri)
    }

    /// The body or the headers that differ, as in both.
    fn differing(&self, other: &SentRequest) -> String {
        if self.body != other.body {
            let [one, two] = [self, other].map(|it| String::from_utf8_lossy(&it.body).into_owned());
            return format!("  its body in the first run:  {one}\n  its body in the second run: {two}");
        }
        let pairs = self.headers.iter().zip(&other.headers).find(|(one, two)| one != two);
        pairs.map_or("  their headers differ in number".to_owned(), |((name, one), (other, two))| {
            format!("  in the first run:  {name}: {one}\n  in the second run: {other}: {two}")
        })
    }
}

/// A virtual time, in seconds since the beginning.
pub(super) fn seconds(at: Instant) -> String {
    print_duration(Duration::from_millis(at.0 / 1_000_000))
}
