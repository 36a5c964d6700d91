//! The cases of one version: wait until it can be invoked, invoke it, judge the answers.

use anyhow::{Result, bail};

use super::cases::Case;
use super::classify::{Family, Phase, classify};
use super::log::init_duration;
use crate::action::{Report, commands};
use crate::aws::{AwsError, Kind, refusal};
use crate::calls::deadline::Ended;
use crate::calls::poll::{Look, poll};
use crate::health::event::EventKind;
use crate::health::explain::last_lines;
use crate::health::lambda::MARGIN;
use crate::lambda::{Call, Function, FunctionName, Invocation, Lambda, Reply, State, TenantId, Version, was_not_run};
use crate::outcome::Verdict;
use crate::text::{Foreign, message};

/// As much of what a function returned is shown.
const SHOWN: usize = 2048;
/// As many lines of a function's log are shown with a failure.
const LOG_LINES: usize = 20;

/// What became of one version.
#[derive(Clone, Debug)]
pub struct Tested {
    /// The function.
    pub function: FunctionName,
    /// The version that was invoked.
    pub version: Version,
    /// The version as Lambda described it before the first case; `None` when it cannot be invoked.
    pub described: Option<Box<Function>>,
    /// How many cases passed.
    pub passed: u32,
    /// What failed, in the order of the cases.
    pub failures: Vec<Failure>,
    /// How long its initialisation took, in milliseconds.
    pub init_duration: Option<f64>,
}

/// A failed case.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The case; empty when the version could not be invoked at all.
    pub case: String,
    /// What was wrong, in one line.
    pub problem: String,
    /// The family, when the function itself failed.
    pub family: Option<Family>,
    /// True when it never came to the handler.
    pub at_init: bool,
}

/// What one invocation of a case brought.
type Answered = Result<String, Failure>;

/// Whether a version can be invoked.
#[derive(Debug)]
pub enum Readiness {
    /// It can, and this is it.
    Ready(Box<Function>),
    /// It never can, and why.
    Never(String),
}

/// What came of an invocation.
enum Invoked {
    Answered(Invocation),
    /// It was not carried out, for a reason that lies in the function.
    Failed(String),
}

/// Invokes a version with every case.
///
/// # Errors
/// When nothing could be determined: AWS refused, or the deadline passed.
pub async fn tested(
    report: &Report,
    lambda: &Lambda,
    (function, version): (&FunctionName, Version),
    readiness: Readiness,
    cases: &[&Case],
    (event, tenant): (EventKind, Option<&TenantId>),
) -> Result<Tested> {
    let mut tested = Tested {
        function: function.clone(),
        version,
        described: None,
        passed: 0,
        failures: Vec::new(),
        init_duration: None,
    };
    let name = format!("version {version} of {function}");
    let described = match readiness {
        Readiness::Ready(described) => described,
        Readiness::Never(problem) => {
            report.check(&name, &problem, "State Active", Verdict::Fail, "lambda:GetFunction");
            tested.failures.push(Failure { case: String::new(), problem, family: None, at_init: false });
            return Ok(tested);
        }
    };
    tested.described = Some(described.clone());
    for case in cases {
        let check = format!("{}, {name}", case.name);
        if tested.failures.iter().any(|failure| failure.at_init) {
            let required = case.expectation().words();
            report.check(check, "not run: the function does not start", required, Verdict::Skipped, "plan");
            continue;
        }
        let payload = case.payload(event);
        let invoked = invoke_when_ready(lambda, &described, version, &payload, tenant).await?;
        let (invocation, answered) = match &invoked {
            Invoked::Answered(invocation) => (Some(invocation), judge(case, event, invocation)),
            Invoked::Failed(problem) => (None, Err(failure(case, problem.clone()))),
        };
        tested.init_duration = tested.init_duration.or_else(|| init_duration(invocation?.log.raw()));
        let (observed, verdict) = match &answered {
            Ok(observed) => (observed, Verdict::Pass),
            Err(failure) => (&failure.problem, Verdict::Fail),
        };
        report.check(check, observed, case.expectation().words(), verdict, "lambda:InvokeFunction");
        match answered {
            Ok(_) => tested.passed += 1,
            Err(failure) => {
                show(report, &tested, &failure, invocation);
                tested.failures.push(failure);
            }
        }
    }
    Ok(tested)
}

/// Waits until a version can be invoked, or never will be: [`Readiness`]. An idle one counts, for its first invocation wakes it.
///
/// # Errors
/// When nothing could be determined: AWS refused, or the deadline passed.
pub async fn readiness(lambda: &Lambda, function: &FunctionName, version: Version) -> Result<Readiness> {
    ready(lambda, function, version, true).await
}

