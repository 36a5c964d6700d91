//! CloudWatch Logs: the events of a function. SDK types do not leave this module.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::{QueryStatus, ResultField};
use time::PrimitiveDateTime;
use time::format_description;

use crate::aws::{Aws, absent_is_none};
use crate::calls::poll::{Look, poll};
use crate::calls::{Calls, UnknownValue, enumeration};
use crate::text::Foreign;

/// The most events of one query of Logs Insights.
const MOST: i32 = 10_000;
/// A query may take this long.
const QUERYING: Duration = Duration::from_secs(30);

enumeration! {
    /// What a log group is made for.
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch_Logs_Log_Classes.html>
    LogClass of "logGroupClass" {
        /// All can be done with it.
        Standard = "STANDARD",
        /// Read by queries of Logs Insights.
        InfrequentAccess = "INFREQUENT_ACCESS",
        /// On its way to S3 or Firehose, and not to be read here.
        Delivery = "DELIVERY",
        /// Not to be read here, as far as AWS documents it.
        Essentials = "ESSENTIALS",
    }
}

/// Events of streams whose names begin so, in a span of milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogQuery {
    /// The log group.
    pub group: String,
    /// How names of streams begin.
    pub prefix: String,
    /// The first millisecond.
    pub from: i64,
    /// The last one.
    pub until: i64,
}

/// A part of the events. A page may be empty and not be the last.
#[derive(Clone, Debug, Default)]
pub struct LogPage {
    /// Sorted by their time.
    pub events: Vec<LogEvent>,
    /// Names the next page.
    pub next: Option<String>,
}

/// One event of a log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogEvent {
    /// Names it: the same event read twice has the same.
    pub id: String,
    /// The stream it is in.
    pub stream: String,
    /// When it happened, milliseconds since 1970.
    pub at: i64,
    /// What it says.
    pub message: Foreign,
}

/// The client. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Logs {
    client: Client,
    calls: Calls,
}

impl Logs {
    /// The client of this connection.
    #[must_use]
    pub fn new(aws: &Aws) -> Self {
        Self { client: Client::new(aws.config()), calls: aws.calls().clone() }
    }

    /// The same client with another clock.
    #[must_use]
    pub fn with_calls(&self, calls: Calls) -> Self {
        Self { calls, ..self.clone() }
    }

    /// What a log group is made for; `None` where there is no such group.
    /// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html>
    pub async fn class(&self, group: &str) -> Result<Option<LogClass>> {
        let call = self.client.describe_log_groups().log_group_name_prefix(group).limit(50);
        let answer = self.calls.aws("logs:DescribeLogGroups", || call.clone().send()).await;
        let answer = answer.with_context(|| format!("read log group {group}"))?;
        // Sorted by name: the group itself stands before those whose names it begins.
        let found = answer.log_groups().iter().find(|one| one.log_group_name() == Some(group));
        let class = found.map(|found| found.log_group_class().map_or("STANDARD", |class| class.as_str()).to_owned());
        Ok(class.map(LogClass::try_from).transpose()?)
    }

    /// A page of a log.
    /// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html>
    pub async fn page(&self, query: &LogQuery, next: Option<&str>) -> Result<LogPage> {
        let call = self
            .client
            .filter_log_events()
            .log_group_name(&query.group)
            .log_stream_name_prefix(&query.prefix)
            .start_time(query.from)
            .end_time(query.until)
            .set_next_token(next.map(str::to_owned));
        let answer = self.calls.aws("logs:FilterLogEvents", || call.clone().send()).await;
        let answer = answer.with_context(|| format!("read the log in {}", query.group))?;
        let events = answer.events().iter().map(|event| LogEvent {
            id: event.event_id().unwrap_or_default().to_owned(),
            stream: event.log_stream_name().unwrap_or_default().to_owned(),
            at: event.timestamp().unwrap_or_default(),
            message: Foreign::new(event.message().unwrap_or_default()),
        });
        Ok(LogPage { events: events.collect(), next: answer.next_token().map(str::to_owned) })
    }

