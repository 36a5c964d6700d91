//! resolve: every event, as GitHub tells it.

mod names;
mod pull_requests;
mod table;

use serde_json::{Value, json};
use testbed::github::{Deployment, Fault, LocalGithub, Permission, Repository, RunState, Workflow};
use testbed::runner::{Report, Runner};

pub(crate) use self::table::UNDER_TEST;

struct World {
    github: LocalGithub,
    repository: Repository,
    commits: Vec<String>,
}

impl World {
    async fn new() -> Self {
        let github = LocalGithub::start().await.unwrap();
        let repository = github.repository("org/shop");
        let commits = repository.history("main", 4);
        Self { github, repository, commits }
    }

    /// The step in a run of this event: `GITHUB_SHA` is the last commit of the default branch.
    fn on(&self, event: &str, git_ref: &str, payload: Value) -> Runner {
        let permissions = [Permission::Contents.read(), Permission::Deployments.read(), Permission::Actions.read()];
        Runner::new(env!("CARGO_BIN_EXE_deploy-action"))
            .step("resolve")
            .github_at(self.github.url(), "https://github.example.com")
            .token(&self.repository.token(&permissions))
            .repository("org/shop")
            .sha(self.head())
            .git_ref(git_ref)
            .event(event, payload)
    }

    fn head(&self) -> &str {
        self.commits.last().unwrap()
    }

    fn pushed(&self, git_ref: &str) -> Runner {
        self.on("push", git_ref, self.repository.push_event(git_ref, self.head()))
    }

    fn dispatched(&self, inputs: &Value) -> Runner {
        let event = self.repository.workflow_dispatch_event("refs/heads/main", inputs);
        self.on("workflow_dispatch", "refs/heads/main", event)
    }

    /// `workflow_run` as it arrives when CI has ended for the second commit.
    fn after_ci(&self, conclusion: &str, head_repository: u64) -> Runner {
        self.repository.add_workflow(Workflow {
            file: "ci.yml".to_owned(),
            name: "CI".to_owned(),
            ..Workflow::default()
        });
        let run = self.repository.add_run("ci.yml", "push", "main", &self.commits[1]);
        self.repository.edit_run(run, |run| run.state = RunState::completed(conclusion));
        let mut payload = self.repository.workflow_run_event(run);
        payload["workflow_run"]["head_repository"]["id"] = json!(head_repository);
        self.on("workflow_run", "refs/heads/main", payload)
            .input("rules", "workflow-run main -> dev\ndispatch -> input")
    }

    /// A record that succeeded in staging.
    fn record(&self, commit: &str, states: &[&str]) {
        let target = testbed::aws::target(("111122223333", "eu-west-1"), "shop", "live", &json!({"version": "7"}));
        let payload = json!({
            "schema": 1, "component": "shop", "kind": "deploy", "commit": commit, "targets": [target],
            "run": {"id": 1, "attempt": 1},
        });
        let id = self.repository.add_deployment(Deployment {
            environment: "stg".to_owned(),
            sha: commit.to_owned(),
            payload,
            ..Deployment::default()
        });
        for state in states {
            self.repository.add_status(id, state, "");
        }
    }

    fn lines(&self) -> Vec<String> {
        self.github.requests().iter().map(testbed::github::Request::line).collect()
    }
}

#[track_caller]
fn outputs(report: &Report, expected: &[(&str, &str)]) {
    for (name, value) in expected {
        assert_eq!(report.output(name), *value, "{name}\n{report}");
    }
}

#[track_caller]
fn not_deployed(report: &Report, why: &str) {
    report.assert_verdict("skipped", 0).assert_runner_safe();
    outputs(report, &[("should-deploy", "false"), ("reason", &format!("nothing is deployed: {why}"))]);
    assert!(report.outputs.get("environment").is_none_or(String::is_empty), "{report}");
}

#[tokio::test]
async fn a_push_says_everything_with_two_requests() {
    let world = World::new().await;
    let (served, head) = (&world.commits[0], world.head());
    world.record(served, &["in_progress", "success"]);
    let report = world.pushed("refs/heads/main").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    outputs(
        &report,
        &[
            ("should-deploy", "true"),
            ("environment", "stg"),
            ("sha", head),
            ("short-sha", &head[..7]),
            ("ref", "refs/heads/main"),
            ("tag", ""),
            ("version", &head[..7]),
            ("component", "shop"),
            ("image-tag", &format!("stg-{head}")),
            ("previous-sha", served),
            ("changed", "false"),
            ("serving", ""),
        ],
    );
    assert!(report.annotations.is_empty(), "{report}");
    assert_eq!(world.lines().len(), 2, "{:?}", world.lines());
    assert!(world.github.invalid_requests().is_empty(), "{:?}", world.github.invalid_requests());
}

