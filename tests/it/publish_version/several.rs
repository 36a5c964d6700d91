//! Several functions at once.

use serde_json::json;
use testbed::aws::{FunctionSpec, Settings, zips};

use super::{answers, assert_safe, publish, publish_zip, put, release, slow, workspace, writes};
use crate::world::World;

#[tokio::test]
async fn several_functions_are_updated_at_the_same_time() {
    let world = World::new().await;
    for function in ["shop-api", "shop-worker", "shop-cron"] {
        world.shop(function, 1).await;
    }
    slow(&world, 600.0).await;
    let workspace = workspace(&release(&world, 2));
    put(workspace.path(), "cron.zip", &release(&world, 3));
    let zips = "shop-api=dist/app.zip\nshop-worker=dist/app.zip\nshop-cron=dist/cron.zip";
    let runner = publish(&world, "shop-api\nshop-worker\nshop-cron").workspace(workspace.path()).input("zip", zips);
    let running = runner.start().await;
    for name in ["shop-api", "shop-worker", "shop-cron"] {
        running.wait_for(&format!("{name}: waiting until the new code is in use")).await;
    }
    slow(&world, 0.0).await;
    let report = running.wait().await;
    report.assert_verdict("pass", 0);
    assert_safe(&world, &report);
    assert_eq!(report.output("versions"), "shop-api=2\nshop-worker=2\nshop-cron=2");
    assert_eq!(report.output("version"), "", "there is no one version");
    assert_eq!(report.output("previous-version"), "shop-api=1\nshop-worker=1\nshop-cron=1");
    let hashes: Vec<&str> = report.output("code-sha256").lines().map(|line| line.split_once('=').unwrap().1).collect();
    assert!(hashes[0] == hashes[1] && hashes[0] != hashes[2], "{hashes:?}");
    assert_eq!(answers(&world, "shop-cron", "2").await.0, "1.3.0");
}

#[tokio::test]
async fn what_is_wrong_with_one_function_is_found_before_any_is_written() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    let tool = FunctionSpec::zip("shop-tool", zips::bootstrap("first")).runtime("provided.al2023", "bootstrap");
    world.aws.create_function(&tool).await.unwrap();
    world.aws.clear_requests().await.unwrap();
    let report = publish_zip(&world, "shop-api\nshop-tool", &workspace(&release(&world, 2))).run().await;
    report.assert_verdict("fail", 1);
    assert!(writes(&world).await.is_empty());
}

#[tokio::test]
async fn one_function_that_fails_leaves_the_others_published_and_says_so() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    world.shop("shop-worker", 1).await;
    let failure = json!({"reason": "No.", "code": "InternalError", "function": "shop-worker"});
    world.aws.settings(&Settings { next_update_failure: Some(failure), ..Settings::default() }).await.unwrap();
    let report = publish_zip(&world, "shop-api\nshop-worker", &workspace(&release(&world, 2))).run().await;
    report.assert_verdict("fail", 1);
    let reason = report.output("reason");
    assert!(reason.starts_with("published version 2 of shop-api (commit "), "{reason}");
    assert!(reason.contains("the update of shop-worker failed: InternalError: No."), "{reason}");
    assert!(reason.ends_with("what was published serves nobody yet"), "{reason}");
    assert_eq!(report.output("versions"), "shop-api=2");
    assert_eq!(world.live("shop-api").await.version, "1");
}

/// Each function's publication is its own: the answer that nothing is new about one says nothing of another's write.
#[tokio::test]
async fn several_functions_that_hold_it_already_are_changed_by_nothing() {
    let world = World::new().await;
    for function in ["shop-api", "shop-worker", "shop-cron"] {
        world.shop(function, 1).await;
    }
    let functions = "shop-api\nshop-worker\nshop-cron";
    let package = workspace(&release(&world, 2));
    publish_zip(&world, functions, &package).run().await.assert_verdict("pass", 0);
    let again = publish_zip(&world, functions, &package).run().await;
    again.assert_verdict("skipped", 0);
    assert_eq!(again.output("changed"), "false", "{again}");
    assert_eq!(again.output("versions"), "shop-api=2\nshop-worker=2\nshop-cron=2");
}
