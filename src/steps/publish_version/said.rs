//! What the step says: plans, warnings, and how it ended.

use anyhow::Result;

use super::Target;
use super::apply::Published;
use super::plan;
use crate::context::Context;
use crate::lambda::{AliasName, FunctionName};
use crate::steps::Outcome;
use crate::verdict::{Ending, Verdict};

/// A function that does not exist.
pub(super) async fn no_function(cx: &Context, name: &FunctionName) -> Result<Outcome> {
    let region = cx.aws().await?.region();
    cx.report.check(format!("function {name}"), "absent", "there", Verdict::Fail, "lambda:GetFunction");
    Ok(Outcome::fail(format!("function {name} does not exist in {region} of this account"))
        .advise("check `function`, `aws-region` and `role-to-assume`; this step makes no functions"))
}

/// The refusal for these problems with their mends; `None` when there is no problem.
pub(super) fn refused(refusals: Vec<(String, String)>) -> Option<Outcome> {
    let reason = refusals.iter().map(|(problem, _)| problem.as_str()).collect::<Vec<_>>().join("; ");
    (!refusals.is_empty())
        .then(|| Outcome { advice: refusals.into_iter().map(|(_, mend)| mend).collect(), ..Outcome::fail(reason) })
}

/// Code in `$LATEST` is met at once by those who call the function without a version or an alias of one.
pub(super) fn warn_unqualified(cx: &Context, target: &Target, alias: &AliasName) {
    let name = &target.function.name;
    match &target.alias {
        None => cx.report.warn(format!(
            "unqualified callers meet this code at once: function {name} has no alias {alias}; make one with swap-alias and \
             `create-alias: true`, and have users call that"
        )),
        Some(found) if found.version.is_none() => cx.report.warn(format!(
            "users meet this code at once: alias {alias} of {name} points to $LATEST; move it to a version with swap-alias"
        )),
        Some(_) => {}
    }
}

/// The plan for one function.
pub(super) fn planned(target: &Target) -> String {
    plan::shown(target.plan, &target.function, &target.id, target.newest_version())
}

/// The end of a dry run.
pub(super) fn dry_run(cx: &Context, targets: &[Target], alias: &AliasName) -> Outcome {
    let plans: Vec<String> =
        targets.iter().map(|target| format!("{} ({})", planned(target), target.serves(alias))).collect();
    if targets.iter().any(|target| target.plan.changes()) {
        cx.report.changed();
    }
    cx.report.section("Plan", plans.clone());
    Outcome::pass(format!("dry run, nothing was written; the plan: {}", plans.join("; ")))
}

/// How it ended, for all functions.
pub(super) fn outcome(targets: &[Target], ended: &[Result<Published, Outcome>], alias: &AliasName) -> Outcome {
    let said: Vec<Outcome> = targets.iter().zip(ended).map(|(target, ended)| one(target, ended, alias)).collect();
    let verdicts = said.iter().map(|outcome| outcome.ending.verdict());
    let verdict = Verdict::worst(verdicts).unwrap_or(Verdict::Skipped);
    let mut reason = said.iter().map(|outcome| outcome.reason.as_str()).collect::<Vec<_>>().join("; ");
    if !verdict.is_good() && ended.iter().any(|one| matches!(one, Ok(published) if published.new)) {
        reason.push_str("; what was published serves nobody yet");
    }
    let mut advice: Vec<String> = Vec::new();
    for item in said.into_iter().flat_map(|outcome| outcome.advice) {
        if !advice.contains(&item) {
            advice.push(item);
        }
    }
    Outcome { ending: Ending::Judged(verdict), reason, advice }
}

/// How it ended, for one function.
fn one(target: &Target, ended: &Result<Published, Outcome>, alias: &AliasName) -> Outcome {
    let name = &target.function.name;
    let published = match ended {
        Ok(published) => published,
        Err(stopped) if stopped.reason.contains(name.as_str()) => return stopped.clone(),
        Err(stopped) => return Outcome { reason: format!("{name}: {}", stopped.reason), ..stopped.clone() },
    };
    let version = published.version;
    let commit =
        published.function.commit().map_or_else(|| "commit unknown".to_owned(), |c| format!("commit {}", c.short()));
    let holds = format!("{commit}, {}", target.id.shown());
    let serves_it = target.alias.as_ref().is_some_and(|alias| alias.serves_only(version));
    let serves = if serves_it { format!("{alias} serves it") } else { target.serves(alias) };
    if !published.new {
        return Outcome::skipped(format!(
            "neither code nor configuration of {name} has changed since version {version} ({holds}): {serves}"
        ));
    }
    let why = match target.newest_version() {
        Some(newest) if !published.code_changed => format!("the code of version {newest} with another configuration; "),
        _ => String::new(),
    };
    Outcome::pass(format!("published version {version} of {name} ({why}{holds}): {serves}"))
}
