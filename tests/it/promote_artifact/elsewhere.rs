//! Destinations in other regions and accounts, each with its own role.

use super::functions::Elsewhere;
use super::{REPOSITORY, Scene};

#[tokio::test]
async fn one_image_comes_to_other_regions_and_accounts_by_the_role_of_each() {
    let scene = Scene::new().await;
    let pushed = scene.ghcr.put_image(&scene.image());
    let there = Elsewhere::of(&scene).await;
    let far = there.account.in_region("us-west-2");
    far.create_repository(REPOSITORY).await.unwrap();
    let lines =
        format!("{REPOSITORY}\n{REPOSITORY} role={role}\n{REPOSITORY} region=us-west-2 role={role}", role = there.role);
    let endpoint = format!("{}.dkr.ecr.us-west-2.amazonaws.com={}", there.account.id, there.account.endpoint());
    let promotion = || {
        let runner = there.promotion(&scene, &pushed.digest, &lines);
        let known = format!(
            "ghcr.io={}\n{}={e}\n{}={e}\n{endpoint}",
            scene.ghcr.url(),
            scene.ecr_host(),
            there.host(),
            e = there.account.endpoint()
        );
        runner.input("registry-endpoint", known)
    };
    scene.ghcr.clear_requests();
    let report = promotion().run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    for account in [&scene.world.aws, &there.account, &far] {
        assert_eq!(account.image_digest(REPOSITORY, &scene.tag()).await.unwrap().as_ref(), Some(&pushed.digest));
    }
    // Each blob was read once for all of them.
    let layers = scene
        .ghcr
        .requests()
        .into_iter()
        .filter(|request| request.method == "GET" && request.target.contains("/blobs/"));
    let mut layers: Vec<String> = layers.map(|request| request.target).collect();
    let all = layers.len();
    layers.sort();
    layers.dedup();
    assert!(all <= layers.len() + pushed.children.len(), "configurations are looked at once more: {all} of {layers:?}");
    let repositories: Vec<&str> = report.output("image-uri").lines().collect();
    assert_eq!(repositories.len(), 3);
    assert!(
        repositories[2].contains(".us-west-2.") && repositories[1].starts_with(&there.account.id),
        "{repositories:?}"
    );
    promotion().run().await.assert_verdict("skipped", 0);
}

#[tokio::test]
async fn a_role_that_may_not_be_assumed_stops_all_of_it() {
    let scene = Scene::new().await;
    let pushed = scene.ghcr.put_image(&scene.image());
    let there = Elsewhere::of(&scene).await;
    let role = there.account.role_arn("nobody");
    let report =
        there.promotion(&scene, &pushed.digest, &format!("{REPOSITORY}\n{REPOSITORY} role={role}")).run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(report.output("reason").contains("nobody") || report.error().message.contains("role"), "{report}");
    assert_eq!(scene.tagged(&scene.tag()).await, None);
}

#[tokio::test]
async fn words_after_a_repository_are_for_ecr() {
    let scene = Scene::new().await;
    let pushed = scene.ghcr.put_image(&scene.image());
    for (to, words) in [
        ("ghcr.io/org/app role=arn:aws:iam::111122223333:role/copy", "are for a `destination` in ECR"),
        ("ghcr.io/org/app region=eu-west-1", "no `region=..` beside a host"),
        ("shop-api zone=a", "`region=..` and `role=..`"),
        ("shop-api region=us-west-2\nshop-api region=us-west-2", "twice"),
    ] {
        let report = scene.promotion(&pushed.digest).input("destination", to).run().await;
        report.assert_verdict("error", 2).assert_runner_safe();
        assert!(report.error().message.contains(words), "{words}: {report}");
    }
    assert!(scene.ghcr.requests().is_empty());
}
