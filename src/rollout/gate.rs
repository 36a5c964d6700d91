//! The gate: what monitor watches for a while after a release, and swap-alias between two increments of a canary. One watch, from the
//! same inputs, for both.

use std::cell::Cell;
use std::time::Duration;

use time::OffsetDateTime;

use crate::action::inputs::HttpUrl;
use crate::aws::cloudwatch::{Metric, SeriesStatus, Stretch};
use crate::calls::error_line;
use crate::context::Context;
use crate::health::expectation::without_query;
use crate::health::lambda::MARGIN;
use crate::health::{Address, stop_executions};
use crate::lambda::{AliasName, Function, FunctionName, Lambda};
use crate::net::Clock;
use crate::outcome::{Outcome, Step, Verdict};
use crate::smoke::Case;
use crate::text::{human_duration, message, number_of};
use crate::watch::statistics::{Division, Foresight};
use crate::watch::values::{Probe, RateSource, RequirePower};
use crate::watch::{
    Check, GateInputs, Live, Observed, OfAws, Samples, Source as _, Watch, Watched, WatchedFunction, chart, log_rules,
    measured, passes_by_itself,
};

/// Another system may take this long for an answer.
const PROBING: Duration = Duration::from_secs(10);
/// So much of the past says what is to be expected.
const HOUR: Duration = Duration::from_hours(1);
/// The dimension that tells versions apart.
const VERSION: &str = "ExecutedVersion";

/// What a gate is made of.
#[derive(Debug)]
pub struct Gate<'a> {
    /// What is watched, and how it is judged.
    pub inputs: &'a GateInputs,
    /// The functions, and the versions of them that are watched.
    pub functions: Vec<(&'a Observed, &'a Function)>,
    /// The load balancers of the target groups that the inputs name, in their order.
    pub balancers: &'a [String],
    /// When the release, or the increment, came.
    pub since: OffsetDateTime,
    /// How long after that is watched.
    pub window: Duration,
    /// How many gates share `alpha`.
    pub gates: u32,
    /// The share of the traffic that the watched versions get, 0 to 1, where it is not as the aliases say now.
    pub share: Option<f64>,
    /// The error rate above which a failure is bad enough to put back what served before.
    pub rollback_above: f64,
}

/// A watch, and what is to be said of it.
#[derive(Debug)]
pub struct Planned {
    /// The watch.
    pub watch: Watch,
    /// How `alpha` is divided, where an error rate is watched.
    pub division: Option<Division>,
    /// What the error rates do not see.
    pub unseen: Option<String>,
}

