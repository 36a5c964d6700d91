//! Names of branches and tags: what they are of, and whether they can be passed on.

use serde_json::{Value, json};
use testbed::github::{Fault, RunState, Workflow};
use testbed::runner::Runner;

use super::{World, not_deployed, outputs};

/// `workflow_run` of a push, after CI ended well for this commit of a branch or tag of this name.
fn after_ci(world: &World, name: &str, commit: &str) -> Value {
    world.repository.add_workflow(Workflow { file: "ci.yml".to_owned(), name: "CI".to_owned(), ..Workflow::default() });
    let run = world.repository.add_run("ci.yml", "push", name, commit);
    world.repository.edit_run(run, |run| run.state = RunState::completed("success"));
    world.repository.workflow_run_event(run)
}

fn with_rules(world: &World, payload: Value, rules: &str) -> Runner {
    world.on("workflow_run", "refs/heads/main", payload).input("rules", rules)
}

#[tokio::test]
async fn a_workflow_run_after_the_push_of_a_tag_is_about_the_tag() {
    let world = World::new().await;
    world.repository.annotated_tag("v1.2.3", &world.commits[1], "Release");
    let payload = after_ci(&world, "v1.2.3", &world.commits[1]);
    let report = with_rules(&world, payload.clone(), "workflow-run * -> dev\ntag v*.*.* -> prd").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    let expected = [
        ("environment", "prd"),
        ("ref", "refs/tags/v1.2.3"),
        ("tag", "v1.2.3"),
        ("version", "1.2.3"),
        ("sha", &world.commits[1]),
    ];
    outputs(&report, &expected);
    let report = with_rules(&world, payload, "workflow-run * -> dev").run().await;
    not_deployed(&report, "no rule is about a run of CI on tag v1.2.3");
    assert!(world.github.invalid_requests().is_empty(), "{:?}", world.github.invalid_requests());
}

#[tokio::test]
async fn who_may_push_a_tag_named_like_a_branch_passes_no_rule_for_the_branch() {
    let world = World::new().await;
    let evil = world.repository.commit(&[], &[("evil", "1")], "Not on main");
    world.repository.tag("main", &evil);
    let report = with_rules(&world, after_ci(&world, "main", &evil), "workflow-run main -> prd").run().await;
    not_deployed(&report, "no rule is about a run of CI on tag main");
    // The commit of the branch itself goes on.
    let report =
        with_rules(&world, after_ci(&world, "main", &world.commits[1]), "workflow-run main -> prd").run().await;
    outputs(&report, &[("should-deploy", "true"), ("ref", "refs/heads/main"), ("sha", &world.commits[1])]);
}

#[tokio::test]
async fn a_commit_that_is_not_on_the_branch_any_more_is_not_deployed_and_said() {
    let world = World::new().await;
    let gone = world.repository.commit(&[&world.commits[0]], &[("a", "x")], "Pushed over");
    let short = &gone[..7];
    let report = with_rules(&world, after_ci(&world, "main", &gone), "workflow-run main -> dev").run().await;
    let why = format!("commit {short} is not on a branch main now, and no tag main points at it");
    not_deployed(&report, &why);
    assert!(report.warning().message.contains(&why), "{report}");
}

#[tokio::test]
async fn a_run_whose_name_is_empty_is_of_the_workflow_that_the_event_names() {
    let world = World::new().await;
    for nothing in [json!(""), Value::Null] {
        let mut payload = after_ci(&world, "main", &world.commits[1]);
        payload["workflow_run"]["name"] = nothing;
        let runner = with_rules(&world, payload, "workflow-run main -> dev").input("ci-workflow", "CI");
        runner.run().await.assert_verdict("pass", 0);
    }
}

