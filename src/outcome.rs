//! How a step ends: its verdict, its exit code and its reason. Verdicts, not booleans, travel through the code, and a refusal
//! travels by `?` like an error.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The verdict of a check or of a whole step.
///
/// "Could not tell" has verdicts of its own ([`Inconclusive`](Self::Inconclusive), [`Error`](Self::Error)), so that it is
/// never reported as fine and never as broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Done and proved.
    Pass,
    /// Nothing to do, and the reason says why.
    Skipped,
    /// Too little was gathered to judge.
    Inconclusive,
    /// Judged, and it is bad; or refused because a rule forbids it.
    Fail,
    /// Could not tell or could not do.
    Error,
    /// Somebody newer owns the target; nothing was written after that was seen.
    Superseded,
    /// SIGINT or SIGTERM ended the step.
    Cancelled,
}

impl Verdict {
    /// All verdicts, for documentation and tests.
    pub const ALL: [Self; 7] =
        [Self::Pass, Self::Skipped, Self::Inconclusive, Self::Fail, Self::Error, Self::Superseded, Self::Cancelled];

    /// The word written to the output `verdict`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Skipped => "skipped",
            Self::Inconclusive => "inconclusive",
            Self::Fail => "fail",
            Self::Error => "error",
            Self::Superseded => "superseded",
            Self::Cancelled => "cancelled",
        }
    }

    /// The sign before the word in the job summary.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Pass => "✅",
            Self::Skipped => "⏭️",
            Self::Inconclusive => "❔",
            Self::Fail => "❌",
            Self::Error => "🛑",
            Self::Superseded => "⏩",
            Self::Cancelled => "✋",
        }
    }

    /// True for the verdicts with which the job goes on.
    #[must_use]
    pub const fn is_good(self) -> bool {
        matches!(self, Self::Pass | Self::Skipped)
    }

    /// The one verdict of several functions or checks: `error`, `superseded`, `fail`, `inconclusive`, `pass`, `skipped`,
    /// the first that occurs. `None` for no verdicts at all.
    pub fn worst(verdicts: impl IntoIterator<Item = Self>) -> Option<Self> {
        verdicts.into_iter().max_by_key(|verdict| verdict.rank())
    }

    /// How bad it is beside others: the order of [`worst`](Self::worst).
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Skipped => 0,
            Self::Pass => 1,
            Self::Inconclusive => 2,
            Self::Fail => 3,
            Self::Superseded => 4,
            Self::Error => 5,
            Self::Cancelled => 6,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// How the process ends. The table stands in the README.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The step ended with its verdict.
    Judged(Verdict),
    /// Too little was gathered to judge, and the job is not to go on so.
    InconclusiveFails,
    /// The inputs were wrong; nothing was attempted.
    BadInput,
    /// The step failed and what served before could not be put back: **a bad version serves**.
    BadVersionServes,
    /// A signal ended the step: 2 for SIGINT, 15 for SIGTERM.
    Signal(i32),
}

impl Ending {
    /// The verdict that goes into the output.
    #[must_use]
    pub const fn verdict(self) -> Verdict {
        match self {
            Self::Judged(verdict) => verdict,
            Self::InconclusiveFails => Verdict::Inconclusive,
            Self::BadInput => Verdict::Error,
            Self::BadVersionServes => Verdict::Fail,
            Self::Signal(_) => Verdict::Cancelled,
        }
    }

    /// The exit code of the process.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Judged(Verdict::Pass | Verdict::Skipped | Verdict::Inconclusive) => 0,
            Self::Judged(Verdict::Fail) | Self::InconclusiveFails => 1,
            Self::BadInput => 2,
            Self::BadVersionServes => 3,
            Self::Judged(Verdict::Error) => 4,
            Self::Judged(Verdict::Superseded) => 5,
            Self::Judged(Verdict::Cancelled) => 130,
            Self::Signal(number) => 128_u8.saturating_add(u8::try_from(number).unwrap_or(0)),
        }
    }
}