impl Gate<'_> {
    /// What will be watched.
    ///
    /// # Errors
    /// Sample requests to a function with tenant isolation need a tenant.
    pub fn plan(&self) -> Result<Planned, Outcome> {
        let inputs = self.inputs;
        let timeout = self.functions.iter().map(|(_, function)| function.timeout).max().unwrap_or(Duration::ZERO);
        let rules = log_rules(inputs);
        let functions = self.functions.iter().map(|(watched, function)| WatchedFunction {
            alias: watched.alias.clone(),
            version: watched.version,
            log: rules.is_some().then(|| function.log.clone()),
        });
        let functions: Vec<WatchedFunction> = functions.collect();
        let watched: Vec<Observed> = self.functions.iter().map(|(watched, _)| (*watched).clone()).collect();
        let measured = measured(inputs, &watched, self.balancers, self.window, (self.gates, self.rollback_above));
        if inputs.functions.synthetic_requests.0 > 0 {
            for (_, function) in &self.functions {
                function.tenant(inputs.functions.tenant_id.as_ref()).map_err(Outcome::bad_input)?;
            }
        }
        let probe = inputs.common.probe.as_ref().filter(|_| inputs.common.is_chosen(Check::Probe));
        let alarms = inputs.common.alarms.iter().flatten().filter(|_| inputs.common.is_chosen(Check::Alarms));
        let watch = Watch {
            log_rules: rules.filter(|_| !functions.is_empty()),
            functions,
            since: self.since,
            window: self.window,
            settle: inputs.common.settle.of(timeout),
            rates: measured.rates,
            latencies: measured.latencies,
            alarms: alarms.map(|name| name.0.clone()).collect(),
            pre_red: inputs.common.pre_red,
            addresses: inputs.common.addresses().map(|url| without_query(url.0.as_str())).collect(),
            probe: probe.map(|probe| (probe.to_string(), probe.grace)),
            synthetic_requests: self.samples_to_send(),
            goes_on_to_roll_back: false,
        };
        Ok(Planned { watch, division: measured.division, unseen: measured.unseen })
    }

    /// Where the watch learns what happens. Clients of AWS are made where there is something to ask it.
    pub async fn source(&self, cx: &Context, clock: Clock) -> Step<Live> {
        let inputs = self.inputs;
        let asks_aws =
            !self.functions.is_empty() || inputs.common.alarms.is_some() || inputs.common.has_source_of_its_own();
        let aws = if asks_aws {
            Some(OfAws { lambda: cx.lambda().await?, cloudwatch: cx.cloudwatch().await?, logs: cx.logs().await? })
        } else {
            None
        };
        let addresses =
            inputs.common.addresses().map(|url| Address::of_inputs(&url.0, &inputs.common.asking)).collect();
        let probe = inputs.common.probe.as_ref().filter(|_| inputs.common.is_chosen(Check::Probe));
        let probe = probe.map(|probe| self.address(cx, probe)).transpose()?;
        let samples = self.functions.iter().map(|(watched, function)| self.samples(watched, function)).collect();
        Ok(Live { clock, calls: cx.calls.clone(), aws, addresses, probe, samples })
    }

    /// So many sample requests that of a canary, too, as many as were asked for come to the watched version.
    fn samples_to_send(&self) -> u32 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most a hundred times 10,000")]
        let sent = (f64::from(self.inputs.functions.synthetic_requests.0) / self.share.unwrap_or(1.0)).ceil() as u32;
        sent
    }

    fn samples(&self, watched: &Observed, function: &Function) -> Samples {
        let cases = self.inputs.functions.cases.clone().unwrap_or_default();
        let cases: Vec<Case> = cases.iter().filter(|case| case.is_for(&function.name)).cloned().collect();
        Samples {
            function: function.name.clone(),
            alias: watched.alias.name.clone(),
            version: watched.version,
            cases,
            event: self.inputs.functions.event,
            limit: function.invocation_limit() + MARGIN,
            tenant: self.inputs.functions.tenant_id.clone().filter(|_| function.per_tenant),
            durable: function.durable.is_some(),
            sent: Cell::new(0),
        }
    }

    /// The address of a probe, with what it is asked about filled in.
    fn address(&self, cx: &Context, probe: &Probe) -> Result<Address, Outcome> {
        let first = self.functions.first();
        let commit = first.and_then(|(_, function)| function.commit()).or_else(|| cx.commit());
        let known = [
            ("{sha}", commit.map(|commit| commit.to_string())),
            ("{version}", first.map(|(watched, _)| watched.version.to_string())),
            ("{since}", Some(crate::action::report::time(self.since))),
        ];
        let mut url = probe.url.clone();
        for (name, value) in known {
            if !url.contains(name) {
                continue;
            }
            let Some(value) = value else {
                return Err(Outcome::bad_input(format!("input `probe`: nothing is known to put in place of `{name}`")));
            };
            url = url.replace(name, &value);
        }
        let url: HttpUrl = url.parse().map_err(|error| Outcome::bad_input(format!("input `probe`: `url` {error}")))?;
        Ok(Address::plain(&url.0, probe.headers.clone(), probe.expect.clone(), PROBING))
    }

    /// Reads the requests of the last hour, and says what is to be expected of them. Where metrics may not be read, the step ends here and
    /// not after the window.
    pub async fn foresee(&self, cx: &Context, source: &Live, watch: &Watch) -> Step<()> {
        if watch.rates.is_empty() {
            return Ok(());
        }
        let of_all = |metric: &Metric| {
            let dimensions = metric.dimensions.iter().filter(|(name, _)| *name != VERSION).cloned().collect();
            Metric { dimensions, ..metric.clone() }
        };
        let metrics: Vec<Metric> = watch.rates.iter().map(|(rate, _)| of_all(&rate.requests)).collect();
        let until = watch.since.min(source.now());
        let series = match source.metrics(&metrics, Stretch { from: until - HOUR, until }).await {
            Ok(series) => series,
            Err(error) if passes_by_itself(&error) => {
                let line = format!("the requests of the last hour could not be read: {}", error_line(&error));
                cx.report.section("To be expected", [line]);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        if series.iter().any(|one| one.status == SeriesStatus::Forbidden) {
            let reason = message!("metrics-forbidden", "CloudWatch answered Forbidden: these metrics may not be read");
            return Err(Outcome::error(reason).advise("allow cloudwatch:GetMetricData to the role of this job").into());
        }
        for ((rate, rules), series) in watch.rates.iter().zip(series) {
            let share = if rate.per_version { self.share.unwrap_or_else(|| self.share(&rate.name)) } else { 1.0 };
            let an_hour: f64 = series.points.values().sum();
            let part = watch.window.as_secs_f64() / HOUR.as_secs_f64();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of requests")]
            let expected =
                (an_hour * part * share).round() as u64 + u64::from(self.inputs.functions.synthetic_requests.0);
            let foresight = Foresight::of(rules.rule, rules.division, expected);
            let line = message!(
                "requests-to-expect",
                "{} in {} at {}, by the last hour; {} are needed to catch a release with {:.0}% errors",
                number_of(usize::try_from(expected).unwrap_or(usize::MAX), "request"),
                human_duration(watch.window),
                rate.name,
                foresight.needed,
                foresight.bad_rate * 100.0
            );
            tracing::info!("{line}");
            cx.report.section("To be expected", [line.clone()]);
            if !foresight.decides() {
                self.weigh(cx, &line)?;
            }
        }
        Ok(())
    }

    /// What too few requests mean.
    fn weigh(&self, cx: &Context, line: &str) -> Step<()> {
        let advice = "send more with `synthetic-requests: 60`, or watch longer";
        match self.inputs.functions.require_power {
            RequirePower::Off => {}
            RequirePower::Warn => cx.report.warn(format!("too few requests to judge by: {line}; {advice}")),
            RequirePower::Fail => {
                let name = "requests to be expected";
                cx.report.check(name, line, "enough to judge by", Verdict::Fail, "cloudwatch:GetMetricData");
                let reason =
                    message!("too-few-requests-to-expect", "too few requests to judge by: {line}; nothing was watched");
                return Err(Outcome::fail(reason).advise(advice).into());
            }
        }
        Ok(())
    }

    /// The share of the traffic that the watched version gets, by the name of its rate.
    fn share(&self, name: &str) -> f64 {
        let mine = self.functions.iter().find(|(watched, _)| name.starts_with(&watched.name()));
        mine.map_or(1.0, |(watched, _)| {
            let (alias, version) = (&watched.alias, watched.version);
            let others: f64 =
                alias.weights.iter().filter(|(other, _)| **other != version).map(|(_, weight)| weight).sum();
            alias.weights.get(&version).copied().unwrap_or(1.0 - others).clamp(0.0, 1.0)
        })
    }

    /// Stops what was started by sample requests and still runs.
    pub async fn stop_samples(&self, cx: &Context) -> Step<()> {
        if self.inputs.functions.synthetic_requests.0 > 0 {
            let lambda = &cx.lambda().await?;
            for (watched, _) in &self.functions {
                stop_executions(&cx.report, lambda, &watched.alias.function, "the sample requests").await;
            }
        }
        Ok(())
    }

    /// Says what was seen: checks, the numbers of the decision, and pictures of them.
    pub fn report(&self, cx: &Context, watched: &Watched) {
        for finding in &watched.findings {
            cx.report.check(&finding.name, &finding.observed, &finding.required, finding.verdict, finding.source);
            if let Some(warning) = &finding.warns {
                cx.report.warn(warning);
            }
        }
        if self.inputs.common.is_chosen(Check::ErrorRate) && !watched.minutes.is_empty() {
            let limit = self.inputs.common.fail_above.0;
            let line =
                |(name, minutes): &(String, chart::Minutes)| format!("{name}: {}", chart::sparkline(minutes, limit));
            cx.report.section("Error rate, minute by minute", watched.minutes.iter().map(line));
            cx.report.drawing("svg", chart::svg(&watched.minutes, limit));
        }
        cx.report.measured(watched.evidence.iter().cloned());
    }
}

/// Whether an alias has an address of its own whose answers are to be counted. Where that may not be read, it is said.
pub async fn counts_url(
    cx: &Context,
    lambda: &Lambda,
    inputs: &GateInputs,
    (function, alias): (&FunctionName, &AliasName),
) -> bool {
    let is_asked =
        inputs.common.is_chosen(Check::ErrorRate) && inputs.common.error_rate_source.0.contains(&RateSource::Auto);
    let found = if is_asked { lambda.has_url(function, alias).await } else { Ok(false) };
    found.unwrap_or_else(|error| {
        let line = format!("whether {function} has an address of its own: {}", error_line(&error));
        cx.report.section("What is not seen", [line]);
        false
    })
}

/// The load balancers of the target groups that the inputs name, in their order.
pub async fn balancers(cx: &Context, inputs: &GateInputs) -> Step<Vec<String>> {
    let mut balancers = Vec::new();
    for source in &inputs.common.error_rate_source {
        if let RateSource::TargetGroup(group) = source {
            balancers.push(balancer(cx, group).await?);
        }
    }
    Ok(balancers)
}

async fn balancer(cx: &Context, group: &str) -> Step<String> {
    let found = cx.cloudwatch().await?.load_balancers(group).await?;
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Outcome::error(message!("no-metrics-of-target-group", "CloudWatch has no metrics of target group {group}"))
            .advise("name it as the console does after `:`, `targetgroup/<name>/<id>`; one that never had a request has no metrics")
            .into()),
        several => Err(Outcome::error(format!("target group {group} is behind {} load balancers: {}", several.len(), several.join(", ")))
            .advise("name what stands before it instead: `apigw:`, `httpapi:`, or `url`")
            .into()),
    }
}

/// How the checks of a watch ended, in one outcome: the first of the worst, with all advice.
#[must_use]
pub fn outcome(watched: &Watched) -> Outcome {
    let verdict = watched.verdict();
    let of_verdict = |wanted: Verdict| watched.findings.iter().filter(move |finding| finding.verdict == wanted);
    let count = of_verdict(verdict).count();
    let told = |finding: &crate::watch::Finding| format!("{}: {}", finding.name, finding.observed);
    let reason = match (verdict, watched.deciding()) {
        (Verdict::Pass | Verdict::Skipped, _) | (_, None) => {
            let passed = of_verdict(Verdict::Pass).count();
            let first = watched.findings.iter().map(told).next().unwrap_or_default();
            format!("{} passed; {first}", number_of(passed, "check"))
        }
        (_, Some(finding)) if count > 1 => format!("{} (the first of {count})", told(finding)),
        (_, Some(finding)) => told(finding),
    };
    let mut outcome = Outcome::new(verdict, reason);
    for advice in of_verdict(verdict).filter_map(|finding| finding.advice.clone()) {
        if !outcome.advice.contains(&advice) {
            outcome.advice.push(advice);
        }
    }
    outcome
}
