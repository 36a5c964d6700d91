//! Starting it: sent once, and looked for where GitHub does not say what became of it.

use anyhow::Result;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::job::{Job, Started, unclear};
use super::plan::{Counts, Plan, find_started, receiver_lines};
use super::values::{ID_INPUT, ID_PROPERTY, WaitFor, WorkflowFile};
use crate::calls::Answer;
use crate::calls::deadline::Ended;
use crate::calls::error_line;
use crate::calls::poll::{Look, poll_github};
use crate::context::Context;
use crate::github::{CommitStatus, GithubError, Kind, RunFilter, WorkflowDispatch, WorkflowRun};
use crate::outcome::{Outcome, Step};
use crate::text::{human_duration, message};

/// What became of sending it.
struct Sent {
    /// The run, if GitHub names it.
    answer: Result<Option<u64>>,
    /// Whether the receiver can show our id.
    can_be_found: bool,
}

/// Runs are looked for among so many pages, newest first.
const PAGES: usize = 10;
/// Runs of earlier attempts are looked for among those of the last 35 days, after which nobody can run ours again
/// (<https://docs.github.com/en/actions/reference/limits>); in the first attempt among those of a day, as its dispatch would be.
const DAYS: i64 = 35;

/// What is known before it is started.
pub(super) struct Observed {
    /// The runs that a dispatch of this id may have become, newest first.
    pub(super) runs: Vec<WorkflowRun>,
    /// The newest status of our commit under the context that is waited for.
    pub(super) status: Option<CommitStatus>,
}

/// Looks for what an earlier attempt of our run has started.
pub(super) async fn observe(job: &Job<'_>) -> Step<Observed> {
    tracing::info!("{}: the id of this dispatch is {}", job.label(), job.id);
    let runs = job.runs(earlier(job.cx)).await?;
    Ok(Observed { runs, status: job.status().await? })
}

/// Starts it, or goes on with what was started.
pub(super) async fn apply(job: &Job<'_>, plan: Plan, observed: &Observed) -> Step<Started> {
    let started = match plan {
        Plan::Follow(run) => Started { run: Some(run.id), counts: Counts::Since(run.created_at) },
        Plan::Start { over } => {
            let counts = Counts::After(observed.status.as_ref().map_or(0, |status| status.id));
            Started { run: job.start(over).await?, counts }
        }
    };
    if let Some(run) = started.run {
        job.report_run(run);
    }
    Ok(started)
}

/// How many days back what an earlier attempt started is looked for.
fn earlier(cx: &Context) -> (i64, usize) {
    if cx.runner.attempt() > 1 { (DAYS, PAGES) } else { (1, 1) }
}

