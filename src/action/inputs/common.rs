//! The inputs every step takes.

use schemars::JsonSchema;
use serde::Deserialize;

use super::values::{
    AccountId, CommitSha, Component, DeploymentId, EnvironmentName, Flag, Lines, Pair, Region, RegistryEndpoint,
    RoleArn, SessionName, Span, Text,
};
use super::{Inputs, Problems};
use crate::text::message_str;
use crate::text::secrets::Secret;

/// Inputs common to all steps.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CommonInputs {
    /// The step to perform.
    #[schemars(example = &"swap-alias")]
    pub step: Text,
    /// Deployment environment. Compared without case. Required where a record is read or written.
    pub environment: Option<EnvironmentName>,
    /// The commit being deployed. Without it, the commit that triggered the workflow.
    pub sha: Option<CommitSha>,
    /// One app of a repository that holds several. Without it, the name of the repository.
    pub component: Option<Component>,
    /// GitHub token.
    pub token: Option<Secret>,
    /// AWS region. Without it, `AWS_REGION`, else `AWS_DEFAULT_REGION`.
    pub aws_region: Option<Region>,
    /// Assume this role: by the job's OIDC token when no AWS credentials are given, else from the credentials at hand. Further
    /// lines are a chain, each role assumed from the one before.
    pub role_to_assume: Option<Lines<RoleArn>>,
    /// Name of the session. Without it, `deploy-action-<run id>`.
    pub role_session_name: Option<SessionName>,
    /// How long the credentials of the role last before they are renewed, `15m` to `12h`.
    #[serde(default = "defaults::role_duration")]
    #[schemars(example = &"1h")]
    pub role_duration: Span,
    /// Refuse to write in any other account.
    pub expected_account_id: Option<AccountId>,
    /// Refuse to write to a target whose own tags differ.
    pub expected_tags: Option<Lines<Pair>>,
    /// Deadline for the whole step, waits included.
    pub timeout: Option<Span>,
    /// Observe and plan, print the plan, change nothing.
    #[serde(default)]
    pub dry_run: Flag,
    /// Open records, one a line: outputs of the steps that made them. What this step finds is added to each.
    pub deployment_id: Option<Lines<DeploymentId>>,
    /// Allow credentials from the machine the runner is on.
    #[serde(default)]
    pub use_instance_metadata: Flag,
    /// Deploy a commit here that a rollback has taken back, with the `reason`.
    #[serde(default)]
    pub release_hold: Flag,
    /// Why: of `release-hold` and of a rollback. Kept in the record.
    pub reason: Option<Text>,
    /// Where to reach a registry, `host=url` a line: a VPC endpoint, a proxy. The request keeps the registry's own host name.
    pub registry_endpoint: Option<Lines<RegistryEndpoint>>,
}

mod defaults {
    use super::Span;

    pub(super) fn role_duration() -> Span {
        Span::minutes(60)
    }
}

impl CommonInputs {
    /// The environments that are named, else the one of this step; none for all.
    #[must_use]
    pub fn environments(&self, named: Option<&Lines<EnvironmentName>>) -> Vec<EnvironmentName> {
        named.map_or_else(|| self.environment.iter().cloned().collect(), |names| names.0.clone())
    }

    /// The open records that were named, each once.
    #[must_use]
    pub fn deployment_ids(&self) -> Vec<DeploymentId> {
        let mut ids: Vec<DeploymentId> = Vec::new();
        for id in self.deployment_id.iter().flatten() {
            if !ids.contains(id) {
                ids.push(*id);
            }
        }
        ids
    }
}

impl Inputs for CommonInputs {
    fn check(&self, problems: &mut Problems) {
        let bounds = Span::minutes(15)..=Span::minutes(720);
        problems.add_if(
            !bounds.contains(&self.role_duration),
            message_str!("input-must-be", "input `role-duration` must be from 15m to 12h, as STS requires"),
        );
        problems.add_if(
            self.role_session_name.as_ref().is_some_and(|name| name.as_str().len() < 2),
            "input `role-session-name` must have at least 2 characters, as STS requires",
        );
        problems.add_if(
            self.token.as_ref().is_some_and(|token| token.expose().contains(char::is_control)),
            message_str!("input-must-be", "input `token` must be one line, without control characters"),
        );
        problems.add_if(self.timeout == Some(Span::seconds(0)), "input `timeout` must be longer than 0s");
    }
}
