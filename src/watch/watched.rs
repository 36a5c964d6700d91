//! What the watch saw.

use serde_json::Value;

use super::chart::Minutes;
use super::finding::Finding;
use super::statistics::Sample;
use crate::outcome::Verdict;

/// What the watch saw.
#[derive(Debug, Default)]
pub struct Watched {
    /// What each check found, those that decided it first.
    pub findings: Vec<Finding>,
    /// How an alias was found that somebody else moved.
    pub superseded: Option<String>,
    /// Whether it ended before the window was over and late metrics had come.
    pub is_early: bool,
    /// The numbers of the rate that decided it: requests, errors, and how probable so many are at the threshold.
    pub rate: Option<(Sample, Option<f64>)>,
    /// Minute by minute, by the name of the rate: requests and errors.
    pub minutes: Vec<(String, Minutes)>,
    /// Every number that was used.
    pub evidence: Vec<Value>,
}

impl Watched {
    /// The one verdict of all checks.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.superseded.is_some() {
            return Verdict::Superseded;
        }
        let verdicts = self.findings.iter().map(|finding| finding.verdict);
        Verdict::worst(verdicts).unwrap_or(Verdict::Skipped)
    }

    /// Whether a failure is bad enough to put the previous version back.
    #[must_use]
    pub fn rolls_back(&self) -> bool {
        self.findings.iter().any(|finding| finding.verdict == Verdict::Fail && finding.rolls_back)
    }

    /// Whether more requests would decide what is inconclusive.
    #[must_use]
    pub fn wants_requests(&self) -> bool {
        self.findings.iter().any(|finding| finding.wants_requests)
    }

    /// The finding that tells why: the first of the worst.
    #[must_use]
    pub fn deciding(&self) -> Option<&Finding> {
        let worst = self.verdict();
        self.findings.iter().find(|finding| finding.verdict == worst)
    }
}

/// Worst first.
pub(super) fn rank(verdict: Verdict) -> usize {
    let order =
        [Verdict::Skipped, Verdict::Pass, Verdict::Inconclusive, Verdict::Fail, Verdict::Superseded, Verdict::Error];
    order.iter().position(|one| *one == verdict).unwrap_or(order.len())
}
