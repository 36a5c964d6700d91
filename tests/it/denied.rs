//! What a missing permission stops, and what it does not. `tests/proof/permissions` tries each of them; here are the cases in which
//! more than its name matters.

use serde_json::json;
use testbed::github::Permission;
use testbed::runner::Runner;

use crate::world::World;

/// The step as a role that may do everything else.
async fn without(world: &World, runner: Runner, action: &str) -> Runner {
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "NotAction": action, "Resource": "*"}],
    });
    runner.envs(world.aws.session("deploy", &policy).await.unwrap())
}

fn rollback(world: &World, to: &str) -> Runner {
    world
        .step("rollback")
        .input("environment", "prd")
        .input("function", "shop-api")
        .input("record", "off")
        .input("to", to)
}

/// It waited for the version to wake until its deadline passed, while a bad one served.
#[tokio::test]
async fn rollback_that_may_not_wake_the_version_says_so_at_once() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    world.aws.move_alias("shop-api", "live", "2").await.unwrap();
    world.aws.set_configuration("shop-api", "1", &json!({"State": "Inactive"})).await.unwrap();
    world.aws.clear_requests().await.unwrap();
    let report = without(&world, rollback(&world, "1"), "lambda:InvokeFunction").await.run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    let said = &report.error().message;
    assert!(said.contains("wake version 1 of shop-api") && said.contains("allow lambda:InvokeFunction on "), "{said}");
    assert!(!world.operations().await.contains(&"lambda UpdateAlias".to_owned()), "{report}");
    assert_eq!(world.live("shop-api").await.version, "2");
}

/// It ended in `error` for want of a list that it only wanted to show.
#[tokio::test]
async fn rollback_to_a_version_that_is_gone_needs_no_list_of_the_others() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    let report = without(&world, rollback(&world, "9"), "lambda:ListVersionsByFunction").await.run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert!(report.error().message.contains("version 9 of shop-api, to go back to, does not exist"), "{report}");
    assert!(report.raw.contains("lambda:ListVersionsByFunction"), "{report}");
}

/// It passed and said nothing of it.
#[tokio::test]
async fn swap_alias_says_that_provisioned_concurrency_could_not_be_read() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    let runner = world.step("swap-alias").input("function", "shop-api").input("version", "2").input("record", "off");
    let report = without(&world, runner, "lambda:GetProvisionedConcurrencyConfig").await.run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert!(report.raw.contains("whether provisioned concurrency is ready could not be determined"), "{report}");
    assert!(report.raw.contains("lambda:GetProvisionedConcurrencyConfig"), "{report}");
}

/// It asked for `deployments: read`, with which the next run would have been refused as well.
#[tokio::test]
async fn finish_deployment_asks_for_all_it_needs_at_once() {
    let world = World::new().await;
    let runner = world.step_with("finish-deployment", &[Permission::Contents.read()]);
    let report = runner.input("deployment-id", "1001").input("result", "success").run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(report.error().message.contains("the permission `deployments: write`"), "{report}");
}

/// GitHub's own words name no permission.
#[tokio::test]
async fn a_record_that_may_not_be_kept_is_said_with_the_permission() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    let runner = world.step_with("swap-alias", &[Permission::Contents.read()]);
    let runner = runner.input("environment", "prd").input("function", "shop-api").input("version", "2");
    let report = runner.run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    let said = &report.warning().message;
    assert!(said.contains("no record is kept") && said.contains("(it takes `deployments: write`)"), "{said}");
}

/// What is there is asked of ECR's own API, before anything is written.
#[tokio::test]
async fn promote_artifact_names_the_action_that_it_may_not_take() {
    let world = World::new().await;
    world.aws.create_repository("shop/api").await.unwrap();
    world.aws.create_repository("shop/prd").await.unwrap();
    let image = testbed::aws::ImageSpec::new("shop/api").release("1.0.0", &world.commits[0]);
    let digest = world.aws.push_image(&image).await.unwrap();
    let host = format!("{}.dkr.ecr.{}.amazonaws.com", world.aws.id, world.aws.region());
    let runner = world
        .step("promote-artifact")
        .input("source", format!("shop/api@{digest}"))
        .input("destination", "shop/prd")
        .input("tag", "v1")
        .input("registry-endpoint", format!("{host}={}", world.aws.endpoint()));
    let report = without(&world, runner, "ecr:BatchCheckLayerAvailability").await.run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    let said = &report.error().message;
    assert!(said.contains("allow ecr:BatchCheckLayerAvailability on "), "{said}");
}
