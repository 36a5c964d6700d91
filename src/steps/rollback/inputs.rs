//! The inputs of rollback.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::To;
use crate::action::inputs::{Flag, Inputs, Lines, Number, Problems, input_value};
use crate::ecs::{self, ClusterName, ServiceName};
use crate::health::HealthInputs;
use crate::lambda::{AliasName, FunctionName, FunctionVersion, Version};
use crate::permissions::{
    AwsPermission, FIND_EXECUTIONS, GithubPermission, OTHER_RUNS, Permissions, Resource, STOP_EXECUTIONS, When,
};
use crate::record::{Mode, RecordInputs};
use crate::rollout::services::ExpectedRevisions;
use crate::rollout::sites::PointerInput;
use crate::rollout::state::Captured;
use crate::rollout::targets::ExpectedCurrent;
use crate::site::{BucketLabel, DistributionId, MarkerPath, Prefix, ReleaseName};

/// What it must be allowed.
pub(super) const PERMISSIONS: Permissions = Permissions {
    aws: &[
        AwsPermission::reads("lambda:GetAlias", Resource::Function).when(When::OfFunctions),
        AwsPermission::reads("lambda:GetFunction", Resource::FunctionAndVersions).when(When::OfFunctions),
        AwsPermission::writes("lambda:UpdateAlias", Resource::Function).when(When::OfFunctions),
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
            .when(When::OfFunctions)
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
        AwsPermission::reads("ecs:DescribeServices", Resource::Service).when(When::OfServices),
        AwsPermission::reads("ecs:DescribeServiceDeployments", Resource::ServiceDeployment).when(When::OfServices),
        AwsPermission::reads("ecs:DescribeServiceRevisions", Resource::ServiceRevision).when(When::OfServices),
        AwsPermission::reads("ecs:DescribeTaskDefinition", Resource::Any).when(When::OfServices),
        AwsPermission::reads("ecs:ListServiceDeployments", Resource::Service).when(When::History),
        AwsPermission::writes("ecs:UpdateService", Resource::Service).when(When::OfServices),
        AwsPermission::writes("ecs:StopServiceDeployment", Resource::ServiceDeployment).when(When::InProgress),
        AwsPermission::writes("ecs:ContinueServiceDeployment", Resource::ServiceDeployment).when(When::Paused),
        AwsPermission::writes("ecs:RegisterTaskDefinition", Resource::TaskFamilies).when(When::Registered),
        AwsPermission::writes("ecs:TagResource", Resource::TaskFamilies).when(When::Registered),
        AwsPermission::writes("iam:PassRole", Resource::TaskRole).when(When::Registered),
        AwsPermission::reads("ecr:BatchGetImage", Resource::Repository)
            .when(When::OfServices)
            .optional("a refusal when the image is gone"),
        AwsPermission::reads("ecs:ListTasks", Resource::Any).when(When::OfServices).optional("why tasks stopped"),
        AwsPermission::reads("ecs:DescribeTasks", Resource::Task).when(When::OfServices).optional("why tasks stopped"),
        AwsPermission::reads("s3:GetObject", Resource::SiteObjects).when(When::OfSites),
        AwsPermission::writes("s3:PutObject", Resource::SiteObjects).when(When::OfSites),
        AwsPermission::reads("cloudfront:GetDistribution", Resource::Distribution)
            .when(When::OfSitesBehindDistribution),
        AwsPermission::reads("cloudfront:DescribeFunction", Resource::EdgeFunction).when(When::EdgeFunction),
        AwsPermission::writes("cloudfront:CreateInvalidation", Resource::Distribution)
            .when(When::OfSitesBehindDistribution),
        AwsPermission::reads("cloudfront:GetInvalidation", Resource::Distribution)
            .when(When::OfSitesBehindDistribution)
            .optional("whether an invalidation has reached all edges"),
        AwsPermission::reads("s3:GetBucketTagging", Resource::SiteBucket).when(When::OfTaggedSites),
        AwsPermission::reads("cloudfront:DescribeKeyValueStore", Resource::KeyValueStore).when(When::PointerInStore),
        AwsPermission::reads("cloudfront-keyvaluestore:DescribeKeyValueStore", Resource::KeyValueStore)
            .when(When::PointerInStore),
        AwsPermission::reads("cloudfront-keyvaluestore:GetKey", Resource::KeyValueStore).when(When::PointerInStore),
        AwsPermission::writes("cloudfront-keyvaluestore:UpdateKeys", Resource::KeyValueStore)
            .when(When::PointerInStore),
        AwsPermission::reads("cloudfront:GetDistributionConfig", Resource::Distribution)
            .when(When::PointerIsOriginPath),
        AwsPermission::writes("cloudfront:UpdateDistribution", Resource::Distribution).when(When::PointerIsOriginPath),
        AwsPermission::reads("s3:ListBucket", Resource::SiteBucket).when(When::PointerIsOriginPath),
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
    /// The cluster of the services to put back.
    pub(super) cluster: Option<ClusterName>,
    /// The services to put back, one a line.
    pub(super) service: Option<Lines<ServiceName>>,
    /// The bucket of the site to put back; `*` in its name stands for the account of the credentials, as in records and in the notes of releases.
    pub(super) bucket: Option<BucketLabel>,
    /// The folder of the bucket that is the site.
    pub(super) prefix: Option<Prefix>,
    /// Where the site says which release serves. Without it, `/.release.json`.
    pub(super) marker: Option<MarkerPath>,
    /// What says which release of the site serves, as publish-site has it: `none`, `kvs:<store>`, `kvs:<store>/<key>` or `origin-path`.
    #[serde(default)]
    pub(super) pointer: PointerInput,
    /// The distributions in front of the site, one a line: what changes is invalidated at each, and read back there, or at `url`.
    pub(super) distribution: Option<Lines<DistributionId>>,
    /// Several functions with the versions to go back to, `function=version` a line. Excludes `function` and `to`.
    pub(super) versions: Option<Lines<FunctionVersion>>,
    /// The alias users call. Not used with `mode: code`.
    #[serde(default = "AliasName::live")]
    pub(super) alias: AliasName,
    /// Whose changes are undone. Without it, `any` when `to` or `versions` is given, else `this-run`: what serves was put there by
    /// this run, and has not ended as a success in an earlier attempt of it.
    pub(super) scope: Option<ScopeInput>,
    /// Where to go back to: `version:41`, of a service `shop-api:41`, a digest `sha256:..`, or by the record `deployment:77`, `commit:8f3c1b2`, `tag:v1.2.0`. Without
    /// the word before it a number is a version if the function has it, else a deployment, a tag or a commit. `auto`: what served before, whoever put there what serves.
    pub(super) to: Option<To>,
    /// What was captured before the alias was moved or the code was replaced: the output `state`, also from another job.
    pub(super) state: Option<Captured>,
    /// Refuse if anything else serves. Without it, anything else than what `state` or the newest record says.
    pub(super) expected_current: Option<Expected>,
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
        if self.service.is_some() || self.cluster.is_some() {
            self.check_services(problems);
            return;
        }
        if self.bucket.is_some() {
            self.check_site(problems);
            return;
        }
        problems.add_if(
            self.prefix.is_some() || self.marker.is_some() || self.distribution.is_some() || self.pointer.is_set(),
            "inputs `prefix`, `marker`, `pointer` and `distribution` belong to a site: give `bucket` with them",
        );
        problems.add_if(
            matches!(self.expected_current, Some(Expected::Release(_))),
            "input `expected-current` of a function must be a version's number, or lines `function=version`",
        );
        problems.add_if(
            matches!(self.expected_current, Some(Expected::Revisions(_))),
            "input `expected-current` names a task definition: of a function it is a version's number",
        );
        if let Some(To::Definition(revision)) = &self.to {
            problems
                .add(format!("input `to` is {revision}, a task definition, which belongs to `cluster` and `service`"));
        }
        match (&self.function, &self.versions) {
            (None, None) => problems.add("give `function`, `versions`, `cluster` and `service`, or `bucket`"),
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

impl Rollback {
    /// What of a site has no meaning, or none that is known.
    fn check_site(&self, problems: &mut Problems) {
        self.pointer.check(self.distribution.iter().flatten().count(), problems);
        let others = [
            ("function", self.function.is_some()),
            ("versions", self.versions.is_some()),
            ("mode: code", self.mode == RollbackMode::Code),
            ("allow-guess", self.allow_guess.0),
        ];
        for (name, _) in others.iter().filter(|(_, given)| *given) {
            problems.add(format!("give either `bucket`, or `{name}`, not both"));
        }
        problems.add_if(
            matches!(self.to, Some(To::Version(_) | To::Definition(_))),
            "input `to` is a version or a task definition: of a site it is a release, a tag, a commit, a digest or a deployment",
        );
        problems.add_if(
            matches!(self.expected_current, Some(Expected::Revisions(_))),
            "input `expected-current` must be a release with `bucket`",
        );
        problems.add_if(
            self.health.is_asked() && self.health.asking.url.is_none(),
            "give `url` with the inputs of the health check: a site is asked by its address",
        );
        problems.add_if(
            self.record.record == Mode::Open,
            "input `record` cannot be `open` here: a rollback is closed by the step itself",
        );
    }

    /// What of services has no meaning, or none that is known.
    fn check_services(&self, problems: &mut Problems) {
        match (&self.cluster, &self.service) {
            (Some(_), None) => problems.add("input `service` is required with `cluster`"),
            (None, Some(_)) => problems.add("input `cluster` is required with `service`"),
            _ => {}
        }
        let others = [
            ("function", self.function.is_some()),
            ("versions", self.versions.is_some()),
            ("mode: code", self.mode == RollbackMode::Code),
            ("allow-guess", self.allow_guess.0),
        ];
        for (name, _) in others.iter().filter(|(_, given)| *given) {
            problems.add(format!("give either `cluster` and `service`, or `{name}`, not both"));
        }
        problems.add_if(
            matches!(self.to, Some(To::Version(_))),
            "input `to` is a version of a function: of a service it is a tag, a commit, a digest, a deployment or `family:41`",
        );
        problems.add_if(
            matches!(self.expected_current, Some(Expected::Versions(_) | Expected::Release(_))),
            "input `expected-current` must be a task definition `family:41` with `service`",
        );
        problems.add_if(
            self.health.is_asked() && self.health.asking.url.is_none(),
            "give `url` with the inputs of the health check: a service is asked by its address",
        );
    }
}

/// What each place must have: versions of functions, or task definitions of services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// Of functions.
    Versions(ExpectedCurrent),
    /// Of services.
    Revisions(ExpectedRevisions),
    /// Of a site.
    Release(ReleaseName),
}

impl Expected {
    /// What is expected of a function.
    pub(super) fn version(&self, function: &FunctionName) -> Option<Version> {
        match self {
            Self::Versions(versions) => versions.of(function),
            Self::Revisions(_) | Self::Release(_) => None,
        }
    }

    /// What is expected of a service.
    pub(super) fn revision(&self, service: &ServiceName) -> Option<&ecs::Revision> {
        match self {
            Self::Versions(_) | Self::Release(_) => None,
            Self::Revisions(revisions) => revisions.of(service),
        }
    }
}

impl FromStr for Expected {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let versions = text.parse().map(Self::Versions);
        let all = "must be a version's number, a task definition `family:41`, lines `name=..` of either, or the release of a site";
        let revisions = || text.parse().map(Self::Revisions);
        let known = versions.or_else(|_error| revisions()).or_else(|_error: String| text.parse().map(Self::Release));
        known.map_err(|_error: String| all.to_owned())
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Versions(versions) => versions.fmt(f),
            Self::Revisions(revisions) => revisions.fmt(f),
            Self::Release(release) => release.fmt(f),
        }
    }
}

input_value!(
    Expected,
    "a version's number or a task definition `family:n`; or lines `name=..` of either; or the release of a site",
    "41"
);

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
