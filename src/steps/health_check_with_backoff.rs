//! health-check-with-backoff: asks until the service answers as expected, with growing waits.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{DeployStep, Output};
use crate::action::inputs::{Inputs, Number, Problems, Span};
use crate::context::{Context, Served};
use crate::ecs::{ClusterName, ServiceName};
use crate::health::expectation::without_query;
use crate::health::{Checker, Health, HealthInputs, Target};
use crate::lambda::{AliasName, FunctionName};
use crate::outcome::Verdict;
use crate::outcome::{Outcome, Step};
use crate::permissions::{AwsPermission, FIND_EXECUTIONS, Permissions, Resource, STOP_EXECUTIONS, When};
use crate::record::status_line::Figure;
use crate::rollout::services::explain_unhealthy;

/// Its inputs.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct HealthCheck {
    /// A function, invoked through `alias`. With `url` it is not what is checked: it only explains a failure.
    pub function: Option<FunctionName>,
    /// The cluster of `service`.
    pub cluster: Option<ClusterName>,
    /// The service of ECS behind `url`: it explains a failure.
    pub service: Option<ServiceName>,
    /// The alias through which the function is invoked.
    #[serde(default = "AliasName::live")]
    pub alias: AliasName,
    /// How often it is asked at most. After failed attempt n it waits `base-wait` doubled n-1 times, at most `max-wait`.
    #[serde(default = "fifteen")]
    pub attempts: Number<1, 1000>,
    /// Where and how to ask, and what the answer must be.
    #[serde(flatten)]
    pub health: HealthInputs,
}

fn fifteen() -> Number<1, 1000> {
    Number(15)
}

impl Inputs for HealthCheck {
    fn check(&self, problems: &mut Problems) {
        problems.add_if(
            self.function.is_none() && self.health.asking.url.is_none(),
            "give `url`, or `function` and `alias`: there is nothing to ask",
        );
        problems.add_if(
            self.service.is_some() != self.cluster.is_some(),
            "`cluster` and `service` belong together: give both",
        );
        problems.add_if(
            self.service.is_some() && (self.function.is_some() || self.health.asking.url.is_none()),
            "`service` explains what `url` answers: give `url` with it, and no `function`",
        );
        self.health.check(self.attempts.0, problems);
    }
}

const LOOKS: &str = "the function's own timeout, an explanation of a failure, and what serves";
const EXPLAINS: &str = "an explanation of a failure, and what serves";
/// Explaining a failure may take this long.
const EXPLAINING: Duration = Duration::from_secs(15);

