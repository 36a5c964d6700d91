//! What the step reports: plans, warnings, and how it ended.

use super::apply::{Ended, Published};
use super::inputs::Callers;
use super::plan::{self, Target};
use crate::context::Context;
use crate::lambda::{AliasName, CodeId, Function, FunctionName, Version};
use crate::outcome::{Ending, Outcome, Step, Verdict};
use crate::rollout::targets::lines;
use crate::text::message;

/// A function that does not exist.
pub(super) async fn no_function(cx: &Context, name: &FunctionName) -> anyhow::Result<Outcome> {
    let aws = cx.aws().await?;
    let region = aws.region();
    cx.report.check(format!("function {name}"), "absent", "there", Verdict::Fail, "lambda:GetFunction");
    Ok(Outcome::fail(format!("function {name} does not exist in {region} of this account"))
        .advise("check `function`, `aws-region` and `role-to-assume`; this step makes no functions"))
}

/// Refuses for these problems with their fixes, if there are any.
pub(super) fn refuse(problems: Vec<(String, String)>) -> Step<()> {
    if problems.is_empty() {
        return Ok(());
    }
    let reason = problems.iter().map(|(problem, _)| problem.as_str()).collect::<Vec<_>>().join("; ");
    let advice = problems.into_iter().map(|(_, fix)| fix).collect();
    Err(Outcome { advice, ..Outcome::fail(reason) }.into())
}

/// Code in `$LATEST` reaches at once those who call the function without a version or an alias of one.
fn warn_unqualified(cx: &Context, target: &Target, alias: &AliasName) {
    let name = &target.observed.function.name;
    match &target.observed.alias {
        None => cx.report.warn(message!(
            "unqualified-callers", "callers without a qualifier get this code at once: function {name} has no alias {alias}; make one with swap-alias and \
             `create-alias: true`, and have users call that; or say `traffic: latest`, which records what served and can go back"
        )),
        Some(found) if found.version.is_none() => cx.report.warn(format!(
            "users get this code at once: alias {alias} of {name} points to $LATEST; move it to a version with swap-alias"
        )),
        Some(_) => {}
    }
}

/// Lambda runs the package from the customer's bucket, and could not be determined to go on so with this one.
fn warn_copied(cx: &Context, target: &Target) {
    let name = &target.observed.function.name;
    if target.observed.function.storage.object.is_some() && !target.observed.code.stays_in_s3(&target.observed.function)
    {
        cx.report.warn(format!(
            "Lambda runs the package of {name} from S3 (S3ObjectStorageMode REFERENCE), and keeps a copy of its own from now on: give \
             `zip: s3://bucket/key` in a bucket with versioning to leave it so"
        ));
    }
}

/// The plan for all functions, and what callers should know before.
pub(super) fn plan(cx: &Context, plan: &[Target]) {
    for target in plan {
        if target.plan.update {
            warn_copied(cx, target);
        }
        if let Callers::Alias(alias) = &target.observed.callers {
            warn_unqualified(cx, target, alias);
        }
        tracing::info!("plan: {}", label(target));
    }
}

/// The plan for one function, in words.
/// What is done to each function.
pub(super) fn labels(targets: &[Target]) -> String {
    targets.iter().map(label).collect::<Vec<_>>().join("; ")
}

fn label(target: &Target) -> String {
    let one = &target.observed;
    plan::label(target.plan, &one.function, &one.id, one.newest_version())
}

/// What users get where each of them names a version.
const BY_VERSION: &str = "callers get it once they name it";

/// What users get at an alias, in words.
fn serves(target: &Target, name: &AliasName) -> String {
    match &target.observed.alias {
        None => format!("there is no alias {name}"),
        Some(alias) => format!("{name} still serves {alias}"),
    }
}

/// A dry run.
pub(super) fn not_applied(cx: &Context, targets: &[Target]) -> Outcome {
    let then = |target: &Target| match &target.observed.callers {
        Callers::Alias(alias) => serves(target, alias),
        Callers::Latest if target.plan.update => {
            "users would get it at once; a version of what serves now is kept to go back to".to_owned()
        }
        Callers::Latest => "it already serves traffic".to_owned(),
        Callers::Version => BY_VERSION.to_owned(),
    };
    let plans: Vec<String> = targets.iter().map(|target| format!("{} ({})", label(target), then(target))).collect();
    if targets.iter().any(|target| target.plan.changes()) {
        cx.report.note_change();
    }
    cx.report.section("Plan", plans.clone());
    Outcome::pass(format!("dry run, nothing was written; the plan: {}", plans.join("; ")))
}

