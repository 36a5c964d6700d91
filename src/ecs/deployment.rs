//! A deployment of a service, as ECS describes it.
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html>

use std::time::Duration;

use serde::Deserialize;

use crate::calls::enumeration;
use crate::text::Foreign;

enumeration! {
    /// How far a deployment is. There is no "failed": what went wrong is rolled back or stopped.
    DeploymentStatus of "status of a service deployment" {
        /// Not begun.
        Pending = "PENDING",
        /// On its way.
        InProgress = "IN_PROGRESS",
        /// About to be stopped.
        StopRequested = "STOP_REQUESTED",
        /// About to be rolled back.
        RollbackRequested = "ROLLBACK_REQUESTED",
        /// Being rolled back.
        RollbackInProgress = "ROLLBACK_IN_PROGRESS",
        /// Its target revision is what runs.
        Successful = "SUCCESSFUL",
        /// Stopped, or replaced by a later one.
        Stopped = "STOPPED",
        /// What was there before runs again.
        RollbackSuccessful = "ROLLBACK_SUCCESSFUL",
        /// It could not be rolled back.
        RollbackFailed = "ROLLBACK_FAILED",
    }
}

impl DeploymentStatus {
    /// Whether nothing more comes of it.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Successful | Self::Stopped | Self::RollbackSuccessful | Self::RollbackFailed)
    }

    /// Whether it has gone back, or was to.
    #[must_use]
    pub const fn is_rolled_back(self) -> bool {
        matches!(self, Self::RollbackSuccessful | Self::RollbackFailed)
    }

    /// Whether it goes back, or is about to.
    #[must_use]
    pub const fn goes_back(self) -> bool {
        matches!(self, Self::RollbackRequested | Self::RollbackInProgress)
    }
}

enumeration! {
    /// How the traffic comes to the new tasks.
    Strategy of "deployment strategy of a service" {
        /// Task after task.
        Rolling = "ROLLING",
        /// All of it, once the new tasks are there.
        BlueGreen = "BLUE_GREEN",
        /// In equal steps.
        Linear = "LINEAR",
        /// A part first, then the rest.
        Canary = "CANARY",
    }
}

enumeration! {
    /// What became of a hook.
    HookStatus of "status of a lifecycle hook" {
        /// It waits for `ContinueServiceDeployment`.
        AwaitingAction = "AWAITING_ACTION",
        /// It runs.
        InProgress = "IN_PROGRESS",
        /// It let the deployment go on.
        Succeeded = "SUCCEEDED",
        /// It said no.
        Failed = "FAILED",
        /// Nobody answered in time.
        TimedOut = "TIMED_OUT",
    }
}

/// A deployment of a service.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceDeployment {
    /// Its ARN.
    #[serde(rename = "serviceDeploymentArn")]
    pub arn: String,
    /// When it was made, seconds since 1970 by AWS's clock.
    #[serde(default)]
    pub created_at: f64,
    /// How far it is.
    pub status: DeploymentStatus,
    /// Why.
    #[serde(default)]
    pub status_reason: Option<Foreign>,
    /// Where it is, e.g. `SCALE_UP`. Shown, never decided by.
    #[serde(default)]
    pub lifecycle_stage: Option<Foreign>,
    /// What it brings.
    pub target_service_revision: Option<RevisionState>,
    /// What was there.
    #[serde(default)]
    pub source_service_revisions: Vec<RevisionState>,
    /// Its hooks so far.
    #[serde(default)]
    pub lifecycle_hook_details: Vec<Hook>,
    /// What the circuit breaker counts.
    #[serde(default)]
    pub deployment_circuit_breaker: Option<Breaker>,
    /// The alarms that it watches.
    #[serde(default)]
    pub alarms: Option<DeploymentAlarms>,
    /// What is gone back to.
    #[serde(default)]
    pub rollback: Option<Rollback>,
    /// How it is done.
    #[serde(default)]
    pub deployment_configuration: DeploymentConfiguration,
}

impl ServiceDeployment {
    /// The hook that waits for an answer. The stage does not tell it.
    #[must_use]
    pub fn paused_at(&self) -> Option<&Hook> {
        self.lifecycle_hook_details.iter().find(|hook| hook.status == HookStatus::AwaitingAction)
    }

    /// The hook for which it goes back, if it is one.
    #[must_use]
    pub fn failed_hook(&self) -> Option<&Hook> {
        self.lifecycle_hook_details.iter().find(|hook| matches!(hook.status, HookStatus::Failed | HookStatus::TimedOut))
    }

    /// The part of its ARN that tells it from others.
    #[must_use]
    pub fn id(&self) -> &str {
        short_id(&self.arn)
    }
}

/// The last part of an ARN.
#[must_use]
pub fn short_id(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// What a deployment has of a revision now.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RevisionState {
    /// ARN of the service revision.
    pub arn: String,
    /// Tasks that it is to have.
    #[serde(default)]
    pub requested_task_count: u64,
    /// Tasks that run.
    #[serde(default)]
    pub running_task_count: u64,
    /// Percent of the users' requests; none of a rolling deployment.
    #[serde(default)]
    pub requested_production_traffic_weight: Option<f64>,
}