impl DeployStep for HealthCheck {
    const NAME: &'static str = "health-check-with-backoff";
    const ABOUT: &'static str =
        "Asks a service, or a function through its alias, until it answers as expected, waiting longer each time.";
    const OUTPUTS: &'static [Output] = &[
        Output::text("attempts-used", "Attempts made; of several addresses the most that one took."),
        Output::text("last-status", "Status of the last answer; empty when there was none."),
        Output::text(
            "last-error-class",
            "What was wrong last: `dns connect tls timeout status body version latency proxy`; empty when healthy.",
        ),
        Output::text(
            "observed-version",
            "The version the last answer told; empty when it was not looked for or not told.",
        ),
        Output::text("latency-ms", "How long the last answer took, in milliseconds; empty when there was none."),
    ];
    const FIGURES: &'static [Figure] = &[
        Figure::Value("attempts", "attempts-used"),
        Figure::Value("ms", "latency-ms"),
        Figure::Value("class", "last-error-class"),
        Figure::Value("version", "observed-version"),
    ];
    const PERMISSIONS: Permissions = Permissions {
        aws: &[
            AwsPermission::writes("lambda:InvokeFunction", Resource::Alias).when(When::Function),
            AwsPermission::reads("lambda:GetFunction", Resource::FunctionAndVersions)
                .when(When::Function)
                .optional(LOOKS),
            AwsPermission::reads("lambda:GetAlias", Resource::Function).when(When::Function).optional(LOOKS),
            FIND_EXECUTIONS,
            STOP_EXECUTIONS,
            AwsPermission::reads("lambda:GetFunction", Resource::FunctionAndVersions)
                .when(When::FunctionBesideUrl)
                .optional(EXPLAINS),
            AwsPermission::reads("lambda:GetAlias", Resource::Function)
                .when(When::FunctionBesideUrl)
                .optional(EXPLAINS),
            AwsPermission::writes("lambda:InvokeFunction", Resource::Alias)
                .when(When::FunctionBesideUrl)
                .optional(EXPLAINS),
            AwsPermission::reads("ecs:DescribeServices", Resource::Service).when(When::OfServices).optional(EXPLAINS),
            AwsPermission::reads("ecs:DescribeServiceDeployments", Resource::ServiceDeployment)
                .when(When::OfServices)
                .optional(EXPLAINS),
            AwsPermission::reads("ecs:DescribeServiceRevisions", Resource::ServiceRevision)
                .when(When::OfServices)
                .optional(EXPLAINS),
            AwsPermission::reads("elasticloadbalancing:DescribeTargetHealth", Resource::Any)
                .when(When::Balanced)
                .optional(EXPLAINS),
            AwsPermission::reads("ecs:ListTasks", Resource::Any).when(When::OfServices).optional(EXPLAINS),
            AwsPermission::reads("ecs:DescribeTasks", Resource::Task).when(When::OfServices).optional(EXPLAINS),
        ],
        github: &[],
    };
    const TIMEOUT: Span = Span::minutes(15);
    const AT_EXPIRY: Verdict = Verdict::Fail;

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        let target = self.function.clone().map(|function| Target { function, alias: self.alias.clone().into() });
        let targets: Vec<Target> = target.into_iter().collect();
        for target in &targets {
            cx.read_back_at_end(Served::Function(target.function.clone(), target.alias.clone()));
        }
        if let (Some(cluster), Some(service)) = (&self.cluster, &self.service) {
            cx.read_back_at_end(Served::Service(cluster.clone(), service.clone()));
        }
        set_outputs(cx, &Health::default());
        if cx.is_dry_run() {
            return Ok(self.planned(cx, &targets));
        }
        let checker = Checker { calls: &cx.calls, report: &cx.report, lambda: async || cx.lambda().await };
        let health = checker.verify(&self.health, &targets, self.attempts.0).await?;
        set_outputs(cx, &health);
        if let (false, Some(cluster), Some(service)) = (health.is_healthy, &self.cluster, &self.service) {
            let late = &cx.with_deadline(cx.calls.deadline.renew(EXPLAINING));
            explain_unhealthy(late, cluster, service).await;
        }
        let verdict = if health.is_healthy { Outcome::pass } else { Outcome::fail };
        Ok(verdict(health.reason).advise_all(health.advice))
    }
}

impl HealthCheck {
    /// A dry run asks nothing: what it would ask about is not deployed yet.
    fn planned(&self, cx: &Context, targets: &[Target]) -> Outcome {
        let urls = self.health.asking.url.iter().flatten().map(|url| without_query(url.0.as_str()));
        let places: Vec<String> = match &self.health.asking.url {
            Some(_) => urls.collect(),
            None => targets.iter().map(ToString::to_string).collect(),
        };
        for place in &places {
            cx.report.check(
                format!("health of {place}"),
                "not asked: dry run",
                self.health.expectation().words(),
                Verdict::Skipped,
                "plan",
            );
        }
        Outcome::pass(format!("dry run: would ask {} up to {} times", places.join(", "), self.attempts))
    }
}

fn set_outputs(cx: &Context, health: &Health) {
    let label = |value: Option<String>| value.unwrap_or_default();
    cx.report.output("attempts-used", health.attempts.to_string());
    cx.report.output("last-status", label(health.status.map(|status| status.to_string())));
    cx.report.output("last-error-class", label(health.class.map(|class| class.to_string())));
    cx.report.output("observed-version", label(health.version.clone()));
    cx.report.output("latency-ms", label(health.latency.map(|latency| latency.as_millis().to_string())));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::inputs::fields;

    #[test]
    fn every_shared_input_is_an_input_of_the_step() {
        let names: Vec<String> = fields::<HealthCheck>()
            .into_iter()
            .map(|field| {
                assert!(!field.description.is_empty() && !field.example.is_empty(), "{field:?}");
                field.name
            })
            .collect();
        for name in ["url", "function", "alias", "attempts", "base-wait", "fail-fast-status", "version-from", "payload"]
        {
            assert!(names.contains(&name.to_owned()), "{name} is not in {names:?}");
        }
    }
}
