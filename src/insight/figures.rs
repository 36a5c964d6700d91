//! The figures of deliveries: DORA's five (<https://dora.dev/guides/dora-metrics/>), and those that S001 asks for. Each with its
//! definition and with how many it is made of; one that cannot be known is none, never 0.

use std::collections::BTreeSet;

use serde::Serialize;
use time::{Duration, OffsetDateTime};

use super::branch::Branch;
use super::releases::{Outcome, Release};
use crate::record::Kind;
use crate::text::{bars, human_duration};

/// The time that is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Its beginning.
    pub since: OffsetDateTime,
    /// Its end.
    pub now: OffsetDateTime,
}

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// From 0 to 1.
    Rate,
    /// Seconds.
    Seconds,
    /// So many a week.
    PerWeek,
    /// A number.
    Count,
}

/// A figure.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Figure {
    /// As outputs name it.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// What it is.
    pub definition: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// The number; none where it cannot be known.
    pub value: Option<f64>,
    /// How many it is made of.
    pub n: usize,
    /// Why it cannot be known, or what was left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The same of each week, oldest first, where that says something.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub weeks: Vec<Option<f64>>,
}

/// All of them.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Figures {
    /// Deployments that were looked at, and have ended.
    pub deployments: usize,
    /// The beginning of the window, RFC 3339.
    pub since: String,
    /// In the order in which they are shown.
    pub figures: Vec<Figure>,
}

/// What can be known of something.
struct Known {
    value: Option<f64>,
    n: usize,
    note: Option<String>,
}

/// Names, titles, units and definitions, in the order in which they are shown.
const DEFINITIONS: [(&str, &str, Unit, &str); 10] = [
    (
        "deployment-frequency",
        "deployment frequency",
        Unit::PerWeek,
        "deployments that succeeded, a week; the jobs of one run are one",
    ),
    (
        "lead-time-median",
        "change lead time",
        Unit::Seconds,
        "from a commit to the end of the first deployment that brought it, the median of all commits",
    ),
    (
        "change-fail-rate",
        "change fail rate",
        Unit::Rate,
        "deployments that failed or were withdrawn, of those that were judged",
    ),
    (
        "recovery-median",
        "failed deployment recovery time",
        Unit::Seconds,
        "from a deployment that failed to the end of the next that succeeded, or of the rollback, at the same place, the median",
    ),
    ("rework-rate", "rework rate", Unit::Rate, "deployments that were not planned, of all"),
    (
        "success-rate",
        "success rate",
        Unit::Rate,
        "deployments that succeeded and were not withdrawn, of those that have ended",
    ),
    (
        "median-duration",
        "duration, median",
        Unit::Seconds,
        "from the first write of a deployment to its end, without the time in which it waited for an approval",
    ),
    ("p95-duration", "duration, 95 of 100", Unit::Seconds, "the same: 95 of 100 took no longer"),
    (
        "rollback-rate",
        "rollbacks",
        Unit::Rate,
        "rollbacks, by their records or because the commit is older than what served, for each deployment",
    ),
    (
        "health-retries-median",
        "health check retries",
        Unit::Count,
        "how often health-check-with-backoff asked again, the median of its checks",
    ),
];

