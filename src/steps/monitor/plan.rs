//! What monitor will watch: pure.

use std::time::Duration;

use super::inputs::Monitor;
use super::observe::Observed;
use crate::outcome::Outcome;
use crate::watch::statistics::Division;
use crate::watch::values::OnBad;
use crate::watch::{Check, Watch, WatchedFunction, log_rules, measured};

/// The watch, and what is to be said of it.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) watch: Watch,
    /// How `alpha` is divided, where an error rate is watched.
    pub(super) division: Option<Division>,
    /// What the error rates do not see.
    pub(super) unseen: Option<String>,
}

/// Makes the watch of what was observed.
pub(super) fn plan(step: &Monitor, observed: &Observed) -> Result<Plan, Outcome> {
    let window = step.window.0;
    let timeout = observed.functions.iter().map(|one| one.function.timeout).max().unwrap_or(Duration::ZERO);
    let rules = log_rules(&step.gate);
    let functions: Vec<WatchedFunction> = observed
        .functions
        .iter()
        .map(|one| WatchedFunction {
            alias: one.watched.alias.clone(),
            version: one.watched.version,
            log: rules.is_some().then(|| one.function.log.clone()),
        })
        .collect();
    let watched: Vec<_> = observed.functions.iter().map(|one| one.watched.clone()).collect();
    let measured = measured(&step.gate, &watched, &observed.balancers, window, 1);
    let urls = step.asking.url.iter().flatten().filter(|_| step.is_chosen(Check::Url));
    let probe = step.gate.probe.as_ref().filter(|_| step.is_chosen(Check::Probe));
    let alarms = step.gate.alarms.iter().flatten().filter(|_| step.is_chosen(Check::Alarms));
    for one in &observed.functions {
        one.function.tenant(step.tenant_id.as_ref()).map(|_| ()).or_else(|problem| {
            if step.gate.synthetic_requests.0 > 0 { Err(Outcome::bad_input(problem)) } else { Ok(()) }
        })?;
    }
    let watch = Watch {
        log_rules: rules.filter(|_| !functions.is_empty()),
        functions,
        since: observed.since,
        window,
        settle: step.settle.of(timeout),
        rates: measured.rates,
        latencies: measured.latencies,
        alarms: alarms.map(|name| name.0.clone()).collect(),
        pre_red: step.gate.pre_red,
        addresses: urls.map(|url| crate::health::expectation::without_query(url.0.as_str())).collect(),
        probe: probe.map(|probe| (probe.to_string(), probe.grace)),
        synthetic_requests: step.gate.synthetic_requests.0,
        goes_on_to_roll_back: step.on_failure == OnBad::Rollback && step.gate.rollback_above > step.gate.fail_above,
    };
    Ok(Plan { watch, division: measured.division, unseen: measured.unseen })
}
