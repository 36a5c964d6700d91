//! Metrics, minute by minute.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use anyhow::{Context as _, Result};
use aws_sdk_cloudwatch::types::{Dimension, DimensionFilter, MetricDataQuery, MetricStat, ScanBy};
use time::OffsetDateTime;

use super::{CloudWatch, from_aws, to_aws};
use crate::calls::{UnknownValue, enumeration};

/// The period of all that is read, in seconds.
const PERIOD: i32 = 60;
/// Metrics of one call (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html>).
const AT_ONCE: usize = 500;

/// A span of time, the end exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// When it begins.
    pub from: OffsetDateTime,
    /// When it ends.
    pub until: OffsetDateTime,
}

impl Stretch {
    /// How long it is.
    #[must_use]
    pub fn length(&self) -> Duration {
        (self.until - self.from).try_into().unwrap_or_default()
    }
}

/// A metric of CloudWatch, minute by minute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Metric {
    /// E.g. `AWS/Lambda`.
    pub namespace: &'static str,
    /// E.g. `Errors`.
    pub name: &'static str,
    /// In the order in which they are sent.
    pub dimensions: Vec<(&'static str, String)>,
    /// `Sum`, or a percentile such as `p95`.
    pub statistic: String,
}

impl fmt::Display for Metric {
    /// `AWS/Lambda Errors Sum {FunctionName=api, Resource=api:live, ExecutedVersion=42}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dimensions: Vec<String> = self.dimensions.iter().map(|(name, value)| format!("{name}={value}")).collect();
        write!(f, "{} {} {} {{{}}}", self.namespace, self.name, self.statistic, dimensions.join(", "))
    }
}

enumeration! {
    /// Whether the points of an answer are all that there are.
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataResult.html>
    SeriesStatus of "StatusCode of a metric" {
        /// All of them.
        Complete = "Complete",
        /// Some.
        PartialData = "PartialData",
        /// An error of CloudWatch.
        InternalError = "InternalError",
        /// The metric may not be read.
        Forbidden = "Forbidden",
    }
}

/// The points of a metric. Minutes without a point are not there.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Whether they are all.
    pub status: SeriesStatus,
    /// By the minute, in seconds since 1970.
    pub points: BTreeMap<i64, f64>,
}

impl CloudWatch {
    /// Points of these metrics in this span, in the order of the metrics. The start is rounded down to a minute by AWS.
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html>
    pub async fn metrics(&self, metrics: &[Metric], span: Stretch) -> Result<Vec<Series>> {
        let mut all = Vec::new();
        for part in metrics.chunks(AT_ONCE) {
            all.extend(self.metrics_at_once(part, span).await?);
        }
        Ok(all)
    }

    async fn metrics_at_once(&self, metrics: &[Metric], span: Stretch) -> Result<Vec<Series>> {
        let queries: Vec<MetricDataQuery> = metrics.iter().enumerate().map(|(id, metric)| query(id, metric)).collect();
        // A metric that no page speaks of has not been answered.
        let mut all = vec![Series { status: SeriesStatus::InternalError, points: BTreeMap::new() }; metrics.len()];
        let mut next: Option<String> = None;
        loop {
            let call = self
                .client
                .get_metric_data()
                .set_metric_data_queries(Some(queries.clone()))
                .start_time(to_aws(span.from))
                .end_time(to_aws(span.until))
                .scan_by(ScanBy::TimestampAscending)
                .set_next_token(next.take());
            let answer = self.calls.aws("cloudwatch:GetMetricData", || call.clone().send()).await;
            let answer = answer.context("read the metrics")?;
            for result in answer.metric_data_results() {
                let id = result.id().and_then(|id| id.strip_prefix('m')?.parse::<usize>().ok());
                let Some(series) = id.and_then(|id| all.get_mut(id)) else { continue };
                let word = result.status_code().map_or("Complete", |code| code.as_str());
                // Of a result on several pages, the last page says whether it is whole.
                series.status = SeriesStatus::try_from(word.to_owned())?;
                for (at, value) in result.timestamps().iter().zip(result.values()) {
                    let at = from_aws(at).ok_or_else(|| UnknownValue::new("Timestamp of a metric", at.to_string()))?;
                    series.points.insert(at.unix_timestamp(), *value);
                }
            }
            next = answer.next_token().map(str::to_owned);
            if next.is_none() {
                return Ok(all);
            }
        }
    }

    /// The load balancers of a target group, by the metrics that AWS publishes of both.
    /// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html>
    pub async fn load_balancers(&self, target_group: &str) -> Result<Vec<String>> {
        let filter = DimensionFilter::builder().name("TargetGroup").value(target_group).build();
        let call =
            self.client.list_metrics().namespace("AWS/ApplicationELB").metric_name("RequestCount").dimensions(filter);
        let answer = self.calls.aws("cloudwatch:ListMetrics", || call.clone().send()).await;
        let answer = answer.with_context(|| format!("find the load balancer of {target_group}"))?;
        let dimensions = answer.metrics().iter().filter(|metric| metric.dimensions().len() == 2);
        let named = dimensions
            .flat_map(aws_sdk_cloudwatch::types::Metric::dimensions)
            .filter(|one| one.name() == Some("LoadBalancer"));
        Ok(named.filter_map(|one| one.value().map(str::to_owned)).collect())
    }
}

fn query(id: usize, metric: &Metric) -> MetricDataQuery {
    let dimensions =
        metric.dimensions.iter().map(|(name, value)| Dimension::builder().name(*name).value(value).build());
    let named = aws_sdk_cloudwatch::types::Metric::builder()
        .namespace(metric.namespace)
        .metric_name(metric.name)
        .set_dimensions(Some(dimensions.collect()));
    let stat = MetricStat::builder().metric(named.build()).period(PERIOD).stat(&metric.statistic).build();
    MetricDataQuery::builder().id(format!("m{id}")).metric_stat(stat).return_data(true).build()
}
