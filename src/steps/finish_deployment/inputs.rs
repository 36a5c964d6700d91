//! The inputs of finish-deployment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::inputs::{HttpUrl, Inputs, Problems, Region, Span};

/// How the job ended, or that a place was given up.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Status {
    /// Every step before this one passed.
    Success,
    /// One failed.
    Failure,
    /// It was cancelled.
    Cancelled,
    /// What the component has in `environment`, or in `region` of it, was given up: it no longer counts.
    Ended,
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
    status: Option<Status>,
    /// The same under its old name.
    result: Option<Status>,
    /// With `status: ended`, the only region that is meant.
    pub(super) region: Option<Region>,
    /// The address of the environment, shown with the deployment.
    pub(super) environment_url: Option<HttpUrl>,
    /// How long the run may take to a deployment that succeeded, from its beginning. When somebody had to approve, the time in
    /// which none of its jobs was at work is not counted.
    pub(super) max_duration: Option<Span>,
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
            self.region.is_some() && self.status() != Some(Status::Ended),
            "input `region` belongs to `status: ended`",
        );
        problems.add_if(
            self.max_duration.is_none() && self.on_over_budget != OnOverBudget::default(),
            "input `on-over-budget` needs `max-duration`",
        );
    }
}

impl FinishDeployment {
    /// How the job ended, by either name.
    pub(super) fn status(&self) -> Option<Status> {
        self.status.or(self.result)
    }

    /// Whether the step fails when `max-duration` was not kept.
    pub(super) fn over_budget_fails(&self) -> bool {
        self.on_over_budget == OnOverBudget::Fail
    }
}
