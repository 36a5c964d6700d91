//! The check as a whole: all places at the same time, and what is reported of them.

use std::time::Duration;

use anyhow::Result;
use futures_util::future::{LocalBoxFuture, try_join_all};

use super::executions::stop_executions;
use super::expectation::{Answer, Expectation, without_query};
use super::explain::{advice, explain};
use super::http::HttpProbe;
use super::inputs::HealthInputs;
use super::lambda::LambdaProbe;
use super::model::{Checker, Health, Place, Subject, Target};
use super::run::{self, End, Plan, in_short};
use crate::action::Report;
use crate::action::commands;
use crate::calls::Deadline;
use crate::lambda::{Function, Lambda};
use crate::outcome::{Outcome, Step, Verdict};
use crate::text::Foreign;
use crate::text::{human_duration, message, message_str, number_of};

/// As much of a body is shown.
const SHOWN_BODY: usize = 2048;
/// Headers that help to find out who answered, and why so.
const SHOWN_HEADERS: [&str; 16] = [
    "server",
    "date",
    "content-type",
    "content-length",
    "location",
    "retry-after",
    "www-authenticate",
    "via",
    "x-cache",
    "x-amz-cf-id",
    "x-amzn-errortype",
    "x-amzn-requestid",
    "x-amzn-trace-id",
    "apigw-requestid",
    "x-version",
    "x-request-id",
];

impl<L: AsyncFn() -> Result<Lambda>> Checker<'_, L> {
    /// Asks until every place is healthy, the attempts are used up, or the deadline is near.
    ///
    /// # Errors
    /// When nothing could be determined: AWS refused the invocation for want of a permission or of the function, the step was
    /// cancelled, or the function is to be invoked for a tenant and none is given.
    pub async fn verify(&self, inputs: &HealthInputs, targets: &[Target], attempts: u32) -> Step<Health> {
        let report = self.report;
        announce(&self.calls.deadline, inputs, attempts);
        let expectation = inputs.expectation();
        let places = ask_all(self, inputs, targets, attempts).await?;
        for place in &places {
            add_check(report, place, &expectation);
        }
        let label = places.iter().find(|place| !place.is_healthy()).or(places.first()).map(|place| &place.found);
        let answer = label.and_then(|found| found.answer.as_ref());
        let figures = Health {
            attempts: places.iter().map(|place| place.found.attempts).max().unwrap_or_default(),
            status: answer.and_then(|answer| answer.status),
            class: label.and_then(|found| found.fault.as_ref()).map(|fault| fault.class),
            version: label.and_then(|found| found.version.clone()),
            latency: answer.map(|answer| answer.took),
            ..Health::default()
        };
        let bad: Vec<&Place> = places.iter().filter(|place| !place.is_healthy()).collect();
        if bad.is_empty() {
            return Ok(Health { is_healthy: true, reason: healthy(report, &places, &expectation), ..figures });
        }
        for place in &bad {
            show_last_answer(report, place);
        }
        explain(self, inputs, targets, &bad).await;
        let counted = match places.len() {
            1 => String::new(),
            all => format!("{} of {all} places are not healthy: ", bad.len()),
        };
        let reasons: Vec<String> = bad.iter().map(|place| unhealthy(place)).collect();
        let mut advised: Vec<String> = Vec::new();
        for line in bad.iter().flat_map(|place| advice(inputs, place)) {
            if !advised.contains(&line) {
                advised.push(line);
            }
        }
        Ok(Health { reason: format!("{counted}{}", reasons.join("; ")), advice: advised, ..figures })
    }
}

/// The worst case, before the first attempt.
fn announce(deadline: &Deadline, inputs: &HealthInputs, attempts: u32) {
    let waits = inputs.schedule(attempts).all_waits();
    let waits = match waits.as_secs() {
        _ if waits.is_zero() => "no waits".to_owned(),
        0 => format!("{} of waits", human_duration(waits)),
        seconds => format!("{seconds}s of waits"),
    };
    // The deadline began a moment ago.
    let limit = Duration::from_secs_f64(deadline.remaining().as_secs_f64().ceil());
    tracing::info!(
        "health check: at most {} with {waits}, and never longer than {}",
        number_of(attempts as usize, "attempt"),
        human_duration(limit)
    );
}