/// Waits until a version can be invoked, or never will be. An idle one counts when `or_idle`: its first
/// invocation wakes it (<https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html>).
async fn ready(lambda: &Lambda, function: &FunctionName, version: Version, or_idle: bool) -> Result<Readiness> {
    let look = async || {
        let Some(found) = lambda.existing(function, Some(version)).await? else {
            let problem = message!("no-such-version", "version {version} of function {function} does not exist");
            return Ok(Look::Done(Readiness::Never(problem)));
        };
        Ok(match &found.state {
            State::Active => Look::Done(Readiness::Ready(Box::new(found))),
            State::Inactive if or_idle => Look::Done(Readiness::Ready(Box::new(found))),
            State::Failed(_) | State::NotInvocable => {
                Look::Done(Readiness::Never(format!("version {version} of {function} is {}", found.state)))
            }
            State::Inactive | State::Pending(_) => Look::NotYet(found.state.to_string()),
        })
    };
    poll(&lambda.calls().deadline, &format!("version {version} of {function} to be Active"), look).await
}

/// Invokes it; as long as it refuses because it is not ready, waits for it.
async fn invoke_when_ready(
    lambda: &Lambda,
    described: &Function,
    version: Version,
    payload: &[u8],
    tenant: Option<&TenantId>,
) -> Result<Invoked> {
    let (function, qualifier) = (&described.name, version.to_string());
    let call = Call {
        function,
        qualifier: &qualifier,
        payload,
        limit: described.invocation_limit() + MARGIN,
        tenant: tenant.filter(|_| described.per_tenant),
        durable: described.durable.is_some(),
    };
    loop {
        let error = match lambda.invoke(call).await {
            Ok(invocation) if invocation.executed.is_some_and(|executed| executed != version) => {
                bail!("version {version} of {function} was invoked, and another one answered: this is not to be judged")
            }
            Ok(invocation) => return Ok(Invoked::Answered(invocation)),
            Err(error) => error,
        };
        if was_not_run(&error) && lambda.calls().deadline.check().is_ok() {
            if let Readiness::Never(problem) = ready(lambda, function, version, false).await? {
                return Ok(Invoked::Failed(problem));
            }
            continue;
        }
        let ended = error.chain().any(|cause| cause.downcast_ref::<Ended>().is_some());
        return match refusal(&error) {
            Some(refusal) if !ended && failed_by_itself(refusal) => Ok(Invoked::Failed(refusal.to_string())),
            _ => Err(error),
        };
    }
}

/// Whether a call that was not carried out says something of the function: AWS answered an error, or waited in vain for its
/// end. A connection that broke says nothing.
fn failed_by_itself(refusal: &AwsError) -> bool {
    refusal.kind == Kind::TimedOut || refusal.kind == Kind::Broken && !refusal.code.is_empty()
}

fn failure(case: &Case, problem: String) -> Failure {
    Failure { case: case.name.clone(), problem, family: None, at_init: false }
}

/// Judges what an invocation brought.
fn judge(case: &Case, event: EventKind, invocation: &Invocation) -> Answered {
    let returned = match &invocation.reply {
        Reply::Returned(returned) => returned,
        Reply::Failed(error) => {
            let (family, phase) = classify(error.kind.raw(), error.message.raw(), invocation.log.raw());
            let problem = message!("function-failed", "the function failed ({family}): {error}");
            return Err(Failure { family: Some(family), at_init: phase == Phase::Init, ..failure(case, problem) });
        }
    };
    let answer = case
        .kind(event)
        .answer(returned, invocation.took, invocation.executed)
        .map_err(|problem| failure(case, problem))?;
    let status = answer.status.map_or_else(|| "answered".to_owned(), |status| format!("status {status}"));
    match case.expectation().judge(&answer).fault {
        Some((_, problem)) => Err(failure(case, problem)),
        None => Ok(format!("{status} in {}ms", answer.took.as_millis())),
    }
}

/// Shows what was answered and the last log lines of a failed case, in the log and in the summary.
fn show(report: &Report, tested: &Tested, failure: &Failure, invocation: Option<&Invocation>) {
    let Some(invocation) = invocation else { return };
    let mut lines = vec![failure.problem.clone()];
    if let Reply::Returned(returned) = &invocation.reply {
        lines.push(format!("it returned {}", Foreign::from_bytes(returned).for_message(SHOWN)));
    }
    lines.extend(last_lines(&invocation.log, LOG_LINES));
    let title = format!("{}, version {} of {}", failure.case, tested.version, tested.function);
    commands::group(&title);
    for line in &lines {
        tracing::info!("{line}");
    }
    commands::end_group();
    report.section(title, lines);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_connection_says_nothing_of_the_function() {
        let of = |kind, code: &str, message: &str| {
            failed_by_itself(&AwsError {
                operation: "lambda:InvokeFunction",
                kind,
                code: code.to_owned(),
                message: Foreign::new(message),
                reason: None,
                request_id: None,
            })
        };
        assert!(of(Kind::TimedOut, "", "no answer in time: request has timed out"));
        assert!(of(Kind::Broken, "ServiceException", "internal error"));
        assert!(!of(Kind::Broken, "", "could not be sent or was cut off: connection reset by peer"));
        assert!(!of(Kind::Broken, "", "the answer could not be read: unexpected end of file"));
        assert!(!of(Kind::Denied, "AccessDeniedException", "no answer in time"));
    }
}
