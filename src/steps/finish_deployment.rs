//! finish-deployment: closes the open record after the job's last check.

mod duration;
mod opened;
mod place;
mod plan;

use anyhow::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::opened::Opened;
use self::plan::{Decision, JobStatus, decide};
use super::{DeployStep, Output};
use crate::action::inputs::common::CommonInputs;
use crate::action::inputs::{HttpUrl, Inputs, Problems, Region, Span};
use crate::calls::error_line;
use crate::context::Context;
use crate::github::{Github, State};
use crate::outcome::Verdict;
use crate::outcome::{Outcome, Step};
use crate::permissions::{AwsPermission, GithubPermission, Permissions, Resource, When};
use crate::record::{self, Standing, status_line};
use crate::text::{human_duration, message};

/// The same, or that a place was given up.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Ended {
    /// Every step before this one passed.
    Success,
    /// One failed.
    Failure,
    /// It was cancelled.
    Cancelled,
    /// What the component has in `environment`, or in `region` of it, was given up: it no longer counts.
    Ended,
}

impl Ended {
    /// How the job ended; nothing for a place that was given up.
    const fn of_job(self) -> Option<JobStatus> {
        match self {
            Self::Success => Some(JobStatus::Success),
            Self::Failure => Some(JobStatus::Failure),
            Self::Cancelled => Some(JobStatus::Cancelled),
            Self::Ended => None,
        }
    }
}

/// What a deployment that took longer than `max-duration` leads to.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum OnOverBudget {
    /// It is said.
    #[default]
    Warn,
    /// The step fails. The release counts all the same.
    Fail,
}

/// The inputs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct FinishDeployment {
    /// How the job ended: `${{ job.status }}`. `ended` says that a place was given up: with `environment`, in place of
    /// `deployment-id`.
    status: Option<Ended>,
    /// The same under its old name.
    result: Option<Ended>,
    /// With `status: ended`, the only region that is meant.
    region: Option<Region>,
    /// The address of the environment, shown with the deployment.
    environment_url: Option<HttpUrl>,
    /// How long the run may take to a deployment that succeeded, from its beginning. When somebody had to approve, the time in
    /// which none of its jobs was at work is not counted.
    max_duration: Option<Span>,
    /// What to do when it took longer. The release counts all the same.
    #[serde(default)]
    on_over_budget: OnOverBudget,
}

impl Inputs for FinishDeployment {
    fn check(&self, problems: &mut Problems) {
        problems.add_if(
            self.status.is_some() == self.result.is_some(),
            "give `status`, how the job ended: `${{ job.status }}` (or `result`, its old name)",
        );
        problems.add_if(
            self.region.is_some() && self.ended() != Some(Ended::Ended),
            "input `region` belongs to `status: ended`",
        );
        problems.add_if(
            self.max_duration.is_none() && self.on_over_budget != OnOverBudget::default(),
            "input `on-over-budget` needs `max-duration`",
        );
    }
}

const SERVES: &str = "what serves, where the record does not say it";

impl DeployStep for FinishDeployment {
    const NAME: &'static str = "finish-deployment";
    const ABOUT: &'static str = "Closes the open record after the job's last check.";
    const OUTPUTS: &'static [Output] = &[];
    const PERMISSIONS: Permissions = Permissions {
        aws: &[
            AwsPermission::reads("lambda:GetAlias", Resource::Function).optional(SERVES),
            AwsPermission::reads("lambda:GetFunction", Resource::FunctionAndVersions).optional(SERVES),
        ],
        github: &[
            GithubPermission::needs("deployments: write").when(When::Deployment),
            GithubPermission::needs("actions: read").when(When::MaxDuration).optional("how long the run took"),
        ],
    };
    const TIMEOUT: Span = Span::minutes(2);
    const ATTACHES: bool = false;

