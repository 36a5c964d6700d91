//! How sure a verdict about an error rate is: pure functions of counts, nothing else of the crate.
//!
//! A *gate* judges the error rate of one function by one source, during one watch or one increment of a canary. It takes at most
//! [`MOST_LOOKS`] looks at the counts so far. How it judges:
//!
//! - *Failing.* [`Statistic::Exact`] fails a release when so many errors would come with a probability below the look's level, if the true
//!   rate were exactly the threshold (one-sided exact binomial test). `alpha` is what may be spent by the whole step; every gate has an
//!   equal part of it, and of that part every look an equal share. What a look cannot use, since errors are whole numbers, is left to the
//!   gate's next look. The probabilities of all looks of all gates add up to less than `alpha` (the union bound), however the requests are
//!   spread over the looks: so a release that is exactly at the threshold is failed in at most `alpha` of all cases.
//! - *Passing* is decided at the last look only, and not divided: a release passes when all its gates do, so that a bad one is not passed
//!   more easily by looking at more of it (intersection-union test, Berger 1982).
//! - Two thresholds for the same counts, one that fails and a higher one that also rolls back, are two gates with the same division: who
//!   reaches the higher one has reached the lower one, so that the bound holds at each of them.
//! - The calculation takes requests for independent, and their number for unrelated to how they end. Errors that come in bursts, or one
//!   failing event that is retried, weigh more than they should.
//!
//! The bounds are proved in `statistics/tests`, exactly and by simulation. `docs/monitoring.md` shows the tables.
//!
//! ```text
//! let rule = Rule { statistic: Statistic::Exact, threshold: 0.05, min_samples: 20 };
//! let looks = rule.statistic.looks(window);       // when to look, after the start of the window
//! let division = Division { alpha: 0.05, gates: 1, functions: 1, sources: 1, looks: /* how many */ };
//! let mut gate = Gate::new(rule, division);
//! let reading = gate.look(sample, previous);      // at each of them; a failure ends the watch
//! ```

mod binomial;
mod foresight;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

pub use self::foresight::{Foresight, Outcome};

/// The most decision looks of a gate. Each look has its share of `alpha`, and with small shares more errors are needed: with ten looks a
/// release with 25 % errors is no longer caught in 99 % of cases within 60 requests.
pub const MOST_LOOKS: u32 = 5;

/// What is in a row when it cannot be chance any more: minutes above the limit of latency, bad answers of a URL.
pub const IN_A_ROW: usize = 3;

/// How an error rate is judged: the input `statistic`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// One-sided exact binomial test at each of at most [`MOST_LOOKS`] looks.
    Exact,
    /// A test that may be looked at every minute: it fails when the counts are `1 / level` times more likely under higher rates than at
    /// the threshold (a mixture of likelihood ratios, "anytime-valid": Ville 1939; Robbins 1970; Johari and others 2015). No level is
    /// divided by looks. It needs more errors than [`Self::Exact`] at the same count, and suits long watches.
    Anytime,
    /// The rate is above the threshold, at a look with `min-samples` or more: no bound on anything.
    Naive,
}

impl Statistic {
    /// When a gate is looked at, counted from the start of the window; the last is the end of the window. Metrics come by the minute, so
    /// that there is no more than one look a minute, and always one.
    #[must_use]
    pub fn looks(self, window: Duration) -> Vec<Duration> {
        let minutes = u32::try_from(window.as_secs() / 60).unwrap_or(u32::MAX).max(1);
        let looks = if self == Self::Anytime { minutes } else { minutes.min(MOST_LOOKS) };
        (1..=looks).map(|look| window.mul_f64(f64::from(look) / f64::from(looks))).collect()
    }
}

/// What an error rate is judged by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    /// By which test.
    pub statistic: Statistic,
    /// The error rate that is still allowed, 0 to 1. With 0, one error fails.
    pub threshold: f64,
    /// With fewer requests, a rate below the threshold is no pass unless it is proved, [`Statistic::Naive`] decides nothing, and a
    /// previous version is no comparison. It does not keep the other statistics from failing.
    pub min_samples: u64,
}

/// How `alpha` is divided. Shown, it is the sentence for the summary.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Division {
    /// How often the whole step may fail a release that is exactly at the threshold: above 0, at most 0.5.
    pub alpha: f64,
    /// Increments of a canary that are judged; 1 without.
    pub gates: u32,
    /// Functions that are judged.
    pub functions: u32,
    /// Sources of error rates of each function.
    pub sources: u32,
    /// Looks of each gate.
    pub looks: u32,
}

impl Division {
    /// The part of `alpha` that one function has by one source in one gate.
    #[must_use]
    pub fn part(&self) -> f64 {
        self.alpha / (f64::from(self.gates) * f64::from(self.functions) * f64::from(self.sources))
    }