/// A hook of a deployment.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hook {
    /// Names it in `ContinueServiceDeployment`.
    #[serde(default)]
    pub hook_id: String,
    /// What became of it.
    pub status: HookStatus,
    /// When nobody may answer any more, seconds since 1970.
    #[serde(default)]
    pub expires_at: Option<f64>,
    /// What is done then: `CONTINUE` or `ROLLBACK`.
    #[serde(default)]
    pub timeout_action: Option<Foreign>,
}

/// What the circuit breaker counts.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Breaker {
    /// `TRIGGERED`, `MONITORING` and others. Shown, and asked only whether it is `TRIGGERED`.
    #[serde(default)]
    pub status: String,
    /// Tasks that failed.
    #[serde(default)]
    pub failure_count: u64,
    /// How many are too many.
    #[serde(default)]
    pub threshold: u64,
}

/// The alarms of a deployment.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentAlarms {
    /// Those that went off.
    #[serde(default)]
    pub triggered_alarm_names: Vec<Foreign>,
}

/// What a deployment goes back to.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rollback {
    /// Why.
    #[serde(default)]
    pub reason: Option<Foreign>,
    /// To what.
    #[serde(default)]
    pub service_revision_arn: Option<String>,
}

/// How a service is deployed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentConfiguration {
    /// How the traffic comes to the new tasks.
    #[serde(default)]
    pub strategy: Option<Strategy>,
    /// Minutes that both versions are kept for after all the traffic was moved.
    #[serde(default)]
    pub bake_time_in_minutes: Option<u64>,
    /// What stops a deployment whose tasks do not start.
    #[serde(default)]
    pub deployment_circuit_breaker: Option<BreakerConfiguration>,
    /// Alarms that stop it.
    #[serde(default)]
    pub alarms: Option<AlarmConfiguration>,
    /// What is asked on the way.
    #[serde(default)]
    pub lifecycle_hooks: Vec<HookConfiguration>,
    /// Of a canary.
    #[serde(default)]
    pub canary_configuration: Option<CanaryConfiguration>,
    /// Of equal steps.
    #[serde(default)]
    pub linear_configuration: Option<LinearConfiguration>,
}

/// The settings of a circuit breaker.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct BreakerConfiguration {
    /// Whether it counts.
    #[serde(default)]
    pub enable: bool,
    /// Whether it goes back.
    #[serde(default)]
    pub rollback: bool,
}

/// The settings of alarms.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlarmConfiguration {
    /// Whether they stop a deployment.
    #[serde(default)]
    pub enable: bool,
    /// Whether it goes back then.
    #[serde(default)]
    pub rollback: bool,
}

/// A hook as it is set.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HookConfiguration {
    /// `PAUSE`, or `AWS_LAMBDA`, which it is without one.
    #[serde(default)]
    pub target_type: Option<String>,
    /// Where it is asked.
    #[serde(default)]
    pub lifecycle_stages: Vec<String>,
    /// How long an answer is waited for.
    #[serde(default)]
    pub timeout_configuration: Option<HookTimeout>,
}

/// How long a hook is waited for.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HookTimeout {
    /// Minutes; a day without it.
    #[serde(default)]
    pub timeout_in_minutes: Option<u64>,
}

/// The settings of a canary.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CanaryConfiguration {
    /// Minutes between the two steps; 10 without it.
    #[serde(default)]
    pub canary_bake_time_in_minutes: Option<u64>,
}

/// The settings of equal steps.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinearConfiguration {
    /// Percent of each step; 10 without it.
    #[serde(default)]
    pub step_percent: Option<f64>,
    /// Minutes between two steps; 6 without it.
    #[serde(default)]
    pub step_bake_time_in_minutes: Option<u64>,
}

impl DeploymentConfiguration {
    /// How the traffic comes to the new tasks.
    #[must_use]
    pub fn strategy(&self) -> Strategy {
        self.strategy.unwrap_or(Strategy::Rolling)
    }

    /// Minutes between the steps of the traffic, all of them: how many steps, and how long between two.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "percents are from 3 to 100, and so are steps"
    )]
    pub fn between_steps(&self) -> (u64, u64) {
        match self.strategy() {
            Strategy::Rolling | Strategy::BlueGreen => (0, 0),
            Strategy::Canary => {
                (1, self.canary_configuration.and_then(|canary| canary.canary_bake_time_in_minutes).unwrap_or(10))
            }
            Strategy::Linear => {
                let linear = self.linear_configuration;
                let percent = linear.and_then(|linear| linear.step_percent).unwrap_or(10.0).clamp(3.0, 100.0);
                let minutes = linear.and_then(|linear| linear.step_bake_time_in_minutes).unwrap_or(6);
                // The last step is not followed by a wait.
                (((100.0 / percent).ceil() as u64).saturating_sub(1), minutes)
            }
        }
    }

    /// What is waited for on purpose after the traffic is where it belongs.
    #[must_use]
    pub fn bake(&self) -> Duration {
        Duration::from_mins(self.bake_time_in_minutes.unwrap_or(0))
    }

    /// Whether something takes a bad deployment back by itself: the circuit breaker, or alarms.
    #[must_use]
    pub fn is_guarded(&self) -> bool {
        // The circuit breaker counts in rolling deployments only.
        let breaker = self.deployment_circuit_breaker.is_some_and(|breaker| breaker.enable && breaker.rollback);
        let alarms = self.alarms.as_ref().is_some_and(|alarms| alarms.enable && alarms.rollback);
        breaker && self.strategy() == Strategy::Rolling || alarms || self.bake() > Duration::ZERO
    }
}
