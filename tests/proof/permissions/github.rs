//! The permissions of the job's token.

use std::collections::BTreeSet;

use deploy_action::permissions::{GithubPermission, When};
use deploy_action::steps::Definition;
use futures_util::stream::{self, StreamExt as _};
use testbed::github::{Grant, Permission};
use testbed::runner::Runner;

use super::policy::definition;
use super::variants::{Variant, of_token};
use super::{AT_ONCE, Row, conclude, judged, shown, unsaid};
use crate::proof::scenes::{Stage, scenes};

#[tokio::test]
async fn every_step_passes_with_its_grants_and_with_nothing_less() {
    let variants = of_token();
    let tried = stream::iter(&variants).map(tried).buffer_unordered(AT_ONCE);
    let mut rows: Vec<Row> = tried.collect::<Vec<_>>().await.into_iter().flatten().collect();
    rows.push(of_an_open_record().await);
    rows.extend(of_the_oidc_token().await);
    conclude("What the job's token needs", rows);
}

/// The permissions of a step that none of its runs does without: they would be claimed and not proved.
pub(crate) fn untried_grants(step: &Definition, runs: &[Variant]) -> Vec<String> {
    let tried: BTreeSet<(&str, When, bool)> = runs
        .iter()
        .flat_map(|variant| {
            let tried = applying(variant).into_iter().filter(|one| variant.tries("", one.grant));
            tried.map(|one| (one.grant, one.when, one.optional.is_some())).collect::<Vec<_>>()
        })
        .collect();
    let all = step.permissions.github.iter();
    let untried = all.filter(|one| !tried.contains(&(one.grant, one.when, one.optional.is_some())));
    untried.map(|one| format!("`{}` {}", one.grant, one.when)).collect()
}

/// What the step may ask for in this run. What is needed is not optional beside that.
fn applying(variant: &Variant) -> Vec<GithubPermission> {
    let all = definition(variant.step()).permissions.github.iter().copied();
    let all: Vec<GithubPermission> =
        all.filter(|one| one.when == When::Always || variant.when.contains(&one.when)).collect();
    let needed = |grant| all.iter().any(|other| other.optional.is_none() && other.grant == grant);
    all.iter().copied().filter(|one| one.optional.is_none() || !needed(one.grant)).collect()
}

/// With exactly the grants, and then without each of them.
async fn tried(variant: &Variant) -> Vec<Row> {
    let mut rows = vec![with_all(variant).await];
    for one in applying(variant) {
        if variant.tries("", one.grant) {
            rows.push(without(variant, &one).await);
        }
    }
    rows
}

async fn with_all(variant: &Variant) -> Row {
    let (stage, runner) = variant.prepare().await;
    let report = granted(&stage, runner, &applying(variant)).run().await;
    let denied = report.raw.contains("not accessible by integration");
    let wrong = if variant.is_good(&report) && !denied { Vec::new() } else { vec![report.output("reason").to_owned()] };
    let with = format!("with all: {}", shown(&report));
    Row { run: variant.shown(), permission: "-".to_owned(), optional: false, without: with, wrong }
}

async fn without(variant: &Variant, one: &GithubPermission) -> Row {
    let (stage, runner) = variant.prepare().await;
    // To write includes to read: who may not read may not write.
    let gone = |other: &GithubPermission| {
        let name = one.grant.strip_suffix("read");
        other.grant == one.grant || name.is_some() && other.grant.strip_suffix("write") == name
    };
    let left: Vec<GithubPermission> = applying(variant).into_iter().filter(|other| !gone(other)).collect();
    let report = granted(&stage, runner, &left).run().await;
    let optional = one.optional.is_some();
    let (without, mut wrong) = if optional && variant.is_good(&report) {
        (shown(&report), unsaid(&report, one.grant))
    } else {
        judged(&report, optional, one.grant, true)
    };
    if optional && variant.is_good(&report) && stage.github.requests().iter().all(|request| request.status != Some(403))
    {
        // Nothing was denied, so nothing is to be said.
        wrong.clear();
    }
    Row { run: variant.shown(), permission: format!("`{}`", one.grant), optional, without, wrong }
}

/// With a token of these permissions.
fn granted(stage: &Stage, runner: Runner, all: &[GithubPermission]) -> Runner {
    if all.iter().any(|one| one.grant == "packages: read") {
        // The registry's own password is a token that may read the package.
        let (user, password) = stage.registries[0].1.credentials();
        return runner.actor(&user).token(&password);
    }
    let grants: Vec<Grant> = all.iter().map(|one| grant(one.grant)).collect();
    runner.token(&stage.repository.token(&grants))
}

fn grant(text: &str) -> Grant {
    match text {
        "actions: read" => Permission::Actions.read(),
        "actions: write" => Permission::Actions.write(),
        "checks: read" => Permission::Checks.read(),
        "contents: read" => Permission::Contents.read(),
        "contents: write" => Permission::Contents.write(),
        "deployments: read" => Permission::Deployments.read(),
        "deployments: write" => Permission::Deployments.write(),
        "statuses: read" => Permission::Statuses.read(),
        "issues: write" => Permission::Issues.write(),
        "pull-requests: write" => Permission::PullRequests.write(),
        "statuses: write" => Permission::Statuses.write(),
        other => panic!("{other} is not known here"),
    }
}

/// Every step with `deployment-id` adds to the record what it found, if it may.
async fn of_an_open_record() -> Row {
    let name = "health-check-with-backoff:function";
    let stage = scenes().into_iter().find(|scene| scene.name == name).unwrap().prepare().await;
    let report = granted(&stage, stage.runner(), &[]).run().await;
    let permission = "deployments: write";
    let wrong = if report.succeeded() { unsaid(&report, permission) } else { vec![report.output("reason").to_owned()] };
    let run = format!("{name}, with `deployment-id`");
    Row { run, permission: format!("`{permission}`"), optional: true, without: shown(&report), wrong }
}

/// A role by the job's token needs `id-token: write`, without which the job has no address to ask for one.
async fn of_the_oidc_token() -> Vec<Row> {
    let name = "swap-alias:oidc";
    let stage = scenes().into_iter().find(|scene| scene.name == name).unwrap().prepare().await;
    let without = ["URL", "TOKEN"]
        .iter()
        .fold(stage.runner(), |runner, part| runner.without_env(format!("ACTIONS_ID_TOKEN_REQUEST_{part}")));
    let permission = "id-token: write";
    let report = without.run().await;
    let (without, wrong) = judged(&report, false, permission, true);
    let refused = Row { run: name.to_owned(), permission: format!("`{permission}`"), optional: false, without, wrong };
    let report = stage.runner().run().await;
    let wrong = if report.succeeded() { Vec::new() } else { vec![report.output("reason").to_owned()] };
    let with = format!("with all: {}", shown(&report));
    vec![refused, Row { run: name.to_owned(), permission: "-".to_owned(), optional: false, without: with, wrong }]
}
