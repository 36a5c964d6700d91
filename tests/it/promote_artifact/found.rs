//! What `from-environment` finds, and what it refuses.

use serde_json::json;
use testbed::aws::ImageSpec;
use testbed::github::{Deployment, Permission};

use super::{REPOSITORY, Scene, fail, writes};

#[tokio::test]
async fn an_unknown_commit_is_told_where_it_was_looked_for() {
    let scene = Scene::new().await;
    let near = scene.commits[1].clone();
    let digest = scene.in_dev(&near, "near").await;
    scene.record("dev", &near, &[&digest], &["success"]);
    let open = scene.record("dev", scene.commit(), &[&digest], &["in_progress"]);
    let report = scene.of_dev().run().await;
    let reason = fail(&report);
    for part in
        [scene.commit(), "no dev artifact found", "the component shop", &format!("dev-{}", scene.commit()), REPOSITORY]
    {
        assert!(reason.contains(part), "{part}: {reason}");
    }
    let message = &report.error().message;
    assert!(message.contains(&near), "the nearest: {message}");
    assert!(message.contains(&format!("deployment {open} of dev (run 600)")), "on its way: {message}");
    assert!(message.contains("deploy this commit to dev first"), "{message}");
    assert_eq!(writes(&scene.registry_calls().await), Vec::<&String>::new());

    // Nothing at all, in another component.
    let report = scene.of_dev().input("component", "admin").run().await;
    assert!(fail(&report).contains("0 records of dev for the component admin"), "{report}");
    // A tag without a record proves nothing.
    scene.in_dev(scene.commit(), "unproved").await;
    let report = scene.of_dev().run().await;
    assert!(report.error().message.contains("but no record says that it succeeded in dev"), "{report}");
}

#[tokio::test]
async fn a_squash_merge_is_found_by_its_tree() {
    let scene = Scene::new().await;
    let tested = scene.commit().to_owned();
    let parent = scene.commits[0].clone();
    // The same files, another history.
    let squashed = scene.world.repository.commit(&[&tested], &[], "Squash");
    assert_eq!(scene.world.repository.tree(&squashed), scene.world.repository.tree(&tested));
    let digest = scene.in_dev(&tested, "tested").await;
    let older = scene.in_dev(&parent, "older").await;
    scene.record("dev", &tested, &[&digest], &["success", "inactive"]);
    scene.record("dev", &parent, &[&older], &["success"]);
    let report = scene.of_dev().input("sha", squashed.as_str()).input("verify-revision", "require").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!((report.output("match"), report.output("source-sha")), ("tree", tested.as_str()));
    assert_eq!(report.output("digest"), digest);
    assert_eq!(scene.tagged(&format!("prd-{squashed}")).await, Some(digest));
}

#[tokio::test]
async fn an_artifact_that_failed_or_was_withdrawn_is_refused() {
    for (states, name) in
        [(&["in_progress", "failure"][..], "failed"), (&["success", "inactive", "failure"], "withdrawn")]
    {
        let scene = Scene::new().await;
        let digest = scene.in_dev(scene.commit(), "bad").await;
        scene.record("dev", scene.commit(), &[&digest], &["success"]);
        let id = scene.record("dev", scene.commit(), &[&digest], states);
        let report = scene.of_dev().run().await;
        assert!(fail(&report).contains(&format!("deployment {id}")), "{name}: {report}");
        assert_eq!(scene.tagged(&scene.tag()).await, None, "{name}");
        // A later success opens the way; one of another environment does not.
        scene.record("stg", scene.commit(), &[&digest], &["success"]);
        fail(&scene.of_dev().run().await);
        scene.record("dev", scene.commit(), &[&digest], &["success"]);
        scene.of_dev().run().await.assert_verdict("pass", 0);
    }
}

#[tokio::test]
async fn a_rebuilt_image_under_the_same_tag_is_noticed() {
    let scene = Scene::new().await;
    let tested = scene.in_dev(scene.commit(), "tested").await;
    let id = scene.record("dev", scene.commit(), &[&tested], &["success"]);
    let rebuilt = scene.in_dev(scene.commit(), "rebuilt").await;
    assert_ne!(tested, rebuilt);
    let report = scene.of_dev().run().await;
    let reason = fail(&report);
    assert!(reason.contains(&tested) && reason.contains(&rebuilt) && reason.contains(&id.to_string()), "{reason}");
    assert_eq!(scene.tagged(&scene.tag()).await, None);
    // A tag that is gone, and a record without an image, are told apart from it.
    let report = scene.of_dev().input("tag-format", "{environment}-{short-sha}").run().await;
    assert!(fail(&report).contains(&format!("has no tag dev-{}", &scene.commit()[..7])), "{report}");
    leg(&scene, scene.commit(), "api0", None, &["success"]);
    assert!(fail(&scene.of_dev().run().await).contains("names no image"));
}