    fn check_with(&self, common: &CommonInputs, problems: &mut Problems) {
        if self.ended() == Some(Ended::Ended) {
            problems.add_if(common.environment.is_none(), "input `environment` is required with `status: ended`");
            problems.add_if(common.deployment_id.is_some(), "`status: ended` takes no `deployment-id`");
        }
    }

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        let Some(result) = self.ended().and_then(Ended::of_job) else { return self.end(cx).await };
        let Some(id) = cx.common.deployment_id else {
            return Ok(Outcome::skipped("there is no `deployment-id`: no record was opened"));
        };
        let github = &cx.github().await?;
        let statuses = match github.statuses(id.0).await {
            // GitHub names what reading takes; a token that may do no more gets the next refusal.
            Err(error) if record::is_denied(&error) && !cx.is_dry_run() => {
                return Ok(Outcome::error(error_line(&error)).advise(
                    "give the job the permission `deployments: write` under `permissions:`: the record is read and closed",
                ));
            }
            found => found?,
        };
        let decision = decide(result, &statuses);
        let succeeds = matches!(decision, Decision::Close(State::Success, _));
        let handed_on = if succeeds { Opened::handed_on(cx, id, &statuses) } else { None };
        let opened = match handed_on {
            Some(opened) => opened,
            None => Opened::read(cx, github, id).await?,
        };
        let standing = Standing::of(&statuses);
        cx.report.check(
            format!("record {} of {}", id.0, opened.environment),
            format!("{standing:?}").to_lowercase(),
            "open",
            if standing == Standing::Open { Verdict::Pass } else { Verdict::Skipped },
            "GET /repos/{owner}/{repo}/deployments/{deployment_id}/statuses",
        );
        match decision {
            Decision::Already(told) => Ok(Outcome::skipped(format!("deployment {} {told}", id.0))),
            Decision::Refused(told) => Ok(Outcome::fail(format!("deployment {} {told}", id.0))
                .advise("nothing was changed in the record; deploy again to have a release that counts")),
            Decision::Close(state, told) if cx.is_dry_run() => {
                cx.report.changed();
                Ok(Outcome::pass(format!(
                    "dry run, nothing was changed: deployment {} would become {state:?}: {told}",
                    id.0
                )))
            }
            Decision::Close(State::Success, told) => Ok(self.succeed(cx, github, opened, &told).await?),
            Decision::Close(state, told) => {
                let reason = format!("deployment {} is closed as not successful: {told}", id.0);
                self.close(cx, github, &opened, state, &status_line::closed(Self::NAME, &cx.key, &told)).await?;
                Ok(match result {
                    // The job says success, and a step said otherwise: the one who reads the job must learn it.
                    JobStatus::Success => Outcome::fail(reason),
                    JobStatus::Failure | JobStatus::Cancelled => Outcome::pass(reason),
                })
            }
        }
    }
}

impl FinishDeployment {
    fn ended(&self) -> Option<Ended> {
        self.status.or(self.result)
    }

    async fn succeed(&self, cx: &Context, github: &Github, opened: Opened, why: &str) -> Result<Outcome> {
        let (id, environment) = (opened.id, opened.environment.clone());
        let (figures, over) = self.duration(cx).await;
        let figures: Vec<_> = record::attempt(cx).into_iter().chain(figures).collect();
        self.close(cx, github, &opened, State::Success, &status_line::line(Self::NAME, &cx.key, "pass", &figures))
            .await?;
        match opened.before(cx).await {
            Ok(before) => {
                record::supersede(cx, id.0, &before.earlier).await;
                Self::report_double(cx, &environment, before.of_job);
            }
            Err(error) => cx.report.warn(format!("earlier records were not made inactive: {}", error_line(&error))),
        }
        let done = format!("deployment {} succeeded: {why}", id.0);
        Ok(match over {
            None => Outcome::pass(done),
            Some(over) => Outcome::fail(format!("{done}; {over}"))
                .advise("the release serves and counts: look which job took its time, or allow more by `max-duration`"),
        })
    }

    async fn close(&self, cx: &Context, github: &Github, opened: &Opened, state: State, said: &str) -> Result<()> {
        let url = self.environment_url.as_ref().map(ToString::to_string);
        github.add_status(opened.id.0, state, said, url.as_deref()).await?;
        cx.report.changed();
        Ok(())
    }

    /// How long the run took, as a figure; and a sentence when that was too long and the step is to fail for it.
    async fn duration(&self, cx: &Context) -> (Vec<(String, String)>, Option<String>) {
        let Some(limit) = self.max_duration.map(|span| span.0) else { return (Vec::new(), None) };
        let took = match duration::so_far(cx).await {
            Ok(took) => took,
            Err(error) => {
                cx.report
                    .warn(format!("whether `max-duration` was kept could not be determined: {}", error_line(&error)));
                return (Vec::new(), None);
            }
        };
        let over = took > limit;
        let verdict = if over { Verdict::Fail } else { Verdict::Pass };
        let allowed = format!("at most {}", human_duration(limit));
        cx.report.check(
            "duration of the run",
            human_duration(took),
            allowed,
            verdict,
            "GET /repos/{owner}/{repo}/actions/runs/{run_id}",
        );
        let said = message!(
            "max-duration",
            "the run took {}, longer than `max-duration` {}",
            human_duration(took),
            human_duration(limit)
        );
        let fails = over && self.on_over_budget == OnOverBudget::Fail;
        if over && !fails {
            cx.report.warn(&said);
        }
        (vec![("s".to_owned(), took.as_secs().to_string())], fails.then_some(said))
    }

    /// A job with `environment:` makes a deployment of its own beside ours. That is said; it is not ours to change.
    fn report_double(cx: &Context, environment: &str, of_job: Option<u64>) {
        let Some(id) = of_job else { return };
        cx.report.section(
            "Two deployments",
            [message!(
                "deployment-beside-record",
                "the job's `environment:` made deployment {id} beside this record; \
                 write `environment: {{name: {environment}, deployment: false}}` to have one"
            )],
        );
    }
}
