//! Alarms of all kinds.

use std::fmt;

use anyhow::{Context as _, Result};
use aws_sdk_cloudwatch::types::{AlarmMuteRuleStatus, AlarmType, EvaluationState, StateValue};
use time::OffsetDateTime;

use super::{CloudWatch, from_aws};
use crate::calls::{UnknownValue, enumeration};
use crate::text::Foreign;

/// Names of one call (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html>).
const AT_ONCE: usize = 100;

enumeration! {
    /// What an alarm says. <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricAlarm.html>
    AlarmState of "StateValue of an alarm" {
        /// Within its threshold.
        Ok = "OK",
        /// Beyond it.
        Alarm = "ALARM",
        /// It cannot tell.
        InsufficientData = "INSUFFICIENT_DATA",
    }
}

enumeration! {
    /// How well an alarm was evaluated.
    Evaluation of "EvaluationState of an alarm" {
        /// Not all data could be looked at.
        Partial = "PARTIAL_DATA",
        /// Its query or its setting is wrong.
        Error = "EVALUATION_ERROR",
        /// CloudWatch could not.
        Failure = "EVALUATION_FAILURE",
    }
}

/// What an alarm looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmKind {
    /// A metric, or a calculation of several.
    Metric,
    /// A query in PromQL.
    PromQl,
    /// Other alarms.
    Composite,
    /// A scheduled query of logs.
    Log,
}

impl fmt::Display for AlarmKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Metric => "metric alarm",
            Self::PromQl => "PromQL alarm",
            Self::Composite => "composite alarm",
            Self::Log => "log alarm",
        })
    }
}

/// An alarm as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Alarm {
    /// Its name.
    pub name: String,
    /// What it looks at.
    pub kind: AlarmKind,
    /// What it says.
    pub state: AlarmState,
    /// Why, in CloudWatch's words.
    pub reason: Foreign,
    /// Since when it has said so. The time of its last update is another: that moves without any change.
    pub transitioned: Option<OffsetDateTime>,
    /// When its setting was changed last.
    pub configured: Option<OffsetDateTime>,
    /// Set when it was not evaluated well.
    pub evaluation: Option<Evaluation>,
    /// Whether it warms up after a change of its setting.
    pub warms_up: bool,
    /// Whether it tells anybody.
    pub has_actions: bool,
    /// ARNs of what it does when it turns red: topics, mostly.
    pub actions: Vec<String>,
}

/// An alarm as an answer describes it: the SDK has a type for each kind.
macro_rules! alarm_of {
    ($answer:ident, $kind:expr, $evaluation:expr, $warms_up:expr) => {
        Alarm {
            name: $answer.alarm_name().unwrap_or_default().to_owned(),
            kind: $kind,
            state: state($answer.state_value())?,
            reason: Foreign::new($answer.state_reason().unwrap_or_default()),
            transitioned: $answer.state_transitioned_timestamp().and_then(from_aws),
            configured: $answer.alarm_configuration_updated_timestamp().and_then(from_aws),
            evaluation: evaluation($evaluation)?,
            warms_up: $warms_up,
            has_actions: $answer.actions_enabled().unwrap_or(true),
            actions: $answer.alarm_actions().to_vec(),
        }
    };
}

impl CloudWatch {
    /// The alarms of these names that exist, of every kind: without the kinds AWS looks among metric alarms only.
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html>
    pub async fn alarms(&self, names: &[String]) -> Result<Vec<Alarm>> {
        let mut all = Vec::new();
        for part in names.chunks(AT_ONCE) {
            let mut next: Option<String> = None;
            loop {
                let call = self
                    .client
                    .describe_alarms()
                    .set_alarm_names(Some(part.to_vec()))
                    .alarm_types(AlarmType::MetricAlarm)
                    .alarm_types(AlarmType::CompositeAlarm)
                    .alarm_types(AlarmType::LogAlarm)
                    .set_next_token(next.take());
                let answer = self.calls.aws("cloudwatch:DescribeAlarms", || call.clone().send()).await;
                let answer = answer.context("read the alarms")?;
                for alarm in answer.metric_alarms() {
                    let kind =
                        if alarm.evaluation_criteria().is_some() { AlarmKind::PromQl } else { AlarmKind::Metric };
                    let warms_up = alarm.warm_up_configuration().is_some();
                    all.push(alarm_of!(alarm, kind, alarm.evaluation_state(), warms_up));
                }
                for alarm in answer.composite_alarms() {
                    all.push(alarm_of!(alarm, AlarmKind::Composite, None, false));
                }
                for alarm in answer.log_alarms() {
                    let warms_up = alarm.warm_up_configuration().is_some();
                    all.push(alarm_of!(alarm, AlarmKind::Log, alarm.evaluation_state(), warms_up));
                }
                next = answer.next_token().map(str::to_owned);
                if next.is_none() {
                    break;
                }
            }
        }
        Ok(all)
    }

    /// The names of the rules that mute an alarm now: evaluation goes on, actions do not.
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_ListAlarmMuteRules.html>
    pub async fn mutes(&self, alarm: &str) -> Result<Vec<String>> {
        let call = self.client.list_alarm_mute_rules().alarm_name(alarm).statuses(AlarmMuteRuleStatus::Active);
        let answer = self.calls.aws("cloudwatch:ListAlarmMuteRules", || call.clone().send()).await;
        let answer = answer.with_context(|| format!("read what mutes alarm {alarm}"))?;
        let arns = answer.alarm_mute_rule_summaries().iter().filter_map(|rule| rule.alarm_mute_rule_arn());
        Ok(arns.map(|arn| Foreign::new(arn.rsplit(':').next().unwrap_or_default()).for_message(100)).collect())
    }

    /// What put an alarm into its state, where it looks at several things.
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarmContributors.html>
    pub async fn contributors(&self, alarm: &str) -> Result<Vec<String>> {
        let call = self.client.describe_alarm_contributors().alarm_name(alarm);
        let answer = self.calls.aws("cloudwatch:DescribeAlarmContributors", || call.clone().send()).await;
        let answer = answer.with_context(|| format!("read the contributors of alarm {alarm}"))?;
        let words = answer.alarm_contributors().iter().map(|one| {
            let mut attributes: Vec<String> = one
                .contributor_attributes()
                .into_iter()
                .flatten()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            attributes.sort();
            let words = if attributes.is_empty() {
                one.contributor_id().unwrap_or_default().to_owned()
            } else {
                attributes.join(", ")
            };
            Foreign::new(words).for_message(200)
        });
        Ok(words.collect())
    }
}

fn state(value: Option<&StateValue>) -> Result<AlarmState, UnknownValue> {
    AlarmState::try_from(value.map(StateValue::as_str).unwrap_or_default().to_owned())
}

fn evaluation(value: Option<&EvaluationState>) -> Result<Option<Evaluation>, UnknownValue> {
    value.map(|value| Evaluation::try_from(value.as_str().to_owned())).transpose()
}
