//! What ECR has found in an image counts before it gets its tag, and what nobody scanned is never clean.

use serde_json::{Value, json};

use super::{REPOSITORY, Scene, fail};

async fn told(status: &Value) -> (Scene, String) {
    let scene = Scene::new().await;
    scene.world.aws.scan_images("BASIC").await.unwrap();
    scene.world.aws.tell_scan(REPOSITORY, None, status).await.unwrap();
    let pushed = scene.ghcr.put_image(&scene.image());
    (scene, pushed.digest)
}

#[tokio::test]
async fn findings_count_from_a_severity_on() {
    let (scene, digest) = told(&json!({"status": "COMPLETE", "findings": {"CRITICAL": 1, "LOW": 3}})).await;
    let report = scene.promotion(&digest).input("scan", "require").run().await;
    let reason = fail(&report);
    assert!(reason.contains("CVE-2026-0001") && reason.contains("gets no tag"), "{reason}");
    assert_eq!(scene.tagged(&scene.tag()).await, None);
    assert_eq!(report.output("scan-status"), "complete");
    let counts: Value = serde_json::from_str(report.output("scan-findings")).unwrap();
    assert_eq!(counts, json!({"critical": 2, "low": 6}), "of both platforms");
    let ignoring = scene.promotion(&digest).input("scan", "require").input("scan-ignore", "CVE-2026-0001");
    ignoring.clone().run().await.assert_verdict("pass", 0).assert_runner_safe();
    // Where it has its tag already, it counts all the same.
    ignoring.run().await.assert_verdict("skipped", 0);
    scene.promotion(&digest).input("scan", "require").run().await.assert_verdict("fail", 1);
    let report = scene.promotion(&digest).input("scan", "report").run().await;
    report.assert_verdict("skipped", 0);
    assert!(report.warning().message.contains("CVE-2026-0001"), "{report}");
}

#[tokio::test]
async fn a_scan_that_is_not_over_or_never_was_is_not_clean() {
    for (told_status, status) in
        [("IN_PROGRESS", "pending"), ("UNSUPPORTED_IMAGE", "not-scanned"), ("FAILED", "not-scanned")]
    {
        let (scene, digest) = told(&json!({"status": told_status, "description": "why"})).await;
        let promotion = scene.promotion(&digest).input("scan", "require").input("scan-timeout", "1s");
        let report = promotion.run().await;
        let reason = fail(&report);
        assert!(reason.contains("what is in it is unknown"), "{reason}");
        assert_eq!(report.output("scan-status"), status, "{report}");
        assert_eq!(scene.tagged(&scene.tag()).await, None);
        let report = scene.promotion(&digest).input("scan", "report").input("scan-timeout", "1s").run().await;
        report.assert_verdict("pass", 0);
        assert!(report.warning().message.contains("unknown"), "{report}");
    }
    let (scene, digest) = told(&json!({"status": "DANCING"})).await;
    let report = scene.promotion(&digest).input("scan", "require").run().await;
    report.assert_verdict("error", 4);
    assert!(report.output("reason").contains("DANCING"), "{report}");
}

#[tokio::test]
async fn a_scan_is_waited_for() {
    let scanning = json!({"states": [
        {"for": 2, "status": "IN_PROGRESS"}, {"status": "COMPLETE", "findings": {}},
    ]});
    let (scene, digest) = told(&scanning).await;
    let report = scene.promotion(&digest).input("scan", "require").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!((report.output("scan-status"), report.output("scan-findings")), ("complete", "{}"));
}
