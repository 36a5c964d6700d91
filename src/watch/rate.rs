//! The error rate of one version by one source: counted from settled minutes, judged by [`statistics`](super::statistics).

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::alarms::clock;
use super::finding::{Check, Finding};
use super::readings::{Readings, count, minute_after, minute_of};
use super::statistics::{Division, Gate, Reading, Rule, Sample, Verdict as Decided};
use crate::aws::cloudwatch::Metric;
use crate::outcome::Verdict;
use crate::text::message;

/// Where metrics are read.
const SOURCE: &str = "cloudwatch:GetMetricData";

/// What is counted.
#[derive(Clone, Debug)]
pub struct Rate {
    /// E.g. `shop-api:live, version 42 (Lambda)`.
    pub name: String,
    /// All requests.
    pub requests: Metric,
    /// Those that failed.
    pub errors: Metric,
    /// What it is compared with.
    pub previous: Option<Previous>,
    /// False where the metric does not tell versions apart: then the minute of the release belongs to neither.
    pub per_version: bool,
}

/// The requests that the previous version served.
#[derive(Clone, Debug)]
pub struct Previous {
    /// All of them.
    pub requests: Metric,
    /// Those that failed.
    pub errors: Metric,
    /// Whether it is the window of the same length before the release, and not the same minutes.
    pub is_before: bool,
    /// Whether it counts, or is only shown.
    pub is_compared: bool,
}

/// How it is judged.
#[derive(Clone, Copy, Debug)]
pub struct RateRules {
    /// By which statistic, and above which rate it fails.
    pub rule: Rule,
    /// Above which rate the previous version is put back, 0 to 1.
    pub rollback_above: f64,
    /// How the allowed error is divided.
    pub division: Division,
}

/// A rate while it is watched.
#[derive(Debug)]
pub(super) struct RateGate {
    rate: Rate,
    rules: RateRules,
    gate: Gate,
    rollback_gate: Gate,
    numbers: [usize; 2],
    previous: Option<([usize; 2], (i64, i64))>,
    from: i64,
    /// When the looks end that are still to come, the next one last.
    looks: Vec<OffsetDateTime>,
    taken: Vec<Taken>,
    late: Option<String>,
}

/// A look that was taken: what it decided stays.
#[derive(Clone, Debug)]
struct Taken {
    end: OffsetDateTime,
    at: OffsetDateTime,
    reading: Reading,
    previous: Option<Sample>,
    rolls_back: bool,
}

impl RateGate {
    pub(super) fn new(
        rate: Rate,
        rules: RateRules,
        window: (OffsetDateTime, Duration),
        readings: &mut Readings,
    ) -> Self {
        let (since, length) = window;
        let from = if rate.per_version { minute_of(since) } else { minute_after(since) };
        let mut looks: Vec<_> = rules.rule.statistic.looks(length).into_iter().map(|at| since + at).collect();
        looks.reverse();
        let numbers = [&rate.requests, &rate.errors].map(|metric| readings.number_of(metric));
        let previous = rate.previous.as_ref().map(|previous| {
            let numbers = [&previous.requests, &previous.errors].map(|metric| readings.number_of(metric));
            let before = (minute_of(since - length), minute_of(since));
            (numbers, if previous.is_before { before } else { (from, i64::MAX) })
        });
        let rollback = Rule { threshold: rules.rollback_above, ..rules.rule };
        Self {
            gate: Gate::new(rules.rule, rules.division),
            rollback_gate: Gate::new(rollback, rules.division),
            rate,
            rules,
            numbers,
            previous,
            from,
            looks,
            taken: Vec::new(),
            late: None,
        }
    }

    /// Takes the looks whose minutes no longer change.
    pub(super) fn look(&mut self, readings: &Readings) {
        self.note_late(readings);
        while let Some(end) = self.looks.last().copied() {
            let Some(sample) = counted(readings, self.numbers, (self.from, i64::MAX), end) else { return };
            let previous = match self.previous {
                None => None,
                Some((numbers, (from, until))) => match counted(readings, numbers, (from, until), end) {
                    Some(sample) => Some(sample),
                    None => return,
                },
            };
            self.looks.pop();
            let compared = previous.filter(|_| self.rate.previous.as_ref().is_some_and(|one| one.is_compared));
            let reading = self.gate.look(sample, compared);
            let rolls_back = self.rollback_gate.look(sample, compared).verdict == Decided::Fail;
            let at = readings.read_at().unwrap_or(OffsetDateTime::UNIX_EPOCH);
            tracing::info!("look {} at the error rate of {}: {}", reading.look, self.rate.name, words(&reading));
            let is_over = reading.verdict == Decided::Fail;
            self.taken.push(Taken { end, at, reading, previous, rolls_back });
            if is_over && rolls_back {
                self.looks.clear();
            }
        }
    }