    /// The events of a stream from its beginning, or from where an earlier page ended. `None` as long as there is no such stream. The token of
    /// the next page is that of this one where nothing more is there yet.
    /// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html>
    pub async fn stream(&self, group: &str, stream: &str, next: Option<&str>) -> Result<Option<LogPage>> {
        let call = self
            .client
            .get_log_events()
            .log_group_name(group)
            .log_stream_name(stream)
            .start_from_head(true)
            .set_next_token(next.map(str::to_owned));
        let answer = self.calls.aws("logs:GetLogEvents", || call.clone().send()).await;
        let Some(answer) = absent_is_none(answer).with_context(|| format!("read the log in {group}"))? else {
            return Ok(None);
        };
        let events = answer.events().iter().map(|event| LogEvent {
            id: String::new(),
            stream: stream.to_owned(),
            at: event.timestamp().unwrap_or_default(),
            message: Foreign::new(event.message().unwrap_or_default()),
        });
        Ok(Some(LogPage { events: events.collect(), next: answer.next_forward_token().map(str::to_owned) }))
    }

    /// The same by a query of Logs Insights, whose times are seconds.
    /// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html>
    pub async fn insights(&self, query: &LogQuery) -> Result<Vec<LogEvent>> {
        let prefix = query.prefix.replace(['\\', '"'], "");
        let text = format!(
            "fields @ptr, @timestamp, @logStream, @message | filter strcontains(@logStream, \"{prefix}\") | sort @timestamp asc | limit {MOST}"
        );
        let call = self
            .client
            .start_query()
            .log_group_name(&query.group)
            .start_time(query.from.div_euclid(1000))
            .end_time(query.until.div_euclid(1000) + 1)
            .query_string(text)
            .limit(MOST);
        let started = self.calls.aws("logs:StartQuery", || call.clone().send()).await;
        let started = started.with_context(|| format!("query the log in {}", query.group))?;
        let id = started.query_id().ok_or_else(|| anyhow!("AWS started a query of {} without an id", query.group))?;
        let call = self.client.get_query_results().query_id(id);
        let look = async || {
            let answer = self.calls.aws("logs:GetQueryResults", || call.clone().send()).await;
            let answer = answer.with_context(|| format!("read what the query of {} found", query.group))?;
            Ok(match answer.status() {
                Some(QueryStatus::Complete) => Look::Done(answer),
                Some(status @ (QueryStatus::Scheduled | QueryStatus::Running)) => {
                    Look::NotYet(status.as_str().to_owned())
                }
                Some(status @ (QueryStatus::Failed | QueryStatus::Cancelled | QueryStatus::Timeout)) => {
                    bail!("the query of {} ended as {}", query.group, status.as_str())
                }
                other => {
                    let word = other.map(QueryStatus::as_str).unwrap_or_default();
                    return Err(UnknownValue::new("status of a query of Logs Insights", word).into());
                }
            })
        };
        let found =
            poll(&self.calls.deadline.at_most(QUERYING), &format!("the query of {}", query.group), look).await?;
        found.results().iter().map(|fields| event_of(fields)).collect()
    }
}

fn event_of(fields: &[ResultField]) -> Result<LogEvent> {
    let text = |name: &str| {
        let field = fields.iter().find(|field| field.field() == Some(name));
        field.and_then(ResultField::value).unwrap_or_default().to_owned()
    };
    let written = text("@timestamp");
    let form = format_description::parse_borrowed::<2>("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond]")?;
    let at = PrimitiveDateTime::parse(&written, &form)
        .map_err(|_other| UnknownValue::new("@timestamp of a query", written))?;
    let at = i64::try_from(at.assume_utc().unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
    Ok(LogEvent { id: text("@ptr"), stream: text("@logStream"), at, message: Foreign::new(text("@message")) })
}
