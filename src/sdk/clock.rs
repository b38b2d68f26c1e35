//! The clock and the timers of the SDK, in virtual time.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_dsql::config::{AsyncSleep, Sleep};
use aws_smithy_async::time::TimeSource;

use super::mailbox::Mailbox;

/// The wall clock of a simulated client, which signs its requests by it.
#[derive(Clone, Debug)]
pub(super) struct VirtualTime(pub(super) Arc<Mailbox>);

impl TimeSource for VirtualTime {
    fn now(&self) -> SystemTime {
        let since_start = Duration::from_nanos(self.0.now().0);
        UNIX_EPOCH + Duration::from_millis(self.0.epoch.0) + since_start
    }
}

/// The timers of the SDK: back-off, waiters and time-outs. They are tokio's, whose clock is the virtual one.
#[derive(Clone, Copy, Debug)]
pub(super) struct VirtualSleep;

impl AsyncSleep for VirtualSleep {
    fn sleep(&self, duration: Duration) -> Sleep {
        Sleep::new(tokio::time::sleep(duration))
    }
}