    /// What came late into minutes that were decided on is told, and reverses nothing.
    fn note_late(&mut self, readings: &Readings) {
        let Some(taken) = self.taken.last().filter(|_| self.late.is_none()) else { return };
        let Some(now) = counted(readings, self.numbers, (self.from, i64::MAX), taken.end) else { return };
        let then = taken.reading.sample;
        if now != then {
            self.late = Some(message!(
                "late-data",
                "after look {} more came into its minutes: {} of {} requests failed, then {} of {}; what was decided stays",
                taken.reading.look,
                then.errors(),
                then.requests(),
                now.errors(),
                now.requests()
            ));
        }
    }

    /// The look that failed it, else the last one.
    fn deciding(&self) -> Option<&Taken> {
        let failed = self.taken.iter().find(|taken| taken.reading.verdict == Decided::Fail && taken.rolls_back);
        let failed = failed.or_else(|| self.taken.iter().find(|taken| taken.reading.verdict == Decided::Fail));
        failed.or_else(|| self.taken.last())
    }

    /// What it decided, once it has.
    pub(super) fn finding(&self) -> Option<Finding> {
        let taken = self.deciding().filter(|taken| taken.reading.verdict == Decided::Fail || self.looks.is_empty())?;
        let reading = &taken.reading;
        let verdict = match reading.verdict {
            Decided::Fail => Verdict::Fail,
            Decided::Proved | Decided::NotProved => Verdict::Pass,
            Decided::NotYet => return None,
            Decided::NoRequests | Decided::TooFew | Decided::MayBeChance | Decided::NotThisRelease => {
                Verdict::Inconclusive
            }
        };
        let name = format!("error rate of {}", self.rate.name);
        let mut observed = words(reading);
        if let Some(previous) = taken.previous {
            let when = if self.rate.previous.as_ref().is_some_and(|one| one.is_before) {
                "before the release"
            } else {
                "in the same minutes"
            };
            let (errors, requests) = (previous.errors(), previous.requests());
            observed = format!("{observed}; the previous version {when}: {errors} of {requests}");
        }
        let finding = Finding::new(Check::ErrorRate, name, verdict, SOURCE).saw(observed, self.required(reading));
        let finding =
            Finding { rolls_back: verdict == Verdict::Fail && taken.rolls_back, warns: self.late.clone(), ..finding };
        Some(match reading.verdict {
            Decided::NoRequests | Decided::TooFew | Decided::MayBeChance => Finding { wants_requests: true, ..finding },
            Decided::NotThisRelease => {
                finding.advise("look at what both versions use: a database, an API of others, a network")
            }
            Decided::Fail => finding.advise("see the errors in its log"),
            _ => finding,
        })
    }

    fn required(&self, reading: &Reading) -> String {
        let most = percent(self.rules.rule.threshold);
        match (reading.fails_from, reading.level) {
            (Some(errors), Some(level)) => {
                format!("at most {most}: fails from {errors} errors among so many (level {level:.4})")
            }
            (Some(errors), None) => format!("at most {most}: fails from {errors} errors among so many"),
            (None, _) => format!("at most {most}: so few requests cannot fail it"),
        }
    }

    /// Whether all looks were taken.
    pub(super) fn is_done(&self) -> bool {
        self.looks.is_empty()
    }

    /// The numbers of the decision, or the latest.
    pub(super) fn figures(&self, readings: &Readings) -> (Sample, Option<f64>) {
        let latest = || {
            let [requests, errors] = self.numbers.map(|number| count(&readings.latest(number, (self.from, i64::MAX))));
            (Sample::new(requests, errors), None)
        };
        self.deciding().map_or_else(latest, |taken| (taken.reading.sample, Some(taken.reading.p_value)))
    }

