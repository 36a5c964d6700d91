//! The permissions of the role.

use std::collections::BTreeSet;

use deploy_action::steps;
use futures_util::stream::{self, StreamExt as _};
use testbed::runner::Runner;

use super::policy::{Action, Policy};
use super::variants::{Variant, variants};
use super::{Row, conclude, judged};

/// Runs at the same time.
const AT_ONCE: usize = 3;

#[tokio::test]
async fn every_step_passes_with_its_policy_and_with_nothing_less() {
    let variants = variants();
    let tried = stream::iter(&variants).map(tried).buffer_unordered(AT_ONCE);
    let rows: Vec<Vec<Row>> = tried.collect().await;
    conclude("What the role needs", rows.into_iter().flatten().collect());
}

/// No condition is left out, or the permission behind it would be claimed and not proved.
#[test]
fn every_condition_holds_in_some_run() {
    let variants = variants();
    for step in steps::all() {
        let tried: BTreeSet<&str> =
            variants.iter().filter(|one| one.step() == step.name).flat_map(|one| one.when.iter().copied()).collect();
        let declared = step.permissions.aws.iter().map(|one| one.when).filter(|when| !when.is_empty());
        for when in declared {
            assert!(tried.contains(when), "{}: no run {when}", step.name);
        }
    }
}

/// With exactly the policy, and then without each action of it.
async fn tried(variant: &Variant) -> Vec<Row> {
    let mut rows = vec![with_all(variant).await];
    // Names of accounts differ, the actions do not.
    for action in Policy::of(variant, "111122223333").actions() {
        rows.push(without(variant, &action).await);
    }
    rows
}

async fn with_all(variant: &Variant) -> Row {
    let (stage, runner) = variant.prepare().await;
    let policy = Policy::of(variant, &stage.aws.id);
    let runner = in_time(runner).envs(stage.aws.session("exact", &policy.json()).await.unwrap());
    let report = runner.run().await;
    let mut wrong = Vec::new();
    if !report.succeeded() {
        wrong.push(format!("it fails: {}", report.output("reason")));
    } else if report.raw.contains("not authorized") {
        wrong.push("something was denied".to_owned());
    }
    let again = runner.run().await;
    if !again.succeeded() {
        wrong.push(format!("it fails when run again: {}", again.output("reason")));
    }
    let with = format!("with all: `{}` {}", report.output("verdict"), report.exit_code);
    Row { run: variant.shown(), permission: "-".to_owned(), optional: false, without: with, wrong }
}

async fn without(variant: &Variant, action: &Action) -> Row {
    let (stage, runner) = variant.prepare().await;
    let policy = Policy::of(variant, &stage.aws.id);
    let same = policy.actions().into_iter().find(|one| one.shown() == action.shown()).unwrap();
    let session = stage.aws.session("less", &policy.without(&same).json()).await.unwrap();
    let report = in_time(runner).envs(session).run().await;
    let optional = action.optional && !variant.cannot_without.contains(&action.name.as_str());
    let (without, wrong) = judged(&report, optional, &action.name);
    Row { run: variant.shown(), permission: action.shown(), optional, without, wrong }
}

/// What waits for something that never comes is a finding, and need not be waited for.
fn in_time(runner: Runner) -> Runner {
    runner.input("timeout", "30s")
}
