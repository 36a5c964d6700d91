//! What the step says: what was selected and why, fall-backs, and refusals with their fixes.

use serde_json::Value;

use crate::action::inputs::{CommitSha, Component};
use crate::changes::{Components, Judged, Selection, label, list, some, wrong_components};
use crate::context::Context;
use crate::github::Files;
use crate::outcome::{Outcome, Verdict};
use crate::rollout::bases::Bases;
use crate::text::{self, message};

/// Patterns that are named when they fit nothing.
const PATTERNS: usize = 5;

/// The commit itself is not there.
pub(super) fn no_commit(head: &CommitSha) -> Outcome {
    Outcome::error(message!("unknown-commit", "GitHub does not show commit {head}"))
        .advise("check `sha`; for a private repository the job needs `contents: read`")
}

/// There is nothing to compare with, and that is not allowed.
pub(super) fn no_base(without: &[(&Component, &str)]) -> Outcome {
    let names = some(without.iter().map(|(name, _)| name.as_str()));
    let why = without.first().map_or("", |(_, why)| why);
    Outcome::fail(format!("there is nothing to compare {names} with: {why}"))
        .advise("deploy once with `no-base: all` or `force`, or give another `base`")
}

/// Files belong to nobody, and that is not allowed.
pub(super) fn unmatched(files: &[String]) -> Outcome {
    let named = some(files.iter().map(String::as_str));
    Outcome::fail(message!("files-of-no-component", "changed files belong to no component: {named}"))
        .advise("add a pattern for them to `paths` of a component, or to `ignore`")
}

/// Says what was asked for and is not available.
pub(super) fn fall_backs(cx: &Context, bases: &Bases, without_base: &[(&Component, &str)]) {
    for fall_back in &bases.fall_backs {
        cx.report.warn(fall_back);
    }
    let mut reasons: Vec<&str> = without_base.iter().map(|(_, why)| *why).collect();
    reasons.dedup();
    for why in reasons {
        let names = without_base.iter().filter(|(_, other)| *other == why).map(|(name, _)| name.as_str());
        cx.report.warn(message!("no-comparison", "selected without a comparison: {}: {why}", some(names)));
    }
}

/// Holds the patterns beside the files of the commit: one that does not fit what it names is refused, and those that fit nothing
/// are named, for they may be misspelt.
pub(super) fn patterns(cx: &Context, components: &Components, files: &Files) -> Result<(), Outcome> {
    let files = Some(files).filter(|files| !files.truncated).map(list).unwrap_or_default();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    components.must_fit_what_they_name(&files).map_err(|why| wrong_components(&why))?;
    if files.is_empty() {
        return Ok(());
    }
    let idle = components.idle(&files);
    let more = idle.len().saturating_sub(PATTERNS);
    let named: Vec<String> = idle.iter().take(PATTERNS).map(|(name, pattern)| format!("{pattern} of {name}")).collect();
    let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
    if !named.is_empty() {
        cx.report.warn(message!(
            "pattern-without-files",
            "patterns that match no file of the commit: {}{more}",
            named.join(", ")
        ));
    }
    Ok(())
}

/// The judgement, in outputs and words.
pub(super) fn selection(
    cx: &Context,
    head: &CommitSha,
    bases: &Bases,
    selection: &Selection,
) -> Result<Outcome, Outcome> {
    let selected: Vec<&str> = selection.judged.iter().filter(|one| one.selected).map(|one| one.name.as_str()).collect();
    let each = |value: fn(&Judged) -> Value| {
        let pairs = selection.judged.iter().map(|one| (one.name.to_string(), value(one)));
        text::json(&Value::Object(pairs.collect()))
    };
    let report = &cx.report;
    report.value("selected", text::json(&selected.clone().into()))?;
    report.value("selection", each(|one| one.selected.into()))?;
    report.value("reasons", each(|one| one.why.clone().into()))?;
    report.output("any", (!selected.is_empty()).to_string());
    report.output("base-sha", bases.commits().iter().map(|commit| commit.as_str()).collect::<Vec<_>>().join("\n"));
    for one in &selection.judged {
        let verdict = if one.selected { Verdict::Pass } else { Verdict::Skipped };
        let required = format!("a change in commit {}", head.short());
        report.check(
            format!("component {}", one.name),
            &one.why,
            required,
            verdict,
            "GET /repos/{owner}/{repo}/git/trees",
        );
    }
    if let Some(first) = selection.unmatched.first() {
        tracing::info!(
            "{} changed files belong to no component, the first: {}",
            selection.unmatched.len(),
            label(first)
        );
    }
    Ok(match (selected.as_slice(), selection.judged.as_slice()) {
        ([], [one]) => Outcome::skipped(format!("{} is not selected: {}", one.name, one.why)),
        ([], all) => Outcome::skipped(format!(
            "nothing is selected: no part of {} components changed in commit {}",
            all.len(),
            head.short()
        )),
        ([_], [one]) => Outcome::pass(format!("{} is selected: {}", one.name, one.why)),
        (names, all) => Outcome::pass(format!(
            "{} of {} components are selected: {}",
            names.len(),
            all.len(),
            some(names.iter().copied())
        )),
    })
}
