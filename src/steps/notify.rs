//! notify: tells people and programs how a deployment ended.
//!
//! The channels are independent of each other: a failure of one is reported, and does not keep the others from being notified.

mod channels;
mod deliver;
mod details;
mod discord;
mod history;
mod inputs;
mod issue;
mod issue_tracker;
mod job_status;
mod notification;
mod payload;
mod slack;
mod teams;
mod text;

use anyhow::{Context as _, Result};
use futures_util::future::join_all;

pub use self::channels::Channels;
use self::deliver::{Addressee, Delivery, Recipient};
use self::history::PreviousRuns;
pub use self::inputs::{EvidencePath, Handle, Notify, OnError};
use self::issue_tracker::Tracker;
use self::job_status::Ended;
use self::notification::{Aftermath, Notification};
use super::{DeployStep, Output};
use crate::action::inputs::common::CommonInputs;
use crate::action::inputs::{CommitSha, Problems, Span};
use crate::calls::error_line;
use crate::context::Context;
use crate::explain::explain;
use crate::github::{CommitState, GithubError, Kind, NewCommitStatus};
use crate::outcome::Verdict;
use crate::outcome::{Outcome, Step};
use crate::permissions::{AwsPermission, GithubPermission, Permissions, Resource, When};
use crate::record;
use crate::text::{message, message_str};

impl DeployStep for Notify {
    const NAME: &'static str = "notify";
    const ABOUT: &'static str = "Tells people and programs how a deployment ended.";
    const OUTPUTS: &'static [Output] = &[
        Output::value("issue-number", "The issue about the failure: opened, commented on, or closed."),
        Output::text("issue-url", "Its page."),
        Output::text("delivered", "Who was notified, one a line: `status`, `issue`, and the channels by their names."),
    ];
    const PERMISSIONS: Permissions = Permissions {
        aws: &[AwsPermission::writes("sns:Publish", Resource::Topic).when(When::SnsChannel).optional("that channel")],
        github: &[
            GithubPermission::needs("statuses: write").optional("the status of the commit"),
            GithubPermission::needs("issues: write").when(When::Issue).optional("the issue about failures"),
            GithubPermission::needs("deployments: read")
                .when(When::AfterFailure)
                .optional("what serves, and whether it was rolled back"),
        ],
    };
    const TIMEOUT: Span = Span::minutes(2);
    const ATTACHES: bool = false;

    fn check_with(&self, common: &CommonInputs, problems: &mut Problems) {
        problems.add_if(
            common.environment.is_none(),
            "input `environment` is required: it is what the notification is about",
        );
        let expected = common.expected_account_id.as_ref();
        let elsewhere = self.recipients().iter().any(|one| {
            one.channel.topic.as_ref().is_some_and(|topic| expected.is_some_and(|account| account != topic.account()))
        });
        problems.add_if(
            elsewhere,
            message_str!(
                "topic-of-other-account",
                "the SNS topic belongs to another account than `expected-account-id` names"
            ),
        );
    }

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        if self.status == Ended::Skipped {
            return Ok(Outcome::skipped("nothing was deployed: nobody is notified"));
        }
        // GitHub may have us wait; the channels are told all the same.
        let github = &cx.with_deadline(cx.calls.deadline.at_most(cx.calls.deadline.remaining() / 2));
        let mut news = self.news(github).await?;
        let mut tracker = self.look(github, &mut news).await;
        tracing::info!("{} {}", news.sign(), news.headline());
        if cx.is_dry_run() {
            return Ok(self.planned(cx, &news, tracker.as_ref()));
        }
        let mut deliveries = vec![Delivery::to_commit(set_status(github, &news).await.map(|()| true))];
        // After a failure the channels are told of the issue; after a success it is closed last, because it is what `change` is told by.
        if news.ended != Ended::Success {
            deliveries.extend(tell_issue(github, &mut tracker, &mut news).await);
        }
        let recipients = self.recipients();
        let wanted = recipients.iter().filter(|one| one.channel.on.wants(&news));
        deliveries.extend(join_all(wanted.map(|one| one.tell(cx, &news))).await);
        if news.ended == Ended::Success {
            deliveries.extend(tell_issue(cx, &mut tracker, &mut news).await);
        }
        Ok(self.judged(cx, &news, &deliveries))
    }
}

