//! The time by a service's clock: the runner's may be minutes away from it.

use time::OffsetDateTime;
use tokio::time::Instant;

/// A moment by a service's clock, and what has passed since by this machine's own counting.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    at: OffsetDateTime,
    taken: Instant,
}

impl Clock {
    /// What the service says that it is now.
    #[must_use]
    pub fn told(at: OffsetDateTime) -> Self {
        Self { at, taken: Instant::now() }
    }

    /// This machine's own.
    #[must_use]
    pub fn of_this_machine() -> Self {
        Self::told(OffsetDateTime::now_utc())
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        self.at + self.taken.elapsed()
    }
}
