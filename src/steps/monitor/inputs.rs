//! The inputs of monitor.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::action::inputs::{Inputs, Lines, Problems, Span, input_value};
use crate::ecs::{ClusterName, ServiceName};
use crate::lambda::{AliasName, FunctionName, FunctionVersion, VersionRef};
use crate::permissions::{AwsPermission, GithubPermission, Permissions, Resource, When, gate, together};
use crate::rollout::state::Captured;
use crate::watch::GateInputs;
use crate::watch::values::{OnBad, OnInconclusive, Percent};

/// What some reads are for.
const UNHEALTHY: &str = "why a service is not healthy";

/// What it must be allowed.
pub(super) const PERMISSIONS: Permissions = Permissions {
    aws: &together::<12, 13, 25>(
        [
            AwsPermission::reads("ecs:DescribeServices", Resource::Service).when(When::OfServices),
            AwsPermission::reads("ecs:DescribeServiceDeployments", Resource::ServiceDeployment).when(When::OfServices),
            AwsPermission::reads("ecs:DescribeServiceRevisions", Resource::ServiceRevision).when(When::OfServices),
            AwsPermission::reads("elasticloadbalancing:DescribeTargetGroups", Resource::Any).when(When::Balanced),
            AwsPermission::reads("elasticloadbalancing:DescribeTargetHealth", Resource::Any)
                .when(When::Balanced)
                .optional(UNHEALTHY),
            AwsPermission::reads("ecs:ListTasks", Resource::Any).when(When::OfServices).optional(UNHEALTHY),
            AwsPermission::reads("ecs:DescribeTasks", Resource::Task).when(When::OfServices).optional(UNHEALTHY),
            AwsPermission::writes("ecs:UpdateService", Resource::Service).when(When::RollsServicesBack),
            AwsPermission::reads("lambda:GetAlias", Resource::Function).when(When::OfFunctions),
            AwsPermission::reads("lambda:GetFunction", Resource::FunctionAndVersions).when(When::OfFunctions),
            AwsPermission::writes("lambda:UpdateAlias", Resource::Function).when(When::RollsBack),
            AwsPermission::reads("lambda:ListTags", Resource::Function).when(When::ExpectedTags),
        ],
        gate(When::OfFunctions, When::Measured),
    ),
    github: &[
        GithubPermission::needs("deployments: read")
            .when(When::InEnvironment)
            .optional("when the release came; without it the watch begins now"),
        GithubPermission::needs("deployments: write")
            .when(When::RollsBack)
            .optional("the end of the record of what was taken back"),
    ],
};

/// The inputs.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Monitor {
    /// The cluster of the service to watch.
    pub(super) cluster: Option<ClusterName>,
    /// The service to watch: what its load balancer counts, and `alarms`.
    pub(super) service: Option<ServiceName>,
    /// The function to watch, behind `alias`.
    pub(super) function: Option<FunctionName>,
    /// The alias users call.
    #[serde(default = "AliasName::live")]
    pub(super) alias: AliasName,
    /// The version to watch: a number, or `alias:<name>` for the one that alias points to when the step begins. Without it, the one that serves. Another one that
    /// serves is somebody else's: the step ends as `superseded`.
    pub(super) version: Option<VersionRef>,
    /// Several functions with their versions, `function=version` a line. It is the output of publish-version.
    pub(super) versions: Option<Lines<FunctionVersion>>,
    /// What was captured before the alias was moved: the output `state` of swap-alias. Required for `on-failure: rollback` and
    /// `on-error: rollback`.
    pub(super) state: Option<Captured>,
    /// When the release came, RFC 3339. Without it, when the record of this place was made; without a record now, and what happened before is
    /// not seen.
    pub(super) since: Option<Since>,
    /// How long is watched after the release.
    #[serde(default = "five_minutes")]
    pub(super) window: Span,
    /// What is watched, and how it is judged.
    #[serde(flatten)]
    pub(super) gate: GateInputs,
    /// The error rate above which what served before is put back, with `on-failure: rollback`.
    #[serde(default = "five_percent")]
    pub(super) rollback_above: Percent,
    /// What is done about a release that fails.
    #[serde(default)]
    pub(super) on_failure: OnBad,
    /// What is done when the watch could not be carried out.
    #[serde(default)]
    pub(super) on_error: OnBad,
    /// What an inconclusive watch means.
    #[serde(default)]
    pub(super) on_inconclusive: OnInconclusive,
}

