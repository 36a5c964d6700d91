//! The issue about failures: one for an environment and component, whatever happens to the requests and whoever writes beside it.

use serde_json::json;
use testbed::github::{Cut, Fault, Issue, Permission};
use testbed::runner::Runner;

use super::{PERMISSIONS, notify};
use crate::messages::says;
use crate::world::{RUN, World};

/// A failure of this run.
fn failed(world: &World) -> Runner {
    notify(world, "failure").input("version", "42").input("rollback", "succeeded")
}

fn open(world: &World) -> Vec<Issue> {
    world.repository.issues().into_iter().filter(|issue| issue.open).collect()
}

#[tokio::test]
async fn a_failure_opens_an_issue_the_next_comments_and_a_success_closes_it() {
    let world = World::new().await;
    let report = failed(&world).input("mention", "@org/on-call").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!((report.output("issue-number"), report.output("delivered")), ("1", "status\nissue"));
    assert_eq!(report.output("issue-url"), format!("{}/org/shop/issues/1", world.github.url()));
    let [issue] = <[Issue; 1]>::try_from(open(&world)).unwrap();
    assert_eq!(issue.title, "Deployment of shop to prd failed");
    assert_eq!(issue.labels, ["deployment", "rollback", "urgent", "prd"]);
    let body = issue.body.unwrap();
    for said in ["failed; rolled back", "v42", "@org/on-call", "actions/runs/700/attempts/1"] {
        assert!(body.contains(said), "{said}\n{body}");
    }

    failed(&world).run_id(701).run().await.assert_verdict("pass", 0);
    assert_eq!((open(&world).len(), world.repository.comments(1).len()), (1, 1));

    let report = notify(&world, "success").input("version", "43").run_id(702).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!((report.output("issue-number"), report.output("delivered")), ("1", "status\nissue"));
    assert!(open(&world).is_empty());
    let comments = world.repository.comments(1);
    assert!(comments[1].body.contains("v43 serves"), "{}", comments[1].body);

    failed(&world).run_id(703).run().await.assert_verdict("pass", 0);
    assert_eq!(open(&world).iter().map(|issue| issue.number).collect::<Vec<_>>(), [2], "a closed one stays closed");
    assert!(world.github.invalid_requests().is_empty(), "{:?}", world.github.invalid_requests());
}

#[tokio::test]
async fn a_label_that_is_longer_than_github_takes_costs_no_other_and_is_said() {
    let world = World::new().await;
    let environment = format!("preview/{}", "x".repeat(50));
    let report = failed(&world).input("environment", &environment).run().await;
    assert_eq!(world.repository.issues()[0].labels, ["deployment", "rollback", "urgent"], "{report}");
    let said = format!("has no label {environment}: GitHub takes at most 50 characters");
    assert!(report.warning().message.contains(&said), "{report}");
}

#[tokio::test]
async fn a_failed_job_that_is_run_again_makes_no_second_issue_and_no_second_comment() {
    let world = World::new().await;
    failed(&world).run().await;
    let first = world.repository.issues()[0].body.clone().unwrap();
    failed(&world).run().await.assert_verdict("pass", 0);
    assert_eq!(world.repository.issues()[0].body.as_ref(), Some(&first));
    let still = || notify(&world, "failure").input("version", "42").input("rollback", "failed").run_attempt(2);
    still().run().await.assert_verdict("pass", 0);
    assert_eq!((open(&world).len(), world.repository.comments(1).len()), (1, 0));
    let body = world.repository.issues()[0].body.clone().unwrap();
    assert!(body.contains("STILL SERVES") && body.contains("attempt 2"), "{body}");

    for attempt in 1..=2 {
        failed(&world).run_id(701).run_attempt(attempt).run().await.assert_verdict("pass", 0);
    }
    let comments = world.repository.comments(1);
    assert_eq!(comments.len(), 1);
    assert!(comments[0].body.contains("attempt 2"), "{}", comments[0].body);
}

#[tokio::test]
async fn an_answer_that_is_lost_makes_nothing_twice() {
    for cut in [Cut::Reset, Cut::Truncate] {
        let world = World::new().await;
        let lost = |path: &str| Fault::on("POST", path).unwrap().applied().cut(cut);
        world.github.fault(lost("/issues$"));
        failed(&world).run().await.assert_verdict("pass", 0);
        assert_eq!(open(&world).len(), 1);
        world.github.fault(lost("/issues/1/comments$"));
        failed(&world).run_id(701).run().await.assert_verdict("pass", 0);
        assert_eq!(world.repository.comments(1).len(), 1);
        world.github.fault(lost("/issues/1/comments$"));
        notify(&world, "success").input("version", "43").run_id(702).run().await.assert_verdict("pass", 0);
        assert_eq!((open(&world).len(), world.repository.comments(1).len()), (0, 2));
    }
}

