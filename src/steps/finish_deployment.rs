//! finish-deployment: closes the open record after the job's last check.

use std::collections::BTreeMap;

use anyhow::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::Common;
use super::permissions::{AwsPermission, GithubPermission, Permissions, Resource};
use super::{Outcome, Output, Step};
use crate::action::inputs::{HttpUrl, Inputs, Problems, Span};
use crate::context::Context;
use crate::explain::told;
use crate::github::{Github, State, Status};
use crate::record::{self, DeploymentId, Payload, Read, Standing};
use crate::verdict::Verdict;

/// How the job ended, as `${{ job.status }}` says it.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum JobStatus {
    /// Every step before this one passed.
    Success,
    /// One failed.
    Failure,
    /// It was cancelled.
    Cancelled,
}

/// The inputs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct FinishDeployment {
    /// How the job ended: `${{ job.status }}`.
    result: JobStatus,
    /// The address of the environment, shown with the deployment.
    environment_url: Option<HttpUrl>,
}

impl Inputs for FinishDeployment {}

const SERVES: &str = "what serves";

impl Step for FinishDeployment {
    const NAME: &'static str = "finish-deployment";
    const ABOUT: &'static str = "Closes the open record after the job's last check.";
    const OUTPUTS: &'static [Output] = &[];
    const PERMISSIONS: Permissions = Permissions {
        aws: &[
            AwsPermission::reads("lambda:GetAlias", Resource::Function).optional(SERVES),
            AwsPermission::reads("lambda:GetFunction", Resource::FunctionAndVersions).optional(SERVES),
        ],
        github: &[GithubPermission::needs("deployments: write").when("with `deployment-id`")],
    };
    const TIMEOUT: Span = Span::minutes(2);
    const ATTACHES: bool = false;

    fn check_with(&self, _: &Common, _: &mut Problems) {}

    async fn run(&self, cx: &Context) -> Result<Outcome> {
        let Some(id) = cx.common.deployment_id else {
            return Ok(Outcome::skipped("there is no `deployment-id`: no record was opened"));
        };
        let github = cx.github().await?;
        let deployment = match github.deployment(cx, id.0).await {
            // GitHub names what reading takes; who may do no more meets the next refusal.
            Err(error) if record::is_denied(&error) && !cx.is_dry_run() => {
                return Ok(Outcome::error(told(&error)).advise(
                    "give the job the permission `deployments: write` under `permissions:`: the record is read and closed",
                ));
            }
            found => found?,
        };
        let payload = match Payload::read(&deployment.payload) {
            Read::Ours(payload) => *payload,
            Read::Foreign | Read::Corrupt => {
                return Ok(Outcome::fail(format!("deployment {} is not a record of this action", id.0))
                    .advise("hand over the output `deployment-id` of the step that moved the alias"));
            }
        };
        for target in &payload.targets {
            cx.watch(&target.function, target.alias.clone());
        }
        let statuses = github.statuses(cx, id.0).await?;
        let decision = decide(self.result, &statuses);
        let standing = Standing::of(&statuses);
        cx.report.check(
            format!("record {} of {}", id.0, deployment.environment),
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
            Decision::Close(state, told) => {
                self.close(cx, github, &deployment.environment, &payload, id, state, &told).await
            }
        }
    }
}

/// What is to be done with a record.
#[derive(Debug, PartialEq)]
enum Decision {
    /// It says so already.
    Already(&'static str),
    /// It cannot become what the job says.
    Refused(String),
    /// Close it so, because.
    Close(State, String),
}

/// A release counts only when the job passed, and no step's last word about it was bad. Too little data is no bad word.
fn decide(result: JobStatus, statuses: &[Status]) -> Decision {
    let is_bad = |verdict: &str| matches!(verdict, "fail" | "error" | "superseded" | "cancelled");
    let bad = last_words(statuses).into_iter().find(|(_, verdict)| is_bad(verdict));
    match (Standing::of(statuses), result) {
        (Standing::Succeeded, JobStatus::Success) => Decision::Already("is closed as a success already"),
        (Standing::Failed, JobStatus::Success) => {
            Decision::Refused("failed or was withdrawn, and cannot become a success".to_owned())
        }
        (Standing::Failed, _) => Decision::Already("is closed as a failure already"),
        (Standing::Open, JobStatus::Success) => match bad {
            None => Decision::Close(State::Success, "every check passed".to_owned()),
            Some((step, verdict)) => Decision::Close(State::Failure, format!("{step} said {verdict}")),
        },
        (_, JobStatus::Failure) => match bad {
            Some((step, verdict)) => Decision::Close(State::Failure, format!("the job failed: {step} said {verdict}")),
            None => Decision::Close(State::Failure, "the job failed".to_owned()),
        },
        (_, JobStatus::Cancelled) => Decision::Close(State::Error, "the job was cancelled".to_owned()),
    }
}

/// What each step said last, from statuses, newest first: `da1 <step> <verdict> ..`.
fn last_words(statuses: &[Status]) -> BTreeMap<String, String> {
    let mut last = BTreeMap::new();
    for status in statuses.iter().rev() {
        let mut words = status.description.as_deref().unwrap_or_default().split_whitespace();
        if let (Some("da1"), Some(step), Some(verdict)) = (words.next(), words.next(), words.next()) {
            last.insert(step.to_owned(), verdict.to_owned());
        }
    }
    last
}

impl FinishDeployment {
    #[expect(clippy::too_many_arguments, reason = "each is one fact of the record that is closed")]
    async fn close(
        &self,
        cx: &Context,
        github: &Github,
        environment: &str,
        payload: &Payload,
        id: DeploymentId,
        state: State,
        told: &str,
    ) -> Result<Outcome> {
        let url = self.environment_url.as_ref().map(ToString::to_string);
        let word = if state == State::Success { "pass" } else { "fail" };
        github.add_status(cx, id.0, state, &format!("da1 {} {word} {told}", Self::NAME), url.as_deref()).await?;
        cx.report.changed();
        if state != State::Success {
            let reason = format!("deployment {} is closed as not successful: {told}", id.0);
            return Ok(match self.result {
                // The job says success, and a step said otherwise: the one who reads the job must learn it.
                JobStatus::Success => Outcome::fail(reason),
                JobStatus::Failure | JobStatus::Cancelled => Outcome::pass(reason),
            });
        }
        if let Ok(environment) = environment.parse() {
            record::supersede_earlier(cx, id.0, &environment, payload, None).await;
            self.report_doubles(cx, github, &environment, payload).await;
        }
        Ok(Outcome::pass(format!("deployment {} succeeded: {told}", id.0)))
    }

