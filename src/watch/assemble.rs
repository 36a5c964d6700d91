//! From the inputs of a gate and what a step observed to what is watched. Pure.

use std::time::Duration;

use super::finding::Check;
use super::inputs::GateInputs;
use super::latency::{Latency, LatencyLimit};
use super::logs::{AppLogs, LogRules};
use super::rate::{Previous, Rate, RateRules};
use super::statistics::{Division, Rule};
use super::values::{Compare, RateSource};
use crate::aws::cloudwatch::Metric;
use crate::lambda::{Alias, Version};

/// A function as a step observed it.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The alias.
    pub alias: Alias,
    /// The version that is watched.
    pub version: Version,
    /// What served before, where that is known.
    pub previous: Option<Version>,
    /// Whether the alias has an address of its own.
    pub has_url: bool,
}

impl Observed {
    /// `shop-api:live, version 42`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}:{}, version {}", self.alias.function, self.alias.name, self.version)
    }

    /// The version that it is compared with, and whether that served before the release and not beside it.
    fn compared_with(&self) -> Option<(Version, bool)> {
        let beside =
            self.alias.weights.keys().chain(self.alias.version.as_ref()).find(|version| **version != self.version);
        let is_mixed = !self.alias.weights.is_empty() && self.alias.serving() != Some(self.version)
            || self.alias.weights.values().any(|weight| *weight < 1.0);
        match beside.filter(|_| is_mixed) {
            Some(version) => Some((*version, false)),
            None => self.previous.map(|version| (version, true)),
        }
    }
}

/// How CloudWatch names what a source counts: namespace, requests, errors, latency and the milliseconds in its unit.
struct Named {
    label: &'static str,
    namespace: &'static str,
    requests: &'static str,
    errors: &'static str,
    latency: (&'static str, f64),
}

/// <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html>
const LAMBDA: Named = Named {
    label: "Lambda",
    namespace: "AWS/Lambda",
    requests: "Invocations",
    errors: "Errors",
    latency: ("Duration", 1.0),
};
/// <https://docs.aws.amazon.com/lambda/latest/dg/urls-monitoring.html>
const URL: Named = Named {
    label: "function URL",
    namespace: "AWS/Lambda",
    requests: "UrlRequestCount",
    errors: "Url5xxCount",
    latency: ("UrlRequestLatency", 1.0),
};
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html>
const REST: Named = Named {
    label: "REST API",
    namespace: "AWS/ApiGateway",
    requests: "Count",
    errors: "5XXError",
    latency: ("Latency", 1.0),
};
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html>
const HTTP: Named = Named {
    label: "HTTP API",
    namespace: "AWS/ApiGateway",
    requests: "Count",
    errors: "5xx",
    latency: ("Latency", 1.0),
};
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html>
const BALANCER: Named = Named {
    label: "target group",
    namespace: "AWS/ApplicationELB",
    requests: "RequestCount",
    errors: "HTTPCode_Target_5XX_Count",
    latency: ("TargetResponseTime", 1000.0),
};

impl Named {
    fn metric(&self, name: &'static str, dimensions: &[(&'static str, String)], statistic: &str) -> Metric {
        Metric { namespace: self.namespace, name, dimensions: dimensions.to_vec(), statistic: statistic.to_owned() }
    }
}

/// A source of requests: whose they are, how they are named, and by which dimensions they are found.
struct Counted<'a> {
    name: String,
    named: &'a Named,
    dimensions: Vec<(&'static str, String)>,
    /// Those of what it is compared with, and whether that is the window before.
    previous: Option<(Vec<(&'static str, String)>, bool)>,
    per_version: bool,
}

/// What is judged by metrics.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// Error rates with their rules.
    pub rates: Vec<(Rate, RateRules)>,
    /// Latencies.
    pub latencies: Vec<Latency>,
    /// How `alpha` is divided over the rates, where there are any.
    pub division: Option<Division>,
    /// What these rates do not see.
    pub unseen: Option<String>,
}

/// The metrics of these functions and sources. `balancers` are the load balancers of the target groups that the inputs name, in their order;
/// `gates` the increments of a canary, or 1; above the last rate a failure is bad enough to put back what served before.
#[must_use]
pub fn measured(
    inputs: &GateInputs,
    functions: &[Observed],
    balancers: &[String],
    window: Duration,
    (gates, rollback_above): (u32, f64),
) -> Measured {
    let counted = counted(inputs, functions, balancers);
    let compares = inputs.functions.compare == Compare::Previous;
    let statistic = inputs.common.statistic.into();
    let rule =
        Rule { statistic, threshold: inputs.common.fail_above.0, min_samples: u64::from(inputs.common.min_samples.0) };
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX).max(1);
    let looks = number(rule.statistic.looks(window).len());
    let of_functions = number(functions.len());
    let sources = number(counted.len().div_ceil(functions.len().max(1)));
    let division = Division { alpha: inputs.common.alpha.0, gates, functions: of_functions, sources, looks };
    let rules = RateRules { rule, rollback_above, division };
    let mut measured = Measured::default();
    if inputs.common.is_chosen(Check::ErrorRate) {
        measured.rates.extend(counted.iter().map(|one| (rate(one, compares), rules)));
        measured.division = (!counted.is_empty()).then_some(division);
        let only_lambda = !counted.is_empty() && counted.iter().all(|one| one.named.label == LAMBDA.label);
        measured.unseen = only_lambda.then(|| {
            "HTTP errors are invisible here: to Lambda an answer with status 500 is a success. Name what stands before the function in \
             `error-rate-source`, or give `url`"
                .to_owned()
        });
    }
    if let Some(limit) = inputs.common.latency_above.filter(|_| inputs.common.is_chosen(Check::Latency)) {
        measured.latencies.extend(latency_of(&counted, inputs, limit.0));
    }
    measured
}