#[tokio::test]
async fn of_the_images_that_a_service_ran_it_must_be_one() {
    let other = format!("sha256:{}", "0".repeat(64));
    for (is_one, verdict) in [(true, "pass"), (false, "fail")] {
        let scene = Scene::new().await;
        let digest = scene.in_dev(scene.commit(), "api").await;
        let ran = if is_one { &digest } else { &other };
        let service = json!({"task-definition": "api:2", "images": {"api": ran, "proxy": other}});
        let id = scene.world.repository.add_deployment(Deployment {
            sha: scene.commit().to_owned(),
            environment: "dev".to_owned(),
            payload: json!({
                "schema": 1, "component": "shop", "kind": "deploy", "commit": scene.commit(),
                "targets": [scene.world.aws.service_target("api", &service)], "run": {"id": 600, "attempt": 1},
            }),
            ..Deployment::default()
        });
        scene.world.repository.add_status(id, "success", "by hand");
        let report = scene.of_dev().run().await;
        report.assert_verdict(verdict, i32::from(!is_one));
        assert_eq!(scene.tagged(&scene.tag()).await, is_one.then_some(digest));
    }
}

#[tokio::test]
async fn the_source_of_an_environment_may_lie_in_another_registry_under_another_tag() {
    let scene = Scene::new().await;
    let pushed = scene.ghcr.put_image(&scene.image().tag("shop_dev_v1.4.0"));
    scene.record("dev", scene.commit(), &[&pushed.digest], &["success"]);
    let (user, password) = scene.ghcr.credentials();
    let report = scene
        .of_dev()
        .input("source", "ghcr.io/org/app")
        .input("source-username", user)
        .input("source-password", password)
        .input("tag-format", "{component}_{environment}_{version}")
        .git_ref("refs/tags/v1.4.0")
        .run()
        .await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(scene.tagged("shop_prd_v1.4.0").await, Some(pushed.digest));
}

#[tokio::test]
async fn another_commit_in_the_label_is_refused_or_said() {
    let scene = Scene::new().await;
    let other = scene.commits[0].clone();
    let pushed = scene.ghcr.put_image(&ImageSpec::new("org/app").release("1.3.0", &other));
    let unlabelled = scene.ghcr.put_image(&ImageSpec::new("org/app").content("x"));
    for (digest, words) in [(&pushed.digest, other.as_str()), (&unlabelled.digest, "has no label")] {
        let report = scene.promotion(digest).input("verify-revision", "require").run().await;
        assert!(fail(&report).contains(words), "{report}");
        assert_eq!(scene.tagged(&scene.tag()).await, None);
    }
    assert_eq!(writes(&scene.registry_calls().await), Vec::<&String>::new());
    let report = scene.promotion(&pushed.digest).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert!(report.warning().message.contains(&other), "{report}");
    assert_eq!((report.output("revision"), report.output("source-sha")), (other.as_str(), other.as_str()));
    let report = scene.promotion(&unlabelled.digest).input("verify-revision", "off").input("tag", "x").run().await;
    report.assert_verdict("pass", 0);
    assert!(report.annotations.is_empty(), "{report}");
}

/// The record of one job of a matrix.
fn leg(scene: &Scene, commit: &str, function: &str, digest: Option<&str>, states: &[&str]) -> u64 {
    let target = scene.world.aws.target(function, "live", &json!({"version": "7", "digest": digest}));
    let id = scene.world.repository.add_deployment(Deployment {
        sha: commit.to_owned(),
        environment: "dev".to_owned(),
        payload: json!({
            "schema": 1, "component": "shop", "kind": "deploy", "commit": commit, "targets": [target],
            "run": {"id": 600, "attempt": 1},
        }),
        ..Deployment::default()
    });
    for state in states {
        scene.world.repository.add_status(id, state, "by hand");
    }
    id
}

#[tokio::test]
async fn a_release_of_which_one_job_failed_has_not_succeeded() {
    let scene = Scene::new().await;
    let digest = scene.in_dev(scene.commit(), "tested").await;
    let failed = leg(&scene, scene.commit(), "worker", Some(&digest), &["in_progress", "failure"]);
    leg(&scene, scene.commit(), "api", Some(&digest), &["success"]);
    let report = scene.of_dev().run().await;
    let reason = fail(&report);
    for part in ["worker:live in eu-west-1", &format!("deployment {failed}")] {
        assert!(reason.contains(part), "{part}: {reason}");
    }
    assert_eq!(scene.tagged(&scene.tag()).await, None);
    leg(&scene, scene.commit(), "worker", Some(&digest), &["success"]);
    scene.of_dev().run().await.assert_verdict("pass", 0);
}

#[tokio::test]
async fn a_place_that_a_job_did_not_reach_is_named_until_it_is_given_up() {
    let scene = Scene::new().await;
    let digest = scene.in_dev(scene.commit(), "tested").await;
    for function in ["api", "worker"] {
        leg(&scene, &scene.commits[1], function, Some(&digest), &["success"]);
    }
    leg(&scene, scene.commit(), "api", Some(&digest), &["success"]);
    let report = scene.of_dev().run().await;
    assert!(fail(&report).contains("worker:live in eu-west-1"), "{report}");
    assert!(report.error().message.contains("status: ended"), "{report}");

    // Given up, but in another region.
    let ended = |region: &str| {
        let permissions = [Permission::Deployments.write()];
        let step = scene.world.step_with("finish-deployment", &permissions).input("environment", "dev");
        step.input("status", "ended").input("region", region)
    };
    ended("us-east-1").run().await.assert_verdict("skipped", 0);
    assert!(fail(&scene.of_dev().run().await).contains("worker:live"));
    ended("eu-west-1").run().await.assert_verdict("pass", 0);
    leg(&scene, scene.commit(), "api", Some(&digest), &["success"]);
    scene.of_dev().run().await.assert_verdict("pass", 0);
}
