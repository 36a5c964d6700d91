//! The inputs of rollback.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::To;
use crate::action::inputs::{Flag, Inputs, Lines, Number, Problems};
use crate::health::HealthInputs;
use crate::lambda::{AliasName, FunctionName, FunctionVersion};
use crate::permissions::{
    AwsPermission, FIND_EXECUTIONS, GithubPermission, OTHER_RUNS, Permissions, Resource, STOP_EXECUTIONS, When,
};
use crate::record::{Mode, RecordInputs};
use crate::rollout::state::Captured;
use crate::rollout::targets::ExpectedCurrent;

/// What it must be allowed.
pub(super) const PERMISSIONS: Permissions = Permissions {
    aws: &[
        AwsPermission::reads("lambda:GetAlias", Resource::Function),
        AwsPermission::reads("lambda:GetFunction", Resource::FunctionAndVersions),
        AwsPermission::writes("lambda:UpdateAlias", Resource::Function),
        AwsPermission::reads("lambda:ListVersionsByFunction", Resource::Function).when(When::Guess),
        AwsPermission::writes("lambda:InvokeFunction", Resource::Versions).when(When::Idle),
        AwsPermission::writes("lambda:InvokeFunction", Resource::Alias).when(When::HealthOfFunction),
        FIND_EXECUTIONS,
        STOP_EXECUTIONS,
        AwsPermission::reads("lambda:ListTags", Resource::Function).when(When::ExpectedTags),
        AwsPermission::reads("lambda:ListAliases", Resource::Function).when(When::Code),
        AwsPermission::reads("lambda:ListVersionsByFunction", Resource::Function).when(When::Code),
        AwsPermission::writes("lambda:UpdateFunctionCode", Resource::Function).when(When::Code),
        AwsPermission::reads("ecr:BatchGetImage", Resource::Repository).when(When::CodeOfImage),
        AwsPermission::reads("ecr:GetDownloadUrlForLayer", Resource::Repository).when(When::CodeOfImage),
        AwsPermission::reads("lambda:ListVersionsByFunction", Resource::Function)
            .optional("the names of other versions when the one asked for is gone"),
        AwsPermission::reads("ecr:BatchGetImage", Resource::Repository)
            .when(When::ImageVersion)
            .optional("a warning when the image is gone"),
        AwsPermission::reads("lambda:GetProvisionedConcurrencyConfig", Resource::Alias)
            .when(When::Provisioned)
            .optional("why provisioned concurrency does not become ready"),
        AwsPermission::writes("lambda:InvokeFunction", Resource::Alias)
            .when(When::Url)
            .optional("an explanation of a failed health check"),
    ],
    github: &[
        GithubPermission::needs("deployments: read").when(When::ByRecord),
        GithubPermission::needs("deployments: write").optional("the record, and the end of those of what was undone"),
        OTHER_RUNS,
    ],
};

/// Whose changes are undone.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum ScopeInput {
    /// Only what this run put there, in any attempt.
    ThisRun,
    /// Whatever serves.
    Any,
}

/// What is put back.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum RollbackMode {
    /// An alias, to the version it pointed to.
    #[default]
    Alias,
    /// The code in `$LATEST`, for users who call the function without an alias.
    Code,
}

/// The inputs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Rollback {
    /// The functions to put back, one a line.
    pub(super) function: Option<Lines<FunctionName>>,
    /// Several functions with the versions to go back to, `function=version` a line. Excludes `function` and `to`.
    pub(super) versions: Option<Lines<FunctionVersion>>,
    /// The alias users call. Not used with `mode: code`.
    #[serde(default = "AliasName::live")]
    pub(super) alias: AliasName,
    /// Whose changes are undone. Without it, `any` when `to` or `versions` is given, else `this-run`: what serves was put there by
    /// this run, and has not ended as a success in an earlier attempt of it.
    pub(super) scope: Option<ScopeInput>,
    /// Where to go back to: `version:41`, a digest `sha256:..`, or by the record `deployment:77`, `commit:8f3c1b2`, `tag:v1.2.0`. Without
    /// the word before it a number is a version if the function has it, else a deployment, a tag or a commit. `auto`: what served before, whoever put there what serves.
    pub(super) to: Option<To>,
    /// What was captured before the alias was moved or the code was replaced: the output `state`, also from another job.
    pub(super) state: Option<Captured>,
    /// Refuse if anything else serves. Without it, anything else than what `state` or the newest record says.
    pub(super) expected_current: Option<ExpectedCurrent>,
    /// Take the version published before the one that serves when nothing else is known. It may never have worked.
    #[serde(default)]
    pub(super) allow_guess: Flag,
    /// Go below the version of the schema under which a CONTRACT has taken something away: the older code may fail there.
    #[serde(default)]
    pub(super) allow_across_contract: Flag,
    /// What is put back: the alias, or for a function that users call without one (publish-version with `traffic: latest`) the
    /// code in `$LATEST`.
    #[serde(default)]
    pub(super) mode: RollbackMode,
    /// Attempts of the health check after the write, when one is asked for.
    #[serde(default = "attempts")]
    pub(super) attempts: Number<1, 1000>,
    #[serde(flatten)]
    pub(super) health: HealthInputs,
    #[serde(flatten)]
    pub(super) record: RecordInputs,
}

fn attempts() -> Number<1, 1000> {
    Number(5)
}

impl Inputs for Rollback {
    fn check(&self, problems: &mut Problems) {
        self.health.check(self.attempts.0, problems);
        match (&self.function, &self.versions) {
            (None, None) => problems.add("give `function`, or `versions`"),
            (Some(_), Some(_)) => problems.add("give either `versions`, or `function`, not both"),
            (None, Some(_)) => {
                problems.add_if(self.to.is_some(), "give either `versions`, or `to`, not both");
            }
            (Some(functions), None) => problems.add_if(
                functions.0.len() > 1 && matches!(self.to, Some(To::Number(_) | To::Version(_))),
                "a version in `to` cannot hold for several functions: give `versions` instead",
            ),
        }
        problems.add_if(
            self.record.record == Mode::Open,
            "input `record` cannot be `open` here: a rollback is closed by the step itself",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::inputs::RawInputs;

    #[test]
    fn more_good_answers_than_attempts_are_refused_before_anything_is_moved() {
        let mut problems = Problems::default();
        let given = [("function", "shop-api"), ("path", "/health"), ("success-threshold", "6")];
        assert!(RawInputs::from_pairs(given).read::<Rollback>(&mut problems).is_none());
        assert!(problems.message().contains("`success-threshold` (6) is more than `attempts` (5)"), "{problems:?}");
    }
}