/// Asks all places at the same time. The result of one does not end the others.
async fn ask_all<L: AsyncFn() -> Result<Lambda>>(
    checker: &Checker<'_, L>,
    inputs: &HealthInputs,
    targets: &[Target],
    attempts: u32,
) -> Step<Vec<Place>> {
    let deadline = &checker.calls.deadline;
    let plan = |name: String| Plan {
        place: name,
        schedule: inputs.schedule(attempts),
        threshold: inputs.success_threshold.0,
        limit: inputs.asking.request_timeout.0,
        kept: inputs.asking.request_timeout.0,
        expectation: inputs.expectation(),
        hopeless: (inputs.fail_fast_status.clone(), inputs.fail_fast_after.0),
    };
    if let Some(urls) = &inputs.asking.url {
        let each = urls.iter().map(|url| -> LocalBoxFuture<'_, Result<Place>> {
            let plan = plan(without_query(url.0.as_str()));
            Box::pin(async move {
                let probe = HttpProbe::new(&url.0, &inputs.asking);
                let found = run::attempts(deadline, &plan, async || probe.ask().await).await?;
                Ok(Place { name: plan.place, subject: Subject::Url(url.0.clone()), found, log: Foreign::default() })
            })
        });
        return Ok(try_join_all(each).await?);
    }
    let lambda = (checker.lambda)().await?;
    let probes = try_join_all(targets.iter().map(|target| LambdaProbe::new(&lambda, target, inputs))).await?;
    let takes = probes.iter().map(|probe| probe.tenant.is_some());
    Function::any_takes(inputs.tenant_id.as_ref(), takes).map_err(Outcome::bad_input)?;
    let each = targets.iter().zip(&probes).map(|(target, probe)| -> LocalBoxFuture<'_, Result<Place>> {
        let plan = plan(target.to_string());
        Box::pin(async move { invoke(deadline, probe, target, plan).await })
    });
    let places = try_join_all(each).await;
    for target in targets {
        let by = format!("the check of {target}");
        stop_executions(checker.report, &lambda, &target.function, &by).await;
    }
    Ok(places?)
}

async fn invoke(deadline: &Deadline, probe: &LambdaProbe<'_>, target: &Target, plan: Plan) -> Result<Place> {
    // The invocation ends itself; this only guards it, with the pauses of a throttled call on top.
    let plan = Plan { limit: probe.limit + Duration::from_secs(15), ..plan };
    let found = run::attempts(deadline, &plan, async || probe.ask().await).await?;
    Ok(Place { name: plan.place, subject: Subject::Function(target.clone()), found, log: probe.log() })
}

fn add_check(report: &Report, place: &Place, expectation: &Expectation) {
    let verdict = if place.is_healthy() { Verdict::Pass } else { Verdict::Fail };
    let observed = format!("{}, {}", place.found.words(), number_of(place.found.attempts as usize, "attempt"));
    report.check(format!("health of {}", place.name), observed, expectation.words(), verdict, place.subject.source());
}

fn healthy(report: &Report, places: &[Place], expectation: &Expectation) -> String {
    let line = match places {
        [one] => format!("{} is healthy: {}, attempt {}", one.name, one.found.words(), one.found.attempts),
        several => {
            let names: Vec<&str> = several.iter().map(|place| place.name.as_str()).collect();
            format!("all {} places are healthy: {}", several.len(), names.join(", "))
        }
    };
    if expectation.version.is_some() {
        return line;
    }
    report.section(
        "Version",
        [message_str!("any-version-passes", "any version would have passed: set `expect-version`").to_owned()],
    );
    message!("any-version-passes", "{line}; any version would have passed: set `expect-version`")
}

fn unhealthy(place: &Place) -> String {
    let found = &place.found;
    let line = if found.fault.is_some() { found.words() } else { "too few good answers in a row".to_owned() };
    let attempts = number_of(found.attempts as usize, "attempt");
    let why = match found.end {
        End::Deadline => format!("{attempts}, when the time was up"),
        End::Hopeless => format!("{attempts}, of which the last were the same"),
        End::Healthy | End::Exhausted | End::Forbidden => attempts,
    };
    message!("not-healthy", "{} is not healthy after {why}: {line}", place.name)
}

/// The last answer of a bad place, in the log and in the summary.
fn show_last_answer(report: &Report, place: &Place) {
    let Some(answer) = &place.found.answer else { return };
    let mut lines = vec![in_short(answer, place.found.version.as_deref())];
    for (name, value) in answer.headers.iter().filter(|(name, _)| SHOWN_HEADERS.contains(&name.as_str())) {
        let value = if name == "location" { without_query(value) } else { value.clone() };
        lines.push(format!("{name}: {value}"));
    }
    lines.extend(body(answer));
    let title = format!("Last answer of {}", place.name);
    commands::group(&title);
    for line in &lines {
        tracing::info!("{line}");
    }
    commands::end_group();
    report.section(title, lines);
}

/// The first 2 KiB of a body. Secrets are redacted before it is cut, for half of one would not be recognised.
fn body(answer: &Answer) -> Vec<String> {
    let start = Foreign::from_bytes(&answer.body).for_log(SHOWN_BODY);
    let lines: Vec<String> =
        start.lines().map(str::trim_end).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if lines.is_empty() { vec!["(no body)".to_owned()] } else { lines }
}
