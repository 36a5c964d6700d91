//! The issue on GitHub: looked for, then opened, commented on, corrected or closed.

use anyhow::{Context as _, Result};

use super::inputs::Notify;
use super::issue::{self, Found, Previous, Task};
use super::notification::Notification;
use crate::calls::error_line;
use crate::context::Context;
use crate::github::{Github, GithubError, Issue, Kind, NewIssue};
use crate::text::{message, message_str};

/// The repository that has the issue, and what was found there.
#[derive(Debug)]
pub(super) struct Tracker {
    github: Github,
    pub(super) found: Option<Found>,
    previous: Option<Previous>,
}

impl Tracker {
    /// Looks for the issue, and for what this run said on it before.
    pub(super) async fn look(cx: &Context, asked: &Notify, news: &Notification) -> Result<Self> {
        let github = match &asked.issue_repository {
            Some(repository) => cx.github().await?.of(repository),
            None => cx.github().await?.clone(),
        };
        let mut tracker = Self { found: None, previous: None, github };
        tracker.found = tracker.find(news).await?;
        if let Some(found) = tracker.found.as_ref().filter(|found| issue::needs_comments(news, Some(found))) {
            tracker.previous = issue::previous(&tracker.github.comments(found.number).await?, news);
        }
        Ok(tracker)
    }

    async fn find(&self, news: &Notification) -> Result<Option<Found>> {
        let issues = self.github.open_issues(|so_far| issue::find(so_far, news).is_some()).await?;
        Ok(issue::find(&issues, news))
    }

    /// What is to be done, in words; nothing when nothing is.
    pub(super) fn plan(&self, news: &Notification) -> Vec<String> {
        let number = self.found.as_ref().map(|found| found.number).unwrap_or_default();
        let words = |task: Task| match task {
            Task::Nothing => None,
            Task::Open(_) => Some(format!("open an issue in {}", self.github.repository())),
            Task::EditIssue(..) => Some(format!("correct issue #{number}")),
            Task::EditComment(..) => Some(format!("correct the comment on issue #{number}")),
            Task::Comment(..) => Some(format!("comment on issue #{number}")),
            Task::Close(_) => Some(format!("close issue #{number}")),
        };
        issue::tasks(news, self.found.as_ref(), self.previous.as_ref()).into_iter().filter_map(words).collect()
    }

    /// Does it.
    pub(super) async fn tell(&mut self, cx: &Context, news: &Notification) -> Result<()> {
        for task in issue::tasks(news, self.found.as_ref(), self.previous.as_ref()) {
            match task {
                Task::Nothing => {}
                Task::Open(new) => self.open(cx, news, &new).await?,
                Task::EditIssue(number, body) => self.github.edit_issue(number, &body).await?,
                Task::EditComment(comment, body) => self.github.edit_comment(comment, &body).await?,
                Task::Comment(number, body) => self.comment(news, number, &body).await?,
                Task::Close(number) => self.github.close_issue(number).await?,
            }
        }
        Ok(())
    }

    /// Opens the issue. When the answer is lost it is looked for, and not opened twice; labels that may not be set do not stand in
    /// the way.
    async fn open(&mut self, cx: &Context, news: &Notification, new: &NewIssue) -> Result<()> {
        let mut refusal = None;
        let opened = match self.github.open_issue(new).await {
            Err(error) if GithubError::is(&error, &Kind::Invalid) => {
                let bare = NewIssue { labels: Vec::new(), ..new.clone() };
                refusal = Some(error_line(&error));
                self.github.open_issue(&bare).await.map_err(|_the_same| error)
            }
            answer => answer,
        };
        self.found = match opened {
            Ok(opened) => {
                report_labels(cx, &opened, &new.labels, refusal.as_deref());
                if issue::is_too_long(&news.environment) {
                    let (number, environment) = (opened.number, &news.environment);
                    cx.report.warn(message!(
                        "issue-without-label",
                        "issue #{number} has no label {environment}: GitHub takes at most 50 characters"
                    ));
                }
                Some(Found::opened(&opened, news))
            }
            Err(error) if GithubError::is_unanswered(&error) => match self.find(news).await {
                Ok(Some(found)) => Some(found),
                _ => {
                    return Err(error).context(message_str!(
                        "issue-opening-unknown",
                        "whether it was opened is unknown: running the step again is safe, it looks first"
                    ));
                }
            },
            Err(error) => return Err(error),
        };
        Ok(())
    }

    async fn comment(&self, news: &Notification, number: u64, body: &str) -> Result<()> {
        let Err(error) = self.github.comment(number, body).await else { return Ok(()) };
        if GithubError::is_unanswered(&error)
            && let Ok(comments) = self.github.comments(number).await
            && issue::previous(&comments, news).is_some()
        {
            return Ok(());
        }
        Err(error)
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
