//! Addresses that are asked through the whole window, and another system that must show the release.

use std::time::Duration;

use super::finding::{Check, Finding};
use super::source::Probed;
use super::statistics::IN_A_ROW;
use crate::outcome::Verdict;
use crate::text::message;

/// An address, and how it answered.
#[derive(Debug)]
pub(super) struct Address {
    name: String,
    asked: u64,
    bad: u64,
    in_a_row: usize,
    last: Option<String>,
}

impl Address {
    pub(super) const fn new(name: String) -> Self {
        Self { name, asked: 0, bad: 0, in_a_row: 0, last: None }
    }

    /// Takes in what was wrong with an answer, if anything.
    pub(super) fn take(&mut self, problem: Option<String>) {
        self.asked += 1;
        match problem {
            None => self.in_a_row = 0,
            Some(problem) => {
                self.bad += 1;
                self.in_a_row += 1;
                tracing::info!("{}: {problem}; bad answer {} in a row", self.name, self.in_a_row);
                self.last = Some(problem);
            }
        }
    }

    /// Whether any answer was taken in.
    pub(super) const fn is_asked(&self) -> bool {
        self.asked > 0
    }

    /// Whether it is in the middle of a row of bad answers, of which nobody can say yet what it is.
    pub(super) const fn is_undecided(&self) -> bool {
        self.asked == 0 || self.in_a_row > 0 && self.in_a_row < IN_A_ROW
    }

    pub(super) fn finding(&self, is_end: bool) -> Option<Finding> {
        let last = self.last.as_deref().unwrap_or_default();
        let of = |verdict| Finding::new(Check::Url, format!("answers of {}", self.name), verdict, "HTTP");
        let required = format!("never {IN_A_ROW} bad answers in a row");
        if self.in_a_row >= IN_A_ROW {
            let observed = message!("bad-answers", "{} bad answers in a row, the last: {last}", self.in_a_row);
            return Some(
                of(Verdict::Fail)
                    .saw(observed, required)
                    .advise("ask it by hand, and compare with the log of the version"),
            );
        }
        is_end.then(|| {
            let bad = if self.bad == 0 { String::new() } else { format!(", the last: {last}") };
            of(Verdict::Pass).saw(format!("{} of {} answers were bad{bad}", self.bad, self.asked), required)
        })
    }
}

/// Another system that must show the release.
#[derive(Debug)]
pub(super) struct Shown {
    name: String,
    /// How long after the window it may still come.
    pub(super) grace: Duration,
    last: Option<Probed>,
}

impl Shown {
    pub(super) const fn new(name: String, grace: Duration) -> Self {
        Self { name, grace, last: None }
    }

    pub(super) fn take(&mut self, probed: Probed) {
        if self.last.as_ref() != Some(&probed) {
            let words = match &probed {
                Probed::Shown => "shows the release",
                Probed::NotYet(words) | Probed::Refused(words) => words,
            };
            tracing::info!("{}: {words}", self.name);
        }
        self.last = Some(probed);
    }

    pub(super) fn is_shown(&self) -> bool {
        self.last == Some(Probed::Shown)
    }

    /// Nothing yet is nothing bad: it may be late.
    pub(super) fn finding(&self, is_end: bool) -> Option<Finding> {
        let of = |verdict| Finding::new(Check::Probe, format!("probe of {}", self.name), verdict, "HTTP");
        let required = "shows the release";
        match &self.last {
            Some(Probed::Shown) => Some(of(Verdict::Pass).saw(required, required)),
            Some(Probed::NotYet(words)) => is_end.then(|| {
                of(Verdict::Inconclusive)
                    .saw(message!("probe-shows-nothing", "nothing of the release yet: {words}"), required)
                    .advise("give it more time (`grace`), or see whether requests came")
            }),
            Some(Probed::Refused(words)) => is_end.then(|| {
                of(Verdict::Error)
                    .saw(message!("probe-refused", "it could not be asked: {words}"), required)
                    .advise("see the `headers` of `probe`, and whether the runner reaches it")
            }),
            None => is_end.then(|| of(Verdict::Inconclusive).saw("it was not asked", required)),
        }
    }
}
