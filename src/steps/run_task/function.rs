//! A function of Lambda that is invoked, once: Lambda has no token by which a second request would be the same.

use std::time::Duration;

use anyhow::Context as _;

use super::RunTask;
use super::inputs::Purpose;
use super::judge::End;
use super::log::Reader;
use super::report;
use crate::calls::{Ended, error_line};
use crate::context::Context;
use crate::lambda::{Call, FunctionError, FunctionName, Reply, VersionRef, was_not_run};
use crate::outcome::{Outcome, Step, Verdict};
use crate::rollout::guard;
use crate::rollout::services::is_unanswered;
use crate::smoke::{Readiness, readiness};
use crate::text::{Foreign, message};

/// The answer may come so much later than the function's own time-out.
const MARGIN: Duration = Duration::from_secs(5);

/// Invokes it and judges its answer.
pub(super) async fn run(step: &RunTask, cx: &Context, function: &FunctionName, version: &VersionRef) -> Step<Outcome> {
    let lambda = cx.lambda().await?;
    guard::check_names(cx, [function]).await?;
    let found = lambda.resolve(function, version).await.with_context(|| format!("find {version} of {function}"))?;
    let number = found.ok_or_else(|| {
        Outcome::bad_input(format!(
            "{version} of {function} is no published version: the alias is missing or points to $LATEST"
        ))
        .advise("nothing was invoked; publish a version (publish-version), or correct `version`")
    })?;
    let name = format!("version {number} of {function}");
    let described = match readiness(&lambda, function, number).await? {
        Readiness::Ready(described) => described,
        Readiness::Never(problem) => {
            return Err(Outcome::fail(problem).advise("nothing was invoked; publish the version again").into());
        }
    };
    if described.durable.is_some() {
        return Err(Outcome::bad_input(format!(
            "function {function} is durable: its work goes on after an answer, and is not followed here"
        ))
        .advise("nothing was invoked; run the work as a task of ECS, or by a function that is not durable")
        .into());
    }
    let tenant = described.tenant(step.tenant_id.as_ref()).map_err(Outcome::bad_input)?;
    cx.report.output("task", format!("{function}:{number}"));
    if cx.is_dry_run() {
        cx.report.check(&name, "not invoked: dry run", "answers without an error", Verdict::Skipped, "plan");
        cx.report.note_change();
        return Ok(Outcome::pass(format!("dry run: would invoke {name}")));
    }
    cx.confirm(&format!("invoke {name}")).await?;
    let payload = step.payload.as_ref().map_or("{}", |payload| payload.0.as_str());
    let qualifier = number.to_string();
    let limit = described.invocation_limit() + MARGIN;
    let call = Call { function, qualifier: &qualifier, payload: payload.as_bytes(), limit, tenant, durable: false };
    let invoked = match lambda.invoke(call).await {
        Ok(invoked) => invoked,
        Err(error) if was_not_run(&error) => return Err(error.into()),
        Err(error) if cx.calls.deadline.is_cancelled() => {
            // Where the wait itself was cut off, or the answer lost, it may have run, and may run still.
            if is_unanswered(&error) || error.chain().any(<dyn std::error::Error>::is::<Ended>) {
                cx.report.note_change();
            }
            return Err(error.into());
        }
        Err(error) => return lost(step, cx, &name, error),
    };
    cx.report.note_change();
    let mut reader = Reader::new(step.logs);
    // The platform's lines about the invocation itself say nothing of the work.
    let platform = ["START RequestId", "END RequestId", "REPORT RequestId"];
    let is_own = |line: &&str| !platform.iter().any(|begin| line.starts_with(begin));
    invoked.log.raw().lines().filter(is_own).for_each(|line| reader.take(&Foreign::new(line)));
    let end = match &invoked.reply {
        Reply::Returned(bytes) => {
            if let Ok(value) = serde_json::from_slice(bytes) {
                reader.said.json(value);
            }
            End::Exited(0)
        }
        Reply::Failed(error) => failed(error),
    };
    report::judge(step, cx, &name, "lambda:InvokeFunction", &end, &reader).await
}

fn failed(error: &FunctionError) -> End {
    let words = error.to_string();
    if words.contains("Task timed out after") {
        End::TimedOut(words)
    } else if words.contains("signal: killed") || words.contains("OutOfMemory") {
        End::OutOfMemory(words)
    } else {
        End::Failed(words)
    }
}

/// No answer: it may have run, and may run still.
fn lost(step: &RunTask, cx: &Context, name: &str, error: anyhow::Error) -> Step<Outcome> {
    let is_late = Ended::by_deadline(&error);
    if !is_unanswered(&error) && !is_late {
        return Err(error.into());
    }
    cx.report.note_change();
    cx.report.output("ended-as", if is_late { "timed-out" } else { "unknown" });
    let unknown = if step.purpose == Purpose::Migrate { "; the state of the schema is unknown" } else { "" };
    let reason =
        message!("invocation-not-answered", "{name} was invoked, and did not answer: {}{unknown}", error_line(&error));
    let outcome = if is_late { Outcome::fail(reason) } else { Outcome::error(reason) };
    Ok(outcome
        .advise("it may still run, for Lambda has no way to stop it: see its log before the job is run again, which invokes it once more")
        .advise("what takes long is better run as a task of ECS, which a second attempt finds again"))
}