    /// A job with `environment:` makes a deployment of its own beside ours. That is said; it is not ours to change.
    async fn report_doubles(
        &self,
        cx: &Context,
        github: &Github,
        environment: &crate::action::inputs::EnvironmentName,
        payload: &Payload,
    ) {
        let Ok(deployments) = github.deployments(cx, environment, |_| true).await else { return };
        let double =
            deployments.iter().find(|one| one.sha == payload.commit && Payload::read(&one.payload) == Read::Foreign);
        if let Some(double) = double {
            cx.report.section(
                "Two deployments",
                [format!(
                    "the job's `environment:` made deployment {} beside this record; \
                     write `environment: {{name: {environment}, deployment: false}}` to have one",
                    double.id
                )],
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Case<'a> = (&'a str, JobStatus, &'a [(&'a str, &'a str)], Decision);

    #[test]
    fn a_release_counts_only_when_everything_passed() {
        let close = |state, told: &str| Decision::Close(state, told.to_owned());
        // Oldest first, as they were written.
        let table: [Case<'_>; 11] = [
            (
                "all passed",
                JobStatus::Success,
                &[("in_progress", "da1 swap-alias pass api=42")],
                close(State::Success, "every check passed"),
            ),
            (
                "a check failed and the job went on",
                JobStatus::Success,
                &[
                    ("in_progress", "da1 swap-alias pass"),
                    ("in_progress", "da1 health-check-with-backoff fail attempts=3"),
                ],
                close(State::Failure, "health-check-with-backoff said fail"),
            ),
            (
                "a check failed and passed when repeated",
                JobStatus::Success,
                &[
                    ("in_progress", "da1 health-check-with-backoff fail"),
                    ("in_progress", "da1 health-check-with-backoff pass"),
                ],
                close(State::Success, "every check passed"),
            ),
            (
                "the job failed",
                JobStatus::Failure,
                &[("in_progress", "da1 swap-alias pass")],
                close(State::Failure, "the job failed"),
            ),
            ("the job was cancelled", JobStatus::Cancelled, &[], close(State::Error, "the job was cancelled")),
            (
                "closed already",
                JobStatus::Success,
                &[("success", "x")],
                Decision::Already("is closed as a success already"),
            ),
            (
                "withdrawn",
                JobStatus::Failure,
                &[("failure", "withdrawn: x")],
                Decision::Already("is closed as a failure already"),
            ),
            (
                "withdrawn after success, and the job says success",
                JobStatus::Success,
                &[("success", "x"), ("failure", "withdrawn: x")],
                Decision::Refused("failed or was withdrawn, and cannot become a success".to_owned()),
            ),
            (
                "a success whose job failed later",
                JobStatus::Failure,
                &[("success", "x")],
                close(State::Failure, "the job failed"),
            ),
            (
                "a foreign status",
                JobStatus::Success,
                &[("in_progress", "da1"), ("queued", "")],
                close(State::Success, "every check passed"),
            ),
            (
                "inconclusive",
                JobStatus::Success,
                &[("in_progress", "da1 monitor inconclusive")],
                close(State::Success, "every check passed"),
            ),
        ];
        for (case, result, statuses, decision) in table {
            let newest_first: Vec<Status> = statuses
                .iter()
                .rev()
                .map(|(state, description)| Status {
                    state: (*state).to_owned(),
                    description: Some((*description).to_owned()),
                    created_at: String::new(),
                })
                .collect();
            assert_eq!(decide(result, &newest_first), decision, "{case}");
        }
    }
}
