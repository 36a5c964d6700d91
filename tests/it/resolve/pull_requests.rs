//! resolve: previews of pull requests, and what the input `ref` names.

use serde_json::json;
use testbed::github::{RunState, Workflow};
use testbed::runner::Runner;

use super::{World, not_deployed, outputs};

/// A pull request whose head is the second commit; `owner` has the fork it comes from.
fn requested(world: &World, event: &str, action: &str, owner: Option<&str>) -> Runner {
    let payload = world.repository.pull_request_event(action, 12, &world.commits[1], owner);
    world.on(event, "refs/pull/12/merge", payload).input("rules", "branch main -> stg\npull-request -> pr-{number}")
}

#[tokio::test]
async fn a_pull_request_goes_to_an_environment_of_its_own_by_the_commit_of_its_head() {
    let world = World::new().await;
    let head = &world.commits[1];
    for (event, action) in
        [("pull_request", "opened"), ("pull_request", "synchronize"), ("pull_request_target", "reopened")]
    {
        let report = requested(&world, event, action, None).run().await;
        report.assert_verdict("pass", 0).assert_runner_safe();
        let expected = [
            ("should-deploy", "true"),
            ("action", "deploy"),
            ("environment", "pr-12"),
            ("sha", head.as_str()),
            ("short-sha", &head[..7]),
            ("version", &head[..7]),
            ("ref", "refs/pull/12/head"),
            ("tag", ""),
            ("image-tag", &format!("pr-12-{head}")),
        ];
        outputs(&report, &expected);
    }
}

#[tokio::test]
async fn a_closed_pull_request_ends_its_environment() {
    let world = World::new().await;
    let report = requested(&world, "pull_request", "closed", None).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    let expected =
        [("should-deploy", "false"), ("action", "end"), ("environment", "pr-12"), ("sha", world.commits[1].as_str())];
    outputs(&report, &expected);
    assert_eq!(report.output("reason"), "pull request 12 was closed: pr-12 ends, and nothing is deployed");
    // A label on a pull request that was closed before.
    let mut payload = world.repository.pull_request_event("closed", 12, &world.commits[1], None);
    payload["action"] = json!("labeled");
    let report = world.on("pull_request", "refs/pull/12/merge", payload).input("rules", "pull-request -> pr-{number}");
    let report = report.run().await;
    not_deployed(&report, "pull request 12 is closed");
    assert_eq!(report.output("action"), "");
}

#[tokio::test]
async fn a_fork_is_refused_unless_forks_are_allowed() {
    let world = World::new().await;
    for event in ["pull_request", "pull_request_target"] {
        let refused = requested(&world, event, "opened", Some("evil")).run().await;
        refused.assert_verdict("fail", 1).assert_runner_safe();
        outputs(&refused, &[("should-deploy", "false"), ("action", "")]);
        assert_eq!(
            refused.output("reason"),
            "pull request 12 is of a fork, evil/shop: its code is not deployed",
            "{refused}"
        );
        assert!(refused.raw.contains("allow-forks: true"), "{refused}");
        let allowed = requested(&world, event, "opened", Some("evil")).input("allow-forks", "true").run().await;
        outputs(&allowed, &[("should-deploy", "true"), ("environment", "pr-12")]);
    }
    let closed = requested(&world, "pull_request", "closed", Some("evil")).run().await;
    not_deployed(&closed, "pull request 12 is of a fork, and nothing was deployed for it");
    // The repository of the fork was deleted.
    let mut payload = world.repository.pull_request_event("opened", 12, &world.commits[1], Some("evil"));
    payload["pull_request"]["head"]["repo"] = json!(null);
    let gone = world.on("pull_request", "refs/pull/12/merge", payload).input("rules", "pull-request -> pr-{number}");
    let gone = gone.run().await;
    assert_eq!(gone.output("reason"), "pull request 12 is of a fork, a deleted repository: its code is not deployed");
}