fn five_percent() -> Percent {
    Percent(0.05)
}

fn five_minutes() -> Span {
    Span::minutes(5)
}

impl Inputs for Monitor {
    fn check(&self, problems: &mut Problems) {
        let has_function = self.function.is_some() || self.versions.is_some();
        problems.add_if(
            self.function.is_some() && self.versions.is_some(),
            "give either `versions`, or `function` and `version`, not both",
        );
        problems
            .add_if(self.version.is_some() && self.function.is_none(), "input `function` is required with `version`");
        if let Some(lines) = &self.versions {
            let mut seen = std::collections::BTreeSet::new();
            for line in lines {
                let is_new = seen.insert(&line.function);
                problems.add_if(!is_new, format!("input `versions` names function {} twice", line.function));
            }
        }
        let has_service = self.service.is_some();
        problems.add_if(has_service != self.cluster.is_some(), "`cluster` and `service` belong together: give both");
        problems.add_if(
            has_service && has_function,
            "give either `function` or `versions`, or `cluster` and `service`, not both",
        );
        problems.add_if(
            !has_function && !has_service && !self.gate.common.watches_something_else(),
            "give `function`, `versions`, `cluster` and `service`, `url`, `alarms`, `probe`, or an API or a target group in `error-rate-source`: there is nothing to watch",
        );
        self.gate.check(has_function, has_service, problems);
        problems.add_if(self.window.0 < Duration::from_secs(1), "input `window` must be longer than 0s");
        if self.rolls_back() {
            problems.add_if(
                self.state.is_none(),
                "`rollback` needs `state`, the output of the step that moved the alias (or run the step rollback `if: failure()`)",
            );
            problems.add_if(
                !has_function && !has_service,
                "`rollback` needs `function`, `versions`, or `cluster` and `service`: nothing else can be put back here",
            );
        }
        let (fail, back) = (self.gate.common.fail_above, self.rollback_above);
        problems.add_if(
            back < fail,
            format!("input `rollback-above` ({back}) is below `fail-above` ({fail}): what is not bad enough to fail is not rolled back"),
        );
    }
}

impl Monitor {
    /// The functions and the versions that were named.
    pub(super) fn targets(&self) -> Vec<Named> {
        let short =
            self.function.iter().map(|function| Named { function: function.clone(), version: self.version.clone() });
        let long = self.versions.iter().flatten();
        let long = long.map(|line| Named { function: line.function.clone(), version: Some(line.version.clone()) });
        short.chain(long).collect()
    }

    /// Whether anything may be put back.
    pub(super) fn rolls_back(&self) -> bool {
        self.on_failure == OnBad::Rollback || self.on_error == OnBad::Rollback
    }

    /// Two minutes more than the window and what comes late.
    pub(super) fn longest(&self) -> Span {
        let late = self.gate.common.settle.longest();
        let grace = self.gate.common.probe.as_ref().map_or(Duration::ZERO, |probe| probe.grace);
        Span(self.window.0 + late + (late / 2).max(grace).min(Duration::from_hours(1)) + Duration::from_mins(2))
    }
}

/// A function, and the version that is expected there.
#[derive(Clone, Debug)]
pub(super) struct Named {
    /// The function.
    pub(super) function: FunctionName,
    /// The version, where one was named.
    pub(super) version: Option<VersionRef>,
}

/// A moment, RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Since(pub(super) OffsetDateTime);

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = OffsetDateTime::parse(text, &Rfc3339);
        read.map(Self).map_err(|_error| "must be a time, e.g. `2026-11-20T10:00:00Z`".to_owned())
    }
}

impl fmt::Display for Since {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.format(&Rfc3339).map_err(|_unwritable| fmt::Error)?)
    }
}

input_value!(name Since, "a time, RFC 3339", "2026-11-20T10:00:00Z");
