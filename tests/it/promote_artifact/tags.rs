//! A tag is never moved, whoever else writes, and whatever becomes of the answer.

use serde_json::json;
use testbed::aws::{Fault, Hook, ImageSpec};

use super::{REPOSITORY, Scene, assert_complete, fail, writes};

#[tokio::test]
async fn a_tag_on_another_image_is_refused_naming_both() {
    let scene = Scene::new().await;
    let other = ImageSpec::new(REPOSITORY).content("other").tag("v2").tag(&scene.tag());
    let other = scene.world.aws.push_image(&other).await.unwrap();
    let pushed = scene.ghcr.put_image(&scene.image());
    scene.world.aws.clear_requests().await.unwrap();
    for tags in [scene.tag(), format!("free\n{}", scene.tag())] {
        let report = scene.promotion(&pushed.digest).input("tag", tags).run().await;
        let reason = fail(&report).to_owned();
        assert!(reason.contains(&other) && reason.contains(&pushed.digest), "{reason}");
        assert!(report.error().message.contains("batch-delete-image"), "{report}");
        assert_eq!(report.output("changed"), "false");
    }
    assert_eq!(scene.tagged("free").await, None, "all tags or none");
    assert_eq!(scene.tagged(&scene.tag()).await, Some(other));
    assert_eq!(writes(&scene.registry_calls().await), Vec::<&String>::new());
    assert!(scene.ghcr.requests().is_empty(), "nothing is read for a tag that cannot be put");
}

#[tokio::test]
async fn a_tag_put_by_somebody_else_in_between_is_not_moved() {
    let scene = Scene::new().await;
    let pushed = scene.ghcr.put_image(&scene.image());
    let other = scene.world.aws.push_image(&ImageSpec::new(REPOSITORY).content("other").tag("x")).await.unwrap();
    let manifest = String::from_utf8(scene.manifest(REPOSITORY, &other).await).unwrap();
    let hook = Hook {
        method: "POST".to_owned(),
        path: "/".to_owned(),
        body: json!({"repositoryName": REPOSITORY, "imageManifest": manifest, "imageTag": scene.tag()}),
        service: Some("ecr".to_owned()),
        target: Some("AmazonEC2ContainerRegistry_V20150921.PutImage".to_owned()),
        ..Hook::default()
    };
    let fault = Fault { operation: Some("StartUpload".to_owned()), before: vec![hook], ..Fault::default() };
    scene.world.aws.faults(&[fault]).await.unwrap();
    let report = scene.promotion(&pushed.digest).run().await;
    let reason = fail(&report);
    assert!(reason.contains(&other) && reason.contains(&pushed.digest), "{reason}");
    assert_eq!(scene.tagged(&scene.tag()).await, Some(other));
}

#[tokio::test]
async fn an_immutable_repository_is_told_and_its_refusals_understood() {
    let scene = Scene::with(|_| {}, "IMMUTABLE").await;
    let pushed = scene.ghcr.put_image(&scene.image());
    // The answer of the tag's PUT is lost; ECR refuses the same tag on the same image from then on.
    let lost = Fault {
        operation: Some("PutImage".to_owned()),
        applied: true,
        status: Some(400),
        code: Some("ImageTagAlreadyExistsException".to_owned()),
        ..Fault::default()
    };
    scene.world.aws.faults(&[lost]).await.unwrap();
    let report = scene.promotion(&pushed.digest).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(report.output("tag-protection"), "enforced");
    assert_complete(&scene, &pushed).await;
    let other = scene.ghcr.put_image(&scene.image().content("other"));
    assert!(fail(&scene.promotion(&other.digest).run().await).contains(&pushed.digest));
}

#[tokio::test]
async fn a_tag_whose_answer_was_lost_is_looked_for_before_it_is_put_again() {
    let scene = Scene::new().await;
    let pushed = scene.ghcr.put_image(&scene.image());
    for (applied, puts) in [(true, 1), (false, 2)] {
        let lost = Fault { operation: Some("PutImage".to_owned()), applied, drop: true, ..Fault::default() };
        scene.world.aws.clear_faults().await.unwrap();
        scene.world.aws.faults(&[lost]).await.unwrap();
        scene.world.aws.clear_requests().await.unwrap();
        let tag = format!("v{puts}");
        let report = scene.promotion(&pushed.digest).input("tag", tag.as_str()).run().await;
        report.assert_verdict("pass", 0).assert_runner_safe();
        assert_eq!(report.output("changed"), "true");
        assert_eq!(scene.tagged(&tag).await.as_deref(), Some(pushed.digest.as_str()));
        let requests = scene.world.aws.requests().await.unwrap();
        let sent = requests.iter().filter(|one| one.operation == "PutImage").count();
        assert_eq!(sent, puts, "applied: {applied}");
    }
}
