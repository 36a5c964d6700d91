//! `wait-for-source`: an image that is still being built, a deployment that is not judged yet.

use testbed::runner::Signal;

use super::{GHCR, Scene, fail};

#[tokio::test]
async fn an_image_that_comes_later_is_waited_for() {
    let scene = Scene::new().await;
    let spec = scene.image();
    let (user, password) = scene.ghcr.credentials();
    let step = scene
        .step()
        .input("source", format!("{GHCR}/org/app:late"))
        .input("source-username", user)
        .input("source-password", password)
        .input("wait-for-source", "5m");
    let running = step.start().await;
    running.wait_for("waiting for the source: it is not there").await;
    let pushed = scene.ghcr.put_image(&spec.tag("late"));
    let report = running.wait().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert!(report.raw.contains("the source is waited for, at most 5m00s"), "{report}");
    assert_eq!(report.output("digest"), pushed.digest);
}

#[tokio::test]
async fn a_digest_that_comes_later_is_waited_for() {
    let scene = Scene::new().await;
    let elsewhere = testbed::registry::Registry::ghcr().start().await.unwrap();
    let digest = elsewhere.put_image(&scene.image()).digest;
    let running = scene.promotion(&digest).input("wait-for-source", "5m").start().await;
    running.wait_for("waiting for the source: it is not there").await;
    assert_eq!(scene.ghcr.put_image(&scene.image()).digest, digest);
    running.wait().await.assert_verdict("pass", 0);
}

#[tokio::test]
async fn a_deployment_that_is_not_judged_yet_is_waited_for() {
    let scene = Scene::new().await;
    let digest = scene.in_dev(scene.commit(), "tested").await;
    let running = scene.of_dev().input("wait-for-source", "5m").start().await;
    running.wait_for("waiting for the source: nothing has succeeded in dev for commit").await;
    let id = scene.record("dev", scene.commit(), &[&digest], &["in_progress"]);
    running.wait_for(&format!("waiting for the source: deployment {id} of dev is not judged yet")).await;
    scene.world.repository.add_status(id, "success", "by hand");
    let report = running.wait().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!((report.output("match"), report.output("digest")), ("commit", digest.as_str()));
}

#[tokio::test]
async fn what_does_not_come_is_told_as_without_waiting() {
    let scene = Scene::new().await;
    let near = scene.commits[1].clone();
    let digest = scene.in_dev(&near, "near").await;
    scene.record("dev", &near, &[&digest], &["success"]);
    let report = scene.of_dev().input("wait-for-source", "1s").run().await;
    let reason = fail(&report);
    assert!(
        reason.contains("no dev artifact found") && reason.ends_with("it was waited for, 1s (`wait-for-source`)"),
        "{reason}"
    );
    assert!(report.error().message.contains(&near), "{report}");
    // What has failed does not come by waiting.
    scene.record("dev", scene.commit(), &[&digest], &["failure"]);
    let report = scene.of_dev().input("wait-for-source", "5m").run().await;
    assert!(fail(&report).contains("failed in dev"), "{report}");
    // The wait is within the step's own time.
    let report = scene.of_dev().input("wait-for-source", "30m").run().await;
    report.assert_verdict("error", 2);
    assert!(
        report.output("reason").contains("input `wait-for-source` must be shorter than `timeout`, 30m"),
        "{report}"
    );
}

#[tokio::test]
async fn a_signal_ends_the_wait() {
    let scene = Scene::new().await;
    let mut running = scene.of_dev().input("wait-for-source", "5m").start().await;
    running.wait_for("waiting for the source").await;
    running.signal(Signal::INT);
    let report = running.wait().await;
    report.assert_verdict("cancelled", 130).assert_runner_safe();
    assert_eq!(report.output("changed"), "false");
}
