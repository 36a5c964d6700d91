//! The channel `pull-request`: one comment, found again by its first line and corrected in place.

use serde_json::json;
use testbed::github::{Comment, Cut, Fault, Permission};
use testbed::runner::Runner;

use super::PERMISSIONS;
use crate::world::{RUN, World};

/// A pull request, whose preview has an address in its record.
struct Preview {
    world: World,
    number: u64,
}

impl Preview {
    async fn new() -> Self {
        let world = World::new().await;
        world.repository.add_issue("octocat", "An issue", "text", &[]);
        let number = world.repository.add_pull_request("octocat", "A change");
        Self { world, number }
    }

    /// The run deployed the preview.
    fn deployed(&self, run: u64, url: &str) {
        let world = &self.world;
        let commit = &world.commits[4];
        let id = world.repository.add_deployment(testbed::github::Deployment {
            sha: commit.clone(),
            environment: "pr-2".to_owned(),
            payload: json!({
                "schema": 1, "component": "shop", "kind": "deploy", "commit": commit, "version": "8f3c1b2",
                "targets": [world.aws.target("shop-api", "pr-2", &json!({"version": "7"}))],
                "serves": false, "run": {"id": run, "attempt": 1},
            }),
            ..Default::default()
        });
        world.repository.add_status_at(id, "success", "da1 swap-alias#3f2a1b pass", url);
    }

    fn notify(&self, status: &str) -> Runner {
        let token = self.world.repository.token(&[
            Permission::Statuses.write(),
            Permission::PullRequests.write(),
            Permission::Deployments.read(),
        ]);
        let event = json!({"action": "opened", "number": self.number, "pull_request": {"number": self.number}});
        let step = self.world.step("notify").token(&token).event("pull_request", event);
        let step = step.input("environment", "pr-2").input("status", status).input("issue", "false");
        step.input("channels", "[pull-request]")
    }

    fn comments(&self) -> Vec<Comment> {
        self.world.repository.comments(self.number)
    }
}

#[tokio::test]
async fn one_comment_has_the_address_and_is_corrected_by_each_run() {
    let preview = Preview::new().await;
    let report = preview.notify("started").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(report.output("delivered"), "status\npull-request");
    assert!(preview.comments()[0].body.contains("deploying"), "{}", preview.comments()[0].body);
    preview.deployed(RUN, "https://pr-2.example.com/");
    for _ in 0..2 {
        let report = preview.notify("success").run().await;
        report.assert_verdict("pass", 0);
        assert!(report.annotations.is_empty(), "{report}");
    }
    let body = preview.comments()[0].body.clone();
    assert!(body.contains("| Address | [open](https://pr-2.example.com/) |"), "{body}");
    assert!(body.contains("v7 serves") && !body.contains("deploying"), "{body}");
    preview.notify("failure").run_id(RUN + 1).run().await.assert_verdict("pass", 0);
    assert_eq!(preview.comments().len(), 1, "{:?}", preview.comments());
    assert!(preview.comments()[0].body.contains("failed"));
    assert!(preview.world.github.invalid_requests().is_empty(), "{:?}", preview.world.github.invalid_requests());
}

#[tokio::test]
async fn a_comment_whose_answer_was_lost_is_not_made_twice() {
    for cut in [Cut::Reset, Cut::Truncate] {
        let preview = Preview::new().await;
        preview.world.github.fault(Fault::on("POST", "/comments$").unwrap().applied().cut(cut));
        preview.notify("success").run().await.assert_verdict("pass", 0);
        preview.notify("success").run().await.assert_verdict("pass", 0);
        assert_eq!(preview.comments().len(), 1);
    }
}

#[tokio::test]
async fn what_only_looks_like_the_comment_is_left_alone() {
    let preview = Preview::new().await;
    preview.notify("started").run().await;
    let ours = preview.comments()[0].body.clone();
    let others = Preview::new().await;
    others.world.repository.add_comment(others.number, "stranger", &ours);
    others.world.repository.add_comment(others.number, "org", &format!("> {ours}"));
    others.world.repository.add_comment(others.number, "org", &ours.replace("environment=pr-2", "environment=pr-3"));
    others.notify("success").run().await.assert_verdict("pass", 0);
    assert_eq!(others.comments().len(), 4, "{:?}", others.comments());
}

#[tokio::test]
async fn an_address_that_is_none_is_not_linked() {
    for address in
        ["javascript:alert(1)", "https://user:pass@evil.example/", "https://a.example/)[x](https://evil.example"]
    {
        let preview = Preview::new().await;
        preview.deployed(RUN, address);
        preview.notify("success").run().await.assert_verdict("pass", 0);
        let body = preview.comments()[0].body.clone();
        assert!(!body.contains("Address") && !body.contains("evil"), "{body}");
    }
}

#[tokio::test]
async fn a_run_of_no_pull_request_and_a_missing_permission_are_said() {
    let preview = Preview::new().await;
    let push = preview.world.repository.push_event("refs/heads/main", &preview.world.commits[4]);
    let report = preview.notify("success").event("push", push).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(report.output("delivered"), "status");
    assert!(report.warning().message.contains("this run is of no pull request"), "{report}");
    let token = preview.world.repository.token(&[Permission::Statuses.write(), Permission::Deployments.read()]);
    let report = preview.notify("success").token(&token).run().await;
    report.assert_verdict("pass", 0);
    assert!(report.warning().message.contains("pull-requests: write"), "{report}");
    let report = preview.notify("success").token(&token).input("on-error", "fail").run().await;
    report.assert_verdict("error", 4);
    // `issues: write` is as good, and on a pull request only.
    let token = preview.world.repository.token(&PERMISSIONS);
    preview.notify("success").token(&token).run().await.assert_verdict("pass", 0);
    assert_eq!(preview.comments().len(), 1);
}

#[tokio::test]
async fn pull_request_takes_no_address() {
    let preview = Preview::new().await;
    let report =
        preview.notify("success").input("channels", "[{to: pull-request, url: 'https://a.example/x'}]").run().await;
    report.assert_verdict("error", 2);
    assert!(report.error().message.contains("`pull-request` has no `url`"), "{report}");
}
