//! The pacing of virtual time by the wall clock.

use std::time::Duration;

use crate::types::Instant;

/// The end of virtual time, a whole millisecond: 500 years. The rest of what 64 bits of nanoseconds can tell is left
/// for what is under way by then.
pub(super) const END_OF_TIME: Instant = Instant(500 * 365 * 24 * 60 * 60 * 1_000_000_000);

/// Maps wall-clock time to virtual time.
#[derive(Debug)]
pub(super) struct Clock {
    began: std::time::Instant,
    /// The virtual time at `began`, plus everything skipped since.
    origin: Instant,
    speed: u32,
}

#[expect(clippy::disallowed_methods, reason = "an adapter: the wall clock paces virtual time")]
impl Clock {
    /// A clock that starts at virtual time `now` and runs `speed` times as fast as the wall clock.
    pub(super) fn new(now: Instant, speed: u32) -> Clock {
        Clock { began: std::time::Instant::now(), origin: now, speed }
    }

    /// The current virtual time, which stops at [`END_OF_TIME`].
    pub(super) fn now(&self) -> Instant {
        self.origin.after(self.began.elapsed().saturating_mul(self.speed)).min(END_OF_TIME)
    }

    /// The wall-clock time until virtual time `at`; zero if it has passed.
    pub(super) fn until(&self, at: Instant) -> Duration {
        (at.since(self.origin) / self.speed).saturating_sub(self.began.elapsed())
    }

    /// Advances virtual time by `pause` at once.
    pub(super) fn skip(&mut self, pause: Duration) {
        self.origin = self.origin.after(pause);
    }
}
