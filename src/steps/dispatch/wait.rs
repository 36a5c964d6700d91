//! Waiting for the result.

use std::time::Duration;

use anyhow::Result;

use super::job::{Job, Needed, Started};
use super::plan::Standing;
use super::values::WaitFor;
use crate::calls::deadline::{Deadline, Ended};
use crate::calls::error_line;
use crate::calls::poll::{Look, poll_github};
use crate::github::{CommitState, CommitStatus, Conclusion, GithubError, Kind, WorkflowRun};
use crate::outcome::{Outcome, Step, Stop, Verdict};
use crate::text::{human_duration, message};

/// Asking a run to stop may take this long, after the time of the step is over.
const STOPPING: Duration = Duration::from_secs(10);

/// What is reported of a run that GitHub has named and does not show.
const UNSEEN: &str = "not seen yet";

/// Waits for the result, as the inputs want it.
pub(super) async fn read_back(job: &Job<'_>, started: &Started) -> Step<Outcome> {
    if !job.step.wait.0 {
        return Ok(Outcome::pass(format!("{} was started, and is not waited for", job.label())));
    }
    tracing::info!("waiting for the result: at most {} more", human_duration(job.cx.calls.deadline.remaining()));
    match &job.step.wait_for {
        WaitFor::Run => job.wait_for_run(started).await,
        WaitFor::Status(context) => job.wait_for_status(context, started).await,
    }
}

