//! Alarms: they are there, tell somebody, are not muted, and somebody has said yes to be told.

use anyhow::{Result, anyhow};
use roxmltree::Document;
use serde::Deserialize;

use super::super::finding::{Finding, given_or, nothing_named};
use super::super::job::Job;
use crate::action::inputs::texts;
use crate::aws::cloudwatch::{Alarm, AlarmState};
use crate::aws::signed::{Service, Signed};
use crate::aws::{Aws, refusal};
use crate::outcome::Step;

const NEEDS: &str = "cloudwatch:DescribeAlarms";
const MUTES: &str = "cloudwatch:ListAlarmMuteRules";
const SUBSCRIPTIONS: &str = "sns:ListSubscriptionsByTopic";

/// Which alarms.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::steps::preflight) struct Options {
    /// Their names; without them, the input `alarms`.
    #[serde(default, deserialize_with = "texts")]
    names: Vec<String>,
}

pub(super) async fn ask(job: &Job<'_>, options: &Options) -> Step<Vec<Finding>> {
    let names = given_or(&options.names, &job.alarms);
    if names.is_empty() {
        return Ok(nothing_named("alarms", NEEDS, "the input `alarms`"));
    }
    let read = match job.cx.cloudwatch().await {
        Ok(cloudwatch) => cloudwatch.alarms(&names).await,
        Err(error) => Err(error),
    };
    let alarms = match read {
        Ok(alarms) => alarms,
        Err(error) => return Ok(vec![Finding::unanswered(job.cx, "alarms", NEEDS, error)?]),
    };
    let mut found = Vec::new();
    for name in &names {
        let alarm = alarms.iter().find(|alarm| alarm.name == *name);
        found.push(judge(name, alarm));
        let Some(alarm) = alarm else { continue };
        let what = format!("alarm {name}, mute rules");
        found.push(match job.cx.cloudwatch().await?.mutes(name).await {
            Ok(rules) if rules.is_empty() => Finding::ok(what, MUTES, "not muted"),
            // Its state is judged all the same; only nobody is told.
            Ok(rules) => Finding::ok(what, MUTES, format!("muted now by {}: nobody is told", rules.join(", "))).warn(),
            Err(error) => Finding::unanswered(job.cx, what, MUTES, error)?,
        });
        for topic in alarm.actions.iter().filter(|action| action.split(':').nth(2) == Some("sns")) {
            let what = format!("alarm {name}, topic {}", topic.rsplit(':').next().unwrap_or_default());
            found.push(match subscriptions(&job.cx.aws().await?, topic).await {
                Ok(confirmed) => judge_topic(what, confirmed),
                Err(error) => Finding::unanswered(job.cx, what, SUBSCRIPTIONS, error)?,
            });
        }
    }
    Ok(found)
}

/// PF01.
fn judge(name: &str, alarm: Option<&Alarm>) -> Finding {
    let what = format!("alarm {name}");
    let Some(alarm) = alarm else {
        let advice = "make the alarm, or correct its name, the account or the region";
        return Finding::fail(what, NEEDS, "there is none of this name", advice);
    };
    if !alarm.has_actions || alarm.actions.is_empty() {
        let why = if alarm.has_actions { "does nothing when it turns red" } else { "its actions are switched off" };
        let advice = "give it an action, and switch actions on: `aws cloudwatch enable-alarm-actions`";
        return Finding::fail(what, NEEDS, format!("{}, {}, {why}", alarm.kind, alarm.state), advice);
    }
    let found = Finding::ok(what, NEEDS, format!("{}, {}", alarm.kind, alarm.state));
    if alarm.state == AlarmState::Ok { found } else { found.warn() }
}

/// How many subscriptions of a topic are confirmed, and how many are not.
/// <https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html>
async fn subscriptions(aws: &Aws, topic: &str) -> Result<Option<(usize, usize)>> {
    let api = Signed::new(aws, Service { name: "sns", id: "SNS" })?;
    let form = [("Action", "ListSubscriptionsByTopic"), ("Version", "2010-03-31"), ("TopicArn", topic)];
    let answer = match aws.calls().read(SUBSCRIPTIONS, || api.query(SUBSCRIPTIONS, &form)).await {
        Err(error) if refusal(&error).is_some_and(|refusal| refusal.code == "NotFound") => return Ok(None),
        answer => answer?,
    };
    let document = Document::parse(&answer).map_err(|error| anyhow!("the answer of SNS could not be read: {error}"))?;
    let arns = document.descendants().filter(|node| node.tag_name().name() == "SubscriptionArn");
    let (confirmed, waiting): (Vec<_>, Vec<_>) =
        arns.filter_map(|node| node.text()).partition(|arn| arn.starts_with("arn:"));
    Ok(Some((confirmed.len(), waiting.len())))
}

fn judge_topic(what: String, found: Option<(usize, usize)>) -> Finding {
    let Some((confirmed, waiting)) = found else {
        return Finding::fail(
            what,
            SUBSCRIPTIONS,
            "the topic does not exist",
            "make the topic, or give the alarm another one",
        );
    };
    let shown = format!("{confirmed} confirmed subscriptions, {waiting} that wait for a yes");
    let advice = "subscribe somebody to the topic, and let them follow the link in the message that they get";
    Finding::when(confirmed > 0, what, SUBSCRIPTIONS, shown, advice).require("a confirmed subscription")
}

#[cfg(test)]
mod tests {
    use super::super::super::finding::State::{Fail, Ok};
    use super::*;

    #[test]
    fn an_alarm_must_tell_somebody_who_listens() {
        assert_eq!(judge("a", None).state, Fail);
        let topic = |found| judge_topic("t".to_owned(), found).state;
        assert_eq!(topic(Some((1, 1))), Ok);
        assert_eq!(topic(Some((0, 1))), Fail);
        assert_eq!(topic(None), Fail);
    }
}
