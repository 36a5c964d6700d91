//! pin-submodule: the reference of a submodule moves forward, by a commit or by a pull request.

mod table;

use serde_json::json;
use testbed::github::{Cut, Fault, LocalGithub, Permission, Repository, Ruleset};
use testbed::runner::Runner;

use crate::messages::says;

pub(crate) use self::table::UNDER_TEST;

/// `.gitmodules` of a repository that holds `org/api`.
pub(crate) const MODULES: &str = "[submodule \"api\"]\n\tpath = services/api\n\turl = https://github.com/org/api.git\n";
const PATH: &str = "services/api";

struct World {
    github: LocalGithub,
    /// Holds the submodule, at the second commit.
    platform: Repository,
    /// The submodule.
    api: Repository,
    /// Five commits of it, oldest first.
    commits: Vec<String>,
}

impl World {
    async fn new() -> Self {
        let github = LocalGithub::start().await.unwrap();
        let (platform, api) = (github.repository("org/platform"), github.repository("org/api"));
        let commits = api.history("main", 5);
        platform.push("main", &[(".gitmodules", MODULES), ("README", "x\n")], "First");
        platform.push_submodule("main", PATH, &commits[1]);
        Self { github, platform, api, commits }
    }

    /// As it runs in the submodule's own workflow.
    fn step(&self, commit: usize) -> Runner {
        let grants = [Permission::Contents.write(), Permission::PullRequests.write()];
        let token = self.github.token(&[("org/platform", &grants), ("org/api", &[Permission::Contents.read()])]);
        Runner::new(env!("CARGO_BIN_EXE_deploy-action"))
            .step("pin-submodule")
            .github_at(self.github.url(), "https://github.example.com")
            .token(&token)
            .repository("org/api")
            .sha(&self.commits[commit])
            .event("push", json!({}))
            .run_id(700)
            .input("repository", "org/platform")
            .input("path", PATH)
    }

    fn pinned(&self) -> String {
        self.platform.entry("main", PATH).unwrap()
    }
}

#[tokio::test]
async fn a_reference_moves_forward_once_and_nothing_else_changes() {
    let world = World::new().await;
    let plan = world.step(3).input("dry-run", "true").run().await;
    plan.assert_verdict("pass", 0);
    assert_eq!((plan.output("changed"), world.pinned()), ("true", world.commits[1].clone()));

    let report = world.step(3).input("message", "Take the api that passed").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(world.pinned(), world.commits[3]);
    assert_eq!(report.output("commit"), world.platform.reference("heads/main").unwrap());
    assert_eq!(world.platform.entry("main", ".gitmodules").is_some(), world.platform.entry("main", "README").is_some());
    assert_eq!(report.output("changed"), "true");
    assert!(world.github.invalid_requests().is_empty(), "{:?}", world.github.invalid_requests());

    let again = world.step(3).run_attempt(2).run().await;
    again.assert_verdict("skipped", 0);
    assert_eq!((again.output("changed"), again.output("commit")), ("false", ""));
}

#[tokio::test]
async fn an_older_commit_one_of_another_history_and_what_is_no_submodule_are_refused() {
    let world = World::new().await;
    let older = world.step(0).run().await;
    older.assert_verdict("superseded", 5);
    assert!(says(&older.error().message, "older-submodule"), "{older}");
    let apart = world.api.commit(&[&world.commits[0]], &[("x", "y")], "Apart");
    let diverged = world.step(3).input("sha", &apart).run().await;
    diverged.assert_verdict("fail", 1);
    assert!(says(&diverged.error().message, "diverged-submodule"), "{diverged}");
    for path in ["README", "services", "none"] {
        let report = world.step(3).input("path", path).run().await;
        report.assert_verdict("fail", 1);
        assert!(says(&report.error().message, "no-submodule"), "{report}");
    }
    let unknown = world.step(3).input("sha", "9".repeat(40)).run().await;
    unknown.assert_verdict("error", 4);
    world.step(3).input("path", "a/../b").run().await.assert_verdict("error", 2);
    world.step(3).input("branch", "none").run().await.assert_verdict("fail", 1);
    assert_eq!(world.pinned(), world.commits[1]);
}

#[tokio::test]
async fn a_pull_request_is_opened_once_also_where_the_branch_is_protected() {
    let world = World::new().await;
    world.platform.add_ruleset(Ruleset {
        target: "branch".to_owned(),
        enforcement: "active".to_owned(),
        include: vec!["~DEFAULT_BRANCH".to_owned()],
        rules: vec!["pull_request".to_owned()],
        ..Ruleset::default()
    });
    let refused = world.step(3).run().await;
    refused.assert_verdict("fail", 1);
    assert!(says(&refused.error().message, "branch-protected"), "{refused}");
    assert!(refused.error().message.contains("pull-request: true"), "{refused}");

    // The answer to the pull request is lost, and a re-run finds it.
    let step = || world.step(3).input("pull-request", "true");
    world.github.fault(Fault::on("POST", "/pulls$").unwrap().cut(Cut::Reset).applied());
    let report = step().run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    let again = step().run_attempt(2).run().await;
    again.assert_verdict("skipped", 0);
    let [(_, title, text, request)] = world.platform.pull_requests().try_into().unwrap();
    assert_eq!(request.base, "main");
    assert_eq!(world.platform.entry(&request.head, PATH).as_ref(), Some(&world.commits[3]));
    assert!(title.starts_with("Move services/api from ") && text.contains("org/api: "), "{title} {text}");
    for report in [report, again] {
        assert!(report.output("pull-request-url").ends_with("/org/platform/pull/1"), "{report}");
    }
    assert_eq!(world.pinned(), world.commits[1]);
}

#[tokio::test]
async fn a_lost_answer_is_looked_for_and_a_push_of_somebody_else_is_gone_on_from() {
    let world = World::new().await;
    world.github.fault(Fault::on("PATCH", "/git/refs/heads/main$").unwrap().cut(Cut::Reset).applied());
    let report = world.step(2).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(world.pinned(), world.commits[2]);

    // The tree is made on top of what was there; then somebody pushes.
    world.github.fault(Fault::on("POST", "/git/trees$").unwrap().hold());
    let step = world.step(4);
    let (report, ()) = tokio::join!(step.run(), async {
        world.github.held().await;
        world.platform.push("main", &[("README", "another\n")], "Somebody else's");
        world.github.release();
    });
    report.assert_verdict("pass", 0);
    assert_eq!(world.pinned(), world.commits[4]);
    assert!(world.platform.entry("main", "README").is_some());
}
