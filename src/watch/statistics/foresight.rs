//! What a gate will do, before it does: exactly, by following all courses of a watch look by look.

use super::binomial::exactly;
use super::{Division, Gate, Rule, Sample, Verdict};

/// How sure a bad release must be caught for a watch to be worth its name.
const POWER: f64 = 0.9;

/// Beyond so many requests no more are computed with: a bad release is caught for sure.
const MOST_REQUESTS: u64 = 2_000;

/// How often a gate decides what, for one true error rate. The three shares add up to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// It fails, at any look.
    pub fail: f64,
    /// It passes, proved or not.
    pub pass: f64,
    /// The last look cannot tell.
    pub inconclusive: f64,
    /// Of those that fail: the mean part of the window that passes before, 0 to 1. Without failures 1.
    pub time_to_fail: f64,
}

impl Outcome {
    /// Computes it for the requests that come before each look, after the look before. Without comparison.
    #[must_use]
    pub fn of(rule: Rule, division: Division, requests: &[u64], rate: f64) -> Self {
        let mut gate = Gate::new(rule, division);
        // How probable it is that the watch has come so far with so many errors.
        let mut courses = vec![1.0];
        let (mut seen, mut fail, mut time) = (0, 0.0, 0.0);
        for (look, arriving) in (1_u32..).zip(requests) {
            seen += arriving;
            let limit = gate.next_limit(seen).fails_from.unwrap_or(seen + 1);
            let next = after(&courses, *arriving, rate, limit);
            let failed = courses.iter().sum::<f64>() - next.iter().sum::<f64>();
            courses = next;
            fail += failed;
            time += failed * f64::from(look) / f64::from(division.looks);
        }
        let mut pass = 0.0;
        for (errors, probability) in (0..).zip(&courses) {
            if rule.at_the_end(Sample::new(seen, errors), division.alpha).is_pass() {
                pass += probability;
            }
        }
        let inconclusive = (1.0 - fail - pass).max(0.0);
        Self { fail, pass, inconclusive, time_to_fail: if fail > 0.0 { time / fail } else { 1.0 } }
    }
}

/// The probabilities of error counts below `limit`, after more requests.
fn after(courses: &[f64], arriving: u64, rate: f64, limit: u64) -> Vec<f64> {
    let mut next = Vec::new();
    for more in 0..=arriving.min(limit.saturating_sub(1)) {
        let probability = exactly(arriving, more, rate);
        for (errors, before) in (0..limit.saturating_sub(more)).zip(courses) {
            let place = usize::try_from(errors + more).unwrap_or(usize::MAX);
            if place >= next.len() {
                next.resize(place + 1, 0.0);
            }
            next[place] += before * probability;
        }
    }
    next
}

/// Whether the requests of a watch can decide: the input `require-power`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Foresight {
    /// The requests that one gate is expected to see: of its version, after weights, with synthetic ones.
    pub requests: u64,
    /// Whether a release without errors would pass.
    pub can_pass: bool,
    /// Whether a release without errors would be proved to be below the threshold.
    pub can_prove: bool,
    /// The error rate of the bad release that `catches` is about: five times the threshold, at least 5 %, and at most the middle between
    /// the threshold and 100 %.
    pub bad_rate: f64,
    /// How often a release with `bad_rate` would be failed, 0 to 1.
    pub catches: f64,
    /// The requests that are enough for both, in each gate.
    pub needed: u64,
}

impl Foresight {
    /// Looks ahead, for requests that are spread evenly over the window. Without comparison.
    #[must_use]
    pub fn of(rule: Rule, division: Division, requests: u64) -> Self {
        let mut needed = u64::from(division.looks).max(rule.min_samples);
        while !Self::at(rule, division, needed).decides() && needed < MOST_REQUESTS {
            needed += needed.div_ceil(20);
        }
        Self { needed, ..Self::at(rule, division, requests) }
    }

    /// Whether a good release would pass, and a bad one be caught in nine of ten cases.
    #[must_use]
    pub fn decides(&self) -> bool {
        self.can_pass && self.catches >= POWER
    }

    fn at(rule: Rule, division: Division, requests: u64) -> Self {
        let faultless = rule.at_the_end(Sample::new(requests, 0), division.alpha);
        let bad_rate = (rule.threshold * 5.0).max(0.05).min(f64::midpoint(rule.threshold, 1.0));
        let arriving = spread(requests.min(MOST_REQUESTS), division.looks);
        let catches = Outcome::of(rule, division, &arriving, bad_rate).fail;
        let can_prove = faultless == Verdict::Proved;
        Self { requests, can_pass: faultless.is_pass(), can_prove, bad_rate, catches, needed: requests }
    }
}

/// Requests spread evenly over looks.
fn spread(requests: u64, looks: u32) -> Vec<u64> {
    let until = |look: u32| requests * u64::from(look) / u64::from(looks);
    (1..=looks).map(|look| until(look) - until(look - 1)).collect()
}