/// How a step ended, in words.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The verdict and with it the exit code.
    pub ending: Ending,
    /// Why, in one line.
    pub reason: String,
    /// What to do about it, one item each.
    pub advice: Vec<String>,
}

impl Outcome {
    /// An outcome with this verdict.
    pub fn new(verdict: Verdict, reason: impl Into<String>) -> Self {
        Self { ending: Ending::Judged(verdict), reason: reason.into(), advice: Vec::new() }
    }

    /// Done and proved.
    pub fn pass(reason: impl Into<String>) -> Self {
        Self::new(Verdict::Pass, reason)
    }

    /// Nothing to do.
    pub fn skipped(reason: impl Into<String>) -> Self {
        Self::new(Verdict::Skipped, reason)
    }

    /// Judged bad, or refused by a rule.
    pub fn fail(reason: impl Into<String>) -> Self {
        Self::new(Verdict::Fail, reason)
    }

    /// Could not tell or could not do.
    pub fn error(reason: impl Into<String>) -> Self {
        Self::new(Verdict::Error, reason)
    }

    /// What an input names turned out to be wrong; nothing was attempted.
    pub fn bad_input(reason: impl Into<String>) -> Self {
        Self { ending: Ending::BadInput, reason: reason.into(), advice: Vec::new() }
    }

    /// Somebody newer owns the target.
    pub fn superseded(reason: impl Into<String>) -> Self {
        Self::new(Verdict::Superseded, reason)
    }

    /// Failed, and what served before could not be put back.
    pub fn bad_version_serves(reason: impl Into<String>) -> Self {
        Self { ending: Ending::BadVersionServes, reason: reason.into(), advice: Vec::new() }
    }

    /// The same with one more thing to do.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice.push(advice.into());
        self
    }

    /// The same with more things to do.
    #[must_use]
    pub fn advise_all(mut self, advice: impl IntoIterator<Item = String>) -> Self {
        self.advice.extend(advice);
        self
    }
}

/// Why a step ends before it is through.
#[derive(Debug)]
pub enum Stop {
    /// It was decided: a refusal, or nothing is left to do.
    Ended(Outcome),
    /// It could not be determined or done.
    Error(anyhow::Error),
}

/// What a part of a step returns: a refusal ends the step by `?`, as an error does.
pub type Step<T> = Result<T, Stop>;

impl From<Outcome> for Stop {
    fn from(outcome: Outcome) -> Self {
        Self::Ended(outcome)
    }
}

impl<E: Into<anyhow::Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precedence_is_error_superseded_fail_inconclusive_pass_skipped() {
        use Verdict::{Error, Fail, Inconclusive, Pass, Skipped, Superseded};
        let order = [Error, Superseded, Fail, Inconclusive, Pass, Skipped];
        for (place, worst) in order.into_iter().enumerate() {
            let rest = order[place..].iter().rev().copied();
            assert_eq!(Verdict::worst(rest), Some(worst));
        }
        assert_eq!(Verdict::worst([]), None);
    }

    #[test]
    fn exit_codes_are_those_of_the_contract() {
        let table = [
            (Ending::Judged(Verdict::Pass), 0),
            (Ending::Judged(Verdict::Skipped), 0),
            (Ending::Judged(Verdict::Inconclusive), 0),
            (Ending::Judged(Verdict::Fail), 1),
            (Ending::InconclusiveFails, 1),
            (Ending::BadInput, 2),
            (Ending::BadVersionServes, 3),
            (Ending::Judged(Verdict::Error), 4),
            (Ending::Judged(Verdict::Superseded), 5),
            (Ending::Signal(2), 130),
            (Ending::Signal(15), 143),
        ];
        for (ending, code) in table {
            assert_eq!(ending.code(), code, "{ending:?}");
        }
    }
}
