//! What people are told of a deployment: the issue that a failure opens, and that the fix closes.

use anyhow::{Context as _, Result};

use super::stage::{Job, Stage, passed};
use crate::github::{Comment, Issue};
use crate::runner::Report;

impl Stage<'_> {
    /// What the workflow does `if: always()`, at the end of the job. What a step found is told with it.
    pub(super) async fn notify(&mut self, job: &Job<'_>, status: &str, found: &Report) -> Result<()> {
        let inputs = [("status", status), ("details", found.output("evidence")), ("mention", "@org/on-call")];
        passed(&self.step(job, "notify", &inputs).await?)
    }

    /// Shows the issue as GitHub has it, and the statuses of the commit.
    pub(super) fn show_issue(&mut self, commit: &str) -> Result<(Issue, Vec<Comment>)> {
        let issue = self.repository.issues().pop().context("an issue")?;
        let comments = self.repository.comments(issue.number);
        for status in self.repository.commit_statuses(commit) {
            let description = status.description.unwrap_or_default();
            self.detail(&format!("status of {}: {} {}: {description}", &commit[..7], status.context, status.state));
        }
        let state = if issue.open { "open" } else { "closed" };
        self.say(&format!("issue #{} ({state}): {} [{}]", issue.number, issue.title, issue.labels.join(", ")));
        let texts = issue.body.iter().chain(comments.iter().map(|comment| &comment.body));
        for line in texts.flat_map(|text| text.lines()) {
            self.detail(&format!("  | {line}"));
        }
        Ok((issue, comments))
    }
}