/// How it ended, for all functions.
pub(super) fn outcome(targets: &[Target], ended: &[Ended]) -> Outcome {
    let each: Vec<Outcome> = targets.iter().zip(ended).map(|(target, ended)| outcome_of_one(target, ended)).collect();
    let verdicts = each.iter().map(|outcome| outcome.ending.verdict());
    let verdict = Verdict::worst(verdicts).unwrap_or(Verdict::Skipped);
    let mut reason = each.iter().map(|outcome| outcome.reason.as_str()).collect::<Vec<_>>().join("; ");
    let published = ended.iter().any(|one| matches!(one, Ok(published) if published.new));
    let serves = targets.iter().any(Target::is_latest);
    if !verdict.is_good() && published && !serves {
        reason.push_str("; what was published serves nobody yet");
    }
    let mut advice: Vec<String> = Vec::new();
    for item in each.into_iter().flat_map(|outcome| outcome.advice) {
        if !advice.contains(&item) {
            advice.push(item);
        }
    }
    Outcome { ending: Ending::Judged(verdict), reason, advice }
}

/// How it ended, for one function.
fn outcome_of_one(target: &Target, ended: &Ended) -> Outcome {
    let name = &target.observed.function.name;
    let published = match ended {
        Ok(published) => published,
        Err(stopped) => return stopped.clone(),
    };
    let version = published.version;
    let commit =
        published.function.commit().map_or_else(|| "commit unknown".to_owned(), |c| format!("commit {}", c.short()));
    let holds = format!("{commit}, {}", target.observed.id.label());
    let (switched, serves) = effect(target, version);
    if !published.new && switched {
        return Outcome::pass(format!("{name} holds version {version} ({holds}) again: {serves}"));
    }
    if !published.new {
        return Outcome::skipped(message!(
            "nothing-to-publish",
            "neither code nor configuration of {name} has changed since version {version} ({holds}): {serves}"
        ));
    }
    let why = match target.observed.newest_version() {
        Some(newest) if !published.code_changed => format!("the code of version {newest} with another configuration; "),
        _ => String::new(),
    };
    Outcome::pass(format!("published version {version} of {name} ({why}{holds}): {serves}"))
}

/// Whether this step changed what users get, and what they get, in words.
fn effect(target: &Target, version: Version) -> (bool, String) {
    match (&target.observed.callers, &target.observed.alias) {
        (Callers::Alias(name), Some(alias)) if alias.serves_only(version) => (false, format!("{name} serves it")),
        (Callers::Alias(name), _) => (false, serves(target, name)),
        (Callers::Version, _) => (false, BY_VERSION.to_owned()),
        (Callers::Latest, _) if !target.plan.update => (false, "it already serves traffic".to_owned()),
        (Callers::Latest, _) => {
            let before = target.previous_version().map(|before| format!(", before it version {before}"));
            (true, format!("it serves traffic now{}", before.unwrap_or_default()))
        }
    }
}

/// The outputs, of what was done.
pub(super) fn set_outputs(cx: &Context, targets: &[Target], ended: &[Ended]) {
    let done: Vec<(&Target, &Published)> =
        targets.iter().zip(ended).filter_map(|(target, ended)| Some((target, ended.as_ref().ok()?))).collect();
    let name = |target: &Target| target.observed.function.name.clone();
    if let ([(_, published)], 1) = (done.as_slice(), targets.len()) {
        cx.report.output("version", published.version.to_string());
    }
    cx.report.output("versions", lines(done.iter().map(|(target, published)| (name(target), published.version))));
    set_code(cx, done.iter().map(|(_, published)| &published.function), targets.len());
    let any = |holds: fn(&Published) -> bool| done.iter().any(|(_, published)| holds(published)).to_string();
    cx.report.output("code-changed", any(|published| published.code_changed));
    cx.report.output("configuration-changed", any(|published| published.new && !published.code_changed));
    let before = targets.iter().map(|target| {
        let version = target.previous_version();
        (name(target), version.map(|version| version.to_string()).unwrap_or_default())
    });
    cx.report.output("previous-version", value_or_lines(before.collect(), targets.len()));
}

/// What these functions hold, out of this many.
pub(super) fn set_code<'f>(cx: &Context, functions: impl Iterator<Item = &'f Function> + Clone, all: usize) {
    let hashes = functions.clone().map(|function| (function.name.clone(), function.code_sha256.clone()));
    cx.report.output("code-sha256", value_or_lines(hashes.collect(), all));
    let digest = |function: &Function| CodeId::of(function).and_then(|id| id.digest().map(ToString::to_string));
    let digests = functions.map(|function| (function.name.clone(), digest(function).unwrap_or_default()));
    cx.report.output("digest", value_or_lines(digests.collect(), all));
}

/// The value of a single function, else lines.
fn value_or_lines(values: Vec<(FunctionName, String)>, all: usize) -> String {
    match values.as_slice() {
        [(_, only)] if all == 1 => only.clone(),
        _ => lines(values.into_iter().filter(|(_, value)| !value.is_empty())),
    }
}
