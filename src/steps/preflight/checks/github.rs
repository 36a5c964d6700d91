//! Names of secrets and variables: those that the workflow uses are set, for this environment, its repository or its organization.

use std::collections::BTreeSet;

use anyhow::Result;
use serde::Deserialize;

use super::super::finding::{Finding, nothing_named};
use super::super::job::Job;
use crate::action::inputs::{Flag, texts};
use crate::github::{NameScope, NamedKind};
use crate::outcome::Step;

/// What must be set.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::steps::preflight) struct Options {
    /// Names of secrets; without both, those that the workflow of this run uses.
    #[serde(default, deserialize_with = "texts")]
    secrets: Vec<String>,
    /// Names of variables.
    #[serde(default, deserialize_with = "texts")]
    variables: Vec<String>,
    /// Each must be the environment's own.
    #[serde(default)]
    scoped: Flag,
}

const NEEDS: [&str; 2] = ["secrets: read, environments: read", "variables: read, environments: read"];

pub(super) async fn ask(job: &Job<'_>, options: &Options) -> Step<Vec<Finding>> {
    let (mut secrets, mut variables) = (upper(&options.secrets), upper(&options.variables));
    if secrets.is_empty() && variables.is_empty() && job.cx.runner.github_workflow_ref.is_some() {
        match job.workflow().await {
            Ok(file) => (secrets, variables) = (file.secrets.clone(), file.variables.clone()),
            Err(error) => {
                return Ok(vec![Finding::unanswered(job.cx, "names that are used", "contents: read", error)?]);
            }
        }
    }
    if secrets.is_empty() && variables.is_empty() {
        return Ok(nothing_named(
            "secrets and variables",
            NEEDS[0],
            "`secrets` or `variables`: the workflow uses none",
        ));
    }
    let mut found = Vec::new();
    for (kind, wanted, needs) in [(NamedKind::Secrets, secrets, NEEDS[0]), (NamedKind::Variables, variables, NEEDS[1])]
    {
        if !wanted.is_empty() {
            let known = read(job, kind, options.scoped.0).await;
            found.extend(judge(job, kind, &wanted, known, needs)?);
        }
    }
    Ok(found)
}

/// What is set: by the name of its place, or why that could not be read.
type Known = Vec<(String, Result<Vec<String>>)>;

async fn read(job: &Job<'_>, kind: NamedKind, only_own: bool) -> Known {
    let environment = job.cx.common.environment.as_ref().map(ToString::to_string);
    let mut scopes: Vec<NameScope> = environment.map(NameScope::Environment).into_iter().collect();
    if !only_own {
        scopes.extend([NameScope::Repository, NameScope::Organization]);
    }
    let mut known = Vec::new();
    for scope in scopes {
        let names = match job.cx.github().await {
            Ok(github) => github.names(kind, &scope).await,
            Err(error) => Err(error),
        };
        known.push((scope.to_string(), names));
    }
    known
}

fn judge(
    job: &Job<'_>,
    kind: NamedKind,
    wanted: &BTreeSet<String>,
    known: Known,
    needs: &'static str,
) -> Step<Vec<Finding>> {
    let (mut there, mut unread, mut places) = (Vec::new(), None, Vec::new());
    for (place, names) in known {
        places.push(place.clone());
        match names {
            Ok(names) => there.extend(names.into_iter().map(|name| (name.to_uppercase(), place.clone()))),
            Err(error) => unread = Some(error),
        }
    }
    let mut missing = Vec::new();
    let mut found = Vec::new();
    for name in wanted {
        let what = format!("{} {name}", kind.singular());
        match there.iter().find(|(known, _)| known == name) {
            Some((_, place)) => found.push(Finding::ok(what, needs, format!("set for {place}")).require("set")),
            None => missing.push((name, what)),
        }
    }
    match unread {
        // It may be set where nobody could look.
        Some(error) if !missing.is_empty() => {
            let names: Vec<&str> = missing.iter().map(|(name, _)| name.as_str()).collect();
            found.push(Finding::unanswered(
                job.cx,
                format!("{}s {}", kind.singular(), names.join(", ")),
                needs,
                error,
            )?);
        }
        _ => found.extend(missing.into_iter().map(|(name, what)| {
            let advice = format!("set it: `gh {} set {name}`, with `--env` for an environment", kind.singular());
            Finding::fail(what, needs, format!("set for none of {}", places.join(", ")), advice).require("set")
        })),
    }
    Ok(found)
}

fn upper(names: &[String]) -> BTreeSet<String> {
    names.iter().map(|name| name.to_uppercase()).collect()
}
