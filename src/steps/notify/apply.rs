//! Tells everybody: each by itself, so that what stands in the way of one hides nobody else. Then what GitHub was told is read back.

use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::future::join_all;

use super::channels::Service;
use super::deliver::Recipient;
use super::inputs::Notify;
use super::issue;
use super::notification::Notification;
use super::plan::{Addressee, Job, Plan};
use super::status::Status;
use super::task::Task;
use crate::calls::error_line;
use crate::context::Context;
use crate::github::{Github, GithubError, Issue, Kind, NewIssue};
use crate::text::{message, message_str};

/// Reading back may take this long.
const READ_BACK: Duration = Duration::from_secs(10);

/// What became of one who was to be told.
#[derive(Debug)]
pub(super) struct Delivery {
    pub name: String,
    pub to: Addressee,
    /// Whether anything was to be done.
    pub done: Result<bool>,
    /// Whether it is there when it is read again; nothing where that cannot be asked.
    pub seen: Option<bool>,
    tasks: Vec<Task>,
}

/// The clocks: GitHub may have us wait, and the channels are told all the same.
pub(super) struct Clocks<'a> {
    pub all: &'a Context,
    pub github: &'a Context,
}

/// Tells everybody, in the order of the plan; channels at the same time.
pub(super) async fn apply(
    asked: &Notify,
    clocks: &Clocks<'_>,
    recipients: &[Recipient],
    plan: Plan,
) -> (Notification, Vec<Delivery>) {
    let Plan { mut news, jobs } = plan;
    let mut deliveries = Vec::new();
    let mut jobs = jobs.into_iter().peekable();
    let is_channel = |job: &Job| matches!(job.to, Addressee::Channel(_));
    while let Some(job) = jobs.next() {
        let mut group = vec![job];
        while let Some(next) = jobs.next_if(|next| is_channel(&group[0]) && is_channel(next)) {
            group.push(next);
        }
        let told = group.into_iter().map(|job| perform(asked, clocks, recipients, &news, job));
        for (delivery, opened) in join_all(told).await {
            news.issue = opened.or(news.issue);
            deliveries.push(delivery);
        }
    }
    (news, deliveries)
}

type Page = (u64, String);

