//! The one poll loop: look, say what changed, wait a little longer each time, stop at the deadline.

use std::time::Duration;

use anyhow::Result;

use crate::calls::deadline::{Deadline, Ended};
use crate::text::human_duration;

/// What one look found.
#[derive(Debug)]
pub enum Look<T> {
    /// What was waited for.
    Done(T),
    /// Not yet; the text says how things stand, and is logged when it changes.
    NotYet(String),
}

/// How far apart looks are: the first after `first`, the second `shortest` after the beginning, and from then on a tenth of the
/// time that has passed, but no less than `shortest` and no more than `longest`.
#[derive(Clone, Copy, Debug)]
struct Pace {
    first: Duration,
    shortest: Duration,
    longest: Duration,
}

/// For states of AWS: 39 looks in the first minute.
const AWS: Pace = Pace { first: Duration::ZERO, shortest: Duration::from_millis(500), longest: Duration::from_secs(3) };
/// When what was only just begun is looked at first.
const SOON: Duration = Duration::from_millis(100);
/// For GitHub, whose tokens have a thousand requests an hour
/// (<https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>): 69 looks in ten minutes, 269 in an hour.
const GITHUB: Pace = Pace { first: Duration::ZERO, shortest: Duration::from_secs(1), longest: Duration::from_secs(15) };

/// Looks until done: at once, after half a second, and then a tenth of the time that has passed apart, at least half a second and
/// at most three. That is 39 looks in the first minute, and the end is seen within half a second or a tenth of the wait.
///
/// # Errors
/// [`Ended`] when the deadline passes or the step is cancelled first, or whatever a look fails with.
pub async fn poll<T>(deadline: &Deadline, what: &str, look: impl AsyncFnMut() -> Result<Look<T>>) -> Result<T> {
    poll_at(AWS, deadline, what, look).await
}

/// As [`poll`], for what has only just been begun and cannot have ended: the first look comes after a tenth of a second.
///
/// # Errors
/// As [`poll`].
pub async fn poll_begun<T>(deadline: &Deadline, what: &str, look: impl AsyncFnMut() -> Result<Look<T>>) -> Result<T> {
    poll_at(Pace { first: SOON, ..AWS }, deadline, what, look).await
}

/// As [`poll`], for what takes minutes and is asked of GitHub: from one second to fifteen apart.
///
/// # Errors
/// As [`poll`].
pub async fn poll_github<T>(deadline: &Deadline, what: &str, look: impl AsyncFnMut() -> Result<Look<T>>) -> Result<T> {
    poll_at(GITHUB, deadline, what, look).await
}

async fn poll_at<T>(
    pace: Pace,
    deadline: &Deadline,
    what: &str,
    mut look: impl AsyncFnMut() -> Result<Look<T>>,
) -> Result<T> {
    let began = deadline.at_most(deadline.remaining());
    let mut last = String::new();
    let mut pause = pace.first;
    // The second look comes at the same time, wherever the first one came.
    let mut second = Some(pace.shortest.saturating_sub(pace.first));
    loop {
        let looked = match deadline.sleep(pause).await {
            Ok(()) => look().await,
            Err(ended) => Err(ended.into()),
        };
        let state = match looked {
            Ok(Look::Done(done)) => return Ok(done),
            Ok(Look::NotYet(state)) => state,
            // Where the time passes in the middle of a look, what it was spent on is what the others saw.
            Err(error) if Ended::by_deadline(&error) => {
                let (waited, colon) = (human_duration(began.elapsed()), if last.is_empty() { "" } else { ": " });
                return Err(error.context(format!("waited {waited} for {what}{colon}{last}")));
            }
            Err(error) => return Err(error),
        };
        if state != last {
            tracing::info!(
                "waiting for {what}: {state} ({} elapsed, {} left)",
                human_duration(began.elapsed()),
                human_duration(deadline.remaining())
            );
            last = state;
        }
        pause = second.take().unwrap_or_else(|| (began.elapsed() / 10).clamp(pace.shortest, pace.longest));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    /// How late the end of what takes this long is seen, and the looks until then, or of the first minute.
    async fn waited(pace: Pace, takes: Duration) -> (Duration, u32) {
        let (deadline, _cancel) = Deadline::new(Duration::from_mins(90));
        let begin = Instant::now();
        let mut looks = 0;
        poll_at(pace, &deadline, "it", async || {
            looks += u32::from(begin.elapsed() < takes.max(Duration::from_mins(1)));
            Ok(if begin.elapsed() >= takes { Look::Done(()) } else { Look::NotYet(String::new()) })
        })
        .await
        .unwrap();
        (begin.elapsed().saturating_sub(takes), looks)
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_is_seen_within_half_a_second_or_a_tenth_and_with_39_looks_a_minute() {
        for first in [Duration::ZERO, SOON] {
            let pace = Pace { first, ..AWS };
            for takes in [0, 40, 300, 1000, 3000, 6000, 20_000, 59_000, 200_000].map(Duration::from_millis) {
                let (late, looks) = waited(pace, takes).await;
                let allowed = (takes / 10).clamp(Duration::from_millis(500), Duration::from_secs(3));
                assert!(late <= allowed, "{takes:?}: {late:?} late");
                assert!(takes > Duration::from_mins(1) || looks <= 39, "{takes:?}: {looks} looks");
            }
            assert_eq!(waited(pace, Duration::ZERO).await, (first, 1));
            // docs/performance.md tells this number.
            assert_eq!(waited(pace, Duration::from_mins(1)).await.1, 39);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn github_is_asked_less_often() {
        for takes in [0, 1, 7, 100, 600, 3000].map(Duration::from_secs) {
            let (late, _) = waited(GITHUB, takes).await;
            assert!(
                late <= (takes / 10).clamp(Duration::from_secs(1), Duration::from_secs(15)),
                "{takes:?}: {late:?} late"
            );
        }
        // docs/performance.md tells these numbers.
        assert_eq!(waited(GITHUB, Duration::from_mins(10)).await.1, 69);
        assert_eq!(waited(GITHUB, Duration::from_hours(1)).await.1, 269);
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_ends_the_loop_with_the_last_state() {
        let (deadline, _cancel) = Deadline::new(Duration::from_secs(5));
        let error =
            poll::<()>(&deadline, "the update", async || Ok(Look::NotYet("InProgress".to_owned()))).await.unwrap_err();
        assert_eq!(error.downcast_ref::<Ended>(), Some(&Ended::Deadline));
        assert_eq!(error.to_string(), "waited 5s for the update: InProgress");
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_the_deadline_ends_is_told_as_the_wait_that_it_was() {
        let (deadline, _cancel) = Deadline::new(Duration::from_secs(5));
        let mut looks = 0;
        let look = async || {
            looks += 1;
            let takes = Duration::from_secs(if looks > 2 { 60 } else { 0 });
            deadline.read(tokio::time::sleep(takes)).await?;
            Ok(Look::<()>::NotYet("InProgress".to_owned()))
        };
        let error = poll(&deadline, "the update", look).await.unwrap_err();
        assert_eq!(error.downcast_ref::<Ended>(), Some(&Ended::Deadline));
        assert_eq!(error.to_string(), "waited 5s for the update: InProgress");
    }
}