impl Figures {
    /// The figures of releases, in the order in which they were made. Without a branch nothing is known of lead times.
    #[must_use]
    pub fn of(releases: &[Release], branch: Option<&Branch>, window: Window) -> Self {
        let inside: Vec<&Release> = releases.iter().filter(|one| one.made >= window.since).collect();
        let deploys: Vec<&Release> = inside.iter().copied().filter(|one| one.kind == Kind::Deploy).collect();
        let count = |outcome| deploys.iter().filter(|one| one.outcome == outcome).count();
        let [succeeded, failed, errored, abandoned] =
            [Outcome::Succeeded, Outcome::Failed, Outcome::Errored, Outcome::Abandoned].map(count);
        let ended = succeeded + failed + errored;
        let left_out = (abandoned > 0).then(|| format!("{abandoned} abandoned, which count for neither"));
        let recoveries = recoveries(&inside);
        let leads = branch.map(|branch| leads(&deploys, branch));
        let rollbacks = rollbacks(&inside, branch);
        let retries: Vec<f64> = inside.iter().flat_map(|one| &one.retries).map(|retries| as_number(*retries)).collect();
        let durations: Vec<Duration> = deploys.iter().filter_map(|one| one.worked).collect();
        let weeks = (window.now - window.since).as_seconds_f64() / WEEK.as_seconds_f64();
        let known = [
            Known {
                value: (succeeded > 0).then(|| size(succeeded) / weeks),
                n: succeeded,
                note: none(succeeded, "no deployment succeeded"),
            },
            leads.map_or_else(
                || Known { value: None, n: 0, note: Some("the commits could not be read".to_owned()) },
                |leads| {
                    spans(
                        &leads,
                        median,
                        "no deployment brought commits that are among the newest 100 of the default branch",
                    )
                },
            ),
            Known { note: left_out.clone(), ..rate(failed, succeeded + failed) },
            spans(&recoveries, median, "nothing failed that was recovered from"),
            Known { value: None, n: 0, note: Some("no record says that a deployment was not planned".to_owned()) },
            Known { note: left_out, ..rate(succeeded, ended) },
            spans(&durations, median, "no deployment has ended"),
            spans(&durations, p95, "no deployment has ended"),
            Known {
                value: (rollbacks > 0 && ended > 0).then(|| size(rollbacks) / size(ended)),
                n: ended,
                note: none(rollbacks, "no rollback is known; one by hand leaves no record"),
            },
            Known {
                value: median(&retries),
                n: retries.len(),
                note: none(retries.len(), "no record holds a health check"),
            },
        ];
        let figure = |((name, title, unit, definition), Known { value, n, note })| Figure {
            name,
            title,
            definition,
            unit,
            value,
            n,
            note,
            weeks: Vec::new(),
        };
        let mut figures: Vec<Figure> = DEFINITIONS.into_iter().zip(known).map(figure).collect();
        let by_week = by_week(&deploys, window);
        for figure in &mut figures {
            figure.weeks = match figure.name {
                "deployment-frequency" => by_week.iter().map(|(succeeded, _)| Some(size(*succeeded))).collect(),
                "success-rate" => by_week.iter().map(|(good, all)| rate(*good, *all).value).collect(),
                _ => Vec::new(),
            };
        }
        Self { deployments: ended, since: crate::action::report::time(window.since), figures }
    }

    /// Each as a line: `success rate: 92.3% (n = 13) ▇▇█▅`.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let line = |figure: &Figure| {
            let note = figure.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
            format!("{}: {} (n = {}){note} {}", figure.title, figure.shown(), figure.n, figure.bars()).trim().to_owned()
        };
        self.figures.iter().map(line).collect()
    }

    /// One by its name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.name == name)
    }
}

impl Figure {
    /// The number for people: `67%`, `3m05s`, `2.5 a week`, `n/a`.
    #[must_use]
    pub fn shown(&self) -> String {
        let Some(value) = self.value else { return "n/a".to_owned() };
        let tenths = (value * 10.0).round() / 10.0;
        match self.unit {
            Unit::Rate => format!("{}%", (value * 1000.0).round() / 10.0),
            Unit::Seconds if value >= 2.0 * 86_400.0 => format!("{} days", (value / 8_640.0).round() / 10.0),
            Unit::Seconds => human_duration(std::time::Duration::from_secs_f64(value.max(0.0))),
            Unit::PerWeek => format!("{tenths} a week"),
            Unit::Count => tenths.to_string(),
        }
    }

    /// The number as an output: a rate as `0.667`, a time in seconds, `n/a`.
    #[must_use]
    pub fn output(&self) -> String {
        let Some(value) = self.value else { return "n/a".to_owned() };
        match self.unit {
            Unit::Seconds => format!("{}", value.round()),
            Unit::Rate | Unit::PerWeek | Unit::Count => format!("{}", (value * 1000.0).round() / 1000.0),
        }
    }

    /// Its weeks as bars; empty where there are none.
    #[must_use]
    pub fn bars(&self) -> String {
        let most =
            self.weeks.iter().flatten().copied().fold(if self.unit == Unit::Rate { 1.0 } else { 0.01 }, f64::max);
        // A week in which nothing ended is none, and not 0.
        self.weeks.iter().map(|week| week.map_or_else(|| "·".to_owned(), |week| bars([week], most))).collect()
    }
}

const WEEK: Duration = Duration::WEEK;

/// Of each week of the window: how many succeeded, and how many ended.
fn by_week(deploys: &[&Release], window: Window) -> Vec<(usize, usize)> {
    let weeks = (window.now - window.since).whole_seconds() / WEEK.whole_seconds();
    let weeks = usize::try_from(weeks).unwrap_or_default().clamp(1, 104);
    let mut all = vec![(0, 0); weeks];
    for one in deploys.iter().filter(|one| !matches!(one.outcome, Outcome::Open | Outcome::Abandoned)) {
        // The last week ends now.
        let back = (window.now - one.made).whole_seconds() / WEEK.whole_seconds();
        let Some(week) = usize::try_from(back).ok().and_then(|back| weeks.checked_sub(back + 1)) else { continue };
        all[week].1 += 1;
        all[week].0 += usize::from(one.outcome == Outcome::Succeeded);
    }
    all
}