    /// The share of one look.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.part() / f64::from(self.looks)
    }
}

impl fmt::Display for Division {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let factors = [
            (self.gates, "gate", "gates"),
            (self.functions, "function", "functions"),
            (self.sources, "source", "sources"),
            (self.looks, "look", "looks"),
        ];
        write!(f, "{} / (", self.alpha)?;
        for (place, (count, one, many)) in factors.into_iter().enumerate() {
            let times = if place == 0 { "" } else { " × " };
            write!(f, "{times}{count} {}", if count == 1 { one } else { many })?;
        }
        write!(f, ") = {}", (self.share() * 1e8).round() / 1e8)
    }
}

/// What was counted since the start of the window, in data that no longer changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    requests: u64,
    errors: u64,
}

impl Sample {
    /// Requests, and those of them that failed. An error whose request was not counted is a request too.
    #[must_use]
    pub const fn new(requests: u64, errors: u64) -> Self {
        Self { requests: if requests < errors { errors } else { requests }, errors }
    }

    /// All requests, the failed ones too.
    #[must_use]
    pub const fn requests(self) -> u64 {
        self.requests
    }

    /// The requests that failed.
    #[must_use]
    pub const fn errors(self) -> u64 {
        self.errors
    }

    /// The share of requests that failed, 0 to 1. Without requests there is none.
    #[must_use]
    pub fn rate(self) -> Option<f64> {
        (self.requests > 0).then(|| binomial::real(self.errors) / binomial::real(self.requests))
    }

    fn is_above(self, threshold: f64) -> bool {
        self.rate().is_some_and(|rate| rate > threshold)
    }
}

/// What a look decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// More errors than the threshold explains. It ends the watch; what comes later does not undo it.
    Fail,
    /// Not the last look, and no failure.
    NotYet,
    /// Last look: the rate is below the threshold with a confidence of `1 - alpha`.
    Proved,
    /// Last look: the rate is not above the threshold, among `min-samples` or more requests, which do not prove it.
    NotProved,
    /// Last look: there were no requests.
    NoRequests,
    /// Last look: too few requests to tell.
    TooFew,
    /// Last look: the rate is above the threshold, and by so little that it can be chance.
    MayBeChance,
    /// Last look: too many errors, and the previous version has as many: it is not this release.
    NotThisRelease,
}

impl Verdict {
    /// The watch is over, and the rate is good.
    #[must_use]
    pub const fn is_pass(self) -> bool {
        matches!(self, Self::Proved | Self::NotProved)
    }

    /// The watch is over and nothing can be said.
    #[must_use]
    pub const fn is_inconclusive(self) -> bool {
        matches!(self, Self::NoRequests | Self::TooFew | Self::MayBeChance | Self::NotThisRelease)
    }
}

/// One look, with every number that it used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// Which look it was, from 1.
    pub look: u32,
    /// What was counted.
    pub sample: Sample,
    /// The probability of so many errors at the threshold, 0 to 1 (for [`Statistic::Anytime`] its bound, which holds at all looks together).
    pub p_value: f64,
    /// What it had to be below to fail; none for [`Statistic::Naive`].
    pub level: Option<f64>,
    /// The fewest errors that would have failed, or none: so few requests cannot.
    pub fails_from: Option<u64>,
    /// The highest true error rate that the counts allow, with a confidence of `1 - alpha`, 0 to 1.
    pub upper_bound: f64,
    /// With a comparison: the probability that chance alone puts so many of the errors on the new version.
    pub p_value_of_comparison: Option<f64>,
    /// What follows.
    pub verdict: Verdict,
}

/// The error rate of one function by one source, in one watch or one increment of a canary: looked at several times.
#[derive(Clone, Debug)]
pub struct Gate {
    rule: Rule,
    division: Division,
    /// Looks that were taken.
    taken: u32,
    /// What they have spent of the gate's part of `alpha`.
    spent: f64,
}

/// How many errors a look lets through.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Limit {
    level: Option<f64>,
    fails_from: Option<u64>,
}

impl Gate {
    /// A gate before its first look.
    #[must_use]
    pub const fn new(rule: Rule, division: Division) -> Self {
        Self { rule, division, taken: 0, spent: 0.0 }
    }