#[tokio::test]
async fn ci_of_a_pull_request_counts_for_it_and_for_nothing_else() {
    let world = World::new().await;
    let head = &world.commits[1];
    world.repository.add_workflow(Workflow { file: "ci.yml".to_owned(), name: "CI".to_owned(), ..Workflow::default() });
    let with_ci = |runner: Runner| runner.input("ci-workflow", "ci.yml");
    let report = with_ci(requested(&world, "pull_request", "opened", None)).run().await;
    not_deployed(&report, &format!("ci.yml has not succeeded for commit {}", &head[..7]));
    let run = world.repository.add_run("ci.yml", "pull_request", "feature", head);
    world.repository.set_run(run, RunState::completed("success"));
    let report = with_ci(requested(&world, "pull_request", "opened", None)).run().await;
    outputs(&report, &[("should-deploy", "true")]);
    let pushed = world.on("push", "refs/heads/main", world.repository.push_event("refs/heads/main", head));
    let pushed = with_ci(pushed).run().await;
    not_deployed(&pushed, &format!("ci.yml has not succeeded for commit {}", &head[..7]));
}

#[tokio::test]
async fn what_ref_names_is_deployed_where_the_rules_say() {
    let world = World::new().await;
    world.repository.annotated_tag("v1.2.3", &world.commits[0], "Release");
    world.repository.branch("feature/x", &world.commits[1]);
    let (first, second) = (world.commits[0].as_str(), world.commits[1].as_str());
    let table = [
        ("v1.2.3", "refs/tags/v1.2.3", "v1.2.3", "1.2.3", first),
        ("refs/tags/v1.2.3", "refs/tags/v1.2.3", "v1.2.3", "1.2.3", first),
        ("feature/x", "refs/heads/feature/x", "", &second[..7], second),
        (second, "", "", &second[..7], second),
        (&second[..9], "", "", &second[..7], second),
    ];
    for (given, git_ref, tag, version, commit) in table {
        let report = world.dispatched(&json!({"environment": "prd"})).input("ref", given).run().await;
        report.assert_verdict("pass", 0).assert_runner_safe();
        let expected = [
            ("environment", "prd"),
            ("ref", git_ref),
            ("tag", tag),
            ("version", version),
            ("sha", commit),
            ("action", "deploy"),
        ];
        outputs(&report, &expected);
    }
    assert!(world.github.invalid_requests().is_empty(), "{:?}", world.github.invalid_requests());
}

#[tokio::test]
async fn a_ref_that_is_not_there_or_not_clear_is_refused_with_its_fix() {
    let world = World::new().await;
    world.repository.tag("next", &world.commits[0]);
    world.repository.branch("next", &world.commits[1]);
    let dispatched = || world.dispatched(&json!({"environment": "stg"}));
    let both = dispatched().input("ref", "next").run().await;
    both.assert_verdict("fail", 1).assert_runner_safe();
    assert_eq!(both.output("reason"), "there is a branch next and a tag next");
    assert!(both.raw.contains("write `refs/heads/next` or `refs/tags/next`"), "{both}");
    let branch = dispatched().input("ref", "refs/heads/next").run().await;
    outputs(&branch, &[("sha", &world.commits[1]), ("ref", "refs/heads/next")]);
    for given in ["nothing", "0123456789abcdef0123456789abcdef01234567", "0123456"] {
        let absent = dispatched().input("ref", given).run().await;
        absent.assert_verdict("fail", 1).assert_runner_safe();
        assert_eq!(absent.output("reason"), format!("there is no branch, tag or commit {given}"));
    }
    let twice = dispatched().input("ref", "main").input("sha", &world.commits[0]).run().await;
    twice.assert_verdict("error", 2);
    let tag_only = dispatched().input("ref", "main").input("require-tag", "stg").run().await;
    assert_eq!(tag_only.output("reason"), "stg is only deployed from tags, and refs/heads/main is not a tag");
    let tag_only = dispatched().input("ref", &world.commits[0]).input("require-tag", "stg").run().await;
    assert_eq!(
        tag_only.output("reason"),
        format!("stg is only deployed from tags, and commit {} is not a tag", &world.commits[0][..7])
    );
}