fn rate(one: &Counted<'_>, is_compared: bool) -> Rate {
    let metric = |name, dimensions: &[(&'static str, String)]| one.named.metric(name, dimensions, "Sum");
    let previous = one.previous.as_ref().filter(|(_, is_before)| is_compared || !is_before);
    Rate {
        name: format!("{} ({})", one.name, one.named.label),
        requests: metric(one.named.requests, &one.dimensions),
        errors: metric(one.named.errors, &one.dimensions),
        previous: previous.map(|(dimensions, is_before)| Previous {
            requests: metric(one.named.requests, dimensions),
            errors: metric(one.named.errors, dimensions),
            is_before: *is_before,
            is_compared,
        }),
        per_version: one.per_version,
    }
}

/// The latency of each function, or of what stands before it where that is named.
fn latency_of(counted: &[Counted<'_>], inputs: &GateInputs, limit: LatencyLimit) -> Vec<Latency> {
    let is_before = |one: &&Counted<'_>| !one.per_version;
    let named: Vec<&Counted<'_>> = counted.iter().filter(is_before).collect();
    let chosen =
        if named.is_empty() { counted.iter().filter(|one| one.named.label == LAMBDA.label).collect() } else { named };
    let percentile = inputs.common.percentile.as_str();
    let of = |one: &Counted<'_>| {
        let (name, unit) = one.named.latency;
        let metric = |dimensions: &[(&'static str, String)]| one.named.metric(name, dimensions, percentile);
        let previous = one.previous.as_ref().map(|(dimensions, is_before)| (metric(dimensions), *is_before));
        Latency {
            name: format!("{percentile} of {} ({})", one.name, one.named.label),
            metric: metric(&one.dimensions),
            unit,
            limit,
            previous,
        }
    };
    chosen.into_iter().map(of).collect()
}

fn counted(inputs: &GateInputs, functions: &[Observed], balancers: &[String]) -> Vec<Counted<'static>> {
    let mut all = Vec::new();
    let mut balancers = balancers.iter();
    for source in &inputs.common.error_rate_source {
        match source {
            RateSource::Auto => {
                all.extend(functions.iter().map(|function| of_function(function, &LAMBDA)));
                all.extend(
                    functions.iter().filter(|function| function.has_url).map(|function| of_function(function, &URL)),
                );
            }
            RateSource::Lambda => all.extend(functions.iter().map(|function| of_function(function, &LAMBDA))),
            RateSource::FunctionUrl => all.extend(functions.iter().map(|function| of_function(function, &URL))),
            RateSource::RestApi(api, stage) => {
                all.push(of_place(
                    format!("{api}/{stage}"),
                    &REST,
                    vec![("ApiName", api.clone()), ("Stage", stage.clone())],
                ));
            }
            RateSource::HttpApi(api, stage) => {
                all.push(of_place(
                    format!("{api}/{stage}"),
                    &HTTP,
                    vec![("ApiId", api.clone()), ("Stage", stage.clone())],
                ));
            }
            RateSource::TargetGroup(group) => {
                let balancer = balancers.next().cloned().unwrap_or_default();
                all.push(of_place(
                    group.clone(),
                    &BALANCER,
                    vec![("LoadBalancer", balancer), ("TargetGroup", group.clone())],
                ));
            }
        }
    }
    all
}

fn of_function(function: &Observed, named: &'static Named) -> Counted<'static> {
    let (name, alias) = (&function.alias.function, &function.alias.name);
    let dimensions = |version: Version| {
        vec![
            ("FunctionName", name.to_string()),
            ("Resource", format!("{name}:{alias}")),
            ("ExecutedVersion", version.to_string()),
        ]
    };
    let previous = function.compared_with().map(|(version, is_before)| (dimensions(version), is_before));
    Counted { name: function.name(), named, dimensions: dimensions(function.version), previous, per_version: true }
}

/// What does not tell versions apart is compared with itself before the release.
fn of_place(name: String, named: &'static Named, dimensions: Vec<(&'static str, String)>) -> Counted<'static> {
    Counted { name, named, previous: Some((dimensions.clone(), true)), dimensions, per_version: false }
}

/// What is looked for in the logs; `None` where they are not looked at.
#[must_use]
pub fn log_rules(inputs: &GateInputs) -> Option<LogRules> {
    let init_errors = inputs.common.is_chosen(Check::InitErrors);
    let app_logs = if inputs.common.is_chosen(Check::AppLogs) { inputs.functions.app_logs } else { AppLogs::Off };
    let patterns = |lines: &Option<crate::action::inputs::Lines<crate::health::values::Pattern>>| {
        lines.iter().flatten().map(|pattern| pattern.0.clone()).collect()
    };
    let rules = LogRules {
        init_errors,
        app_logs,
        patterns: patterns(&inputs.functions.log_patterns),
        allow: patterns(&inputs.functions.log_allow),
    };
    (init_errors || app_logs != AppLogs::Off || !rules.patterns.is_empty()).then_some(rules)
}