#[tokio::test]
async fn what_was_withdrawn_does_not_serve() {
    let world = World::new().await;
    world.record(&world.commits[0], &["success", "inactive"]);
    world.record(&world.commits[1], &["success", "failure"]);
    world.record(&world.commits[2], &["in_progress"]);
    let report = world.pushed("refs/heads/main").run().await;
    assert_eq!(report.output("previous-sha"), world.commits[0], "{report}");
}

#[tokio::test]
async fn a_tag_goes_to_production_annotated_or_not() {
    let world = World::new().await;
    let object = world.repository.annotated_tag("v1.2.3", &world.commits[1], "Release");
    let payload = world.repository.push_event("refs/tags/v1.2.3", &object);
    let report = world.on("push", "refs/tags/v1.2.3", payload).input("tag-format", "{version}_{date}").run().await;
    report.assert_verdict("pass", 0);
    outputs(
        &report,
        &[
            ("environment", "prd"),
            ("tag", "v1.2.3"),
            ("version", "1.2.3"),
            ("sha", &world.commits[1]),
            ("ref", "refs/tags/v1.2.3"),
        ],
    );
    assert!(report.output("image-tag").starts_with("1.2.3_20"), "{report}");
    let report = world.pushed("refs/tags/v-line-0.1.0").run().await;
    outputs(&report, &[("environment", "prd"), ("component", "line"), ("version", "0.1.0")]);
    let others = world.pushed("refs/tags/v-line-0.1.0").input("component", "telegram").run().await;
    not_deployed(&others, "tag v-line-0.1.0 is about the component line, not telegram");
}

#[tokio::test]
async fn a_release_is_what_its_tag_points_at() {
    let world = World::new().await;
    world.repository.annotated_tag("v1.2.3", &world.commits[1], "Release");
    // Its target was right when the release was drafted, and is the branch's newest commit now.
    let payload = |action: &str, tag: &str| world.repository.release_event(action, tag);
    let report = world.on("release", "refs/tags/v1.2.3", payload("published", "v1.2.3")).run().await;
    report.assert_verdict("pass", 0);
    outputs(&report, &[("sha", &world.commits[1]), ("environment", "prd"), ("version", "1.2.3")]);
    let created = world.on("release", "refs/tags/v1.2.3", payload("created", "v1.2.3")).run().await;
    not_deployed(&created, "the release was created, and only `published` and `released` ones are deployed");
    let gone = world.on("release", "refs/tags/v9.9.9", payload("published", "v9.9.9")).run().await;
    gone.assert_verdict("fail", 1).assert_runner_safe();
    outputs(&gone, &[("should-deploy", "false"), ("reason", "there is no tag v9.9.9")]);
}

#[tokio::test]
async fn only_a_successful_run_of_ci_here_is_deployed() {
    let world = World::new().await;
    let here = world.repository.id();
    let report = world.after_ci("success", here).input("ci-workflow", "ci.yml").run().await;
    report.assert_verdict("pass", 0);
    // The commit that was tested, not the branch's newest.
    outputs(&report, &[("environment", "dev"), ("sha", &world.commits[1]), ("ref", "refs/heads/main")]);
    let short = &world.commits[1][..7];
    not_deployed(&world.after_ci("failure", here).run().await, &format!("CI ended with failure for commit {short}"));
    not_deployed(&world.after_ci("success", here + 1).run().await, "the workflow CI ran for another repository");
    let other = world.after_ci("success", here).input("ci-workflow", "lint.yml").run().await;
    not_deployed(&other, "the run was one of CI, not of lint.yml");
}

#[tokio::test]
async fn other_events_need_a_run_of_ci_for_their_commit() {
    let world = World::new().await;
    world.repository.add_workflow(Workflow { file: "ci.yml".to_owned(), name: "CI".to_owned(), ..Workflow::default() });
    let head = world.head().to_owned();
    for name in ["ci.yml", "CI"] {
        let report = world.pushed("refs/heads/main").input("ci-workflow", name).run().await;
        not_deployed(&report, &format!("{name} has not succeeded for commit {}", &head[..7]));
    }
    let run = world.repository.add_run("ci.yml", "pull_request", "main", &head);
    world.repository.set_run(run, RunState::completed("success"));
    let report = world.pushed("refs/heads/main").input("ci-workflow", "ci.yml").run().await;
    not_deployed(&report, &format!("ci.yml has not succeeded for commit {}", &head[..7]));
    let run = world.repository.add_run("ci.yml", "push", "main", &head);
    world.repository.set_run(run, RunState::completed("success"));
    for name in ["ci.yml", "CI"] {
        world.pushed("refs/heads/main").input("ci-workflow", name).run().await.assert_verdict("pass", 0);
    }
    assert!(world.github.invalid_requests().is_empty(), "{:?}", world.github.invalid_requests());
}

