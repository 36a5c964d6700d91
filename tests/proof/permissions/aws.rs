//! The permissions of the role.

use std::collections::BTreeSet;

use deploy_action::steps::Definition;
use futures_util::stream::{self, StreamExt as _};
use testbed::runner::Runner;

use super::policy::{Action, Policy};
use super::variants::{Variant, of_role};
use super::{AT_ONCE, Row, conclude, judged, shown, unsaid};

#[tokio::test]
async fn every_step_passes_with_its_policy_and_with_nothing_less() {
    let variants = of_role();
    let tried = stream::iter(&variants).map(tried).buffer_unordered(AT_ONCE);
    let rows: Vec<Vec<Row>> = tried.collect().await;
    conclude("What the role needs", rows.into_iter().flatten().collect());
}

/// The permissions of a step that none of its runs does without: they would be claimed and not proved.
pub(crate) fn untried_actions(step: &Definition, runs: &[Variant]) -> Vec<String> {
    let tried: BTreeSet<String> = runs
        .iter()
        .flat_map(|variant| {
            let actions = Policy::of(variant, "111122223333").actions();
            let tried = actions.into_iter().filter(|one| variant.tries(&one.sid, &one.name));
            tried.map(|one| one.shown())
        })
        .collect();
    let all = step.permissions.aws.iter().map(|one| format!("`{}` ({})", one.action, one.sid()));
    all.filter(|shown| !tried.contains(shown)).collect()
}

/// With exactly the policy, and then without each action of it.
async fn tried(variant: &Variant) -> Vec<Row> {
    let mut rows = vec![with_all(variant).await];
    // Names of accounts differ, the actions do not.
    for action in Policy::of(variant, "111122223333").actions() {
        if variant.tries(&action.sid, &action.name) {
            rows.push(without(variant, &action).await);
        }
    }
    rows
}

async fn with_all(variant: &Variant) -> Row {
    let (stage, runner) = variant.prepare().await;
    let policy = Policy::of(variant, &stage.aws.id);
    let runner = in_time(runner).envs(stage.aws.session("exact", &policy.json()).await.unwrap());
    let report = runner.run().await;
    let mut wrong = Vec::new();
    if !variant.is_good(&report) {
        wrong.push(format!("it does not end well: {}", report.output("reason")));
    } else if report.raw.contains("not authorized") {
        wrong.push("something was denied".to_owned());
    }
    let again = runner.run().await;
    if !variant.is_good(&again) && !again.succeeded() {
        wrong.push(format!("it does not end well when run again: {}", again.output("reason")));
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
    let (without, wrong) = if optional && variant.is_good(&report) {
        (shown(&report), unsaid(&report, &action.name))
    } else {
        // Where an optional one is missing that this run needs, AWS does not say which of several it is.
        judged(&report, optional, &action.name, !action.optional)
    };
    Row { run: variant.shown(), permission: action.shown(), optional, without, wrong }
}

/// What waits for something that never comes is a finding, and need not be waited for.
fn in_time(runner: Runner) -> Runner {
    runner.input_unless_given("timeout", "90s")
}
