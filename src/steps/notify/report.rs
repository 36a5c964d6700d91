//! What notify says of itself.

use super::apply::Delivery;
use super::channels::Service;
use super::inputs::{Notify, OnError};
use super::notification::Notification;
use super::plan::{Addressee, Plan};
use super::task::Task;
use crate::calls::error_line;
use crate::context::Context;
use crate::explain::explain;
use crate::github::{GithubError, Kind};
use crate::outcome::{Outcome, Verdict};
use crate::record;
use crate::text::{message, message_str};

/// A dry run: who would be notified.
pub(super) fn nothing_applied(cx: &Context, plan: &Plan) -> Outcome {
    let failed = plan.jobs.iter().filter_map(|job| Some((job, job.tasks.as_ref().err()?)));
    failed.for_each(|(job, error)| cx.report.warn(format!("{}: {}", job.name, error_line(error))));
    let plans = plans(plan);
    cx.report.note_change();
    cx.report.section("Plan", plans.iter().cloned());
    Outcome::pass(format!("dry run, nobody was notified: would {}", plans.join(", ")))
}

/// Who would be told what.
pub(super) fn plans(plan: &Plan) -> Vec<String> {
    let tasks = plan.jobs.iter().flat_map(|job| job.tasks.iter().flatten().map(move |task| (job, task)));
    let words = tasks.map(|(job, task)| match task {
        Task::Send(_) => format!("send a message to {}", job.name),
        task => task.to_string(),
    });
    words.collect()
}

/// One check for each, and the outcome.
pub(super) fn done(asked: &Notify, cx: &Context, news: &Notification, deliveries: &[Delivery]) -> Outcome {
    if let Some((number, url)) = news.issue.as_ref().filter(|_| deliveries.iter().any(is_issue)) {
        cx.report.output("issue-number", number.to_string());
        cx.report.output("issue-url", url.clone());
    }
    let mut failed = Vec::new();
    let mut advice = Vec::new();
    for one in deliveries {
        let (observed, verdict) = match (&one.done, one.seen) {
            (Ok(true), Some(true)) => ("sent, and read back".to_owned(), Verdict::Pass),
            (Ok(true), _) => ("sent".to_owned(), Verdict::Pass),
            (Ok(false), _) => ("nothing to do".to_owned(), Verdict::Skipped),
            (Err(error), _) => (error_line(error), Verdict::Error),
        };
        cx.report.check(format!("message to {}", one.name), observed.clone(), "sent", verdict, one.to.source());
        if one.seen == Some(false) {
            cx.report.warn(message!(
                "sent-not-read-back",
                "{}: GitHub took it, and it could not be read back",
                one.name
            ));
        }
        if let Err(error) = &one.done {
            failed.push(format!("{}: {observed}", one.name));
            advice.extend(fixes(one, error));
        }
    }
    let done = deliveries.iter().filter(|one| matches!(one.done, Ok(true)));
    let delivered: Vec<&str> = done.map(|one| one.name.as_str()).collect();
    cx.report.output("delivered", delivered.join("\n"));
    if !delivered.is_empty() {
        cx.report.note_change();
    }
    let by = if delivered.is_empty() { "nobody".to_owned() } else { delivered.join(", ") };
    let reason = format!("sent \"{}\" to {by}", news.headline());
    if failed.is_empty() {
        return Outcome::pass(reason);
    }
    advice.dedup();
    let reason = message!("not-notified", "{reason}; could not be notified: {}", failed.join("; "));
    match asked.on_error {
        OnError::Fail => advice.into_iter().fold(Outcome::error(reason), Outcome::advise),
        OnError::Warn => {
            for line in failed.into_iter().map(|line| format!("could not be notified: {line}")).chain(advice) {
                cx.report.warn(line);
            }
            Outcome::pass(reason)
        }
    }
}

fn is_issue(one: &Delivery) -> bool {
    one.to == Addressee::Issue
}

/// What to do about it.
fn fixes(one: &Delivery, error: &anyhow::Error) -> Vec<String> {
    let mut advice = explain(error).advice;
    // GitHub names what looking takes; a token that may do no more gets the next refusal.
    let needs = match one.to {
        Addressee::Issue => {
            Some("give the job the permission `issues: write` under `permissions:`, or set `issue: false`")
        }
        Addressee::Channel(Service::PullRequest) => {
            Some("give the job the permission `pull-requests: write` under `permissions:`; a run of a fork has none")
        }
        _ => None,
    };
    if let Some(needs) = needs.filter(|_| record::is_denied(error)) {
        advice = vec![needs.to_owned()];
    }
    if GithubError::is(error, &Kind::Gone) {
        advice.push(
            message_str!("issues-switched-off", "name another repository by `issue-repository`, or set `issue: false`")
                .to_owned(),
        );
    }
    advice
}
