//! One dispatch, and what is known of what it started.

use anyhow::{Context as _, Result};

use super::inputs::Dispatch;
use super::plan::{Counts, Plan};
use crate::action::inputs::CommitSha;
use crate::calls::error_line;
use crate::context::Context;
use crate::github::{Github, GithubError, Kind};
use crate::outcome::{Outcome, Stop, Verdict};
use crate::text::message;

/// One dispatch, with what it needs.
pub(super) struct Job<'a> {
    pub(super) step: &'a Dispatch,
    pub(super) cx: &'a Context,
    /// Our repository.
    pub(super) ours: &'a Github,
    /// The one that is asked.
    pub(super) github: Github,
    /// The correlation id.
    pub(super) id: String,
}

/// What was started, now or by an earlier attempt.
#[derive(Debug)]
pub(super) struct Started {
    /// The run; `None` where GitHub took it, and which run it became is not known.
    pub(super) run: Option<u64>,
    pub(super) counts: Counts,
}

/// What a token was asked to do when GitHub refused it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needed {
    /// To start the run, or to look for it.
    ForRun,
    /// To read the status of our commit.
    ForStatus,
}

impl Job<'_> {
    /// What is started, in words.
    pub(super) fn label(&self) -> String {
        format!("{} in {}", self.step.what(), self.github.repository())
    }

    /// What an earlier attempt of our run has started.
    pub(super) fn report_plan(&self, plan: &Result<Plan, String>) {
        let (observed, verdict) = match plan {
            Ok(Plan::Start { over }) if over.is_empty() => ("none".to_owned(), Verdict::Pass),
            Ok(Plan::Start { over }) => (format!("{} ended badly", over.len()), Verdict::Pass),
            Ok(Plan::Follow(run)) => (format!("run {} goes on or has succeeded", run.id), Verdict::Skipped),
            Err(why) => (why.clone(), Verdict::Error),
        };
        let source = "GET /repos/{owner}/{repo}/actions/runs";
        let name = format!("runs of {}, started by this run", self.label());
        self.cx.report.check(name, observed, "none", verdict, source);
    }

    /// A dry run.
    pub(super) fn not_applied(&self, plan: &Plan) -> Outcome {
        match plan {
            Plan::Follow(run) => {
                self.report_run(run.id);
                Outcome::pass("dry run: nothing would be sent, the run of an earlier attempt would be waited for")
            }
            Plan::Start { .. } => {
                self.cx.report.note_change();
                Outcome::pass(format!("dry run, nothing was sent: {} would be started", self.label()))
            }
        }
    }

    /// The page of a run.
    pub(super) fn url(&self, run: u64) -> String {
        self.cx.runner.page_of_run(self.github.repository().as_str(), run).unwrap_or_default()
    }

    /// Reports which run it is, as soon as it is known.
    pub(super) fn report_run(&self, run: u64) {
        let report = &self.cx.report;
        report.output("run-id", run.to_string());
        report.output("run-url", self.url(run));
        tracing::info!("run {run} of {}: {}", self.label(), self.url(run));
        report.section("The run", [self.url(run)]);
    }

    pub(super) fn commit(&self) -> Result<CommitSha> {
        self.cx.commit().context("no commit is known: give the input `sha`")
    }

    /// A refusal, with what the token needs.
    pub(super) fn explain(&self, stop: Stop, needed: Needed) -> Stop {
        let Stop::Error(error) = stop else { return stop };
        let kind = GithubError::of(&error).map(|refusal| &refusal.kind);
        let Some(Kind::Denied(_) | Kind::NotFound) = kind else { return error.into() };
        let (of_status, target) = (needed == Needed::ForStatus, self.github.repository());
        let needed = match (needed, &self.step.workflow, self.step.cancel_on_timeout.0) {
            (Needed::ForStatus, _, _) => "`statuses: read`",
            (Needed::ForRun, Some(_), _) => "`actions: write`",
            (Needed::ForRun, None, false) => "`contents: write` and `actions: read`",
            (Needed::ForRun, None, true) => "`contents: write` and `actions: write`",
        };
        let outcome = Outcome::error(error_line(&error));
        let outcome = if target == self.ours.repository() || of_status {
            outcome.advise(format!("give the job {needed} under `permissions:`"))
        } else {
            outcome.advise(message!(
                "job-token-reach", "give the step a `token` of a GitHub App, or a fine-grained one, with {needed} in {target}: the job's own reaches {} only",
                self.ours.repository()
            ))
        };
        let outcome = match &self.step.workflow {
            Some(file) if !of_status => outcome.advise(format!(
                "or correct `repository` and `workflow`: {file} must be on the default branch of {target}"
            )),
            _ => outcome,
        };
        outcome.into()
    }
}

/// Nobody can say which run is ours.
pub(super) fn unclear(why: &str) -> Outcome {
    Outcome::error(why).advise("let one workflow show it: take the id out of the `run-name:` of the others")
}
