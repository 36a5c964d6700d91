//! The inputs of swap-alias.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::inputs::{CommitSha, Flag, Inputs, Problems};
use crate::lambda::AliasName;
use crate::permissions::{AwsPermission, GithubPermission, OTHER_RUNS, Permissions, Resource, When, gate, together};
use crate::record::{RecordInputs, RequiredMigrations};
use crate::rollout::proof::Proof;
use crate::rollout::strategy::Strategy;
use crate::rollout::targets::{ExpectedCurrent, VersionTargets};
use crate::watch::{GateInputs, OnUndecided};

/// What it must be allowed.
pub(super) const PERMISSIONS: Permissions = Permissions {
    aws: &together::<6, 13, 19>(
        [
            AwsPermission::reads("lambda:GetAlias", Resource::Function),
            AwsPermission::reads("lambda:GetFunction", Resource::FunctionAndVersions),
            AwsPermission::writes("lambda:UpdateAlias", Resource::Function),
            AwsPermission::writes("lambda:CreateAlias", Resource::Function).when(When::CreateAlias),
            AwsPermission::reads("lambda:ListTags", Resource::Function).when(When::ExpectedTags),
            AwsPermission::reads("lambda:GetProvisionedConcurrencyConfig", Resource::Alias)
                .optional("whether provisioned concurrency is ready"),
        ],
        gate(When::Canary, When::Canary),
    ),
    github: &[
        GithubPermission::needs("deployments: write").when(When::RecordRequired),
        GithubPermission::needs("deployments: write").when(When::Adopt),
        GithubPermission::needs("deployments: read").when(When::RequiresMigrations),
        GithubPermission::needs("deployments: write").optional("the record"),
        OTHER_RUNS,
        GithubPermission::needs("contents: read")
            .optional("a commit older than what serves is refused, and the commit's tree stands in the record"),
    ],
};

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

/// What is done when an increment fails.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(super) enum OnFailedIncrement {
    /// The version that served gets all of the traffic again.
    #[default]
    Restore,
    /// The alias stays as it is, for somebody to look at.
    Leave,
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
    /// How the traffic moves: all at once, or in shares that are watched. The new version gets more only when what it had was good.
    #[serde(default)]
    pub(super) strategy: Strategy,
    /// Between two increments of `strategy`: what is watched, and how it is judged.
    #[serde(flatten)]
    pub(super) gate: GateInputs,
    /// What is done when an increment fails. `restore` gives the version that served all of the traffic, `leave` leaves the alias as it
    /// is.
    #[serde(default)]
    pub(super) on_failure: OnFailedIncrement,
    /// What is done when an increment cannot be judged. That is so of a quiet function: back to the version that served, or on.
    #[serde(default)]
    pub(super) on_inconclusive: OnUndecided,
    /// Let an older commit replace a newer one.
    #[serde(default)]
    pub(super) allow_downgrade: Flag,
    /// Write nothing to AWS: prove and record what another tool has put there. Terraform, SAM, CDK and Serverless move aliases by themselves.
    #[serde(default)]
    pub(super) adopt: Flag,
    #[serde(flatten)]
    pub(super) required: RequiredMigrations,
    #[serde(flatten)]
    pub(super) record: RecordInputs,
}

impl Inputs for SwapAlias {
    fn check(&self, problems: &mut Problems) {
        self.targets.check(problems);
        self.gate.check(true, false, problems);
        problems.add_if(
            self.gate.common.asking.expect_version.is_some() && self.strategy != Strategy::AllAtOnce,
            "input `expect-version` cannot hold while a canary shares `url` with the version before it: leave it out",
        );
    }
}