/// From each deployment that failed to the next success, at the same place. Failures in a row are one.
fn recoveries(releases: &[&Release]) -> Vec<Duration> {
    let mut down: Vec<(&str, &str, OffsetDateTime)> = Vec::new();
    let mut all = Vec::new();
    for one in releases {
        let is_here = |known: &(&str, &str, OffsetDateTime)| (known.0, known.1) == (&*one.environment, &*one.component);
        match (one.outcome, one.kind) {
            (Outcome::Failed, Kind::Deploy) if !down.iter().any(is_here) => {
                down.push((&one.environment, &one.component, one.made));
            }
            (Outcome::Succeeded, _) => {
                if let (Some(place), Some(ended)) = (down.iter().position(is_here), one.ended) {
                    all.push(ended - down.swap_remove(place).2);
                }
            }
            _ => {}
        }
    }
    all
}

/// Of each deployment that succeeded and the one before it at the same place.
fn successive<'r>(releases: &[&'r Release]) -> Vec<(&'r Release, &'r Release)> {
    let mut last: Vec<&Release> = Vec::new();
    let mut pairs = Vec::new();
    for one in releases.iter().copied().filter(|one| one.outcome == Outcome::Succeeded) {
        let is_here = |known: &&Release| (&known.environment, &known.component) == (&one.environment, &one.component);
        match last.iter().position(is_here) {
            Some(place) => pairs.push((std::mem::replace(&mut last[place], one), one)),
            None => last.push(one),
        }
    }
    pairs
}

/// How long each commit waited for the deployment that brought it.
fn leads(deploys: &[&Release], branch: &Branch) -> Vec<Duration> {
    let mut brought = BTreeSet::new();
    let mut all = Vec::new();
    for (before, after) in successive(deploys) {
        let pair = before.commit.as_ref().zip(after.commit.as_ref());
        let commits = pair.and_then(|(before, after)| branch.between(before, after));
        let (Some(commits), Some(ended)) = (commits, after.ended) else { continue };
        for commit in commits {
            // What was withdrawn and came back was brought the first time.
            if brought.insert((&after.environment, &after.component, &commit.sha)) {
                all.extend(commit.at.map(|at| ended - at));
            }
        }
    }
    all
}

/// Rollbacks: by their records, and deployments of a commit that is older than the one before.
fn rollbacks(releases: &[&Release], branch: Option<&Branch>) -> usize {
    let recorded =
        releases.iter().filter(|one| one.kind == Kind::Rollback && one.outcome == Outcome::Succeeded).count();
    let went_back = |(before, after): &(&Release, &Release)| {
        let commits = after.commit.as_ref().zip(before.commit.as_ref()).zip(branch);
        after.kind == Kind::Deploy
            && commits.is_some_and(|((after, before), branch)| branch.is_older(after, before) == Some(true))
    };
    recorded + successive(releases).iter().filter(|pair| went_back(pair)).count()
}

fn rate(part: usize, whole: usize) -> Known {
    Known { value: (whole > 0).then(|| size(part) / size(whole)), n: whole, note: None }
}

/// Times as one. Negative ones come from clocks that differ: they are told, and left out.
fn spans(all: &[Duration], of: fn(&[f64]) -> Option<f64>, without: &str) -> Known {
    let seconds: Vec<f64> = all.iter().map(|one| one.as_seconds_f64()).filter(|one| *one >= 0.0).collect();
    let skewed = all.len() - seconds.len();
    let note = if skewed > 0 {
        Some(format!("{skewed} left out, which end before they begin: clocks differ"))
    } else {
        none(seconds.len(), without)
    };
    Known { value: of(&seconds), n: seconds.len(), note }
}

fn none(count: usize, why: &str) -> Option<String> {
    (count == 0).then(|| why.to_owned())
}

/// The middle one; of an even number the mean of the two in the middle.
fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        length if length % 2 == 1 => Some(sorted[half]),
        _ => Some(f64::midpoint(sorted[half - 1], sorted[half])),
    }
}

/// The smallest value that 95 of 100 do not exceed.
fn p95(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (sorted.len() * 95).div_ceil(100).checked_sub(1)?;
    sorted.get(place).copied()
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
const fn size(count: usize) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
const fn as_number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
