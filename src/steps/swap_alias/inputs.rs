//! The inputs of swap-alias.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::inputs::{CommitSha, Flag, Inputs, Problems, input_value};
use crate::lambda::AliasName;
use crate::permissions::{AwsPermission, GithubPermission, OTHER_RUNS, Permissions, Resource, When};
use crate::record::RecordInputs;
use crate::rollout::proof::Proof;
use crate::rollout::targets::{ExpectedCurrent, VersionTargets};

/// What it must be allowed.
pub(super) const PERMISSIONS: Permissions = Permissions {
    aws: &[
        AwsPermission::reads("lambda:GetAlias", Resource::Function),
        AwsPermission::reads("lambda:GetFunction", Resource::FunctionAndVersions),
        AwsPermission::writes("lambda:UpdateAlias", Resource::Function),
        AwsPermission::writes("lambda:CreateAlias", Resource::Function).when(When::CreateAlias),
        AwsPermission::reads("lambda:ListTags", Resource::Function).when(When::ExpectedTags),
        AwsPermission::reads("lambda:GetProvisionedConcurrencyConfig", Resource::Alias)
            .optional("whether provisioned concurrency is ready"),
    ],
    github: &[
        GithubPermission::needs("deployments: write").when(When::RecordRequired),
        GithubPermission::needs("deployments: write").when(When::Adopt),
        GithubPermission::needs("deployments: write").optional("the record"),
        OTHER_RUNS,
        GithubPermission::needs("contents: read")
            .optional("a commit older than what serves is refused, and the commit's tree stands in the record"),
    ],
};

/// How the traffic moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Strategy;

impl FromStr for Strategy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all-at-once" => Ok(Self),
            _ => Err("must be `all-at-once`: canary and linear are not in this release".to_owned()),
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("all-at-once")
    }
}

input_value!(name Strategy, "`all-at-once`", "all-at-once");

/// What is done when a swap would leave nothing to roll back to.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum OnNothingToRollBackTo {
    /// A warning.
    #[default]
    Warn,
    /// The swap is refused.
    Fail,
}

/// The inputs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct SwapAlias {
    #[serde(flatten)]
    pub(super) targets: VersionTargets,
    /// The alias users call.
    #[serde(default = "AliasName::live")]
    pub(super) alias: AliasName,
    /// Refuse if the alias is anywhere else than at this version.
    pub(super) expected_current: Option<ExpectedCurrent>,
    /// Refuse if the version holds any other commit.
    pub(super) expected_commit: Option<CommitSha>,
    /// Make the alias when there is none.
    #[serde(default)]
    pub(super) create_alias: Flag,
    /// The proof that the version was smoke-tested: the output of smoke-test.
    pub(super) proof: Option<Proof>,
    /// Refuse without a proof.
    #[serde(default)]
    pub(super) require_proof: Flag,
    /// What to do when there would be nothing to roll back to.
    #[serde(default)]
    pub(super) require_rollback_target: OnNothingToRollBackTo,
    /// How the traffic moves. In this release all at once.
    #[serde(default)]
    pub(super) strategy: Strategy,
    /// Let an older commit replace a newer one.
    #[serde(default)]
    pub(super) allow_downgrade: Flag,
    /// Write nothing to AWS: prove and record what Terraform, SAM, CDK or Serverless has put there.
    #[serde(default)]
    pub(super) adopt: Flag,
    #[serde(flatten)]
    pub(super) record: RecordInputs,
}

impl Inputs for SwapAlias {
    fn check(&self, problems: &mut Problems) {
        self.targets.check(problems);
    }
}
