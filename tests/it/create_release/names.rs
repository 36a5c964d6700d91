//! Tags that cannot have a release, names of tags, and drafts that are there already.

use serde_json::json;

use super::{World, advice};

#[tokio::test]
async fn a_tag_that_an_immutable_release_used_up_is_refused_and_the_draft_named() {
    let world = World::new().await;
    world.repository.use_up_tag("v1.2.3");
    let report = world.step().run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    let draft = world.only();
    assert!(draft.draft);
    let reason = report.output("reason");
    assert!(reason.contains("tag_name was used by an immutable release"), "{report}");
    assert!(reason.contains(&format!("releases/tag/untagged-{}", draft.id)), "{report}");
    assert!(advice(&report).contains("tag the commit with the next version"), "{report}");
    assert_eq!(world.writes(), ["POST releases", &format!("PATCH releases/{}", draft.id)], "it is tried once");
}

#[tokio::test]
async fn of_two_drafts_on_two_pages_ours_is_used_and_the_other_named() {
    let world = World::new().await;
    let ours = world.repository.add_release("v1.2.3", true, "<!-- deploy-action v1.2.3 --> <!-- /deploy-action -->");
    for number in 0..150 {
        world.repository.add_release(&format!("v0.0.{number}"), false, "");
    }
    let by_hand = world.repository.add_release("v1.2.3", true, "by hand");
    let report = world.step().run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(report.output("release-id"), ours.to_string(), "{report}");
    let said = &report.warning().message;
    assert!(said.contains("other drafts") && said.contains(&format!("untagged-{by_hand}")), "{report}");
    let left = world.repository.releases().into_iter().find(|release| release.id == by_hand).unwrap();
    assert_eq!((left.draft, left.body.as_deref()), (true, Some("by hand")));
    world.assert_requests_are_good();
}

#[tokio::test]
async fn the_tag_of_a_package_is_released_and_a_character_that_cannot_be_is_named() {
    let world = World::new().await;
    world.repository.tag("@scope/pkg@1.2.3", &world.commits[2]);
    let report = world.step().git_ref("refs/tags/@scope/pkg@1.2.3").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(world.only().tag_name, "@scope/pkg@1.2.3");
    let report = world.step().git_ref("refs/tags/v1;x").event("push", json!({})).run().await;
    report.assert_verdict("error", 2).assert_runner_safe();
    assert!(
        report.output("reason").contains("the tag v1;x, on which the run was started, cannot be used: it holds ';'"),
        "{report}"
    );
}
