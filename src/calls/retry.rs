//! The one retry policy, for every service: what cannot have been applied, or may be applied twice, is sent again, with
//! growing pauses, within the deadline.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::calls::deadline::Deadline;
use crate::text::{clock_after, human_duration};

/// What a failed call says about being sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// It would fail the same way.
    No,
    /// It was turned away before it was looked at (throttled): always safe, after this pause when the service named one.
    TurnedAway(Option<Duration>),
    /// It broke on the way (a server error, a lost connection): it may have been applied.
    Broken,
}

/// An error of a service: it says whether its call may be sent again, and what to do about it.
pub trait ServiceError: std::error::Error + Send + Sync + 'static {
    /// What it says about being sent again.
    fn again(&self) -> Again;

    /// What its reader does about it, one item each; nothing where the kind of error does not tell.
    fn advice(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Whether a call may be applied twice without harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Applying it twice is the same as once: a read, or a write guarded so.
    Repeatable,
    /// Only sent again when it cannot have been applied.
    Once,
}

/// Sends of one call, the first included.
const ATTEMPTS: u32 = 6;
/// The pause after the first failure; it doubles from there.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause we choose ourselves. A service may ask for a longer one.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What many calls that run at the same time may be sent again, all together: a service that is down is not asked six times by each of a
/// thousand. Their pauses are spread, so that what was turned away together does not come back together.
#[derive(Clone, Debug)]
pub struct Budget(Arc<AtomicU32>);

impl Budget {
    /// So many sends more than the first ones.
    #[must_use]
    pub fn of(sends: u32) -> Self {
        Self(Arc::new(AtomicU32::new(sends)))
    }

    /// Takes one; false when none is left.
    #[must_use]
    pub fn take(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

/// A pause, and up to half as much again: never shorter than what a service asked for.
#[must_use]
pub fn spread(pause: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish() % 1000;
    pause + pause.mul_f64(f64::from(u32::try_from(random).unwrap_or_default()) / 2000.0)
}

/// The pause before the next try after so many; it grows.
#[must_use]
pub fn pause_after(attempt: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << (attempt.max(1) - 1).min(10)).min(LONGEST_PAUSE)
}

/// Calls until it works, may not be tried again, or the deadline is too near for another try.
pub async fn retry<T, E: ServiceError, F: Future<Output = Result<T, E>>>(
    deadline: &Deadline,
    what: &str,
    kind: Kind,
    call: impl FnMut() -> F,
) -> Result<T, E> {
    retry_within(deadline, None, what, kind, call).await
}

/// The same, for calls that share a budget.
pub async fn retry_within<T, E: ServiceError, F: Future<Output = Result<T, E>>>(
    deadline: &Deadline,
    budget: Option<&Budget>,
    what: &str,
    kind: Kind,
    mut call: impl FnMut() -> F,
) -> Result<T, E> {
    let mut attempt = 1;
    loop {
        let error = match call().await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let own = pause_after(attempt);
        let pause = match (error.again(), kind) {
            (Again::TurnedAway(asked), _) => asked.unwrap_or(own),
            (Again::Broken, Kind::Repeatable) => own,
            _ => return Err(error),
        };
        let pause = if budget.is_some() { spread(pause) } else { pause };
        if attempt >= ATTEMPTS || pause >= deadline.remaining() {
            return Err(error);
        }
        if deadline.check().is_err() {
            return Err(error);
        }
        if !budget.is_none_or(Budget::take) {
            tracing::info!("{what}: {error}; not tried again: too much of this run was sent again already");
            return Err(error);
        }
        tracing::info!(
            "{what}: {error}; trying again in {}{} ({attempt} of {ATTEMPTS})",
            human_duration(pause),
            until(pause)
        );
        if deadline.sleep(pause).await.is_err() {
            return Err(error);
        }
        attempt += 1;
    }
}

/// When a pause that people notice ends, by the clock.
fn until(pause: Duration) -> String {
    const NOTICED: Duration = Duration::from_secs(5);
    let clock = clock_after(pause).filter(|_| pause >= NOTICED);
    clock.map(|clock| format!(", at {clock}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    #[derive(Debug, thiserror::Error)]
    #[error("refused")]
    struct Refusal(Again);

    impl ServiceError for Refusal {
        fn again(&self) -> Again {
            self.0
        }
    }

    async fn sends(again: Again, kind: Kind, limit: u64) -> (u32, u64) {
        let (deadline, _cancel) = Deadline::new(Duration::from_secs(limit));
        let begin = Instant::now();
        let mut sends = 0;
        let _: Result<(), _> = retry(&deadline, "call", kind, || {
            sends += 1;
            std::future::ready(Err(Refusal(again)))
        })
        .await;
        (sends, begin.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_may_be_sent_again_is() {
        assert_eq!(sends(Again::No, Kind::Repeatable, 60).await, (1, 0));
        assert_eq!(sends(Again::Broken, Kind::Once, 60).await, (1, 0));
        assert_eq!(sends(Again::Broken, Kind::Repeatable, 60).await, (6, 6));
        assert_eq!(sends(Again::TurnedAway(None), Kind::Once, 60).await, (6, 6));
    }

    #[tokio::test(start_paused = true)]
    async fn calls_with_one_budget_are_sent_again_so_often_together_and_their_pauses_are_spread() {
        let (deadline, _cancel) = Deadline::new(Duration::from_mins(10));
        let (budget, begin, mut sends) = (Budget::of(7), Instant::now(), 0);
        for _call in 0..3 {
            let _: Result<(), _> = retry_within(&deadline, Some(&budget), "call", Kind::Repeatable, || {
                sends += 1;
                std::future::ready(Err(Refusal(Again::TurnedAway(Some(Duration::from_secs(4))))))
            })
            .await;
        }
        assert_eq!(sends, 3 + 7);
        let all = begin.elapsed();
        assert!(all >= Duration::from_secs(28) && all <= Duration::from_secs(42), "{all:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_asked_for_pause_is_kept_or_not_begun() {
        let ask = |seconds| Again::TurnedAway(Some(Duration::from_secs(seconds)));
        assert_eq!(sends(ask(7), Kind::Once, 20).await, (3, 14));
        assert_eq!(sends(ask(3600), Kind::Once, 60).await, (1, 0));
    }
}