#[tokio::test]
async fn what_is_asked_for_is_deployed() {
    let world = World::new().await;
    world.repository.tag("v1.2.3", &world.commits[1]);
    let report =
        world.dispatched(&json!({"environment": "prd", "tag": "v1.2.3"})).input("require-tag", "prd").run().await;
    report.assert_verdict("pass", 0);
    outputs(&report, &[("environment", "prd"), ("tag", "v1.2.3"), ("version", "1.2.3"), ("sha", &world.commits[1])]);
    let report = world.dispatched(&json!({"environment": "stg", "version": "2026.11"})).run().await;
    outputs(&report, &[("environment", "stg"), ("version", "2026.11"), ("sha", world.head())]);
    let payload = world.repository.repository_dispatch_event("deploy", &json!({"environment": "dev", "tag": "v1.2.3"}));
    let report = world.on("repository_dispatch", "refs/heads/main", payload).run().await;
    outputs(&report, &[("environment", "dev"), ("sha", &world.commits[1])]);
    let report = world.on("schedule", "refs/heads/main", world.repository.schedule_event("0 5 * * 1")).run().await;
    outputs(&report, &[("environment", "stg"), ("sha", world.head())]);
}

#[tokio::test]
async fn what_cannot_be_had_is_refused_with_the_mend() {
    let world = World::new().await;
    let table = [
        (
            json!({"environment": "prd"}),
            "prd is only deployed from tags, and refs/heads/main is not a tag",
            "name a tag",
        ),
        (json!({"environment": "prd", "tag": "v9"}), "there is no tag v9", "git push origin v9"),
        (json!({}), "the run was asked for without an environment", "add the input `environment`"),
        (
            json!({"environment": "prd\n::error::x"}),
            "the environment that was asked for, \"prd :",
            "start the run again",
        ),
        (
            json!({"environment": "stg", "tag": "../../issues"}),
            "the tag that was asked for, \"../../issues\", cannot be used: git takes no such name",
            "letters",
        ),
        (
            json!({"environment": "stg", "version": "$(rm)"}),
            "the version that was asked for, \"$(rm)\", cannot be used: it holds '$'",
            "letters",
        ),
    ];
    for (inputs, reason, fix) in table {
        let report = world.dispatched(&inputs).input("require-tag", "prd").run().await;
        report.assert_verdict("fail", 1).assert_runner_safe();
        outputs(&report, &[("should-deploy", "false")]);
        assert!(report.error().message.contains(fix), "{inputs}\n{report}");
        assert!(report.output("reason").starts_with(reason), "{inputs}: {}", report.output("reason"));
    }
    let warned = world.dispatched(&json!({"environment": "prd"})).input("require-tag", "prd warn").run().await;
    warned.assert_verdict("pass", 0);
    assert!(warned.warning().message.contains("prd is only deployed from tags"), "{warned}");
}

#[tokio::test]
async fn what_no_rule_names_is_not_deployed() {
    let world = World::new().await;
    let head = world.head().to_owned();
    let deleted = world.repository.deletion_event("refs/heads/main", &head);
    not_deployed(&world.on("push", "refs/heads/main", deleted).run().await, "refs/heads/main was deleted");
    not_deployed(&world.pushed("refs/heads/feature/x").run().await, "no rule is about branch feature/x");
    let hostile = "refs/heads/`x`|::error::##[group]";
    let report = world.pushed(hostile).run().await;
    report.assert_verdict("skipped", 0).assert_runner_safe();
    let pull = world.repository.pull_request_event("opened", 1, &head, None);
    not_deployed(&world.on("pull_request", "refs/pull/1/merge", pull).run().await, "no rule is about pull request 1");
    let issues = world.on("issues", "refs/heads/main", json!({"action": "opened"})).run().await;
    not_deployed(&issues, "no rule is about the event issues");
    assert!(world.lines().is_empty(), "{:?}", world.lines());
}

#[tokio::test]
async fn without_the_record_it_goes_on_and_says_so() {
    let world = World::new().await;
    let token = world.repository.token(&[Permission::Contents.read()]);
    let report = world.pushed("refs/heads/main").token(&token).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    outputs(&report, &[("previous-sha", ""), ("environment", "stg")]);
    let warning = &report.warning().message;
    assert!(warning.contains("`previous-sha` is empty") && warning.contains("deployments"), "{warning}");
}

#[tokio::test]
async fn an_outage_of_the_record_does_not_hold_it_up() {
    let world = World::new().await;
    world.github.fault(Fault::on("GET", "/deployments").unwrap().status(502).always());
    let report = world.pushed("refs/heads/main").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert!(report.warning().message.contains("`previous-sha` is empty"), "{report}");
}