    /// Looks at all that was counted since the start, and at what the previous version had in the same minutes, or before. The two may
    /// differ in number, as the weights of an alias make them: the comparison takes both counts as they are.
    ///
    /// A look after the last one, for data that came late, judges like the last one, and has only what is left of `alpha`.
    pub fn look(&mut self, sample: Sample, previous: Option<Sample>) -> Reading {
        let limit = self.next_limit(sample.requests);
        let p_value_of_comparison =
            previous.map(|old| binomial::fisher((sample.requests, sample.errors), (old.requests, old.errors)));
        let too_many = limit.fails_from.is_some_and(|errors| sample.errors >= errors);
        let is_last = self.taken >= self.division.looks;
        let verdict = match too_many {
            true if !self.is_excused(previous, p_value_of_comparison) => Verdict::Fail,
            _ if !is_last => Verdict::NotYet,
            true => Verdict::NotThisRelease,
            false => self.rule.at_the_end(sample, self.division.alpha),
        };
        Reading {
            look: self.taken,
            sample,
            p_value: self.rule.p_value(sample.requests, sample.errors),
            level: limit.level,
            fails_from: limit.fails_from,
            upper_bound: binomial::upper_bound(sample.requests, sample.errors, self.division.alpha),
            p_value_of_comparison,
            verdict,
        }
    }

    /// The limit of the next look, given the requests that it sees, and takes that look.
    fn next_limit(&mut self, requests: u64) -> Limit {
        self.taken += 1;
        let counted = f64::from(self.taken.min(self.division.looks));
        let level = match self.rule.statistic {
            Statistic::Exact => {
                Some((self.division.part() * counted / f64::from(self.division.looks) - self.spent).max(0.0))
            }
            Statistic::Anytime => Some(self.division.part()),
            Statistic::Naive => None,
        };
        let fails_from = first(requests, |errors| self.rule.is_too_many(requests, errors, level));
        if let (Statistic::Exact, Some(errors)) = (self.rule.statistic, fails_from) {
            self.spent += binomial::at_least(requests, errors, self.rule.threshold);
        }
        Limit { level, fails_from }
    }

    /// Whether the previous version explains the errors: it had enough requests, it is above the threshold as well, and the new one is
    /// not clearly worse. A good or an unseen previous version excuses nothing, so that a comparison only ever prevents a failure.
    fn is_excused(&self, previous: Option<Sample>, p_value: Option<f64>) -> bool {
        previous.is_some_and(|old| old.requests >= self.rule.min_samples && old.is_above(self.rule.threshold))
            && p_value.is_some_and(|p_value| !is_below(p_value, self.division.share()))
    }
}

impl Rule {
    /// What [`Reading::p_value`] is.
    fn p_value(&self, requests: u64, errors: u64) -> f64 {
        match self.statistic {
            Statistic::Anytime => binomial::evidence(requests, errors, self.threshold).recip().min(1.0),
            Statistic::Exact | Statistic::Naive => binomial::at_least(requests, errors, self.threshold),
        }
    }

    /// Whether so many errors fail. More errors never fail less.
    fn is_too_many(&self, requests: u64, errors: u64, level: Option<f64>) -> bool {
        match level {
            Some(level) => is_below(self.p_value(requests, errors), level),
            None => requests >= self.min_samples && Sample::new(requests, errors).is_above(self.threshold),
        }
    }

    /// The verdict of the last look, for errors that do not fail.
    fn at_the_end(&self, sample: Sample, alpha: f64) -> Verdict {
        let proves = binomial::at_most(sample.requests, sample.errors, self.threshold) < alpha;
        if sample.requests == 0 {
            Verdict::NoRequests
        } else if proves && self.statistic != Statistic::Naive {
            Verdict::Proved
        } else if sample.requests < self.min_samples {
            Verdict::TooFew
        } else if sample.is_above(self.threshold) {
            Verdict::MayBeChance
        } else {
            Verdict::NotProved
        }
    }
}

/// Whether [`IN_A_ROW`] of what was seen, one after the other, are bad: minutes above the limit of latency, answers of a URL. It is a matter
/// of fact, outside `alpha`. A minute without requests is not in the row and does not end it: leave it out.
#[must_use]
pub fn is_bad_in_a_row(bad: &[bool]) -> bool {
    bad.windows(IN_A_ROW).any(|row| row.iter().all(|bad| *bad))
}

/// Strictly below, beyond the rounding of `f64`: one error in one request has a probability of exactly 5 %, and must not fail at 5 %.
fn is_below(p_value: f64, level: f64) -> bool {
    p_value < level * (1.0 - 1e-9)
}

/// The fewest errors among `requests` that a rule says yes to, which says yes to more errors too.
fn first(requests: u64, is_yes: impl Fn(u64) -> bool) -> Option<u64> {
    if !is_yes(requests) {
        return None;
    }
    let (mut least, mut yes) = (0, requests);
    while least < yes {
        let middle = least.midpoint(yes);
        if is_yes(middle) {
            yes = middle;
        } else {
            least = middle + 1;
        }
    }
    Some(yes)
}
