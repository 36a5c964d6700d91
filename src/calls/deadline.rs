//! Time, handed down: every wait of a step ends at its deadline, or when the step is cancelled, whichever comes first. No step
//! sleeps by itself.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::text::message_str;
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};

/// Why a wait ended before what it waited for.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Ended {
    /// The deadline passed.
    #[error("{}", message_str!("deadline-passed", "the deadline passed"))]
    Deadline,
    /// A signal asked the step to stop.
    #[error("the step was cancelled")]
    Cancelled,
}

impl Ended {
    /// Whether an error comes of a deadline that passed.
    #[must_use]
    pub fn by_deadline(error: &anyhow::Error) -> bool {
        error.chain().any(|cause| cause.downcast_ref() == Some(&Self::Deadline))
    }
}

/// The moment at which a step must have ended, and its cancellation token.
#[derive(Clone, Debug)]
pub struct Deadline {
    started: Instant,
    end: Instant,
    clock: Clock,
    cancelled: watch::Receiver<bool>,
}

/// The time that counts: it stands still while a person is asked. Shared by all deadlines of an invocation.
#[derive(Clone, Debug, Default)]
struct Clock(Arc<AtomicU64>);

impl Clock {
    /// For how long it has stood still.
    fn lost(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }

    fn stood_still(&self, time: Duration) {
        self.0.fetch_add(u64::try_from(time.as_millis()).unwrap_or_default(), Ordering::Relaxed);
    }

    fn now(&self) -> Instant {
        Instant::now().checked_sub(self.lost()).unwrap_or_else(Instant::now)
    }

    /// When it will be `at`, if it does not stand still until then.
    fn time_of(&self, at: Instant) -> Instant {
        at + self.lost()
    }
}

/// The trigger of the cancellation: kept by the program, used by the signal handler.
#[derive(Debug)]
pub struct Cancel(watch::Sender<bool>);

impl Cancel {
    /// Ends every wait and forbids every write from now on.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }
}

impl Deadline {
    /// A deadline after this time from now, and the trigger that cancels it.
    #[must_use]
    pub fn new(limit: Duration) -> (Self, Cancel) {
        let (sender, cancelled) = watch::channel(false);
        let clock = Clock::default();
        let started = clock.now();
        (Self { started, end: started + limit, clock, cancelled }, Cancel(sender))
    }

    /// A part of this deadline: after `limit` from now at the latest.
    #[must_use]
    pub fn at_most(&self, limit: Duration) -> Self {
        let started = self.clock.now();
        Self { started, end: self.end.min(started + limit), ..self.clone() }
    }

    /// A new span of time for putting things back after this deadline has passed. A cancellation ends it all the same.
    #[must_use]
    pub fn renew(&self, limit: Duration) -> Self {
        let started = self.clock.now();
        Self { started, end: started + limit, ..self.clone() }
    }

    /// What is left.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.end.saturating_duration_since(self.clock.now())
    }

    /// What has passed since this deadline was set.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.clock.now().saturating_duration_since(self.started)
    }

    /// True once the step was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        *self.cancelled.borrow()
    }

    /// An error when nothing new may start.
    pub fn check(&self) -> Result<(), Ended> {
        if self.is_cancelled() {
            return Err(Ended::Cancelled);
        }
        if self.remaining().is_zero() { Err(Ended::Deadline) } else { Ok(()) }
    }

    /// Sleeps, but not past the deadline.
    pub async fn sleep(&self, time: Duration) -> Result<(), Ended> {
        let wake = self.clock.now() + time;
        let mut cancelled = self.cancelled.clone();
        tokio::select! {
            () = sleep_until(self.clock.time_of(wake.min(self.end))) => if wake > self.end { Err(Ended::Deadline) } else { Ok(()) },
            _ = cancelled.wait_for(|cancelled| *cancelled) => Err(Ended::Cancelled),
        }
    }

    /// Runs something to its end, or to the deadline. A cancellation does not end it: calls in flight may finish.
    pub async fn within<T>(&self, work: impl Future<Output = T>) -> Result<T, Ended> {
        self.check()?;
        timeout_at(self.clock.time_of(self.end), work).await.map_err(|_elapsed| Ended::Deadline)
    }

    /// Runs something to its end, but only so long after a cancellation: for what has something to put back then.
    pub async fn until_cancelled_for<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Result<T, Ended> {
        let mut cancelled = self.cancelled.clone();
        let cut = async {
            if cancelled.wait_for(|cancelled| *cancelled).await.is_err() {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(limit).await;
        };
        tokio::select! {
            done = work => Ok(done),
            () = cut => Err(Ended::Cancelled),
        }
    }

    /// Waits for a person, or until cancelled. That time counts for no deadline of the invocation.
    pub async fn wait_for_person<T>(&self, answer: impl Future<Output = T>) -> Result<T, Ended> {
        self.check()?;
        let mut cancelled = self.cancelled.clone();
        let began = Instant::now();
        let ended = tokio::select! {
            answer = answer => Ok(answer),
            _ = cancelled.wait_for(|cancelled| *cancelled) => Err(Ended::Cancelled),
        };
        self.clock.stood_still(began.elapsed());
        ended
    }

    /// Runs something to its end, to the deadline, or until cancelled: for reads, which may be abandoned.
    pub async fn read<T>(&self, work: impl Future<Output = T>) -> Result<T, Ended> {
        let mut cancelled = self.cancelled.clone();
        tokio::select! {
            done = self.within(work) => done,
            _ = cancelled.wait_for(|cancelled| *cancelled) => Err(Ended::Cancelled),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_sleep_ends_at_the_deadline() {
        let (deadline, _cancel) = Deadline::new(Duration::from_secs(20));
        assert_eq!(deadline.sleep(Duration::from_secs(15)).await, Ok(()));
        assert_eq!(deadline.sleep(Duration::from_secs(15)).await, Err(Ended::Deadline));
        assert_eq!(deadline.elapsed(), Duration::from_secs(20));
        assert_eq!(deadline.check(), Err(Ended::Deadline));
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_of_a_person_counts_for_no_deadline() {
        let (deadline, cancel) = Deadline::new(Duration::from_secs(20));
        let part = deadline.at_most(Duration::from_secs(10));
        let answer = tokio::time::sleep(Duration::from_hours(1));
        assert_eq!(deadline.wait_for_person(answer).await, Ok(()));
        assert_eq!((deadline.elapsed(), part.remaining()), (Duration::ZERO, Duration::from_secs(10)));
        assert_eq!(part.sleep(Duration::from_secs(15)).await, Err(Ended::Deadline));
        assert_eq!(deadline.within(tokio::time::sleep(Duration::from_secs(9))).await, Ok(()));
        assert_eq!(deadline.within(tokio::time::sleep(Duration::from_secs(2))).await, Err(Ended::Deadline));
        cancel.cancel();
        assert_eq!(deadline.wait_for_person(std::future::pending::<()>()).await, Err(Ended::Cancelled));
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancellation_ends_sleeps_and_reads_but_not_calls_in_flight() {
        let (deadline, cancel) = Deadline::new(Duration::from_mins(1));
        let slow = || tokio::time::sleep(Duration::from_secs(5));
        let canceller = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            cancel.cancel();
        };
        let (slept, read, written, ()) = tokio::join!(
            deadline.sleep(Duration::from_secs(30)),
            deadline.read(slow()),
            deadline.within(slow()),
            canceller
        );
        assert_eq!((slept, read, written), (Err(Ended::Cancelled), Err(Ended::Cancelled), Ok(())));
        assert_eq!(deadline.within(slow()).await, Err(Ended::Cancelled));
    }
}
