//! A repository that was renamed: GitHub leads on from its former name.

use testbed::github::{Fault, RunState};

use super::World;

#[tokio::test]
async fn a_renamed_repository_is_followed_with_method_and_token() {
    let world = World::new(&[RunState::completed("success")]).await;
    world.github.rename("org/old", &world.target);
    let report = world.workflow().input("repository", "org/old").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(world.runs().len(), 1);
    let posts = world.asked("POST");
    let by_id = format!("/repositories/{}/actions/workflows/integration.yml/dispatches", world.target.id());
    assert_eq!(posts, [by_id]);
    let former = world.github.requests().iter().filter(|one| one.path().starts_with("/repos/org/old/")).count();
    assert_eq!(former, 1, "its place is kept: {:?}", world.github.requests());
    assert!(report.raw.contains("org/old was renamed or moved"), "{report}");
    world.assert_requests_are_good();
}

#[tokio::test]
async fn a_redirection_to_another_host_is_not_followed_and_not_tried_again() {
    let world = World::new(&[RunState::completed("success")]).await;
    let elsewhere = Fault::on("*", "/repos/org/main/").unwrap().status(307).header("location", "http://127.0.0.1:9/x");
    world.github.fault(elsewhere.always());
    let report = world.workflow().run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(report.error().message.contains("write its name as it is now"), "{report}");
    assert_eq!(world.github.requests().len(), 1, "{:?}", world.github.requests());
}
