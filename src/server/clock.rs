//! The pacing of virtual time: by the wall clock, or by the requests alone.

use std::time::Duration;

use crate::types::Instant;

/// The end of virtual time, a whole millisecond: 500 years. The rest of what 64 bits of nanoseconds can tell is left
/// for what is under way by then.
pub(super) const END_OF_TIME: Instant = Instant(500 * 365 * 24 * 60 * 60 * 1_000_000_000);

/// How virtual time passes behind the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// With the wall clock: so many virtual seconds in a second, from 1 to [`MOST_SPEED`](super::MOST_SPEED).
    Wall {
        /// Virtual seconds per second.
        speed: u32,
    },
    /// In steps: time stands still except while a call is under way, which runs the world until it has its answer, and
    /// while a client of the control interface advances it. Calls are made one after the other, in the order in which
    /// they arrive. So a run depends on the requests and their order, and not on the machine.
    Stepped,
}

/// The clock of a world under a [`Pace`].
#[derive(Debug)]
pub(super) enum Clock {
    /// It maps wall-clock time to virtual time.
    Wall(WallPacer),
    /// The time of the world is the time of its last event. `has_run` is whether events were processed since the last
    /// command began: a recording then has the next command at a later time.
    Stepped { has_run: bool },
}

/// Maps wall-clock time to virtual time.
#[derive(Debug)]
pub(super) struct WallPacer {
    began: std::time::Instant,
    /// The virtual time at `began`, plus everything skipped since.
    origin: Instant,
    speed: u32,
    /// Whether virtual time stands still at `origin`.
    is_paused: bool,
}

impl Clock {
    /// A clock that starts at virtual time `now`.
    pub(super) fn new(pace: Pace, now: Instant) -> Clock {
        match pace {
            Pace::Wall { speed } => {
                Clock::Wall(WallPacer { began: wall_time(), origin: now, speed, is_paused: false })
            }
            Pace::Stepped => Clock::Stepped { has_run: false },
        }
    }

    /// The present virtual time of a world whose last event was at `world`. The wall clock stops at [`END_OF_TIME`].
    pub(super) fn now(&self, world: Instant) -> Instant {
        match self {
            Clock::Wall(pacer) => pacer.now(),
            Clock::Stepped { .. } => world,
        }
    }
}

impl WallPacer {
    pub(super) fn speed(&self) -> u32 {
        self.speed
    }

    pub(super) fn is_paused(&self) -> bool {
        self.is_paused
    }

    fn now(&self) -> Instant {
        if self.is_paused {
            return self.origin;
        }
        self.origin.after(self.began.elapsed().saturating_mul(self.speed)).min(END_OF_TIME)
    }

    /// The wall-clock time until virtual time `at`: zero if it has passed, `None` while the clock is paused.
    pub(super) fn until(&self, at: Instant) -> Option<Duration> {
        let pause = (at.since(self.origin) / self.speed).saturating_sub(self.began.elapsed());
        (!self.is_paused).then_some(pause)
    }

    /// Advances virtual time by `pause` at once.
    pub(super) fn skip(&mut self, pause: Duration) {
        self.origin = self.origin.after(pause);
    }

    /// Advances virtual time to `at` at once, unless it has passed.
    pub(super) fn skip_to(&mut self, at: Instant) {
        self.skip(at.since(self.now()));
    }

    /// Goes on from the present virtual time in another way.
    pub(super) fn change(&mut self, speed: u32, is_paused: bool) {
        *self = WallPacer { origin: self.now(), began: wall_time(), speed, is_paused };
    }
}

#[expect(clippy::disallowed_methods, reason = "an adapter: the wall clock paces virtual time")]
fn wall_time() -> std::time::Instant {
    std::time::Instant::now()
}
