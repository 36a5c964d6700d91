//! How long requests take: three settled minutes in a row above the limit are a matter of fact, outside `alpha`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::finding::{Check, Finding};
use super::readings::{Readings, minute_after, minute_of};
use super::statistics::{IN_A_ROW, is_bad_in_a_row};
use crate::aws::cloudwatch::Metric;
use crate::outcome::Verdict;
use crate::text::message;

/// Where metrics are read.
const SOURCE: &str = "cloudwatch:GetMetricData";

/// Which latency is watched.
#[derive(Clone, Debug)]
pub struct Latency {
    /// E.g. `p95 of shop-api:live, version 42`.
    pub name: String,
    /// The metric, one percentile of it.
    pub metric: Metric,
    /// Milliseconds in one unit of the metric.
    pub unit: f64,
    /// The most it may be.
    pub limit: LatencyLimit,
    /// The same of the previous version: its metric, and whether it is that of the window before the release.
    pub previous: Option<(Metric, bool)>,
}

/// The most a latency may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LatencyLimit {
    /// So long.
    Absolute(Duration),
    /// So much more than the previous version, e.g. 0.2 for `+20%`.
    Above(f64),
}

#[derive(Debug)]
pub(super) struct LatencyGate {
    latency: Latency,
    number: usize,
    previous: Option<(usize, (i64, i64))>,
    minutes: (i64, i64),
}

impl LatencyGate {
    pub(super) fn new(latency: Latency, window: (OffsetDateTime, Duration), readings: &mut Readings) -> Self {
        let (since, length) = window;
        // The minute of the release has cold starts, and requests from before it.
        let minutes = (minute_after(since), minute_after(since + length));
        let number = readings.number_of(&latency.metric);
        let previous = latency.previous.as_ref().map(|(metric, is_before)| {
            let before = (minute_of(since - length), minute_of(since));
            (readings.number_of(metric), if *is_before { before } else { minutes })
        });
        Self { latency, number, previous, minutes }
    }

    /// Minutes that no longer change, from the first on.
    fn settled(&self, readings: &Readings) -> (BTreeMap<i64, f64>, bool) {
        let (from, until) = self.minutes;
        let mut ends = (from..=until).rev().step_by(60).filter(|end| *end > from);
        let found = ends.find_map(|end| Some((readings.settled(self.number, (from, end), end)?, end)));
        found.map_or((BTreeMap::new(), until <= from), |(points, end)| (points, end == until))
    }

    /// The limit in milliseconds, once it is known.
    fn limit(&self, readings: &Readings) -> Option<f64> {
        match self.latency.limit {
            LatencyLimit::Absolute(limit) => Some(limit.as_secs_f64() * 1000.0),
            LatencyLimit::Above(share) => {
                let (number, (from, until)) = self.previous?;
                let now = self.settled(readings).0;
                let until = until.min(now.keys().last().map_or(from, |minute| minute + 60)).max(from);
                let is_before = until <= self.minutes.0;
                let points = if is_before {
                    readings.latest(number, (from, self.previous?.1.1))
                } else {
                    readings.settled(number, (from, until), until)?
                };
                Some(median(points.into_values())? * self.latency.unit * (1.0 + share))
            }
        }
    }

    pub(super) fn is_done(&self, readings: &Readings) -> bool {
        self.settled(readings).1
    }

    pub(super) fn finding(&self, readings: &Readings, is_end: bool) -> Option<Finding> {
        let (points, is_whole) = self.settled(readings);
        let of = |verdict| Finding::new(Check::Latency, format!("latency: {}", self.latency.name), verdict, SOURCE);
        let Some(limit) = self.limit(readings) else {
            let observed = "nothing of the previous version to compare with";
            return (is_end && is_whole).then(|| {
                of(Verdict::Inconclusive)
                    .saw(observed, self.required(None))
                    .advise("give `latency-above` as a duration")
            });
        };
        let millis: Vec<f64> = points.values().map(|value| value * self.latency.unit).collect();
        let bad: Vec<bool> = millis.iter().map(|one| *one > limit).collect();
        let shown: Vec<String> = millis.iter().map(|one| format!("{one:.0}")).collect();
        let observed = format!("{} ms by the minute", shown.join(", "));
        if is_bad_in_a_row(&bad) {
            let observed = message!("latency-too-high", "{IN_A_ROW} minutes in a row above {limit:.0} ms: {observed}");
            return Some(
                of(Verdict::Fail)
                    .saw(observed, self.required(Some(limit)))
                    .advise("compare it with that of the previous version"),
            );
        }
        (is_end && is_whole).then(|| match millis.len() {
            0 => of(Verdict::Inconclusive).saw("no requests", self.required(Some(limit))),
            _ => of(Verdict::Pass).saw(observed, self.required(Some(limit))),
        })
    }

    fn required(&self, limit: Option<f64>) -> String {
        let limit = limit.map(|limit| format!("{limit:.0} ms"));
        match (self.latency.limit, limit) {
            (LatencyLimit::Absolute(_), limit) => format!("at most {}", limit.unwrap_or_default()),
            (LatencyLimit::Above(share), limit) => {
                let limit = limit.map(|limit| format!(": {limit}")).unwrap_or_default();
                format!("at most {:.0}% above the previous version{limit}", share * 100.0)
            }
        }
    }

    pub(super) fn evidence(&self, readings: &Readings) -> Value {
        let points = self.settled(readings).0;
        json!({
            "what": format!("latency: {}", self.latency.name), "query": self.latency.metric.to_string(), "period-seconds": 60,
            "limit-ms": self.limit(readings), "minutes": points.iter().map(|(at, value)| json!([at, value * self.latency.unit])).collect::<Vec<_>>(),
        })
    }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
