//! The inputs of the gate, which several steps take: what is watched, and by which rules it is judged.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::values::{
    Alpha, CheckName, Compare, LatencyAbove, Percent, Percentile, Probe, RateSource, RequirePower, Settle,
    StatisticInput,
};
use super::{AppLogs, Check, PreRed};
use crate::action::inputs::{HttpUrl, Lines, Number, Problems, Text};
use crate::health::Asking;
use crate::health::event::EventKind;
use crate::health::values::Pattern;
use crate::lambda::TenantId;
use crate::smoke::Cases;

/// What is done when a share of the traffic cannot be judged.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum OnUndecided {
    /// What served before gets all of the traffic again.
    #[default]
    Restore,
    /// The traffic moves on: nothing speaks against it.
    Proceed,
}

/// The gate of functions.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct GateInputs {
    /// What every gate has.
    #[serde(flatten)]
    pub common: CommonGateInputs,
    /// What it has for functions only.
    #[serde(flatten)]
    pub functions: FunctionGateInputs,
}

/// What every gate has, and all that one of services has.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CommonGateInputs {
    /// What is looked at, one a line. Without it, for a function `init-errors`, `error-rate` and `app-logs`, and what else is given: `alarms`, `url`,
    /// `latency-above`, `probe`.
    pub checks: Option<Lines<CheckName>>,
    /// Which requests are counted, one source a line. `auto`: what Lambda counts, and the function's own address where the alias has one. To
    /// Lambda an answer with status 500 is no error: name what stands before the function.
    #[serde(default = "defaults::source")]
    pub error_rate_source: Lines<RateSource>,
    /// The error rate above which the release fails. `0%` fails on one error.
    #[serde(default = "defaults::five_percent")]
    pub fail_above: Percent,
    /// With fewer requests a good rate is no pass, unless it is proved.
    #[serde(default = "defaults::min_samples")]
    pub min_samples: Number<1, 100_000>,
    /// How an error rate is judged.
    #[serde(default)]
    pub statistic: StatisticInput,
    /// How often the whole step may fail a release right at `fail-above`.
    #[serde(default = "defaults::alpha")]
    pub alpha: Alpha,
    /// The most that `percentile` of the latency may be: three minutes in a row above it fail.
    pub latency_above: Option<LatencyAbove>,
    /// Which percentile of the latency.
    #[serde(default = "Percentile::p95")]
    pub percentile: Percentile,
    /// Another system that must show the release, such as its traces, as YAML. `url` with `{sha}`, `{version}` and `{since}` in it, `headers`,
    /// `expect` as in `cases`, and `grace`: how long after the window it may come.
    pub probe: Option<Probe>,
    /// Alarms of CloudWatch that must not turn red after the release, one name a line. Metric, composite, log and PromQL
    /// alarms.
    pub alarms: Option<Lines<Text>>,
    /// What an alarm means that was red before the release.
    #[serde(default)]
    pub pre_red: PreRed,
    /// How long late metrics are waited for. `auto`: two minutes, or the function's own timeout where that is longer, five at the most.
    #[serde(default)]
    pub settle: Settle,
    /// Addresses that are asked through the whole window. Three bad answers in a row fail.
    #[serde(flatten)]
    pub asking: Asking,
}

/// What a gate has for functions only.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct FunctionGateInputs {
    /// What the error rate is compared with. A release that is as bad as the version before it is inconclusive.
    #[serde(default)]
    pub compare: Compare,
    /// What it means when too few requests are to be expected. They are counted by those of the last hour.
    #[serde(default)]
    pub require_power: RequirePower,
    /// Sample requests that are sent to each function through its alias. 60 are enough to prove 5%. To a canary so many more are sent that about
    /// this number comes to it.
    #[serde(default)]
    pub synthetic_requests: Number<0, 10_000>,
    /// Lines of the application's log that fail the release: regular expressions, one a line.
    pub log_patterns: Option<Lines<Pattern>>,
    /// Lines of the log that fail nothing, whatever they say: regular expressions, one a line.
    pub log_allow: Option<Lines<Pattern>>,
    /// What it means when only the platform writes to the log.
    #[serde(default)]
    pub app_logs: AppLogs,
    /// What `synthetic-requests` send and must be answered, as in smoke-test. Without it, `GET /health` answers 200.
    pub cases: Option<Cases>,
    /// What kind of event the functions expect, where a case does not say.
    #[serde(default)]
    pub event: EventKind,
    /// The tenant to invoke functions with tenant isolation for.
    pub tenant_id: Option<TenantId>,
}