    /// Minute by minute: requests and errors, as they were read last.
    pub(super) fn minutes(&self, readings: &Readings) -> BTreeMap<i64, (u64, u64)> {
        let until = self.taken.last().map_or(i64::MAX, |taken| minute_after(taken.end));
        let [requests, errors] = self.numbers.map(|number| readings.latest(number, (self.from, until)));
        let one = |points: &BTreeMap<i64, f64>, minute| {
            count(&points.range(minute..=minute).map(|(at, value)| (*at, *value)).collect())
        };
        requests
            .keys()
            .chain(errors.keys())
            .map(|minute| (*minute, (one(&requests, *minute), one(&errors, *minute))))
            .collect()
    }

    pub(super) fn name(&self) -> &str {
        &self.rate.name
    }

    /// Every number the decision used, with query, period and time.
    pub(super) fn evidence(&self, readings: &Readings) -> Value {
        let look = |taken: &Taken| {
            let Taken { end, at, reading, previous, rolls_back } = taken;
            json!({
                "look": reading.look, "until": clock(*end), "read-at": clock(*at), "requests": reading.sample.requests(),
                "errors": reading.sample.errors(), "p-value": rounded(reading.p_value), "level": reading.level.map(rounded), "fails-from": reading.fails_from,
                "upper-bound": rounded(reading.upper_bound), "p-value-of-comparison": reading.p_value_of_comparison.map(rounded),
                "previous": previous.map(|one| json!({"requests": one.requests(), "errors": one.errors()})),
                "decision": format!("{:?}", reading.verdict), "rolls-back": rolls_back,
            })
        };
        let minutes = self.minutes(readings);
        json!({
            "what": format!("error rate of {}", self.rate.name),
            "queries": [self.rate.requests.to_string(), self.rate.errors.to_string()],
            "compared-with": self.rate.previous.as_ref().map(|one| [one.requests.to_string(), one.errors.to_string()]),
            "period-seconds": 60, "from": timestamp(self.from), "alpha": self.rules.division.to_string(),
            "looks": self.taken.iter().map(look).collect::<Vec<_>>(),
            "minutes": minutes.iter().map(|(at, (requests, errors))| json!([timestamp(*at), requests, errors])).collect::<Vec<_>>(),
            "late": self.late,
        })
    }
}

/// What was counted in these minutes, but not after a moment, once that no longer changes.
fn counted(readings: &Readings, numbers: [usize; 2], minutes: (i64, i64), end: OffsetDateTime) -> Option<Sample> {
    let minutes = (minutes.0, minutes.1.min(minute_after(end)));
    let end = end.unix_timestamp();
    let [requests, errors] = numbers.map(|number| readings.settled(number, minutes, end).map(|points| count(&points)));
    Some(Sample::new(requests?, errors?))
}

fn words(reading: &Reading) -> String {
    let sample = reading.sample;
    let Some(rate) = sample.rate() else { return "no requests".to_owned() };
    let told = match reading.verdict {
        Decided::Fail => message!("rate-too-high", "more than chance explains, {}", probability(reading.p_value)),
        Decided::NotYet => format!("goes on, {}", probability(reading.p_value)),
        Decided::Proved => format!("proved: the true rate is below {}", percent(reading.upper_bound)),
        Decided::NotProved => format!("not proved: the true rate may be up to {}", percent(reading.upper_bound)),
        Decided::NoRequests => "no requests".to_owned(),
        Decided::TooFew => format!("too few requests to tell, {}", probability(reading.p_value)),
        Decided::MayBeChance => format!("above the limit, and may be chance, {}", probability(reading.p_value)),
        Decided::NotThisRelease => {
            message!("not-this-release", "the previous version fails as often: it is not this release")
        }
    };
    format!("{} of {} requests failed ({}): {told}", sample.errors(), sample.requests(), percent(rate))
}

/// A share as it is written down: nine digits are enough for everybody.
fn rounded(share: f64) -> f64 {
    (share * 1e9).round() / 1e9
}

/// `2.5%`.
pub(super) fn percent(share: f64) -> String {
    let tenths = (share * 1000.0).round() / 10.0;
    format!("{tenths}%")
}

fn timestamp(seconds: i64) -> String {
    OffsetDateTime::from_unix_timestamp(seconds).map(clock).unwrap_or_default()
}

/// `p=0.0123`; one that rounds to nothing is only smaller than that.
fn probability(p: f64) -> String {
    if p < 0.0001 { "p<0.0001".to_owned() } else { format!("p={p:.4}") }
}
