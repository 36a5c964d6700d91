//! The one poll loop: look, say what changed, wait a little longer each time, stop at the deadline.

use std::time::Duration;

use anyhow::Result;

use crate::deadline::{Deadline, Ended, shown};

/// What one look found.
#[derive(Debug)]
pub enum Look<T> {
    /// What was waited for.
    Done(T),
    /// Not yet; the text says how things stand, and is logged when it changes.
    NotYet(String),
}

/// Looks until done. The first look comes after a tenth of a second, for whoever waits has just looked or just written; later
/// ones a tenth of the time that has passed apart, at least half a second and at most three: under 40 looks in the first
/// minute, and the end is seen within half a second or a tenth of the wait.
///
/// # Errors
/// [`Ended`] when the deadline passes or the step is cancelled first, or whatever a look fails with.
pub async fn poll<T>(deadline: &Deadline, what: &str, mut look: impl AsyncFnMut() -> Result<Look<T>>) -> Result<T> {
    let began = deadline.at_most(deadline.remaining());
    let mut last = String::new();
    let mut pause = FIRST;
    loop {
        match deadline.sleep(pause).await {
            Ok(()) => {}
            Err(Ended::Deadline) => {
                return Err(anyhow::Error::new(Ended::Deadline)
                    .context(format!("waited {} for {what}: {last}", shown(began.elapsed()))));
            }
            Err(ended) => return Err(ended.into()),
        }
        let state = match look().await? {
            Look::Done(done) => return Ok(done),
            Look::NotYet(state) => state,
        };
        if state != last {
            tracing::info!(
                "waiting for {what}: {state} ({} elapsed, {} left)",
                shown(began.elapsed()),
                shown(deadline.remaining())
            );
            last = state;
        }
        pause = if pause == FIRST { SECOND } else { (began.elapsed() / 10).clamp(SHORTEST, LONGEST) };
    }
}

const FIRST: Duration = Duration::from_millis(100);
const SECOND: Duration = Duration::from_millis(400);
const SHORTEST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn an_end_is_seen_within_half_a_second_or_a_tenth_and_with_under_40_looks_a_minute() {
        for takes in [0, 40, 300, 1000, 3000, 6000, 20_000, 59_000, 200_000].map(Duration::from_millis) {
            let (deadline, _cancel) = Deadline::new(Duration::from_mins(10));
            let begin = Instant::now();
            let mut looks = 0;
            poll(&deadline, "it", async || {
                looks += u32::from(begin.elapsed() < Duration::from_mins(1));
                Ok(if begin.elapsed() >= takes { Look::Done(()) } else { Look::NotYet(String::new()) })
            })
            .await
            .unwrap();
            let late = begin.elapsed().saturating_sub(takes);
            let allowed = (takes / 10).clamp(Duration::from_millis(500), Duration::from_secs(3));
            assert!(late <= allowed, "{takes:?}: {late:?} late");
            assert!(looks < 40, "{takes:?}: {looks} looks");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_ends_the_loop_with_the_last_state() {
        let (deadline, _cancel) = Deadline::new(Duration::from_secs(5));
        let error =
            poll::<()>(&deadline, "the update", async || Ok(Look::NotYet("InProgress".to_owned()))).await.unwrap_err();
        assert_eq!(error.downcast_ref::<Ended>(), Some(&Ended::Deadline));
        assert_eq!(error.to_string(), "waited 5s for the update: InProgress");
    }
}