async fn perform(
    asked: &Notify,
    clocks: &Clocks<'_>,
    recipients: &[Recipient],
    news: &Notification,
    job: Job,
) -> (Delivery, Option<Page>) {
    // What is closed last has nobody to wait for it.
    let is_last = job.to == Addressee::Issue && news.status == Status::Success;
    let cx = if is_last { clocks.all } else { clocks.github };
    let (tasks, failed) = match job.tasks {
        Ok(tasks) => (tasks, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    let mut opened = None;
    let mut done = failed.map_or(Ok(!tasks.is_empty()), Err);
    for task in &tasks {
        let told = match task {
            Task::Send(place) => match recipients.get(*place) {
                Some(recipient) => recipient.send(clocks.all, news).await,
                None => Ok(()),
            },
            Task::Open(new) => open(asked, cx, news, new).await.map(|page| opened = Some(page)),
            task => change(asked, cx, job.to, task).await,
        };
        if let Err(error) = told {
            done = Err(error);
            break;
        }
    }
    (Delivery { name: job.name, to: job.to, done, seen: None, tasks }, opened)
}

/// The client of the repository that somebody is told in.
async fn client(asked: &Notify, cx: &Context, to: Addressee) -> Result<Github> {
    if to == Addressee::Issue { asked.tracker(cx).await } else { cx.github().await }
}

async fn change(asked: &Notify, cx: &Context, to: Addressee, task: &Task) -> Result<()> {
    let github = client(asked, cx, to).await?;
    match task {
        Task::SetStatus(commit, status) => github.set_commit_status(commit, status).await,
        Task::EditIssue(number, body) => github.edit_issue(*number, body).await,
        Task::EditComment(_, comment, body) => github.edit_comment(*comment, body).await,
        Task::Close(number) => github.close_issue(*number).await,
        Task::Comment(number, body) => comment(&github, *number, body).await,
        Task::Open(_) | Task::Send(_) => Ok(()),
    }
}

/// When the answer is lost it is looked for, and not made twice.
async fn comment(github: &Github, number: u64, body: &str) -> Result<()> {
    let Err(error) = github.comment(number, body).await else { return Ok(()) };
    if GithubError::is_unanswered(&error) && has_comment(github, number, body).await.unwrap_or_default() {
        return Ok(());
    }
    Err(error)
}

async fn has_comment(github: &Github, number: u64, body: &str) -> Result<bool> {
    let comments = github.comments(number).await?;
    Ok(comments.iter().filter_map(|comment| comment.trusted_body()).any(|there| issue::is_same(there, body)))
}

/// Opens the issue. When the answer is lost it is looked for, and not opened twice; labels that may not be set do not stand in the
/// way.
async fn open(asked: &Notify, cx: &Context, news: &Notification, new: &NewIssue) -> Result<Page> {
    let github = asked.tracker(cx).await?;
    let mut refusal = None;
    let opened = match github.open_issue(new).await {
        Err(error) if GithubError::is(&error, &Kind::Invalid) => {
            let bare = NewIssue { labels: Vec::new(), ..new.clone() };
            refusal = Some(error_line(&error));
            github.open_issue(&bare).await.map_err(|_the_same| error)
        }
        answer => answer,
    };
    match opened {
        Ok(opened) => {
            report_labels(cx, &opened, &new.labels, refusal.as_deref());
            if issue::is_too_long(&news.environment) {
                let (number, environment) = (opened.number, &news.environment);
                cx.report.warn(message!(
                    "issue-without-label",
                    "issue #{number} has no label {environment}: GitHub takes at most 50 characters"
                ));
            }
            Ok((opened.number, opened.html_url))
        }
        Err(error) if GithubError::is_unanswered(&error) => {
            let issues = github.open_issues(|so_far| issue::find(so_far, news).is_some()).await;
            let found = issues.ok().and_then(|issues| issue::find(&issues, news));
            found.map(|found| (found.number, found.url)).ok_or(error).context(message_str!(
                "issue-opening-unknown",
                "whether it was opened is unknown: running the step again is safe, it looks first"
            ))
        }
        Err(error) => Err(error),
    }
}

/// GitHub drops labels without a word when the token may not set them; else it says why, and opens no issue.
fn report_labels(cx: &Context, opened: &Issue, wanted: &[String], refusal: Option<&str>) {
    let missing: Vec<&str> = wanted.iter().filter(|label| !opened.has_label(label)).map(String::as_str).collect();
    if !missing.is_empty() {
        cx.report.warn(message!(
            "issue-without-label",
            "issue #{} has no label {}: {}",
            opened.number,
            missing.join(", "),
            refusal.unwrap_or("the token may not set labels")
        ));
    }
}

/// Reads back what GitHub was told. Other services show nothing: their answers said that it was delivered.
pub(super) async fn read_back(asked: &Notify, cx: &Context, news: &Notification, deliveries: &mut [Delivery]) {
    let cx = &cx.with_deadline(cx.calls.deadline.at_most(READ_BACK));
    let seen = deliveries.iter().map(async |one| {
        let is_github = !matches!(one.to, Addressee::Channel(service) if service != Service::PullRequest);
        if !is_github || !matches!(one.done, Ok(true)) {
            return None;
        }
        Some(is_there(asked, cx, news, one).await.unwrap_or_else(|error| {
            tracing::info!("{} could not be read back: {}", one.name, error_line(&error));
            false
        }))
    });
    let seen = join_all(seen).await;
    for (delivery, seen) in deliveries.iter_mut().zip(seen) {
        delivery.seen = seen;
    }
}

async fn is_there(asked: &Notify, cx: &Context, news: &Notification, one: &Delivery) -> Result<bool> {
    let github = client(asked, cx, one.to).await?;
    let has_body = async |number: u64, body: &str| -> Result<bool> {
        Ok(github.issue(number).await?.trusted_body().is_some_and(|there| issue::is_same(there, body)))
    };
    let there = one.tasks.iter().map(async |task| match task {
        Task::SetStatus(commit, status) => {
            let found = github.commit_status(commit, &status.context).await?;
            Ok(found.is_some_and(|found| (found.state, &found.target_url) == (status.state, &status.target_url)))
        }
        Task::Open(new) => match &news.issue {
            Some((number, _)) => has_body(*number, &new.body).await,
            None => Ok(false),
        },
        Task::EditIssue(number, body) => has_body(*number, body).await,
        Task::Comment(number, body) | Task::EditComment(number, _, body) => has_comment(&github, *number, body).await,
        Task::Close(number) => Ok(github.issue(*number).await?.is_closed()),
        Task::Send(_) => Ok(true),
    });
    let there: Vec<bool> = join_all(there).await.into_iter().collect::<Result<_>>()?;
    Ok(there.into_iter().all(|there| there))
}
