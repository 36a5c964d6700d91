//! `examples/rollback.yml`: production goes back by hand.

use serde_json::json;
use testbed::aws::{Code, ImageSpec};
use testbed::engine::Run;
use testbed::github::Permission;
use testbed::runner::Runner;

use crate::world::{World, assert_verdict, job};

const FUNCTION: &str = "shop-api-prd";

/// Production after the releases v1.1.0 and v1.2.0; answers their versions.
async fn world() -> (World, Vec<String>) {
    let world = World::of("rollback.yml").await;
    world.aws.create_repository("shop-api").await.unwrap();
    world.role("prd").await;
    world.image_function(FUNCTION, "prd", "shop-api").await;
    let mut versions = Vec::new();
    for (number, release) in (51..).zip(["1.0.0", "1.1.0", "1.2.0"]) {
        let sha = world.merge(release);
        world.repository.tag(&format!("v{release}"), &sha);
        let image = ImageSpec::new("shop-api").tag(&sha).release(release, &sha);
        let digest = world.aws.push_image(&image).await.unwrap();
        world.aws.update_code(FUNCTION, &Code::Image(world.aws.image_uri("shop-api", &digest))).await.unwrap();
        let version = world.aws.publish(FUNCTION, &sha).await.unwrap();
        released(&world, release, &version, number).await;
        versions.push(version);
    }
    (world, versions)
}

/// A release, by the program itself.
async fn released(world: &World, release: &str, version: &str, run: u64) {
    let sha = world.repository.reference(&format!("tags/v{release}")).unwrap();
    let token = world.repository.token(&[Permission::Deployments.write(), Permission::Contents.read()]);
    let report = Runner::new(env!("CARGO_BIN_EXE_deploy-action"))
        .step("swap-alias")
        .input("environment", "prd")
        .input("function", FUNCTION)
        .input("version", version)
        .envs(world.aws.environment())
        .github_at(world.github.url(), "https://github.example.com")
        .token(&token)
        .repository("org/shop")
        .sha(&sha)
        .git_ref(&format!("refs/tags/v{release}"))
        .run_id(run)
        .run()
        .await;
    report.assert_verdict("pass", 0);
}

async fn roll_back(world: &World, what: &str, inputs: &[(&str, &str)], run: u64) -> Run {
    let sha = world.repository.reference("heads/main").unwrap();
    let inputs: serde_json::Map<String, serde_json::Value> =
        inputs.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    world
        .run(what, "rollback.yml", &job("workflow_dispatch", "refs/heads/main", &sha, "prd", run))
        .event(json!({"ref": "refs/heads/main", "inputs": inputs}))
        .var("DEPLOY_ROLE", &world.aws.role_arn("deploy-prd"))
        .run()
        .await
        .unwrap()
}

#[tokio::test]
async fn production_goes_back_to_the_release_before_and_to_one_that_is_named() {
    let (world, versions) = world().await;
    let run = roll_back(&world, "the one before", &[("skip_migrations", "true"), ("reason", "orders fail")], 61).await;
    run.assert_success(true);
    assert_verdict(&run, "rollback", "pass");
    assert_eq!(run.job("rollback").step("migrations").result, "skipped");
    assert_eq!(world.serves(FUNCTION, "live").await, versions[1]);

    let run = roll_back(&world, "v1.0.0", &[("skip_migrations", "true"), ("release_tag", "v1.0.0")], 62).await;
    run.assert_success(true);
    assert_eq!(world.serves(FUNCTION, "live").await, versions[0]);
    assert_eq!(world.records("prd").last().unwrap().task, "deploy:rollback");
}

#[tokio::test]
async fn a_rollback_that_would_undo_migrations_is_refused_and_says_why() {
    let (world, versions) = world().await;
    let run = roll_back(&world, "with migrations", &[("skip_migrations", "false")], 63).await;
    run.assert_success(false);
    let refusal = &run.step("migrations").annotations;
    assert!(refusal[0].starts_with("error: Undoing a migration loses what was written since"), "{refusal:?}");
    assert_eq!(run.step("rollback").result, "skipped");
    assert_eq!(world.serves(FUNCTION, "live").await, versions[2]);
}