impl Job<'_> {
    /// The runs that a dispatch may have become, newest first.
    async fn runs(&self, (days, pages): (i64, usize)) -> Result<Vec<WorkflowRun>> {
        let since = OffsetDateTime::now_utc() - time::Duration::days(days);
        let since = since.replace_nanosecond(0).unwrap_or(since).format(&Rfc3339)?;
        let workflow = self.step.workflow.as_ref().map(WorkflowFile::as_str);
        let event = if workflow.is_some() { "workflow_dispatch" } else { "repository_dispatch" };
        self.github.runs(&RunFilter { workflow, event, since: &since }, pages).await
    }

    /// Starts it; the run, where it is known. A refusal when it is waited for and cannot be found.
    async fn start(&self, over: Vec<u64>) -> Step<Option<u64>> {
        let what = format!("start {}", self.label());
        let Sent { answer, can_be_found } = match &self.step.workflow {
            Some(file) => self.send_workflow(&what, file).await?,
            None => Sent { answer: self.send_event(&what).await.map(|()| None), can_be_found: true },
        };
        let unanswered = match answer {
            Ok(Some(run)) => return Ok(Some(run)),
            Ok(None) => None,
            Err(error) if GithubError::is_unanswered(&error) => Some(error),
            Err(error) => return Err(error.into()),
        };
        let waits_for_run = self.step.wait.0 && self.step.wait_for == WaitFor::Run;
        match &unanswered {
            None if !waits_for_run => Ok(None),
            _ if !can_be_found => Err(self.loss(unanswered.as_ref(), "GitHub does not say which run it became").into()),
            _ => self.find(&over, unanswered).await,
        }
    }

    async fn send_workflow(&self, what: &str, file: &WorkflowFile) -> Result<Sent> {
        let git_ref = self.git_ref().await?;
        let own = self.step.inputs.as_ref().map(|inputs| inputs.0.clone()).unwrap_or_default();
        let (mut with_id, mut with_details) = (true, true);
        loop {
            let mut inputs = own.clone();
            if with_id {
                inputs.insert(ID_INPUT.to_owned(), self.id.clone().into());
            }
            let dispatch = WorkflowDispatch { r#ref: &git_ref, inputs, return_run_details: with_details };
            let sent = self.github.dispatch_workflow(what, file.as_str(), &dispatch).await;
            // Refused, so nothing was started: it is sent again without what this server, or this workflow, does not know.
            match &sent {
                Err(error) if with_details && refuses(error, "return_run_details") => {
                    with_details = false;
                    tracing::info!(
                        "this GitHub does not say which run it starts (Enterprise Server before 3.21): it is looked for by its name"
                    );
                }
                Err(error) if with_id && refuses(error, ID_INPUT) => {
                    with_id = false;
                    self.cx.report.warn(message!(
                        "workflow-without-id", "{file} does not take our id, so another attempt of this run would start it once more; add to it: {}",
                        receiver_lines(true).join(", ")
                    ));
                }
                _ => return Ok(Sent { answer: sent, can_be_found: with_id }),
            }
        }
    }

    async fn send_event(&self, what: &str) -> Result<()> {
        let event_type = self.step.event_type.as_ref().map(ToString::to_string).unwrap_or_default();
        let mut payload = self.step.client_payload.as_ref().map(|payload| payload.0.clone()).unwrap_or_default();
        payload.insert(ID_PROPERTY.to_owned(), json!({"id": self.id}));
        self.github.dispatch_event(what, &event_type, &Value::Object(payload)).await
    }

    /// The branch or tag whose file is run.
    async fn git_ref(&self) -> Result<String> {
        let of_run = self.cx.runner.github_ref.as_deref();
        let of_run = of_run.filter(|name| name.starts_with("refs/heads/") || name.starts_with("refs/tags/"));
        match (&self.step.r#ref, of_run) {
            (Some(named), _) => Ok(named.as_str().to_owned()),
            (None, Some(name)) if self.github.repository() == self.ours.repository() => Ok(name.to_owned()),
            _ => self.github.default_branch().await,
        }
    }

    /// Looks for the run until it shows up. `unanswered` is why nobody knows whether it was started at all.
    async fn find(&self, over: &[u64], unanswered: Option<anyhow::Error>) -> Step<Option<u64>> {
        if let Some(error) = &unanswered {
            tracing::info!("{}; nothing is sent again before the run was looked for", error_line(error));
        }
        let limit = self.step.start_timeout.0.min(self.cx.calls.deadline.remaining());
        tracing::info!("looking for a run with {} in its name: at most {}", self.id, human_duration(limit));
        let until = self.cx.calls.deadline.at_most(limit);
        let job = Job {
            cx: &self.cx.with_deadline(until.clone()),
            github: self.github.with_calls(self.cx.calls.until(until.clone())),
            id: self.id.clone(),
            ..*self
        };
        let looked = poll_github(&until, "a run with our id", async || {
            Ok(match find_started(&job.runs((1, 1)).await?, &self.id, over) {
                Ok(None) => Look::NotYet("none yet".to_owned()),
                Ok(Some(run)) => Look::Done(Ok(run.id)),
                Err(why) => Look::Done(Err(unclear(&why))),
            })
        });
        match looked.await {
            Ok(found) => {
                let run = found?;
                if unanswered.is_some() {
                    self.github.correct(Answer::Applied);
                }
                Ok(Some(run))
            }
            Err(error) if error.downcast_ref::<Ended>() == Some(&Ended::Deadline) => {
                let why = message!(
                    "no-run-found",
                    "no run with {} in its name showed up within {}",
                    self.id,
                    human_duration(limit)
                );
                Err(self.loss(unanswered.as_ref(), &why).into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// It may be going on, and nobody knows where; what the receiver must say to be found.
    fn loss(&self, unanswered: Option<&anyhow::Error>, why: &str) -> Outcome {
        let outcome = Outcome::error(match unanswered {
            Some(error) => message!(
                "start-unknown",
                "whether {} was started is unknown: {}; {why}",
                self.label(),
                error_line(error)
            ),
            None => format!("{} was started, and {why}", self.label()),
        });
        let outcome = outcome.advise("add to the workflow that is to be waited for:");
        let outcome = outcome.advise_all(receiver_lines(self.step.workflow.is_some()));
        let outcome = match &self.step.event_type {
            Some(event) => outcome.advise(format!(
                "it must be on the default branch of {}, with `on: {{repository_dispatch: {{types: [{event}]}}}}`, and not disabled",
                self.github.repository()
            )),
            None => outcome,
        };
        outcome.advise("running the step again is safe: it looks for the run first")
    }
}

/// True for a refusal of the request as a whole that names this.
fn refuses(error: &anyhow::Error, name: &str) -> bool {
    let refusal = GithubError::of(error).filter(|refusal| refusal.kind == Kind::Invalid);
    refusal.is_some_and(|refusal| refusal.to_string().contains(name))
}
