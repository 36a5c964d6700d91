//! dispatch: starts a workflow in this repository or another one, and waits for its result. Never starts it twice for one run: what an
//! earlier attempt started is found again by the id in its name.

mod inputs;
mod job;
mod plan;
mod send;
mod values;
mod wait;

use anyhow::{Context as _, Result};

pub use self::inputs::Dispatch;
use self::job::{Job, Started, unclear};
use self::plan::{Asking, Counts, Plan, plan};
pub use self::values::{BranchOrTag, ClientPayload, EventType, WaitFor, WorkflowFile, WorkflowInputs};
use super::{DeployStep, Output};
use crate::action::inputs::{CommitSha, Span};
use crate::calls::error_line;
use crate::context::Context;
use crate::github::{Github, GithubError, Kind};
use crate::outcome::{Outcome, Step, Stop, Verdict};
use crate::permissions::{GithubPermission, Permissions, When};
use crate::record::status_line::Figure;
use crate::text::{human_duration, message};

impl DeployStep for Dispatch {
    const NAME: &'static str = "dispatch";
    const ABOUT: &'static str = "Starts a workflow, here or in another repository, and waits for its result.";
    const OUTPUTS: &'static [Output] = &[
        Output::value("run-id", "The run that was started; empty when nobody can tell it"),
        Output::text("run-url", "Its page"),
        Output::text(
            "conclusion",
            "How it ended, `success`, `failure`, ..; with `wait-for: status:..` the state; empty while it goes on",
        ),
    ];
    const PERMISSIONS: Permissions = Permissions {
        aws: &[],
        github: &[
            GithubPermission::needs("actions: write").when(When::Workflow),
            GithubPermission::needs("contents: write").when(When::EventType),
            GithubPermission::needs("actions: read").when(When::EventType),
            GithubPermission::needs("statuses: read").when(When::StatusAwaited),
            GithubPermission::needs("actions: write").when(When::EventTypeCancelled),
        ],
    };
    const TIMEOUT: Span = Span::minutes(10);
    const FIGURES: &'static [Figure] = &[Figure::Value("run", "run-id"), Figure::Value("conclusion", "conclusion")];

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        let ours = &cx.github().await?;
        let github = self.repository.as_ref().map_or_else(|| ours.clone(), |repository| ours.of(repository));
        let id = self.id(cx, ours, &github);
        let job = Job { step: self, cx, ours, github, id };
        match job.perform().await {
            Err(Stop::Error(error)) => Err(job.explained(error, Needed::ForRun)),
            ended => ended,
        }
    }
}

impl Dispatch {
    /// The workflow's file, or the event's type.
    fn what(&self) -> &str {
        let event = self.event_type.as_ref().map(EventType::as_str);
        self.workflow.as_ref().map(WorkflowFile::as_str).or(event).unwrap_or_default()
    }

    fn id(&self, cx: &Context, ours: &Github, target: &Github) -> String {
        let given = self.inputs.as_ref().map(ToString::to_string);
        let given = given.or_else(|| self.client_payload.as_ref().map(ToString::to_string)).unwrap_or_default();
        let step = (
            cx.runner.github_job.as_deref().unwrap_or_default(),
            cx.runner.github_action.as_deref().unwrap_or_default(),
        );
        let asking = Asking {
            repository: ours.repository().as_str(),
            run: cx.runner.run_id().unwrap_or_default(),
            step,
            target: target.repository().as_str(),
            what: self.what(),
            git_ref: self.r#ref.as_ref().map(BranchOrTag::as_str).unwrap_or_default(),
            given: &given,
        };
        asking.id()
    }
}

/// What a token was asked to do when GitHub refused it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needed {
    /// To start the run, or to look for it.
    ForRun,
    /// To read the status of our commit.
    ForStatus,
}

impl Job<'_> {
    async fn perform(&self) -> Step<Outcome> {
        let (step, cx) = (self.step, self.cx);
        tracing::info!("{}: the id of this dispatch is {}", self.named(), self.id);
        let runs = self.runs(send::earlier(cx)).await?;
        let before = self.status().await?;
        let plan = plan(&runs, &self.id);
        self.note(&plan);
        let (started, counts) = match plan {
            Plan::Unclear(why) => return Ok(unclear(&why)),
            Plan::Follow(run) => {
                let counts = Counts::Since(run.created_at.clone());
                (Started::Run(run.id), counts)
            }
            Plan::Start { .. } if cx.is_dry_run() => {
                cx.report.note_change();
                return Ok(Outcome::pass(format!("dry run, nothing was sent: {} would be started", self.named())));
            }
            Plan::Start { over } => {
                let started = self.start(over).await?;
                (started, Counts::After(before.map_or(0, |status| status.id)))
            }
        };
        if let Started::Run(run) = started {
            self.tell(run);
        }
        if cx.is_dry_run() {
            return Ok(Outcome::pass(
                "dry run: nothing would be sent, the run of an earlier attempt would be waited for",
            ));
        }
        if !step.wait.0 {
            return Ok(Outcome::pass(format!("{} was started, and is not waited for", self.named())));
        }
        tracing::info!("waiting for the result: at most {} more", human_duration(cx.calls.deadline.remaining()));
        match &step.wait_for {
            WaitFor::Run => self.wait_for_run(started).await,
            WaitFor::Status(context) => self.wait_for_status(context, started, &counts).await,
        }
    }

    /// What is started, in words.
    fn named(&self) -> String {
        format!("{} in {}", self.step.what(), self.github.repository())
    }

    fn note(&self, plan: &Plan) {
        let (observed, verdict) = match plan {
            Plan::Start { over } if over.is_empty() => ("none".to_owned(), Verdict::Pass),
            Plan::Start { over } => (format!("{} ended badly", over.len()), Verdict::Pass),
            Plan::Follow(run) => (format!("run {} goes on or has succeeded", run.id), Verdict::Skipped),
            Plan::Unclear(told) => (told.clone(), Verdict::Error),
        };
        let source = "GET /repos/{owner}/{repo}/actions/runs";
        self.cx.report.check(
            format!("runs of {}, started by this run", self.named()),
            observed,
            "none",
            verdict,
            source,
        );
    }

    /// The page of a run.
    fn url(&self, run: u64) -> String {
        self.cx.runner.page_of_run(self.github.repository().as_str(), run).unwrap_or_default()
    }

    /// Tells which run it is, as soon as it is known.
    fn tell(&self, run: u64) {
        let report = &self.cx.report;
        report.output("run-id", run.to_string());
        report.output("run-url", self.url(run));
        tracing::info!("run {run} of {}: {}", self.named(), self.url(run));
        report.section("The run", [self.url(run)]);
    }

    fn commit(&self) -> Result<CommitSha> {
        self.cx.commit().context("no commit is known: give the input `sha`")
    }

    /// A refusal, with what the token needs.
    fn explained(&self, error: anyhow::Error, needed: Needed) -> Stop {
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
