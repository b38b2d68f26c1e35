//! The live feed: the events of `GET /_sim/events`, for those who watch the world.
//!
//! A watcher gets one `picture` of the world, and then its `changes`. Both are JSON with a member for each section of
//! the picture (`live_picture`); `changes` has the sections that differ, and the calls and lines that are new. Changes
//! are gathered for a while before they are sent, so that the feed takes a small part of the world's thread. Without
//! watchers it takes nothing.
//!
//! The thread never waits for a watcher. Each one has a queue with a bound. One whose queue is full gets no changes any
//! more, and a new picture once it has read what is there.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::body::{Body, Bytes, Frame};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::driver::Driver;

/// The events for one watcher, in order.
pub(super) type EventQueue = Receiver<Bytes>;

/// The watchers of a world, and what they have been shown.
#[derive(Debug, Default)]
pub(super) struct LiveFeed {
    readers: Vec<LiveReader>,
    /// The sections as they were sent last.
    sent: Vec<Section>,
    /// The number of events of the world that are shown.
    events: u64,
    calls: u64,
    lines: u64,
    /// Whether something has changed that is no event of the world.
    has_changed: bool,
    /// The time before which changes are gathered.
    gathers_until: Option<Instant>,
}

/// A section of the picture: its name, and its JSON.
pub(super) type Section = (&'static str, String);

#[derive(Debug)]
struct LiveReader {
    queue: Sender<Bytes>,
    /// Whether it has missed changes, so that it needs a picture.
    is_behind: bool,
}

impl LiveReader {
    /// Sends an event; `false` if the connection is closed.
    fn send(&mut self, event: &Bytes) -> bool {
        match self.queue.try_send(event.clone()) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.is_behind = true;
                true
            }
            Err(TrySendError::Closed(_)) => false,
        }
    }

    /// Whether it is behind, and has read so much that a picture fits.
    fn awaits_picture(&self) -> bool {
        self.is_behind && self.queue.capacity() > QUEUE / 2
    }
}

impl LiveFeed {
    /// The feed of a world that a reset has begun. The watchers stay, and get a picture of it.
    pub(super) fn after_reset(mut self) -> LiveFeed {
        self.readers.iter_mut().for_each(|reader| reader.is_behind = true);
        LiveFeed { readers: self.readers, has_changed: true, ..LiveFeed::default() }
    }

    /// Something has changed that is no event of the world.
    pub(super) fn changed(&mut self) {
        self.has_changed = true;
    }

    /// An invariant is violated, which is shown at once.
    pub(super) fn is_violated(&mut self) {
        self.has_changed = true;
        self.gathers_until = None;
    }

    /// The wall-clock time until changes are to be shown; `None` if there are none. The world has had so many `events`.
    pub(super) fn pause(&self, events: u64) -> Option<Duration> {
        if self.readers.is_empty() {
            return None;
        }
        let until =
            self.gathers_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(wall_time()));
        if self.has_changed || events != self.events || self.readers.iter().any(LiveReader::awaits_picture) {
            return Some(until);
        }
        // Nothing says when a watcher has read its queue.
        self.readers.iter().any(|reader| reader.is_behind).then(|| until.max(PAUSE_OF_SLOW_READERS))
    }
}

impl Driver {
    /// Adds a watcher. Its queue begins with a picture.
    ///
    /// # Errors
    /// There are too many.
    pub(super) fn watch(&mut self) -> Result<EventQueue, String> {
        self.feed.readers.retain(|reader| !reader.queue.is_closed());
        if self.feed.readers.len() == MOST_READERS {
            return Err(format!("{MOST_READERS} watchers is the most. To proceed, close a page"));
        }
        // The others get what they have not seen, so that the changes from now on are new to all.
        self.send_changes();
        let (sender, queue) = mpsc::channel(QUEUE);
        let mut reader = LiveReader { queue: sender, is_behind: false };
        let picture = self.picture_event(&self.sections());
        reader.send(&picture);
        self.feed.readers.push(reader);
        Ok(queue)
    }

    /// Shows the watchers what has changed, if it is time to.
    pub(super) fn show_changes(&mut self) {
        if self.feed.pause(self.simulation.world().trace().events()) == Some(Duration::ZERO) {
            self.send_changes();
        }
    }

    fn send_changes(&mut self) {
        let began = wall_time();
        let sections = self.sections();
        let changes = self.changes_event(&sections);
        let mut picture = None;
        let mut readers = std::mem::take(&mut self.feed.readers);
        readers.retain_mut(|reader| {
            if reader.awaits_picture() {
                reader.is_behind = false;
                reader.send(picture.get_or_insert_with(|| self.picture_event(&sections)))
            } else if reader.is_behind {
                !reader.queue.is_closed()
            } else {
                reader.send(&changes)
            }
        });
        let now = wall_time();
        let pause = now.saturating_duration_since(began).saturating_mul(SHARE).max(SHORTEST_PAUSE);
        self.feed = LiveFeed {
            readers,
            sent: sections,
            events: self.simulation.world().trace().events(),
            calls: self.live_calls.count(),
            lines: self.lines.count(),
            has_changed: false,
            gathers_until: Some(now + pause),
        };
    }

    /// The whole picture, with the latest calls and lines.
    fn picture_event(&self, sections: &[Section]) -> Bytes {
        let latest = [self.calls_section(u64::MAX), self.lines_section(u64::MAX)];
        event("picture", sections.iter().chain(&latest))
    }

    /// The sections that differ from what was sent last, and the calls and lines since then.
    fn changes_event(&self, sections: &[Section]) -> Bytes {
        let differs = |section: &&Section| !self.feed.sent.contains(section);
        let latest = [
            self.calls_section(self.live_calls.count() - self.feed.calls),
            self.lines_section(self.lines.count() - self.feed.lines),
        ];
        event("changes", sections.iter().filter(differs).chain(&latest))
    }
}

/// A server-sent event, whose data is a JSON object of `sections`.
fn event<'a>(name: &str, sections: impl Iterator<Item = &'a Section>) -> Bytes {
    let members: Vec<_> = sections.map(|(name, json)| format!("\"{name}\":{json}")).collect();
    format!("event: {name}\ndata: {{{}}}\n\n", members.join(",")).into()
}

/// The body of the answer to a watcher: the events of its queue, and a comment from time to time, by which both sides
/// notice a connection that is broken.
#[derive(Debug)]
pub(super) struct EventBody {
    queue: EventQueue,
    pulse: Interval,
}

impl EventBody {
    pub(super) fn new(queue: EventQueue) -> EventBody {
        let mut pulse = interval(PULSE);
        pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
        EventBody { queue, pulse }
    }
}

impl Body for EventBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Poll::Ready(event) = self.queue.poll_recv(context) {
            return Poll::Ready(event.map(|event| Ok(Frame::data(event))));
        }
        self.pulse.poll_tick(context).map(|_| Some(Ok(Frame::data(Bytes::from_static(b":\n\n")))))
    }
}

#[expect(clippy::disallowed_methods, reason = "an adapter: watchers are people, who look at a wall clock")]
fn wall_time() -> Instant {
    Instant::now()
}

/// The most watchers. Each takes one of the server's connections.
const MOST_READERS: usize = 32;

/// The most events that wait for a watcher.
const QUEUE: usize = 16;

/// The shortest time for which changes are gathered.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

/// A picture of a large world takes long. The feed takes one part in so many of the world's thread.
const SHARE: u32 = 20;

const PAUSE_OF_SLOW_READERS: Duration = Duration::from_millis(250);

/// The time between two comments.
const PULSE: Duration = Duration::from_secs(10);
