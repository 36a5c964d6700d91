//! The inputs every step takes.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::action::inputs::{
    AccountId, CommitSha, Component, EnvironmentName, Flag, Inputs, Lines, Pair, Problems, Region, SessionName, Span,
    Text, input_value,
};
use crate::action::secrets::Secret;
use crate::record::DeploymentId;
use crate::registry::RegistryEndpoint;

/// An IAM role to assume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleArn(String);

impl RoleArn {
    /// The ARN as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for RoleArn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let good = match parts.as_slice() {
            ["arn", partition, "iam", "", account, role] => {
                partition.starts_with("aws")
                    && account.parse::<AccountId>().is_ok()
                    && role.strip_prefix("role/").is_some_and(|name| !name.is_empty())
                    && text.chars().all(|c| c.is_ascii_alphanumeric() || ":/_+=,.@-".contains(c))
            }
            _ => false,
        };
        if good {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be the ARN of an IAM role, `arn:aws:iam::<account>:role/<name>`".to_owned())
        }
    }
}

impl std::fmt::Display for RoleArn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

input_value!(RoleArn, "the ARN of a role", "arn:aws:iam::111122223333:role/deploy");

/// Inputs common to all steps.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Common {
    /// The step to perform.
    #[schemars(example = &"swap-alias")]
    pub step: Text,
    /// Deployment environment. Required where a record is read or written.
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
    /// An open record: the output of the step that made it. What this step finds is added to it.
    pub deployment_id: Option<DeploymentId>,
    /// Allow credentials from the machine the runner is on.
    #[serde(default)]
    pub use_instance_metadata: Flag,
    /// Where to reach a registry, `host=url` a line: a VPC endpoint, a proxy. The request keeps the registry's own host name.
    pub registry_endpoint: Option<Lines<RegistryEndpoint>>,
}

mod defaults {
    use super::Span;

    pub(super) fn role_duration() -> Span {
        Span::minutes(60)
    }
}

impl Inputs for Common {
    fn check(&self, problems: &mut Problems) {
        let bounds = Span::minutes(15)..=Span::minutes(720);
        problems.add_if(
            !bounds.contains(&self.role_duration),
            "input `role-duration` must be from 15m to 12h, as STS requires",
        );
        problems.add_if(
            self.role_session_name.as_ref().is_some_and(|name| name.as_str().len() < 2),
            "input `role-session-name` must have at least 2 characters, as STS requires",
        );
        problems.add_if(
            self.token.as_ref().is_some_and(|token| token.expose().contains(char::is_control)),
            "input `token` must be one line, without control characters",
        );
        problems.add_if(self.timeout == Some(Span::seconds(0)), "input `timeout` must be longer than 0s");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads_plainly};

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(
            text in like(&["arn:aws:iam::111122223333:role/deploy", "arn:aws-cn:iam::111122223333:role/a/b"]),
        ) {
            reads_plainly::<RoleArn>(&text);
        }
    }
}
