//! How many requests are to be expected, and whether they can decide anything: told before the waiting begins.

use std::time::Duration;

use super::inputs::Monitor;
use super::observe::Observed;
use super::plan::Plan;
use crate::aws::cloudwatch::{Metric, SeriesStatus, Stretch};
use crate::calls::error_line;
use crate::context::Context;
use crate::outcome::{Outcome, Step, Verdict};
use crate::text::{human_duration, message, number_of};
use crate::watch::statistics::Foresight;
use crate::watch::values::RequirePower;
use crate::watch::{Live, Source as _};

/// So much of the past says what is to be expected.
const HOUR: Duration = Duration::from_hours(1);
/// The dimension that tells versions apart.
const VERSION: &str = "ExecutedVersion";

impl Monitor {
    /// Reads the requests of the last hour. Where metrics may not be read, the step ends here and not after the window.
    pub(super) async fn foresee(&self, cx: &Context, source: &Live, observed: &Observed, plan: &Plan) -> Step<()> {
        if plan.watch.rates.is_empty() {
            return Ok(());
        }
        let of_all = |metric: &Metric| {
            let dimensions = metric.dimensions.iter().filter(|(name, _)| *name != VERSION).cloned().collect();
            Metric { dimensions, ..metric.clone() }
        };
        let metrics: Vec<Metric> = plan.watch.rates.iter().map(|(rate, _)| of_all(&rate.requests)).collect();
        let until = plan.watch.since.min(source.now());
        let series = match source.metrics(&metrics, Stretch { from: until - HOUR, until }).await {
            Ok(series) => series,
            Err(error) if crate::watch::passes_by_itself(&error) => {
                let line = format!("the requests of the last hour could not be read: {}", error_line(&error));
                cx.report.section("To be expected", [line]);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        if series.iter().any(|one| one.status == SeriesStatus::Forbidden) {
            let reason = message!("metrics-forbidden", "CloudWatch answered Forbidden: these metrics may not be read");
            return Err(Outcome::error(reason).advise("allow cloudwatch:GetMetricData to the role of this job").into());
        }
        for ((rate, rules), series) in plan.watch.rates.iter().zip(series) {
            let share = if rate.per_version { share(observed, &rate.name) } else { 1.0 };
            let an_hour: f64 = series.points.values().sum();
            let part = plan.watch.window.as_secs_f64() / HOUR.as_secs_f64();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of requests")]
            let expected = (an_hour * part * share).round() as u64 + u64::from(self.gate.synthetic_requests.0);
            let foresight = Foresight::of(rules.rule, rules.division, expected);
            let line = message!(
                "requests-to-expect",
                "{} in {} at {}, by the last hour; {} are needed to catch a release with {:.0}% errors",
                number_of(usize::try_from(expected).unwrap_or(usize::MAX), "request"),
                human_duration(plan.watch.window),
                rate.name,
                foresight.needed,
                foresight.bad_rate * 100.0
            );
            tracing::info!("{line}");
            cx.report.section("To be expected", [line.clone()]);
            if !foresight.decides() {
                self.weigh(cx, &line)?;
            }
        }
        Ok(())
    }

    /// What too few requests mean.
    fn weigh(&self, cx: &Context, line: &str) -> Step<()> {
        let advice = "send more with `synthetic-requests: 60`, or watch longer (`window`)";
        match self.gate.require_power {
            RequirePower::Off => {}
            RequirePower::Warn => cx.report.warn(format!("too few requests to judge by: {line}; {advice}")),
            RequirePower::Fail => {
                cx.report.check(
                    "requests to be expected",
                    line,
                    "enough to judge by",
                    Verdict::Fail,
                    "cloudwatch:GetMetricData",
                );
                let reason =
                    message!("too-few-requests-to-expect", "too few requests to judge by: {line}; nothing was watched");
                return Err(Outcome::fail(reason).advise(advice).into());
            }
        }
        Ok(())
    }
}

/// The share of the traffic that the watched version gets.
fn share(observed: &Observed, name: &str) -> f64 {
    let mine = observed.functions.iter().find(|one| name.starts_with(&one.watched.name()));
    mine.map_or(1.0, |one| {
        let (alias, version) = (&one.watched.alias, one.watched.version);
        let others: f64 = alias.weights.iter().filter(|(other, _)| **other != version).map(|(_, weight)| weight).sum();
        alias.weights.get(&version).copied().unwrap_or(1.0 - others).clamp(0.0, 1.0)
    })
}