impl From<CommonGateInputs> for GateInputs {
    fn from(common: CommonGateInputs) -> Self {
        Self { common, functions: FunctionGateInputs::default() }
    }
}

mod defaults {
    use super::{Alpha, Lines, Number, Percent, RateSource};

    pub(super) fn source() -> Lines<RateSource> {
        Lines(vec![RateSource::Auto])
    }

    pub(super) fn five_percent() -> Percent {
        Percent(0.05)
    }

    pub(super) fn min_samples() -> Number<1, 100_000> {
        Number(20)
    }

    pub(super) fn alpha() -> Alpha {
        Alpha(0.05)
    }
}

impl GateInputs {
    /// What must hold between these inputs, and with what there is to watch: a function, a service, or none.
    pub fn check(&self, has_function: bool, has_service: bool, problems: &mut Problems) {
        let needs = [
            (Check::InitErrors, has_function, "function"),
            (Check::AppLogs, has_function, "function"),
            (Check::ErrorRate, has_function || has_service || self.common.has_source_of_its_own(), "function"),
            (Check::Alarms, self.common.alarms.is_some(), "alarms"),
            (Check::Url, self.common.asking.url.is_some(), "url"),
            (Check::Latency, self.common.latency_above.is_some(), "latency-above"),
            (Check::Probe, self.common.probe.is_some(), "probe"),
        ];
        for (check, is_there, input) in needs {
            let name = check.word();
            if self.common.checks.is_some() {
                let is_chosen = self.common.is_chosen(check);
                problems.add_if(
                    is_chosen && !is_there,
                    format!("`checks` names `{name}`: input `{input}` is required for it"),
                );
                let is_own = !matches!(check, Check::InitErrors | Check::AppLogs | Check::ErrorRate);
                problems.add_if(
                    is_own && !is_chosen && is_there,
                    format!(
                        "input `{input}` is given, but `checks` does not name `{name}`: add it, or leave `{input}` out"
                    ),
                );
            }
        }
        problems.add_if(
            self.functions.event == EventKind::Raw
                && self.functions.cases.is_none()
                && self.functions.synthetic_requests.0 > 0,
            "with `event: raw`, give `cases` with a `payload` each: there is no request to make up",
        );
        problems.add_if(
            self.functions.synthetic_requests.0 > 0 && !has_function,
            "input `synthetic-requests` needs `function`: they are sent to it through its alias",
        );
        let of_function = [RateSource::Lambda, RateSource::FunctionUrl];
        problems.add_if(
            !has_function && self.common.error_rate_source.iter().any(|source| of_function.contains(source)),
            "input `error-rate-source` names what a function counts: input `function` is required for it",
        );
        problems.add_if(
            self.common.error_rate_source.0.len() > 1 && self.common.error_rate_source.0.contains(&RateSource::Auto),
            "input `error-rate-source`: `auto` stands alone",
        );
        problems.add_if(
            self.common.latency_above.is_some()
                && !has_function
                && !has_service
                && !self.common.has_source_of_its_own(),
            "input `latency-above` needs `function`, or an API or a target group in `error-rate-source`",
        );
    }
}

impl CommonGateInputs {
    /// Whether requests are counted before any function.
    #[must_use]
    pub fn has_source_of_its_own(&self) -> bool {
        let own = |source: &RateSource| {
            matches!(source, RateSource::RestApi(..) | RateSource::HttpApi(..) | RateSource::TargetGroup(_))
        };
        self.error_rate_source.iter().any(own)
    }

    /// Whether there is something to watch beside functions and services.
    #[must_use]
    pub fn watches_something_else(&self) -> bool {
        self.asking.url.is_some() || self.alarms.is_some() || self.has_source_of_its_own() || self.probe.is_some()
    }

    /// The addresses that are asked.
    pub fn addresses(&self) -> impl Iterator<Item = &HttpUrl> {
        self.asking.url.iter().flatten().filter(|_| self.is_chosen(Check::Url))
    }

    /// Whether a check is carried out, given what there is for it.
    #[must_use]
    pub fn is_chosen(&self, check: Check) -> bool {
        self.checks.as_ref().is_none_or(|checks| checks.iter().any(|chosen| chosen.0 == check))
    }
}
