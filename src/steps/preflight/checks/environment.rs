//! The environment on GitHub: it is there, somebody approves, and not every branch is deployed to it.

use serde::Deserialize;

use super::super::finding::{Finding, nothing_named};
use super::super::job::Job;
use crate::action::inputs::Flag;
use crate::github::EnvironmentProtection;
use crate::outcome::Step;

const NEEDS: &str = "actions: read";

/// What is asked of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::steps::preflight) struct Options {
    /// Somebody must approve.
    #[serde(default)]
    reviewers: Flag,
    /// Only some branches or tags may be deployed to it.
    #[serde(default)]
    branches: Flag,
}

pub(super) async fn ask(job: &Job<'_>, options: &Options) -> Step<Vec<Finding>> {
    let Some(environment) = &job.cx.common.environment else {
        return Ok(nothing_named("environment", NEEDS, "the input `environment`"));
    };
    let read = match job.cx.github().await {
        Ok(github) => github.environment_protection(environment.as_str()).await,
        Err(error) => Err(error),
    };
    match read {
        Ok(found) => Ok(judge(environment.as_str(), found.as_ref(), options)),
        Err(error) => Ok(vec![Finding::unanswered(job.cx, format!("environment {environment}"), NEEDS, error)?]),
    }
}

fn judge(name: &str, found: Option<&EnvironmentProtection>, options: &Options) -> Vec<Finding> {
    let what = |of: &str| format!("environment {name}{of}");
    let Some(found) = found else {
        let advice = "make it in the repository's settings, with its secrets and its rules: GitHub makes one without any at the first deployment";
        return vec![Finding::fail(what(""), NEEDS, "there is none of this name", advice)];
    };
    let wait =
        if found.wait_minutes > 0 { format!(", a job waits {} minutes", found.wait_minutes) } else { String::new() };
    let rule = |of: &str, holds: bool, is_asked: bool, shown: [&str; 2], advice: &str| {
        let observed = if holds { shown[0] } else { shown[1] };
        let found = Finding::when(holds || !is_asked, what(of), NEEDS, observed, advice);
        if is_asked { found.require(shown[0]) } else { found }
    };
    vec![
        Finding::ok(what(""), NEEDS, format!("it is there{wait}")),
        rule(
            ", reviewers",
            found.has_reviewers,
            options.reviewers.0,
            ["somebody must approve", "nobody must approve"],
            "add required reviewers to the environment",
        ),
        rule(
            ", branches",
            found.is_restricted,
            options.branches.0,
            ["some branches or tags only", "any branch"],
            "restrict the environment to the branches or tags that are deployed to it",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::super::finding::State;
    use super::*;

    #[test]
    fn an_environment_must_have_what_was_asked_for() {
        let asked = Options { reviewers: Flag(true), branches: Flag(true) };
        let good = EnvironmentProtection { has_reviewers: true, is_restricted: true, wait_minutes: 0 };
        let failed = |found: Option<&EnvironmentProtection>, options: &Options| {
            judge("prd", found, options).iter().filter(|one| one.state == State::Fail).count()
        };
        assert_eq!(failed(None, &asked), 1);
        assert_eq!(failed(Some(&good), &asked), 0);
        assert_eq!(failed(Some(&EnvironmentProtection::default()), &asked), 2);
        assert_eq!(failed(Some(&EnvironmentProtection::default()), &Options::default()), 0);
    }
}
