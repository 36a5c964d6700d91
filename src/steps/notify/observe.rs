//! What is to be told, and what was told before.

use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::future::join3;
use serde_json::Value;

use super::channels::Service;
use super::deliver::Recipient;
use super::history::PreviousRuns;
use super::inputs::Notify;
use super::notification::{self, Notification};
use super::plan::{KnownIssue, Observed, Thread};
use super::status::{Aftermath, Status};
use super::{details, issue};
use crate::action::inputs::EnvironmentName;
use crate::calls::error_line;
use crate::context::Context;
use crate::github::{Comment, Github, Issue};
use crate::record;
use crate::text::{message, message_str};

/// What is only told beside, and decides nothing, is waited for at most so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// Reads all that is told, and by which it is decided who is.
pub(super) async fn observe(asked: &Notify, cx: &Context, recipients: &[Recipient]) -> Result<Observed> {
    let environment = cx.common.environment.as_ref().context("there is no environment")?;
    let about = notification(asked, cx, environment, None);
    let issues = async {
        if asked.issue.0 && asked.status.is_end() { Some(open_issues(asked, cx, &about).await) } else { None }
    };
    let thread = async {
        let is_wanted = recipients.iter().any(|one| one.channel.to == Service::PullRequest);
        if is_wanted { Some(comments(cx).await) } else { None }
    };
    let (past, issues, thread) = join3(past(asked, cx, environment), issues, thread).await;
    let mut news = notification(asked, cx, environment, past);
    news.actor = record::actor(cx).await.as_deref().map(notification::name);
    news.details = asked.details.as_ref().map(|paths| details::read(cx, &paths.0)).unwrap_or_default();
    let issue = match issues {
        Some(Ok((github, issues))) => Some(known_issue(&github, &issues, &mut news).await),
        Some(Err(error)) => Some(Err(error)),
        None => None,
    };
    let issue = issue.map(|known| known.context("look for the issue"));
    let thread = thread.map(|thread| {
        let (number, comments) = thread?;
        Ok(Thread { number, previous: issue::find_told(&comments, &news) })
    });
    Ok(Observed { news, issue, pull_request: thread })
}

/// What the records say. Where they only add to it, nobody is bothered when they cannot be read.
async fn past(asked: &Notify, cx: &Context, environment: &EnvironmentName) -> Option<PreviousRuns> {
    let is_needed = asked.status.is_bad() || asked.status == Status::Success && asked.version.is_none();
    let patient = cx.with_deadline(cx.calls.deadline.at_most(PATIENCE));
    let read = PreviousRuns::read(if is_needed { cx } else { &patient }, environment).await;
    let told = |error: &anyhow::Error| {
        message!("record-not-read", "what the record says of this run could not be read: {}", error_line(error))
    };
    match read {
        Ok(past) => Some(past),
        Err(error) => {
            if is_needed {
                cx.report.warn(told(&error));
            } else {
                tracing::info!("{}", told(&error));
            }
            None
        }
    }
}

/// What is to be told. What the records do not tell is not known, and is said so.
fn notification(
    asked: &Notify,
    cx: &Context,
    environment: &EnvironmentName,
    past: Option<PreviousRuns>,
) -> Notification {
    let commit = cx.commit();
    let aftermath = match (&past, asked.rollback) {
        (None, None) => Aftermath::Unknown,
        (Some(past), given) => past.aftermath(given),
        (None, given) => PreviousRuns::default().aftermath(given),
    };
    let past = past.unwrap_or_default();
    let recorded = match asked.status {
        Status::Success => past.version(),
        Status::Started | Status::Waiting => None,
        Status::Failure | Status::Cancelled | Status::Skipped => past.deployed(),
    };
    let changes = past.before.as_ref().zip(commit.as_ref()).filter(|(before, commit)| before != commit);
    Notification {
        repository: cx.runner.github_repository.clone().unwrap_or_default(),
        environment: environment.to_string(),
        component: record::component(cx),
        is_part: cx.common.component.is_some(),
        status: asked.status,
        version: asked.version.as_ref().map(|given| notification::version(&given.0)).or(recorded),
        aftermath,
        places: past.at_places(asked.status, asked.rollback),
        changes_url: changes.and_then(|(before, commit)| cx.runner.page_of_changes(before, commit)),
        commit: commit.map(|commit| commit.to_string()).unwrap_or_default(),
        held: past.held,
        run: record::this_run(cx),
        run_url: cx.runner.run_url(),
        actor: None,
        text: asked.text.as_ref().map(|text| notification::own_line(&text.0)),
        details: Vec::new(),
        address: past.address,
        mention: asked.mention.iter().flatten().map(ToString::to_string).collect(),
        changed: true,
        issue: None,
    }
}

/// The open issues of the repository that has the issue, until it is among them.
async fn open_issues(asked: &Notify, cx: &Context, about: &Notification) -> Result<(Github, Vec<Issue>)> {
    let github = asked.tracker(cx).await?;
    let issues = github.open_issues(|so_far| issue::find(so_far, about).is_some()).await?;
    Ok((github, issues))
}

/// The issue. It also tells how the time before ended: an open one is a failure's. What is not known counts as changed.
async fn known_issue(github: &Github, issues: &[Issue], news: &mut Notification) -> Result<KnownIssue> {
    let found = issue::find(issues, news);
    let succeeded = news.status == Status::Success;
    news.changed = found.as_ref().is_some_and(|found| succeeded || !found.is_of(news)) == succeeded;
    news.issue = found.as_ref().map(|found| (found.number, found.url.clone()));
    let previous = match found.as_ref().filter(|found| issue::needs_comments(news, Some(found))) {
        Some(found) => issue::previous(&github.comments(found.number).await?, news),
        None => None,
    };
    Ok(KnownIssue { found, previous })
}

/// The pull request of the run, and the comments on it.
async fn comments(cx: &Context) -> Result<(u64, Vec<Comment>)> {
    let number = number_of(&cx.runner.event()?).context(message_str!(
        "no-pull-request",
        "this run is of no pull request: use the channel `pull-request` in a run of the event `pull_request`"
    ))?;
    let comments = cx.github().await?.comments(number).await.context("look for the comment on the pull request")?;
    Ok((number, comments))
}

/// The pull request that an event is about: its own, the one that was commented on, or the one of the run that ended.
fn number_of(event: &Value) -> Option<u64> {
    let commented = event["issue"].get("pull_request").and(event["issue"]["number"].as_u64());
    let of_run = event["workflow_run"]["pull_requests"][0]["number"].as_u64();
    event["pull_request"]["number"].as_u64().or(commented).or(of_run)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_pull_request_is_that_of_the_event() {
        let table = [
            (json!({"pull_request": {"number": 12}}), Some(12)),
            (json!({"issue": {"number": 12, "pull_request": {"url": "x"}}}), Some(12)),
            (json!({"issue": {"number": 12}}), None),
            (json!({"workflow_run": {"pull_requests": [{"number": 12}]}}), Some(12)),
            (json!({"workflow_run": {"pull_requests": []}}), None),
            (json!({"pull_request": {"number": "12"}}), None),
            (Value::Null, None),
        ];
        for (event, number) in table {
            assert_eq!(number_of(&event), number, "{event}");
        }
    }
}
