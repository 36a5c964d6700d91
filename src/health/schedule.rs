//! When to ask again: pure arithmetic.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether waits vary.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Jitter {
    /// Waits are exactly those of the schedule.
    #[default]
    None,
    /// Each wait is anything up to that of the schedule, so that many checks at once spread out.
    Full,
}

/// The waits between attempts: `base`, doubled after each failed attempt, at most `most`.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// The wait after the first failed attempt.
    pub base: Duration,
    /// The longest wait.
    pub most: Duration,
    /// Whether waits vary.
    pub jitter: Jitter,
    /// How many attempts there are.
    pub attempts: u32,
}

impl Schedule {
    /// The wait after failed attempt `number`, counted from 1, without jitter. `None` after the last.
    #[must_use]
    pub fn wait(&self, number: u32) -> Option<Duration> {
        (number < self.attempts).then(|| {
            let factor = 2_u32.saturating_pow(number.saturating_sub(1));
            self.base.saturating_mul(factor).min(self.most)
        })
    }

    /// The wait after failed attempt `number`: with jitter, and not shorter than what the server asked for (`Retry-After`),
    /// as far as the longest wait allows. `chance` is anything from 0 to 1.
    #[must_use]
    pub fn wait_as_asked(&self, number: u32, asked: Option<Duration>, chance: f64) -> Option<Duration> {
        let wait = self.wait(number)?;
        let wait = match self.jitter {
            Jitter::None => wait,
            Jitter::Full => wait.mul_f64(chance.clamp(0.0, 1.0)),
        };
        Some(asked.map_or(wait, |asked| wait.max(asked.min(self.most))))
    }

    /// All waits together, without jitter.
    #[must_use]
    pub fn all_waits(&self) -> Duration {
        (1..self.attempts).filter_map(|number| self.wait(number)).sum()
    }
}

/// What is left of a wait before a deadline, and whether the attempt after it is the last. Room is kept for that attempt: all of
/// `attempt`, but not more than half of what remains, so that a short deadline still ends with an attempt and not with a wait.
#[must_use]
pub fn shorten(wait: Duration, remaining: Duration, attempt: Duration) -> (Duration, bool) {
    let room = remaining.saturating_sub(attempt.min(remaining / 2));
    if wait <= room { (wait, false) } else { (room, true) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like};
    use crate::net::retry_after::retry_after;

    fn schedule(attempts: u32) -> Schedule {
        Schedule { base: Duration::from_secs(1), most: Duration::from_mins(1), jitter: Jitter::None, attempts }
    }

    fn waits(schedule: &Schedule) -> Vec<u64> {
        (1..=schedule.attempts).filter_map(|number| schedule.wait(number)).map(|wait| wait.as_secs()).collect()
    }

    #[test]
    fn fifteen_attempts_have_fourteen_waits_of_543_seconds() {
        let schedule = schedule(15);
        assert_eq!(waits(&schedule), [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60, 60, 60]);
        assert_eq!(schedule.all_waits(), Duration::from_secs(543));
    }

    #[test]
    fn five_attempts_have_four_waits() {
        assert_eq!(waits(&schedule(5)), [1, 2, 4, 8]);
        assert!(waits(&schedule(1)).is_empty());
    }

    #[test]
    fn no_number_of_attempts_overflows() {
        assert_eq!(schedule(1000).wait(999), Some(Duration::from_mins(1)));
    }

    #[test]
    fn retry_after_lengthens_a_wait_up_to_the_longest() {
        let asked = |seconds| schedule(15).wait_as_asked(3, Some(Duration::from_secs(seconds)), 0.5).unwrap().as_secs();
        assert_eq!([asked(0), asked(30), asked(3600)], [4, 30, 60]);
    }

    #[test]
    fn full_jitter_is_a_part_of_the_wait() {
        let schedule = Schedule { jitter: Jitter::Full, ..schedule(15) };
        let wait = |chance| schedule.wait_as_asked(5, None, chance).unwrap();
        assert_eq!([wait(0.0), wait(0.5), wait(1.0)], [0, 8, 16].map(Duration::from_secs));
    }

    #[test]
    fn a_wait_is_cut_so_that_one_more_attempt_fits_before_the_deadline() {
        let shortened = |wait, remaining, attempt| {
            let seconds = Duration::from_secs;
            let (wait, last) = shorten(seconds(wait), seconds(remaining), seconds(attempt));
            (wait.as_secs(), last)
        };
        assert_eq!(shortened(8, 30, 10), (8, false));
        assert_eq!(shortened(20, 30, 10), (20, false));
        assert_eq!(shortened(60, 30, 10), (20, true));
        assert_eq!(shortened(8, 10, 10), (5, true));
        assert_eq!(shortened(1, 4, 10), (1, false));
        assert_eq!(shortened(1, 0, 10), (0, true));
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_retry_after_is_read_or_passed_over(
            value in like(&["120", "Fri, 31 Dec 1999 23:59:59 GMT", "18446744073709551615", "-1"]),
            date in like(&["Fri, 31 Dec 1999 23:59:00 GMT"]),
        ) {
            let asked = retry_after(&value, Some(&date));
            for number in [1, 40, u32::MAX] {
                let wait = schedule(u32::MAX).wait_as_asked(number, asked, 1.0);
                prop_assert!(wait.is_none_or(|wait| wait <= Duration::from_mins(1)));
            }
        }
    }
}
