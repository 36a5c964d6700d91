//! `examples/inventory.yml`: what serves where, every week.

use serde_json::json;
use testbed::aws::{Code, ImageSpec};
use testbed::engine::Run;
use testbed::github::Deployment;

use crate::world::{World, assert_verdict, job};

const FUNCTION: &str = "shop-api-prd";

async fn look(world: &World, what: &str, run: u64) -> Run {
    let sha = world.repository.reference("heads/main").unwrap();
    world
        .run(what, "inventory.yml", &job("schedule", "refs/heads/main", &sha, "prd", run))
        .event(json!({"schedule": "17 6 * * 1"}))
        .var("INVENTORY_ROLE", &world.aws.role_arn("deploy-prd"))
        .run()
        .await
        .unwrap()
}

#[tokio::test]
async fn the_page_is_kept_and_drift_fails_the_run() {
    let world = World::of("inventory.yml").await;
    world.aws.create_repository("shop-api").await.unwrap();
    world.role("prd").await;
    world.image_function(FUNCTION, "prd", "shop-api").await;
    let sha = world.merge("1.0.0");
    let digest = world.aws.push_image(&ImageSpec::new("shop-api").tag(&sha).release("1.0.0", &sha)).await.unwrap();
    world.aws.update_code(FUNCTION, &Code::Image(world.aws.image_uri("shop-api", &digest))).await.unwrap();
    let version = world.aws.publish(FUNCTION, &sha).await.unwrap();
    world.aws.move_alias(FUNCTION, "live", &version).await.unwrap();
    let target = world.aws.target(FUNCTION, "live", &json!({"version": version, "digest": digest}));
    let payload = json!({"schema": 1, "component": "shop", "kind": "deploy", "commit": sha, "targets": [target]});
    let record = Deployment { sha: sha.clone(), environment: "prd".to_owned(), payload, ..Deployment::default() };
    let record = world.repository.add_deployment(record);
    world.repository.add_status(record, "success", "");

    let run = look(&world, "as recorded", 71).await;
    run.assert_success(true);
    assert_verdict(&run, "inventory", "pass");
    assert_eq!(run.job("inventory").step("page").result, "success");

    world.aws.move_alias(FUNCTION, "live", "1").await.unwrap();
    let run = look(&world, "drift", 72).await;
    run.assert_success(false);
    assert_verdict(&run, "inventory", "fail");
    assert_eq!(run.job("inventory").step("page").result, "success", "the page is kept all the same");
}
