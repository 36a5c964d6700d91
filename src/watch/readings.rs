//! Metrics as they were read, and when they no longer change.
//!
//! CloudWatch shows a minute of Lambda late, and its points go on growing for a while: what is decided is decided on minutes that are older than
//! `settle` and that two readings in a row showed alike.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use time::OffsetDateTime;

use super::source::Source;
use crate::aws::cloudwatch::{Metric, Series, SeriesStatus, Stretch};

/// A minute, in seconds.
pub(super) const MINUTE: i64 = 60;
/// Two readings are at most, and at least, so far apart.
const APART: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// The readings of all metrics of the watch.
#[derive(Debug)]
pub(super) struct Readings {
    metrics: Vec<Metric>,
    from: OffsetDateTime,
    /// No minute is decided on before it is so old.
    pub(super) settle: Duration,
    next: OffsetDateTime,
    /// The last one, and the one before, each whole.
    last: Option<Reading>,
    before: Option<Reading>,
}

#[derive(Clone, Debug)]
struct Reading {
    at: OffsetDateTime,
    points: Vec<BTreeMap<i64, f64>>,
}

/// What a look at the metrics brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looked {
    /// It was not time.
    NotYet,
    /// All points that there are.
    Whole,
    /// Some only: it is to be asked again.
    Partial(SeriesStatus),
    /// It may not be read.
    Forbidden,
}

impl Readings {
    /// Metrics from a moment on, to be read first at another.
    pub(super) fn new(metrics: Vec<Metric>, from: OffsetDateTime, first: OffsetDateTime, settle: Duration) -> Self {
        Self { metrics, from, settle, next: first, last: None, before: None }
    }

    /// The number of a metric, added where it is not there.
    pub(super) fn number_of(&mut self, metric: &Metric) -> usize {
        self.metrics.iter().position(|known| known == metric).unwrap_or_else(|| {
            self.metrics.push(metric.clone());
            self.metrics.len() - 1
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.metrics.is_empty()
    }

    /// Reads, when it is time to.
    pub(super) async fn read(&mut self, source: &impl Source) -> Result<Looked> {
        let now = source.now();
        if now < self.next || self.metrics.is_empty() {
            return Ok(Looked::NotYet);
        }
        let series = source.metrics(&self.metrics, Stretch { from: self.from, until: now }).await?;
        // Anything but whole is asked again at the next look, and decides nothing.
        let bad = series.iter().map(|one| one.status).find(|status| *status != SeriesStatus::Complete);
        match bad {
            Some(SeriesStatus::Forbidden) => return Ok(Looked::Forbidden),
            Some(status) => return Ok(Looked::Partial(status)),
            None => {}
        }
        let points = series.into_iter().map(|Series { points, .. }| points).collect();
        self.before = self.last.replace(Reading { at: now, points });
        self.next = now + (self.settle / 2).clamp(APART.0, APART.1);
        Ok(Looked::Whole)
    }

    /// The points of a metric in these minutes, once they no longer change: what happened until the moment `end` is old enough, and two
    /// readings show the same.
    pub(super) fn settled(&self, metric: usize, minutes: (i64, i64), end: i64) -> Option<BTreeMap<i64, f64>> {
        let (before, last) = (self.before.as_ref()?, self.last.as_ref()?);
        let old_enough = before.at.unix_timestamp() >= end + seconds(self.settle);
        let points = within(last.points.get(metric)?, minutes);
        (old_enough && points == within(before.points.get(metric)?, minutes)).then_some(points)
    }

    /// The points of a metric in these minutes as they were read last.
    pub(super) fn latest(&self, metric: usize, minutes: (i64, i64)) -> BTreeMap<i64, f64> {
        let points = self.last.as_ref().and_then(|last| last.points.get(metric));
        points.map(|points| within(points, minutes)).unwrap_or_default()
    }

    /// When they were read last.
    pub(super) fn read_at(&self) -> Option<OffsetDateTime> {
        self.last.as_ref().map(|last| last.at)
    }
}

fn within(points: &BTreeMap<i64, f64>, (from, until): (i64, i64)) -> BTreeMap<i64, f64> {
    points.range(from..until.max(from)).map(|(minute, value)| (*minute, *value)).collect()
}

/// The minute in which a moment lies.
pub(super) fn minute_of(at: OffsetDateTime) -> i64 {
    at.unix_timestamp().div_euclid(MINUTE) * MINUTE
}

/// The end of the minute in which a moment lies: itself where it is one.
pub(super) fn minute_after(at: OffsetDateTime) -> i64 {
    minute_of(at + Duration::from_mins(1) - Duration::from_nanos(1))
}

fn seconds(span: Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(i64::MAX)
}

/// A count, which CloudWatch tells as a number with a fraction.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts are whole, not negative and far below 2^53"
)]
pub(super) fn count(points: &BTreeMap<i64, f64>) -> u64 {
    points.values().map(|value| value.max(0.0).round() as u64).sum()
}