#[tokio::test]
async fn a_write_that_may_have_been_made_is_looked_for_by_the_next_attempt() {
    let world = World::new().await;
    world.github.fault(Fault::on("POST", "/issues$").unwrap().cut(Cut::Reset));
    let report = failed(&world).run().await;
    report.assert_verdict("pass", 0);
    assert!(says(&report.warning().message, "issue-opening-unknown"), "{report}");
    let posts =
        world.github.requests().iter().filter(|one| one.method == "POST" && one.target.ends_with("/issues")).count();
    assert_eq!((posts, open(&world).len()), (1, 0), "it is not sent again blindly");
    failed(&world).run_attempt(2).run().await.assert_verdict("pass", 0);
    assert_eq!(open(&world).len(), 1);
}

#[tokio::test]
async fn what_only_looks_like_the_issue_is_left_alone() {
    let world = World::new().await;
    failed(&world).run().await;
    let ours = world.repository.issues()[0].body.clone().unwrap();
    world.repository.close_issue(1);
    world.repository.add_issue("stranger", "Deployment of shop to prd failed", &ours, &["deployment", "prd"]);
    world.repository.add_issue("org", "about it", &format!("> {ours}"), &["deployment"]);
    world.repository.add_issue("org", "a component", &ours.replace("component=shop", "component=orders"), &[]);
    notify(&world, "success").input("version", "43").run_id(701).run().await.assert_verdict("pass", 0);
    assert_eq!(open(&world).len(), 3, "nothing of others is closed");
    let report = failed(&world).run_id(702).run().await;
    assert_eq!(report.output("issue-number"), "5");
    let next = world.repository.issues()[4].body.clone().unwrap().replace("run=702", "run=703");
    world.repository.add_comment(5, "stranger", &next);
    world.repository.add_comment(5, "org", &format!("> {next}"));
    failed(&world).run_id(703).run().await.assert_verdict("pass", 0);
    let comments = world.repository.comments(5);
    assert_eq!(comments.len(), 3, "a stranger's comment is not taken for ours");
}

#[tokio::test]
async fn the_issue_is_found_behind_many_others() {
    let world = World::new().await;
    failed(&world).run().await;
    for number in 0..230 {
        world.repository.add_issue("org", &format!("issue {number}"), "text", &[]);
    }
    let report = notify(&world, "success").input("version", "43").run_id(701).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(report.output("issue-number"), "1");
    assert!(!world.repository.issues()[0].open);
}

#[tokio::test]
async fn labels_that_cannot_be_set_stand_in_no_ones_way() {
    let world = World::new().await;
    world.repository.drop_labels();
    let report = failed(&world).run().await;
    report.assert_verdict("pass", 0);
    assert!(report.warning().message.contains("has no label deployment, rollback, urgent, prd"), "{report}");
    notify(&world, "success").input("version", "43").run_id(701).run().await.assert_verdict("pass", 0);
    assert!(open(&world).is_empty(), "it is found without labels");

    let world = World::new().await;
    let invalid = json!({"message": "Validation Failed", "errors": [{"resource": "Label", "code": "invalid"}]});
    world.github.fault(Fault::on("POST", "/issues$").unwrap().status(422).body(invalid));
    failed(&world).run().await.assert_verdict("pass", 0);
    assert!(open(&world)[0].labels.is_empty());
}

#[tokio::test]
async fn a_repository_without_issues_is_said() {
    let world = World::new().await;
    world.repository.disable_issues();
    let report = failed(&world).run().await;
    report.assert_verdict("pass", 0);
    let said = &report.warning().message;
    assert!(said.contains("Issues has been disabled") && says(said, "issues-switched-off"), "{said}");
    let report = failed(&world).input("issue", "false").run().await;
    report.assert_verdict("pass", 0);
    assert!(report.annotations.is_empty(), "{report}");
}

#[tokio::test]
async fn the_issue_may_be_in_another_repository() {
    let world = World::new().await;
    let other = world.github.repository("org/incidents");
    let token = world.github.token(&[("org/shop", &PERMISSIONS), ("org/incidents", &[Permission::Issues.write()])]);
    let step = || failed(&world).token(&token).input("issue-repository", "org/incidents");
    step().run().await.assert_verdict("pass", 0);
    assert_eq!((other.issues().len(), world.repository.issues().len()), (1, 0));
    let report = failed(&world).input("issue-repository", "org/incidents").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(report.output("delivered"), "status", "the job's own token is good for its own repository only");
    assert!(report.warning().message.contains("issue"), "{report}");
}

#[tokio::test]
async fn each_component_has_an_issue_of_its_own() {
    let world = World::new().await;
    for component in ["orders", "telegram"] {
        failed(&world).input("component", component).run().await.assert_verdict("pass", 0);
    }
    assert_eq!(open(&world).len(), 2);
    let report =
        notify(&world, "success").input("version", "1").input("component", "orders").run_id(RUN + 1).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(open(&world).iter().map(|issue| issue.number).collect::<Vec<_>>(), [2]);
}

#[tokio::test]
async fn a_deployment_that_was_cancelled_opens_no_issue_unless_it_left_something() {
    let world = World::new().await;
    let cancelled = |rollback: &str| notify(&world, "cancelled").input("rollback", rollback).input("version", "42");
    cancelled("succeeded").run().await.assert_verdict("pass", 0);
    assert!(open(&world).is_empty());
    cancelled("failed").run().await.assert_verdict("pass", 0);
    assert_eq!(open(&world).len(), 1);
}
