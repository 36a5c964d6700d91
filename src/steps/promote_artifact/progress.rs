//! How far a long copy is: at most one line a second, and only when something has moved.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::registry::Progress;
use crate::text::human_duration;

/// What is over sooner needs no account of how far it is.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many lines a copy has, however long it takes, but for one every ten seconds.
const LINES: u64 = 20;
const SELDOM: Duration = Duration::from_secs(10);

/// Does the work, and tells meanwhile how far it is.
pub(super) async fn beside<T>(work: impl Future<Output = T>, progress: &Progress, total: u64) -> T {
    let mut work = pin!(work);
    let began = Instant::now();
    let mut ticks = interval_at(began + PATIENCE, Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut told = (0, began);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            _ = ticks.tick() => {
                let moved = progress.bytes();
                let is_due = (moved.abs_diff(told.0)) * LINES >= total.max(1) || told.1.elapsed() >= SELDOM;
                if moved != told.0 && is_due {
                    told = (moved, Instant::now());
                    tracing::info!("{}", line(moved, total, began.elapsed()));
                }
            }
        }
    }
}

/// Bytes, rate, and what is left at that rate.
fn line(moved: u64, total: u64, took: Duration) -> String {
    let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
    let rate = moved.saturating_mul(1000) / milliseconds;
    let left = total.saturating_sub(moved).checked_div(rate).map(Duration::from_secs);
    let left = left.map(|left| format!(", about {} left", human_duration(left))).unwrap_or_default();
    let mega = |bytes: u64| format!("{}.{}", bytes / 1_000_000, bytes / 100_000 % 10);
    format!("copied {} of {} MB, {} MB/s{left}", mega(moved), mega(total), mega(rate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_what_was_moved_and_what_is_left() {
        let text = line(250_000_000, 1_000_000_000, Duration::from_secs(10));
        assert_eq!(text, "copied 250.0 of 1000.0 MB, 25.0 MB/s, about 30s left");
        assert_eq!(line(0, 10, Duration::ZERO), "copied 0.0 of 0.0 MB, 0.0 MB/s");
    }

    #[tokio::test(start_paused = true)]
    async fn the_work_is_not_held_up() {
        let progress = Progress::default();
        let done = beside(tokio::time::sleep(Duration::from_hours(1)), &progress, 10);
        assert!(tokio::time::timeout(Duration::from_mins(61), done).await.is_ok());
    }
}