impl Notify {
    /// The channels, with what they take from the inputs.
    fn recipients(&self) -> Vec<Recipient> {
        Recipient::all(self)
    }

    /// What is to be told. What the records do not tell is not known, and is said so.
    async fn news(&self, cx: &Context) -> Result<Notification> {
        let environment = cx.common.environment.clone().context("there is no environment")?;
        let past = match (self.status, &self.version) {
            (Ended::Success, Some(_)) => None,
            _ => PreviousRuns::read(cx, &environment).await.map_err(|error| report_unread(cx, &error)).ok(),
        };
        let known = past.as_ref().and_then(|past| match self.status {
            Ended::Success => past.version(),
            _ => past.deployed(),
        });
        let aftermath = match (&past, self.rollback) {
            (None, None) => Aftermath::Unknown,
            (past, given) => past.clone().unwrap_or_default().aftermath(given),
        };
        Ok(Notification {
            repository: cx.runner.github_repository.clone().unwrap_or_default(),
            environment: environment.to_string(),
            component: record::component(cx),
            is_part: cx.common.component.is_some(),
            ended: self.status,
            version: self.version.as_ref().map(|given| notification::version(&given.0)).or(known),
            commit: cx.commit().map(|commit| commit.to_string()).unwrap_or_default(),
            aftermath,
            held: past.map(|past| past.held).unwrap_or_default(),
            run: record::this_run(cx),
            run_url: cx.runner.run_url(),
            actor: cx.runner.github_actor.as_deref().map(notification::name),
            details: self.details.as_ref().map(|paths| details::read(cx, &paths.0)).unwrap_or_default(),
            mention: self.mention.iter().flatten().map(ToString::to_string).collect(),
            changed: true,
            issue_url: None,
        })
    }

    /// Looks for the issue. It also tells how the time before ended: an open one is a failure's. What is not known counts as changed.
    async fn look(&self, cx: &Context, news: &mut Notification) -> Option<Result<Tracker>> {
        if !self.issue.0 {
            return None;
        }
        let tracker = Tracker::look(cx, self, news).await;
        if let Ok(tracker) = &tracker {
            let before = tracker.found.as_ref().filter(|found| news.ended == Ended::Success || !found.is_of(news));
            news.changed = before.is_some() == (news.ended == Ended::Success);
            news.issue_url = tracker.found.as_ref().map(|found| found.url.clone());
        }
        Some(tracker)
    }

    fn planned(&self, cx: &Context, news: &Notification, tracker: Option<&Result<Tracker>>) -> Outcome {
        let mut plan = vec![format!("set the status {} to \"{}\"", context(news), news.outcome())];
        match tracker {
            Some(Ok(tracker)) => plan.extend(tracker.plan(news)),
            Some(Err(error)) => cx.report.warn(format!("the issue could not be looked for: {}", error_line(error))),
            None => {}
        }
        let recipients = self.recipients();
        plan.extend(recipients.iter().filter(|one| one.channel.on.wants(news)).map(|one| format!("tell {}", one.name)));
        cx.report.note_change();
        cx.report.section("Plan", plan.iter().cloned());
        Outcome::pass(format!("dry run, nobody was notified: would {}", plan.join(", ")))
    }

