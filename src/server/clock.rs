//! Virtual time by the wall clock.

use std::time::Duration;

use crate::types::Instant;

/// Says what time it is in the world.
#[derive(Debug)]
pub(super) struct Clock {
    began: std::time::Instant,
    /// What time it was in the world then, and how much was skipped since.
    origin: Instant,
    speed: u32,
}

#[expect(clippy::disallowed_methods, reason = "a door: the world is paced by the wall clock")]
impl Clock {
    /// A clock that says `now`, and goes `speed` times as fast as the wall's.
    pub(super) fn new(now: Instant, speed: u32) -> Clock {
        Clock { began: std::time::Instant::now(), origin: now, speed }
    }

    /// What time it is in the world.
    pub(super) fn now(&self) -> Instant {
        self.origin.after(self.began.elapsed().saturating_mul(self.speed))
    }

    /// How long, by the wall clock, until it is `at`.
    pub(super) fn until(&self, at: Instant) -> Duration {
        (at.since(self.origin) / self.speed).saturating_sub(self.began.elapsed())
    }

    /// Skips some virtual time.
    pub(super) fn skip(&mut self, pause: Duration) {
        self.origin = self.origin.after(pause);
    }
}
