//! What monitor reports: before it waits, and what it saw.

use super::inputs::Monitor;
use super::links;
use super::observe::Observed;
use crate::action::report;
use crate::aws::console;
use crate::context::Context;
use crate::outcome::{Outcome, Verdict};
use crate::rollout::gate::Planned;
use crate::steps::DeployStep as _;
use crate::text::human_duration;
use crate::watch::Watched;

/// All outputs are set, however the step ends.
pub(super) fn clear(cx: &Context) {
    for output in Monitor::OUTPUTS {
        cx.report.output(output.name, "");
    }
    cx.report.output("rolled-back", "false");
}

/// Says what is watched, for how long at worst, and how sure its verdict is.
pub(super) fn plan(cx: &Context, step: &Monitor, observed: &Observed, plan: &Planned) {
    let watch = &plan.watch;
    let worst = step.longest().0;
    tracing::info!(
        "watching {} from {} on ({}), late metrics for {}; at worst {}",
        human_duration(watch.window),
        report::time(observed.since),
        observed.known_by,
        human_duration(watch.settle),
        human_duration(worst)
    );
    let mut lines = vec![format!(
        "{} from {} on ({}); late metrics are waited for {}",
        human_duration(watch.window),
        report::time(observed.since),
        observed.known_by,
        human_duration(watch.settle)
    )];
    for one in &observed.functions {
        lines.push(match one.watched.previous {
            Some(previous) => format!("{}; version {previous} served before", one.watched.name()),
            None => one.watched.name(),
        });
        if !one.watched.alias.weights.is_empty() {
            lines.push(format!(
                "the alias is at version {}: only version {} is judged",
                one.watched.alias, one.watched.version
            ));
        }
    }
    if let Some(one) = &observed.service {
        lines.push(format!("service {} with {}", one.place.identity, one.has));
    }
    if let Some(division) = &plan.division {
        lines.push(format!("alpha: {division} for each look"));
    }
    if !watch.latencies.is_empty() {
        lines.push("latency, logs, alarms and answers are matters of fact, outside alpha".to_owned());
    }
    cx.report.section("Watched", lines);
    if let Some(unseen) = &plan.unseen {
        cx.report.section("What is not seen", [unseen.clone()]);
    }
    set_links(cx, step, observed);
}

fn set_links(cx: &Context, step: &Monitor, observed: &Observed) {
    let Some(location) = &observed.location else { return };
    let region = location.region.as_str();
    let mut lines = Vec::new();
    if let Some(first) = observed.functions.first() {
        let (logs, metrics) =
            (console::log_group(region, &first.function.log.group), links::metrics(region, &first.function.name));
        cx.report.output("logs-url", logs.clone());
        cx.report.output("metrics-url", metrics.clone());
        lines.extend([format!("log: {logs}"), format!("metrics: {metrics}")]);
    }
    if let Some(one) = &observed.service {
        let metrics = links::service(region, &one.cluster, &one.service.name);
        cx.report.output("metrics-url", metrics.clone());
        lines.push(format!("service: {metrics}"));
    }
    if step.gate.common.alarms.is_some() {
        lines.push(format!("alarms: {}", links::alarms(region)));
    }
    if !lines.is_empty() {
        cx.report.section("Where to look", lines);
    }
}

/// A dry run asks once what it would ask, and waits for nothing.
pub(super) fn not_watched(cx: &Context, plan: &Planned) -> Outcome {
    let watch = &plan.watch;
    let mut names: Vec<String> = watch.rates.iter().map(|(rate, _)| format!("error rate of {}", rate.name)).collect();
    names.extend(watch.latencies.iter().map(|latency| format!("latency: {}", latency.name)));
    if watch.log_rules.is_some() {
        names.extend(watch.functions.iter().map(|function| format!("log of {}", function.name())));
    }
    names.extend(watch.alarms.iter().map(|alarm| format!("alarm {alarm}")));
    names.extend(watch.addresses.iter().map(|address| format!("answers of {address}")));
    names.extend(watch.probe.iter().map(|(name, _)| format!("probe of {name}")));
    for name in &names {
        cx.report.check(name, "not watched: dry run", "", Verdict::Skipped, "plan");
    }
    Outcome::pass(format!("dry run: would watch {} for {}", names.join(", "), human_duration(watch.window)))
}

/// The outputs of what was seen.
pub(super) fn watched(cx: &Context, watched: &Watched) {
    let mut failed: Vec<&str> = Vec::new();
    for finding in watched.findings.iter().filter(|finding| finding.verdict == Verdict::Fail) {
        if !failed.contains(&finding.check.word()) {
            failed.push(finding.check.word());
        }
    }
    cx.report.output("failed-checks", failed.join("\n"));
    if let Some((sample, p_value)) = watched.rate {
        cx.report.output("invocations", sample.requests().to_string());
        cx.report.output("errors", sample.errors().to_string());
        cx.report.output("error-rate", sample.rate().map(|rate| format!("{:.2}%", rate * 100.0)).unwrap_or_default());
        cx.report.output("p-value", p_value.map(|p| format!("{p:.6}")).unwrap_or_default());
    }
}
