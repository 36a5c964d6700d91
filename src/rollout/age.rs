//! How far back something is looked at: longer than any wait.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::action::inputs::{Span, input_value};

/// Ten years: GitHub is not older than that by much.
const MOST_DAYS: u64 = 3650;
const DAY: u64 = 24 * 3600;

/// A time in days, or in hours and less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Age(pub Duration);

impl Age {
    /// So many days.
    #[must_use]
    pub const fn days(days: u64) -> Self {
        Self(Duration::from_secs(days * DAY))
    }
}

impl FromStr for Age {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let days = text.strip_suffix('d').filter(|days| days.bytes().all(|byte| byte.is_ascii_digit()));
        let age = match days {
            Some(days) => days.parse().ok().filter(|days| *days <= MOST_DAYS).map(Self::days),
            None => text.parse::<Span>().ok().map(|span| Self(span.0)),
        };
        age.filter(|age| !age.0.is_zero()).ok_or_else(|| {
            format!("must be a number of days, `90d`, at most {MOST_DAYS}d, or a duration such as `12h`")
        })
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        if seconds.is_multiple_of(DAY) { write!(f, "{}d", seconds / DAY) } else { Span(self.0).fmt(f) }
    }
}

input_value!(name Age, "days, e.g. `90d`, or a duration", "90d");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_hours_are_read() {
        for (text, hours) in [("90d", 90 * 24), ("1d", 24), ("12h", 12), ("24h", 24)] {
            let age: Age = text.parse().unwrap();
            assert_eq!(age.0, Duration::from_secs(hours * 3600), "{text}");
            assert_eq!(age.to_string().parse(), Ok(age));
        }
        for wrong in ["", "d", "0d", "0s", "3651d", "90", "-1d", "1.5d", "90 d"] {
            assert!(wrong.parse::<Age>().is_err(), "{wrong}");
        }
    }
}
