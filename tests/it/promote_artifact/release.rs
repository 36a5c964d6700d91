//! Several images of one release: all of them, or none.

use serde_json::{Value, json};
use testbed::aws::ImageSpec;
use testbed::registry::Pushed;
use testbed::runner::Runner;

use super::{GHCR, Scene, fail};

/// Three images in ghcr.io, and a repository in ECR for each.
async fn three(scene: &Scene) -> Vec<(&'static str, Pushed)> {
    let mut all = Vec::new();
    for name in ["api", "frontend", "mcp"] {
        if name != "api" {
            scene.world.aws.create_repository(&format!("shop-{name}")).await.unwrap();
        }
        let spec = ImageSpec::new(&format!("org/{name}")).release("1.4.0", scene.commit()).content(name);
        all.push((name, scene.ghcr.put_image(&spec)));
    }
    all
}

fn promotion(scene: &Scene, all: &[(&str, Pushed)]) -> Runner {
    let (user, password) = scene.ghcr.credentials();
    let endpoints = format!("{GHCR}={}\n{}={}", scene.ghcr.url(), scene.ecr_host(), scene.world.aws.endpoint());
    let line = |(name, pushed): &(&str, Pushed)| {
        let digest = &pushed.digest;
        format!("- {{name: {name}, source: '{GHCR}/org/{name}@{digest}', destination: shop-{name}}}")
    };
    let lines: Vec<String> = all.iter().map(line).collect();
    scene
        .world
        .step("promote-artifact")
        .sha(scene.commit())
        .input("environment", "prd")
        .input("registry-endpoint", endpoints)
        .input("artifacts", lines.join("\n"))
        .input("source-username", user)
        .input("source-password", password)
}

#[tokio::test]
async fn the_images_of_a_release_are_promoted_together_and_the_set_has_a_name() {
    let scene = Scene::new().await;
    let all = three(&scene).await;
    let report = promotion(&scene, &all).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    for (name, pushed) in &all {
        let there = scene.world.aws.image_digest(&format!("shop-{name}"), &scene.tag()).await.unwrap();
        assert_eq!(there.as_ref(), Some(&pushed.digest), "{name}");
    }
    let images: Value = serde_json::from_str(report.output("images")).unwrap();
    let expected = |name: &str, pushed: &Pushed| (name.to_owned(), json!(format!("shop-{name}@{}", pushed.digest)));
    let expected: serde_json::Map<_, _> = all.iter().map(|(name, pushed)| expected(name, pushed)).collect();
    assert_eq!(images, Value::Object(expected));
    let release = report.output("release").to_owned();
    assert!(release.len() == 16 && release.bytes().all(|byte| byte.is_ascii_hexdigit()), "{release}");
    assert_eq!(report.output("tag"), scene.tag());
    let again = promotion(&scene, &all).run().await;
    again.assert_verdict("skipped", 0);
    assert_eq!((again.output("release"), again.output("images")), (release.as_str(), report.output("images")));
}

#[tokio::test]
async fn one_image_that_cannot_have_its_tag_keeps_all_others_from_theirs() {
    let scene = Scene::new().await;
    let all = three(&scene).await;
    let other = ImageSpec::new("shop-mcp").content("another build").tag(&scene.tag());
    let other = scene.world.aws.push_image(&other).await.unwrap();
    scene.world.aws.clear_requests().await.unwrap();
    let report = promotion(&scene, &all).run().await;
    assert!(fail(&report).contains(&other), "{report}");
    assert_eq!(super::writes(&scene.registry_calls().await), Vec::<&String>::new());
    for name in ["api", "frontend"] {
        assert_eq!(scene.world.aws.image_digest(&format!("shop-{name}"), &scene.tag()).await.unwrap(), None, "{name}");
    }
    assert_eq!(report.output("images"), "");
}

#[tokio::test]
async fn what_does_not_go_together_is_told_before_anything_is_asked() {
    let scene = Scene::new().await;
    let all = three(&scene).await;
    let base = || promotion(&scene, &all);
    let table = [
        (base().input("source", "ghcr.io/org/app:v1"), "either `artifacts`"),
        (base().input("destination", "shop-api"), "either `artifacts`"),
        (base().input("artifacts", "- {name: api, source: ghcr.io/org/api, destination: a}"), "must name one image"),
        (base().input("artifacts", "- {name: api, source: ghcr.io/org/api:v1}"), "destination"),
        (base().input("scan-severity", "high"), "`scan: report`"),
    ];
    for (runner, says) in table {
        let report = runner.run().await;
        report.assert_verdict("error", 2);
        assert!(report.error().message.contains(says), "{says}: {report}");
    }
    assert!(scene.ghcr.requests().is_empty());
}
