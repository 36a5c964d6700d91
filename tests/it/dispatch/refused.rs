//! dispatch: what is wrong with its inputs, and what the token may not do.

use testbed::github::{Permission, Workflow};
use testbed::runner::Runner;

use super::{World, advice, listener};

async fn refused(step: Runner, told: &str) {
    let report = step.run().await;
    report.assert_verdict("error", 2).assert_runner_safe();
    assert!(
        report.log.iter().any(|line| line.contains(told)) || report.output("reason").contains(told),
        "{told}\n{report}"
    );
}

#[tokio::test]
async fn what_github_would_refuse_is_refused_before_anything_is_sent() {
    let world = World::new(&[]).await;
    let many = |count: usize| (0..count).map(|number| format!("key{number}: x")).collect::<Vec<_>>().join("\n");
    let long = format!("a: \"{}\"", "x".repeat(65_500));
    let table = [
        (world.step(), "give either the input `workflow` or the input `event-type`"),
        (world.workflow().input("event-type", "x"), "give either the input `workflow` or the input `event-type`"),
        (world.step().input("workflow", "integration"), "input `workflow` must be a file"),
        (world.event().input("ref", "main"), "input `ref` goes with `workflow`"),
        (world.event().input("inputs", "a: b"), "input `inputs` goes with `workflow`"),
        (world.workflow().input("client-payload", "a: b"), "input `client-payload` goes with `event-type`"),
        (world.workflow().input("inputs", many(25)), "input `inputs` must hold at most 24 names"),
        (world.event().input("client-payload", many(10)), "input `client-payload` must hold at most 9 names"),
        (world.workflow().input("inputs", "deploy-action-id: x"), "must not hold `deploy-action-id`"),
        (world.event().input("client-payload", "deploy_action: x"), "must not hold `deploy_action`"),
        (world.event().input("client-payload", &long), "GitHub takes 65535 characters in all"),
        (world.event().input("client-payload", "version: 1.10"), "put numbers such as 1.10 and 1e3 in quotes"),
        (world.workflow().input("wait", "false").input("cancel-on-timeout", "true"), "needs `wait: true`"),
        (world.workflow().input("ref", "8f3c1b2a9d4e5f60718293a4b5c6d7e8f9a0b1c2"), "GitHub takes no commit here"),
        (world.workflow().input("wait-for", "status"), "must be `run` or `status:<context>`"),
    ];
    for (step, told) in table {
        refused(step, told).await;
    }
    assert!(world.github.requests().is_empty());
}

#[tokio::test]
async fn the_token_of_the_job_reaches_its_own_repository_only() {
    let world = World::new(&[]).await;
    let token = world.repository.token(&[Permission::Actions.write()]);
    let report = world.workflow().token(&token).run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    let told = advice(&report);
    assert!(
        told.contains(
            "give the step a `token` of a GitHub App, or a fine-grained one, with `actions: write` in org/main"
        )
    );
    assert!(told.contains("the job's own reaches org/shop only"), "{told}");
}

#[tokio::test]
async fn the_permission_that_is_missing_is_named() {
    let world = World::empty().await;
    world.repository.add_workflow(listener());
    for (step, permissions, needed) in [
        (world.workflow(), vec![Permission::Actions.read()], "`actions: write`"),
        (world.event(), vec![Permission::Actions.read()], "`contents: write` and `actions: read`"),
        (world.event(), vec![Permission::Contents.write()], "`contents: write` and `actions: read`"),
    ] {
        let token = world.repository.token(&permissions);
        let report = step.input("repository", "org/shop").token(&token).run().await;
        report.assert_verdict("error", 4);
        assert!(advice(&report).contains(&format!("give the job {needed} under `permissions:`")), "{report}");
    }
    assert!(world.repository.runs().is_empty());
}

#[tokio::test]
async fn a_workflow_that_is_not_there_is_named() {
    let world = World::empty().await;
    world.target.add_workflow(Workflow { file: "other.yml".to_owned(), ..listener() });
    let report = world.workflow().run().await;
    report.assert_verdict("error", 4);
    assert!(advice(&report).contains("integration.yml must be on the default branch of org/main"), "{report}");
}

#[tokio::test]
async fn a_branch_that_is_not_there_is_githubs_word() {
    let world = World::new(&[]).await;
    let report = world.workflow().input("ref", "gone").run().await;
    report.assert_verdict("error", 4);
    assert!(report.output("reason").contains("No ref found for: gone"), "{report}");
    assert_eq!(report.output("changed"), "false");
}
