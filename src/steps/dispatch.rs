//! dispatch: starts a workflow in this repository or another one, and waits for its result. Never starts it twice for one run: what an
//! earlier attempt started is found again by the id in its name.

mod inputs;
mod job;
mod plan;
mod send;
mod values;
mod wait;

pub use self::inputs::Dispatch;
use self::job::{Job, Needed, unclear};
use self::plan::{Asking, plan};
use self::send::{apply, observe};
pub use self::values::{BranchOrTag, ClientPayload, EventType, WaitFor, WorkflowFile, WorkflowInputs};
use self::wait::read_back;
use super::{DeployStep, Output};
use crate::action::inputs::Span;
use crate::context::Context;
use crate::github::Github;
use crate::outcome::{Outcome, Step};
use crate::permissions::{GithubPermission, Permissions, When};
use crate::record::status_line::Figure;

impl DeployStep for Dispatch {
    const NAME: &'static str = "dispatch";
    const ABOUT: &'static str = "Starts a workflow, here or in another repository, and waits for its result.";
    const OUTPUTS: &'static [Output] = &[
        Output::value("run-id", "The run that was started; empty when that is not known"),
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
        let job = &Job { step: self, cx, ours, github, id };
        let explain = |stop| job.explain(stop, Needed::ForRun);
        let observed = observe(job).await.map_err(explain)?;
        let plan = plan(&observed.runs, &job.id);
        job.report_plan(&plan);
        let plan = plan.map_err(|why| unclear(&why))?;
        if cx.is_dry_run() {
            return Ok(job.not_applied(&plan));
        }
        cx.confirm(&format!("start {}", job.label())).await?;
        let started = apply(job, plan, &observed).await.map_err(explain)?;
        read_back(job, &started).await.map_err(explain)
    }
}

impl Dispatch {
    /// The workflow's file, or the event's type.
    fn what(&self) -> &str {
        let event = self.event_type.as_ref().map(EventType::as_str);
        self.workflow.as_ref().map(WorkflowFile::as_str).or(event).unwrap_or_default()
    }

    /// The correlation id.
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
