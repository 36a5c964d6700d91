//! Who is told what, as typed tasks. No I/O.

use anyhow::Result;

use super::channels::Service;
use super::deliver::Recipient;
use super::issue::{self, Found, Previous};
use super::notification::Notification;
use super::status::Status;
use super::task::Task;
use crate::github::NewCommitStatus;

/// Everything the decision needs.
#[derive(Debug)]
pub(super) struct Observed {
    pub news: Notification,
    /// The issue, where one is kept.
    pub issue: Option<Result<KnownIssue>>,
    /// The pull request of the run, where its channel is one.
    pub pull_request: Option<Result<Thread>>,
}

/// What is known of the issue.
#[derive(Debug)]
pub(super) struct KnownIssue {
    pub found: Option<Found>,
    pub previous: Option<Previous>,
}

/// A pull request, and what was said of this on it.
#[derive(Debug)]
pub(super) struct Thread {
    pub number: u64,
    pub previous: Option<Previous>,
}

/// Who is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Addressee {
    /// The commit, by its status.
    Commit,
    Issue,
    Channel(Service),
}

impl Addressee {
    /// The call by which it is told.
    pub(super) const fn source(self) -> &'static str {
        match self {
            Self::Commit => "POST /repos/{owner}/{repo}/statuses/{sha}",
            Self::Issue => "POST /repos/{owner}/{repo}/issues",
            Self::Channel(Service::PullRequest) => "POST /repos/{owner}/{repo}/issues/{issue_number}/comments",
            Self::Channel(Service::Sns) => "sns:Publish",
            Self::Channel(_) => "POST to the address of the channel",
        }
    }
}

/// What one of them is told; nothing where nothing is to be done.
#[derive(Debug)]
pub(super) struct Job {
    pub name: String,
    pub to: Addressee,
    pub tasks: Result<Vec<Task>>,
}

/// What is told, and to whom.
#[derive(Debug)]
pub(super) struct Plan {
    pub news: Notification,
    pub jobs: Vec<Job>,
}

/// Who is told, in this order: after a failure the channels learn of the issue; after a success it is closed last, because it is what
/// `change` is told by.
pub(super) fn plan(observed: Observed, recipients: &[Recipient]) -> Plan {
    let Observed { news, issue, pull_request: mut thread } = observed;
    let news = &news;
    let issue = issue.map(|known| {
        let tasks = |known: KnownIssue| issue::tasks(news, known.found.as_ref(), known.previous.as_ref());
        Job { name: "issue".to_owned(), to: Addressee::Issue, tasks: known.map(tasks) }
    });
    let (before, after) = if news.status == Status::Success { (None, issue) } else { (issue, None) };
    let wanted = recipients.iter().enumerate().filter(|(_, one)| one.channel.on.wants(news));
    let channels = wanted.map(|(place, one)| {
        let to = one.channel.to;
        let tasks = match (to, thread.take_if(|_| to == Service::PullRequest)) {
            (Service::PullRequest, Some(thread)) => {
                thread.map(|thread| issue::tasks_of_comment(news, thread.number, thread.previous.as_ref()))
            }
            // There is one comment, whoever asks for it twice.
            (Service::PullRequest, None) => Ok(Vec::new()),
            _ => Ok(vec![Task::Send(place)]),
        };
        Job { name: one.name.clone(), to: Addressee::Channel(to), tasks }
    });
    let channels: Vec<Job> = channels.collect();
    let jobs = [of_commit(news)].into_iter().chain(before).chain(channels).chain(after).collect();
    Plan { jobs, news: news.clone() }
}

fn of_commit(news: &Notification) -> Job {
    let status = NewCommitStatus {
        state: news.status.of_commit(),
        context: format!("deploy/{}", news.place()),
        description: news.outcome(),
        target_url: news.run_url.clone(),
    };
    let commit = news.commit.parse().map_err(|error| anyhow::anyhow!("no commit is known: `sha` {error}"));
    let tasks = commit.map(|commit| vec![Task::SetStatus(commit, status)]);
    Job { name: "status".to_owned(), to: Addressee::Commit, tasks }
}

#[cfg(test)]
mod tests {
    use super::super::channels::Channel;
    use super::super::notification::tests::{failure, success};
    use super::*;
    use crate::github::CommitState;

    fn observed(news: Notification) -> Observed {
        let issue = news.status.is_end().then(|| Ok(KnownIssue { found: None, previous: None }));
        Observed { news, issue, pull_request: Some(Ok(Thread { number: 12, previous: None })) }
    }

    #[test]
    fn the_commit_comes_first_and_the_issue_before_who_is_told_of_it() {
        let recipients: Vec<Recipient> = [Service::Slack, Service::PullRequest, Service::PullRequest]
            .map(|to| Recipient { name: to.name().to_owned(), channel: Channel::plain(to) })
            .into();
        let told = |news: Notification| {
            let jobs = plan(observed(news), &recipients).jobs;
            let words = jobs.iter().map(|job| {
                let tasks: Vec<String> = job.tasks.as_ref().unwrap().iter().map(ToString::to_string).collect();
                format!("{}: {}", job.name, tasks.join(", "))
            });
            words.collect::<Vec<_>>()
        };
        let status = "status: set the status deploy/prd to \"failed; rolled back to v41\"";
        let channels = ["slack: send the message", "pull-request: comment on #12", "pull-request: "];
        let [slack, comment, again] = channels;
        assert_eq!(told(failure()), [status, "issue: open an issue", slack, comment, again]);
        let status = "status: set the status deploy/prd to \"v43 serves\"";
        assert_eq!(told(success()), [status, slack, comment, again, "issue: "]);
        let status = "status: set the status deploy/prd to \"deploying v42\"";
        let started = Notification { status: Status::Started, ..failure() };
        assert_eq!(told(started.clone()), [status, slack, comment, again]);
        let jobs = plan(observed(started), &[]).jobs;
        let [Task::SetStatus(_, status)] = &jobs[0].tasks.as_ref().unwrap()[..] else { panic!("no status") };
        assert_eq!(status.state, CommitState::Pending);
    }

    #[test]
    fn without_a_commit_the_others_are_told() {
        let jobs = plan(observed(Notification { commit: String::new(), ..failure() }), &[]).jobs;
        assert!(jobs[0].tasks.is_err() && jobs[1].tasks.is_ok());
    }
}
