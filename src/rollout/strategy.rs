//! How traffic moves from one version to the next: at once, or in increments that are each judged before the next one.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::action::inputs::{Span, input_value};

/// The share of the traffic that the new version gets, and for how long before it is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Increment {
    /// In percent, from 1 to 99.
    pub percent: u8,
    /// At least a second.
    pub time: Span,
}

impl Increment {
    /// The share, from 0 to 1, as Lambda's aliases take it.
    #[must_use]
    pub fn weight(self) -> f64 {
        f64::from(self.percent) / 100.0
    }
}

/// How the traffic moves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// All of it in one write.
    #[default]
    AllAtOnce,
    /// First this share for a while, then the rest.
    Canary(Increment),
    /// This share more each time.
    Linear(Increment),
    /// These shares, one after the other, then the rest.
    Steps(Vec<Increment>),
}

/// More increments than this are a mistake: each is judged by figures of its own, which takes traffic.
const MOST: usize = 20;

impl Strategy {
    /// What comes before the last write, which gives the new version all of the traffic.
    #[must_use]
    pub fn increments(&self) -> Vec<Increment> {
        match self {
            Self::AllAtOnce => Vec::new(),
            Self::Canary(one) => vec![*one],
            Self::Linear(one) => (one.percent..100)
                .step_by(usize::from(one.percent))
                .map(|percent| Increment { percent, ..*one })
                .collect(),
            Self::Steps(all) => all.clone(),
        }
    }

    /// How long all increments take together.
    #[must_use]
    pub fn time(&self) -> Duration {
        self.increments().iter().map(|one| one.time.0).sum()
    }
}

impl FromStr for Increment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "must be a share and a duration, `10% 5m`".to_owned();
        let mut words = text.split_whitespace();
        let (Some(share), Some(time), None) = (words.next(), words.next(), words.next()) else { return Err(wrong()) };
        let percent: u8 = share.strip_suffix('%').and_then(|number| number.parse().ok()).ok_or_else(wrong)?;
        let time: Span = time.parse().map_err(|_not_a_span| wrong())?;
        if !(1..=99).contains(&percent) {
            return Err("must be a share from 1% to 99%: all of the traffic comes after the last increment".to_owned());
        }
        if time.0.is_zero() {
            return Err("must be a share and how long it is watched, at least 1s".to_owned());
        }
        Ok(Self { percent, time })
    }
}

impl fmt::Display for Increment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}% {}", self.percent, self.time)
    }
}

impl FromStr for Strategy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let increment = |text: &str| text.parse::<Increment>();
        let strategy = match text.trim().split_once(char::is_whitespace) {
            None if text.trim() == "all-at-once" => Self::AllAtOnce,
            Some(("canary", one)) => Self::Canary(increment(one)?),
            Some(("linear", one)) => Self::Linear(increment(one)?),
            Some((share, _)) if share.ends_with('%') => {
                let lines = text.split(['\n', ',']).map(str::trim).filter(|line| !line.is_empty());
                Self::Steps(lines.map(increment).collect::<Result<_, _>>()?)
            }
            _ => {
                return Err(
                    "must be `all-at-once`, `canary 10% 5m`, `linear 10% 1m`, or lines of `<share> <duration>`"
                        .to_owned(),
                );
            }
        };
        let increments = strategy.increments();
        if increments.len() > MOST {
            return Err(format!("must have at most {MOST} increments, and has {}", increments.len()));
        }
        if !increments.is_sorted_by(|one, next| one.percent < next.percent) {
            return Err("must give the new version more with each line".to_owned());
        }
        Ok(strategy)
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AllAtOnce => f.write_str("all-at-once"),
            Self::Canary(one) => write!(f, "canary {one}"),
            Self::Linear(one) => write!(f, "linear {one}"),
            Self::Steps(all) => {
                let lines: Vec<String> = all.iter().map(ToString::to_string).collect();
                f.write_str(&lines.join(", "))
            }
        }
    }
}

input_value!(
    name Strategy,
    "`all-at-once`, `canary <share> <duration>`, `linear <share> <duration>`, or lines `<share> <duration>`",
    "canary 10% 5m"
);

#[cfg(test)]
mod tests {
    use proptest::proptest;

    use super::*;
    use crate::hostile::{config, like, reads_plainly};

    #[test]
    fn a_strategy_is_a_list_of_increments() {
        let table: [(&str, &[(u8, u64)]); 6] = [
            ("all-at-once", &[]),
            ("canary 10% 5m", &[(10, 300)]),
            ("linear 25% 1m", &[(25, 60), (50, 60), (75, 60)]),
            ("linear 40% 30s", &[(40, 30), (80, 30)]),
            ("1% 10m\n10% 5m\n50% 5m", &[(1, 600), (10, 300), (50, 300)]),
            ("10%  5m, 50% 1m", &[(10, 300), (50, 60)]),
        ];
        for (text, expected) in table {
            let strategy: Strategy = text.parse().unwrap();
            let found: Vec<_> = strategy.increments().iter().map(|one| (one.percent, one.time.0.as_secs())).collect();
            assert_eq!(found, expected, "{text}");
            assert_eq!(strategy.time().as_secs(), expected.iter().map(|(_, seconds)| seconds).sum::<u64>());
        }
    }

    #[test]
    fn what_is_no_strategy_says_how_one_is_written() {
        let table = [
            ("", "must be `all-at-once`"),
            ("blue-green", "must be `all-at-once`"),
            ("canary", "must be `all-at-once`"),
            ("canary 10%", "must be a share and a duration"),
            ("canary 0% 5m", "must be a share from 1% to 99%"),
            ("canary 100% 5m", "must be a share from 1% to 99%"),
            ("canary 10% 0s", "at least 1s"),
            ("linear 1% 1m", "at most 20 increments, and has 99"),
            ("50% 5m\n10% 5m", "more with each line"),
            ("10% 5m\n10% 5m", "more with each line"),
            ("10% 5m extra", "must be a share and a duration"),
        ];
        for (text, words) in table {
            let error = text.parse::<Strategy>().unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(text in like(&["canary 10% 5m", "linear 25% 1m", "1% 10m\n50% 5m"])) {
            reads_plainly::<Strategy>(&text);
        }
    }
}
