//! Branches that are deployed from: protected, changed by pull requests, and only with checks that passed.

use serde::Deserialize;

use super::super::finding::Finding;
use super::super::job::Job;
use crate::action::inputs::texts;
use crate::github::{BranchName, BranchProtection};
use crate::outcome::Step;

const NEEDS: &str = "contents: read";

/// What must be protected.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::steps::preflight) struct Options {
    /// The branches; without them, `main`.
    #[serde(default, deserialize_with = "texts")]
    branches: Vec<String>,
    /// Checks that must be among those required; without them, any.
    #[serde(default, deserialize_with = "texts")]
    checks: Vec<String>,
}

pub(super) async fn ask(job: &Job<'_>, options: &Options) -> Step<Vec<Finding>> {
    let main = ["main".to_owned()];
    let branches = if options.branches.is_empty() { &main[..] } else { &options.branches };
    let mut found = Vec::new();
    for branch in branches {
        let Ok(name) = branch.parse::<BranchName>() else {
            found.push(Finding::fail(format!("branch {branch}"), NEEDS, "no name of a branch", "correct `branches`"));
            continue;
        };
        let read = match job.cx.github().await {
            Ok(github) => github.branch_protection(&name).await,
            Err(error) => Err(error),
        };
        match read {
            Ok(protection) => found.extend(judge(branch, protection.as_ref(), &options.checks)),
            Err(error) => found.push(Finding::unanswered(job.cx, format!("branch {branch}"), NEEDS, error)?),
        }
    }
    Ok(found)
}

fn judge(branch: &str, protection: Option<&BranchProtection>, wanted: &[String]) -> Vec<Finding> {
    let what = |of: &str| format!("branch {branch}{of}");
    let Some(protection) = protection else {
        return vec![Finding::fail(what(""), NEEDS, "there is no such branch", "correct `branches`")];
    };
    if !protection.by_rule && protection.rules.is_empty() {
        let advice = format!("protect {branch}: a ruleset with `Require a pull request` and `Require status checks`");
        return vec![Finding::fail(what(""), NEEDS, "not protected: whoever may push changes it", advice)];
    }
    let how = if protection.rules.is_empty() { "by a protection rule" } else { "by rulesets" };
    let mut found = vec![Finding::ok(what(""), NEEDS, format!("protected {how}"))];
    let by_pull_request = protection.rules.iter().any(|rule| rule == "pull_request");
    found.push(match (by_pull_request, protection.by_rule) {
        (true, _) => Finding::ok(what(", pull requests"), NEEDS, "required"),
        // What the rule says of that is shown to administrators only.
        (false, true) => Finding::skip(
            what(", pull requests"),
            "administration: read",
            "whether the protection rule asks for them is shown to administrators only; a ruleset is shown to everybody",
        ),
        (false, false) => Finding::fail(
            what(", pull requests"),
            NEEDS,
            "not required",
            format!("add the rule `Require a pull request before merging` for {branch}"),
        ),
    });
    let missing: Vec<&str> =
        wanted.iter().filter(|check| !protection.checks.contains(check)).map(String::as_str).collect();
    let is_good = missing.is_empty() && !protection.checks.is_empty();
    let shown = if protection.checks.is_empty() { "none".to_owned() } else { protection.checks.join(", ") };
    let required = if wanted.is_empty() { "any".to_owned() } else { wanted.join(", ") };
    let advice = format!("add the rule `Require status checks to pass` for {branch}, with the checks of CI");
    found.push(Finding::when(is_good, what(", required checks"), NEEDS, shown, advice).require(required));
    found
}

#[cfg(test)]
mod tests {
    use super::super::super::finding::State::{self, Fail, Ok, Skip};
    use super::*;

    #[test]
    fn a_branch_is_judged_by_its_rules_and_what_nobody_may_read_is_skipped() {
        let of = |by_rule, rules: &[&str], checks: &[&str]| BranchProtection {
            by_rule,
            rules: rules.iter().map(ToString::to_string).collect(),
            checks: checks.iter().map(ToString::to_string).collect(),
        };
        let table: [(Option<BranchProtection>, &[&str], &[State]); 6] = [
            (None, &[], &[Fail]),
            (Some(of(false, &[], &[])), &[], &[Fail]),
            (Some(of(false, &["pull_request"], &["test"])), &["test"], &[Ok, Ok, Ok]),
            (Some(of(false, &["pull_request"], &["lint"])), &["test"], &[Ok, Ok, Fail]),
            (Some(of(false, &["deletion"], &[])), &[], &[Ok, Fail, Fail]),
            (Some(of(true, &[], &["test"])), &[], &[Ok, Skip, Ok]),
        ];
        for (protection, wanted, expected) in table {
            let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
            let states: Vec<State> =
                judge("main", protection.as_ref(), &wanted).into_iter().map(|one| one.state).collect();
            assert_eq!(states, expected, "{protection:?}");
        }
    }
}