    /// One check for each, and the outcome.
    fn judged(&self, cx: &Context, news: &Notification, deliveries: &[Delivery]) -> Outcome {
        let mut failed = Vec::new();
        let mut advice = Vec::new();
        for one in deliveries {
            let (observed, verdict) = match &one.done {
                Ok(true) => ("told".to_owned(), Verdict::Pass),
                Ok(false) => ("nothing to do".to_owned(), Verdict::Skipped),
                Err(error) => (error_line(error), Verdict::Error),
            };
            cx.report.check(format!("tell {}", one.name), observed.clone(), "told", verdict, one.source());
            if let Err(error) = &one.done {
                failed.push(format!("{}: {observed}", one.name));
                advice.extend(fixes(one, error));
            }
        }
        let names =
            |wanted: bool| deliveries.iter().filter(move |one| one.done.as_ref().is_ok_and(|done| *done == wanted));
        let delivered: Vec<&str> = names(true).map(|one| one.name.as_str()).collect();
        cx.report.output("delivered", delivered.join("\n"));
        if !delivered.is_empty() {
            cx.report.note_change();
        }
        let by = if delivered.is_empty() { "nobody".to_owned() } else { delivered.join(", ") };
        let reason = format!("told \"{}\" to {by}", news.headline());
        if failed.is_empty() {
            return Outcome::pass(reason);
        }
        advice.dedup();
        let reason = message!("not-notified", "{reason}; could not be determined: {}", failed.join("; "));
        match self.on_error {
            OnError::Fail => advice.into_iter().fold(Outcome::error(reason), Outcome::advise),
            OnError::Warn => {
                for line in failed.into_iter().map(|line| format!("could not be notified: {line}")).chain(advice) {
                    cx.report.warn(line);
                }
                Outcome::pass(reason)
            }
        }
    }
}

/// What to do about it.
fn fixes(one: &Delivery, error: &anyhow::Error) -> Vec<String> {
    let mut advice = explain(error).advice;
    // GitHub names what looking for the issue takes; a token that may do no more gets the next refusal.
    if one.to == Addressee::Issue && record::is_denied(error) {
        advice =
            vec!["give the job the permission `issues: write` under `permissions:`, or set `issue: false`".to_owned()];
    }
    if GithubError::is(error, &Kind::Gone) {
        advice.push(
            message_str!("issues-switched-off", "name another repository by `issue-repository`, or set `issue: false`")
                .to_owned(),
        );
    }
    advice
}

fn report_unread(cx: &Context, error: &anyhow::Error) {
    cx.report.warn(message!(
        "record-not-read",
        "what the record says of this run could not be read: {}",
        error_line(error)
    ));
}

/// The name of the commit's status.
fn context(news: &Notification) -> String {
    format!("deploy/{}", news.place())
}

async fn set_status(cx: &Context, news: &Notification) -> Result<()> {
    let commit: CommitSha =
        news.commit.parse().map_err(|error| anyhow::anyhow!("no commit is known: `sha` {error}"))?;
    let state = match news.ended {
        Ended::Success => CommitState::Success,
        Ended::Failure => CommitState::Failure,
        Ended::Cancelled | Ended::Skipped => CommitState::Error,
    };
    let status = NewCommitStatus {
        state,
        context: context(news),
        description: news.outcome(),
        target_url: news.run_url.clone(),
    };
    cx.github().await?.set_commit_status(&commit, &status).await
}

/// Opens, corrects or closes the issue, and says where it is.
async fn tell_issue(cx: &Context, tracker: &mut Option<Result<Tracker>>, news: &mut Notification) -> Option<Delivery> {
    let done = match tracker.take()? {
        Err(error) => Err(error.context("look for the issue")),
        Ok(mut tracker) => {
            let planned = !tracker.plan(news).is_empty();
            let done = tracker.tell(cx, news).await.map(|()| planned);
            if let Some(found) = &tracker.found {
                news.issue_url = Some(found.url.clone());
                cx.report.output("issue-number", found.number.to_string());
                cx.report.output("issue-url", found.url.clone());
            }
            done
        }
    };
    Some(Delivery::to_issue(done))
}