impl Job<'_> {
    /// Follows the run, through all its attempts, to its end.
    async fn wait_for_run(&self, started: &Started) -> Step<Outcome> {
        let run = started.run.ok_or_else(|| Outcome::error("which run it became is not known"))?;
        let (name, mut state) = (format!("run {run} of {}", self.label()), String::new());
        let appears = self.appears();
        let looked = poll_github(&self.cx.calls.deadline, &name, async || {
            let Some(seen) = self.read_run(run, &appears).await? else { return Ok(Look::NotYet(UNSEEN.to_owned())) };
            state = match Standing::of(&seen) {
                Standing::Ended(conclusion) => return Ok(Look::Done((seen, conclusion))),
                Standing::Going(state) => state,
                Standing::Waiting(state) => format!("{state}: {}", self.url(run)),
            };
            Ok(Look::NotYet(state.clone()))
        });
        match looked.await {
            Ok((seen, conclusion)) => Ok(self.judge_run(&name, &seen, conclusion)),
            Err(error) => self.break_off(&name, Some(run), &state, error).await,
        }
    }

    /// Until when a run that GitHub has named may be unknown to it.
    fn appears(&self) -> Deadline {
        self.cx.calls.deadline.at_most(self.step.start_timeout.0)
    }

    /// A run that was just started, or found: GitHub may answer from where it is not known yet.
    async fn read_run(&self, run: u64, appears: &Deadline) -> Result<Option<WorkflowRun>> {
        match self.github.run(run).await {
            Err(error) if GithubError::is(&error, &Kind::NotFound) && !appears.remaining().is_zero() => Ok(None),
            seen => seen.map(Some),
        }
    }

    fn judge_run(&self, name: &str, run: &WorkflowRun, conclusion: Conclusion) -> Outcome {
        let good = conclusion == Conclusion::Success;
        let attempt = if run.run_attempt > 1 { format!(", attempt {}", run.run_attempt) } else { String::new() };
        self.cx.report.output("conclusion", conclusion.word());
        self.cx.report.check(
            name,
            format!("{conclusion}{attempt}"),
            Conclusion::Success.word(),
            if good { Verdict::Pass } else { Verdict::Fail },
            "GET /repos/{owner}/{repo}/actions/runs/{run_id}",
        );
        let reason = format!("{name} ended in {conclusion}{attempt}");
        if good {
            return Outcome::pass(reason);
        }
        Outcome::fail(reason)
            .advise(format!("see why: {}", self.url(run.id)))
            .advise("re-run its failed jobs, then this job, which will then succeed; or re-run only this job, which starts a new run")
    }

    /// The newest status of our commit under the context that is waited for.
    pub(super) async fn status(&self) -> Step<Option<CommitStatus>> {
        let WaitFor::Status(context) = &self.step.wait_for else { return Ok(None) };
        let read = self.ours.commit_status(&self.commit()?, context).await;
        read.map_err(|error| self.explain(error.into(), Needed::ForStatus))
    }

    /// Waits for a status that was set after the dispatch. A run that is known and ends badly will set none.
    async fn wait_for_status(&self, context: &str, started: &Started) -> Step<Outcome> {
        let commit = self.commit()?;
        let name = format!("status {context} of commit {}", commit.short());
        let run = started.run;
        let (mut state, appears) = (String::new(), self.appears());
        let looked = poll_github(&self.cx.calls.deadline, &name, async || {
            let status = match self.status().await {
                Ok(status) => status,
                Err(Stop::Error(error)) => return Err(error),
                Err(Stop::Ended(refusal)) => return Ok(Look::Done(Err(refusal))),
            };
            let (now, link) =
                (started.counts.state(status.as_ref()), status.as_ref().and_then(|status| status.target_url.clone()));
            match now {
                Some(CommitState::Pending) | None => {}
                Some(ended) => return Ok(Look::Done(Ok((ended.to_string(), link)))),
            }
            now.map_or("not set yet", CommitState::word).clone_into(&mut state);
            if let Some(run) = run {
                match self.read_run(run, &appears).await?.as_ref().map(Standing::of) {
                    Some(Standing::Ended(conclusion)) if conclusion != Conclusion::Success => {
                        return Ok(Look::Done(Ok((conclusion.to_string(), Some(self.url(run))))));
                    }
                    Some(Standing::Waiting(waits)) => state = format!("{state}; {waits}: {}", self.url(run)),
                    _ => {}
                }
            }
            Ok(Look::NotYet(state.clone()))
        });
        match looked.await {
            Ok(ended) => {
                let (ended, link) = ended?;
                Ok(self.judge_status(&name, &ended, link))
            }
            Err(error) => self.break_off(&name, run, &state, error).await,
        }
    }

    fn judge_status(&self, name: &str, ended: &str, link: Option<String>) -> Outcome {
        let good = ended == CommitState::Success.word();
        self.cx.report.output("conclusion", ended);
        let verdict = if good { Verdict::Pass } else { Verdict::Fail };
        self.cx.report.check(
            name,
            ended,
            CommitState::Success.word(),
            verdict,
            "GET /repos/{owner}/{repo}/commits/{ref}/statuses",
        );
        let reason = format!("{name}, asked of {}, is {ended}", self.label());
        match (good, link) {
            (true, _) => Outcome::pass(reason),
            (false, Some(link)) => Outcome::fail(reason).advise(format!("see why: {link}")),
            (false, None) => Outcome::fail(reason),
        }
    }

    /// The time is over, or the step was cancelled, before there was a result.
    async fn break_off(&self, name: &str, run: Option<u64>, state: &str, error: anyhow::Error) -> Step<Outcome> {
        let link = run.map(|run| format!(": {}", self.url(run))).unwrap_or_default();
        match error.chain().find_map(|cause| cause.downcast_ref::<Ended>()) {
            Some(Ended::Cancelled) => {
                Ok(Outcome::error(format!("{name} was not waited for to its end, and goes on{link}")))
            }
            Some(Ended::Deadline) => {
                let outcome = Outcome::error(message!(
                    "run-without-result",
                    "{name} has no result after {}: {state}",
                    human_duration(self.cx.calls.deadline.elapsed())
                ));
                let outcome = match run {
                    Some(run) if self.step.cancel_on_timeout.0 => outcome.advise(self.stop(run).await),
                    Some(run) => outcome.advise(format!("it goes on: {}", self.url(run))),
                    None => outcome,
                };
                Ok(outcome.advise("raise the input `timeout` if this takes longer than expected here; running the step again waits for the same run"))
            }
            None => Err(error.into()),
        }
    }

    /// Asks the run to stop.
    async fn stop(&self, run: u64) -> String {
        let stopping = self.cx.calls.until(self.cx.calls.deadline.renew(STOPPING));
        match self.github.with_calls(stopping).cancel_run(run).await {
            Ok(()) => format!("it was asked to stop, as `cancel-on-timeout` says: {}", self.url(run)),
            Err(error) if GithubError::is(&error, &Kind::Invalid) => {
                format!("it has just ended by itself: {}", self.url(run))
            }
            Err(error) => format!("it could not be stopped, and goes on ({}): {}", error_line(&error), self.url(run)),
        }
    }
}