/// The list of runs may lack the name too.
#[tokio::test]
async fn a_run_of_ci_without_a_name_is_known_by_its_workflow() {
    let world = World::new().await;
    let head = world.head().to_owned();
    let named = |name: &str| Workflow { file: format!("{name}.yml"), name: name.to_owned(), ..Workflow::default() };
    let (ci, other) = (world.repository.add_workflow(named("CI")), world.repository.add_workflow(named("Lint")));
    for (workflow, verdict) in [(ci, "pass"), (other, "skipped")] {
        let run = json!({"name": null, "workflow_id": workflow, "event": "push", "head_repository": {"full_name": "org/shop"}});
        let list = json!({"total_count": 1, "workflow_runs": [run]});
        world.github.fault(Fault::on("GET", "/actions/runs").unwrap().status(200).body(list).times(1));
        let report = world.pushed("refs/heads/main").input("ci-workflow", "CI").run().await;
        report.assert_verdict(verdict, 0);
    }
    let of_commit = format!("head_sha={head}");
    assert!(world.github.requests().iter().any(|one| one.target.contains(&of_commit)), "{:?}", world.lines());
}

#[tokio::test]
async fn tags_of_packages_are_taken() {
    let world = World::new().await;
    for (tag, rule, component) in [
        ("api@1.2.3", "tag {component}@*.*.* -> prd", "api"),
        ("@scope/pkg@1.2.3", "tag @scope/{component}@*.*.* -> prd", "pkg"),
    ] {
        world.repository.tag(tag, &world.commits[1]);
        let report = world.on("release", "", world.repository.release_event("published", tag)).run().await;
        report.assert_verdict("pass", 0).assert_runner_safe();
        outputs(&report, &[("environment", "prd"), ("tag", tag), ("sha", &world.commits[1])]);
        let report = world.pushed(&format!("refs/tags/{tag}")).input("rules", rule).run().await;
        outputs(&report, &[("tag", tag), ("component", component), ("version", "1.2.3")]);
    }
    assert!(world.github.invalid_requests().is_empty(), "{:?}", world.github.invalid_requests());
}

#[tokio::test]
async fn a_name_that_cannot_be_passed_on_is_refused_by_its_character() {
    let world = World::new().await;
    let release = world.on("release", "", world.repository.release_event("published", "v1;x")).run().await;
    release.assert_verdict("fail", 1).assert_runner_safe();
    assert!(
        release.output("reason").contains("the name of the tag cannot be passed on, for release v1;x: it holds ';'"),
        "{release}"
    );
    let branch = world.pushed("refs/heads/fix/#12").input("rules", "branch ** -> dev").run().await;
    branch.assert_verdict("fail", 1).assert_runner_safe();
    assert!(branch.output("reason").contains("it holds '#'"), "{branch}");
    outputs(&branch, &[("should-deploy", "false")]);
}

/// Promoting a pre-release sends `released` only; publishing sends it beside `published`.
#[tokio::test]
async fn a_promoted_prerelease_is_deployed_and_a_published_release_once() {
    let world = World::new().await;
    world.repository.tag("v1.2.3", &world.commits[1]);
    let released = || {
        world
            .on("release", "refs/tags/v1.2.3", world.repository.release_event("released", "v1.2.3"))
            .input("rules", "release -> stg")
    };
    let report = released().run().await;
    outputs(&report, &[("should-deploy", "true"), ("environment", "stg"), ("sha", &world.commits[1])]);
    world.record(&world.commits[0], &["success"]);
    outputs(&released().run().await, &[("should-deploy", "true")]);
    world.record(&world.commits[1], &["in_progress"]);
    let short = &world.commits[1][..7];
    let report = released().run().await;
    not_deployed(
        &report,
        &format!("run 1 brought commit {short} to stg already, and `released` comes beside `published`"),
    );
    outputs(&released().run_id(1).run().await, &[("should-deploy", "true")]);
    let published = world.on("release", "refs/tags/v1.2.3", world.repository.release_event("published", "v1.2.3"));
    outputs(&published.input("rules", "release -> stg").run().await, &[("should-deploy", "true")]);
}
