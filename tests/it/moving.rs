//! `docs/moving.md`: the commands that people have do what the page says of them, and the steps beside them do better.

use std::path::Path;

use serde_json::json;
use testbed::aws::sample::{GOOD, sample_zip};
use testbed::aws::{Code, FunctionSpec, ImageSpec, ServiceSpec, Settings, command_line, zips};
use tokio::process::Command;

use crate::world::World;

const PAGE: &str = include_str!("../../docs/moving.md");

/// The commands under this name.
fn snippet(name: &str) -> &'static str {
    let found = PAGE.split_once(&format!("<!-- {name} -->\n```sh\n")).unwrap_or_else(|| panic!("no snippet {name}"));
    found.1.split_once("```").unwrap().0
}

struct Ended {
    success: bool,
    printed: String,
}

/// Enters them in a shell of a job: with the real aws command line, which gives up at the first refusal.
async fn enter(world: &World, folder: &Path, name: &str) -> Ended {
    enter_text(world, folder, snippet(name)).await
}

async fn enter_text(world: &World, folder: &Path, commands: &str) -> Ended {
    let aws = format!("aws() {{ {} -m awscli \"$@\"; }}", command_line().unwrap().display());
    let output = Command::new("bash")
        .args(["-c", &format!("set -euo pipefail\n{aws}\n{commands}")])
        .current_dir(folder)
        .envs(world.aws.environment())
        .env("AWS_DEFAULT_REGION", world.aws.region())
        .env("AWS_MAX_ATTEMPTS", "1")
        .output()
        .await
        .unwrap();
    let printed = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Ended { success: output.status.success(), printed }
}

/// A function that serves the first commit without an alias, and a folder with the archive of the second.
async fn unqualified(world: &World) -> tempfile::TempDir {
    let spec = FunctionSpec::zip("shop-api", sample_zip("1.1.0", &world.commits[0], GOOD));
    world.aws.create_function(&spec).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("app.zip"), sample_zip("1.2.0", &world.commits[1], GOOD)).unwrap();
    folder
}

async fn slow(world: &World, seconds: f64) {
    let settings = Settings { update_delay: Some(seconds), ..Settings::default() };
    world.aws.settings(&settings).await.unwrap();
}

#[tokio::test]
async fn an_update_that_is_not_waited_for_ends_in_a_conflict_and_ours_in_a_version() {
    let world = World::new().await;
    let folder = unqualified(&world).await;
    slow(&world, 600.0).await;
    let theirs = enter(&world, folder.path(), "unwaited").await;
    assert!(!theirs.success && theirs.printed.contains("ResourceConflictException"), "{}", theirs.printed);
    slow(&world, 0.2).await;
    let ours = world.step("publish-version").input("function", "shop-api").input("zip", "app.zip");
    let ours = ours.workspace(folder.path()).run().await;
    ours.assert_verdict("pass", 0);
    assert_eq!(ours.output("version"), "1");
}

#[tokio::test]
async fn an_update_that_fails_is_green_there_and_red_here() {
    let world = World::new().await;
    let folder = unqualified(&world).await;
    let fails = || {
        let failure = json!({"reason": "No subnet.", "code": "SubnetOutOfIPAddresses", "function": "shop-api"});
        Settings { next_update_failure: Some(failure), ..Settings::default() }
    };
    world.aws.settings(&fails()).await.unwrap();
    let theirs = enter(&world, folder.path(), "false-green").await;
    assert!(theirs.success, "{}", theirs.printed);
    world.aws.settings(&fails()).await.unwrap();
    std::fs::write(folder.path().join("app.zip"), sample_zip("1.3.0", &world.commits[2], GOOD)).unwrap();
    let ours = world.step("publish-version").input("function", "shop-api").input("zip", "app.zip");
    let ours = ours.workspace(folder.path()).run().await;
    ours.assert_verdict("fail", 1);
    assert!(ours.output("reason").contains("SubnetOutOfIPAddresses"), "{ours}");
}

#[tokio::test]
async fn an_invocation_that_raises_is_green_there_and_red_here() {
    let world = World::new().await;
    let folder = unqualified(&world).await;
    world.aws.publish("shop-api", "").await.unwrap();
    let raises = zips::python("def handler(event, context):\n    raise RuntimeError('no database')\n");
    world.aws.update_code("shop-api", &Code::Zip(raises)).await.unwrap();
    world.aws.publish("shop-api", "").await.unwrap();
    let theirs = enter(&world, folder.path(), "invoke").await;
    assert!(theirs.success && theirs.printed.contains("FunctionError"), "{}", theirs.printed);
    let ours = world.step("smoke-test").input("function", "shop-api").input("version", "2").run().await;
    ours.assert_verdict("fail", 1);
    assert!(ours.raw.contains("no database"), "{ours}");
}

#[tokio::test]
async fn an_alias_is_made_of_what_serves_and_the_next_release_is_swapped_to() {
    let world = World::new().await;
    let folder = unqualified(&world).await;
    let theirs = enter(&world, folder.path(), "alias").await;
    assert!(theirs.success, "{}", theirs.printed);
    assert_eq!(world.live("shop-api").await.version, "1");
    let publish = world.step("publish-version").input("function", "shop-api").input("zip", "app.zip");
    let published = publish.workspace(folder.path()).run().await;
    published.assert_verdict("pass", 0);
    let swap = world.step("swap-alias").input("environment", "prd").input("versions", published.output("versions"));
    swap.run().await.assert_verdict("pass", 0);
    assert_eq!(world.live("shop-api").await.version, "2");
}

/// A service whose new image ends at once: its circuit breaker brings the old one back.
#[tokio::test]
async fn a_service_that_was_rolled_back_is_green_there_and_red_here() {
    let world = World::new().await;
    world.aws.create_repository("shop/api").await.unwrap();
    let good = world.aws.push_image(&ImageSpec::new("shop/api").release("1.0.0", &world.commits[0])).await.unwrap();
    let bad = ImageSpec::new("shop/api").release("1.1.0", &world.commits[1]).behaviour("- do: exit 1");
    let bad = world.aws.push_image(&bad).await.unwrap();
    let guarded = json!({"deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true, "rollback": true}}});
    let service = ServiceSpec::new("web", &world.aws.image_uri("shop/api", &good)).fields(&guarded);
    world.aws.create_service(&service).await.unwrap();
    world.aws.settings(&Settings { ecs_delay: Some(0.0), ..Settings::default() }).await.unwrap();

    let mut definition = world.aws.ecs("DescribeTaskDefinition", &json!({"taskDefinition": "web"})).await.unwrap();
    let mut definition = definition["taskDefinition"].take();
    for name in [
        "taskDefinitionArn",
        "revision",
        "status",
        "requiresAttributes",
        "compatibilities",
        "registeredAt",
        "registeredBy",
    ] {
        definition.as_object_mut().unwrap().remove(name);
    }
    definition["containerDefinitions"][0]["image"] = json!(world.aws.image_uri("shop/api", &bad));
    world.aws.ecs("RegisterTaskDefinition", &definition).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let theirs = enter(&world, folder.path(), "stable").await;
    assert!(theirs.success, "{}", theirs.printed);

    let ours =
        world.step("deploy-service").input("environment", "prd").input("cluster", "main").input("service", "web");
    let ours = ours.input("image", format!("shop/api@{bad}")).run().await;
    ours.assert_verdict("fail", 1);
    assert!(ours.output("serving").contains(&good), "{ours}");
}

#[tokio::test]
async fn a_task_that_failed_is_green_there_and_red_here() {
    let world = World::new().await;
    world.aws.create_repository("shop/api").await.unwrap();
    let image = ImageSpec::new("shop/api").release("1.0.0", &world.commits[0]).behaviour("- {do: exit 1, log: [no]}");
    let image = world.aws.push_image(&image).await.unwrap();
    world.aws.ecs("CreateCluster", &json!({"clusterName": "main"})).await.unwrap();
    let containers = json!([{"name": "app", "image": world.aws.image_uri("shop/api", &image), "essential": true}]);
    let definition = json!({
        "family": "shop-migrate", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
        "containerDefinitions": containers,
    });
    world.aws.ecs("RegisterTaskDefinition", &definition).await.unwrap();
    world.aws.settings(&Settings { ecs_delay: Some(0.0), ..Settings::default() }).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let theirs = enter(&world, folder.path(), "task").await;
    assert!(theirs.success, "{}", theirs.printed);

    let ours = world.step("run-task").input("environment", "prd").input("cluster", "main");
    let ours = ours.input("task-definition", "shop-migrate").input("network", "subnets: [subnet-1]").run().await;
    ours.assert_verdict("fail", 1);
    assert_eq!(ours.output("exit-code"), "1", "{ours}");
}

#[tokio::test]
async fn a_build_that_fails_is_green_there_and_red_here() {
    let world = World::new().await;
    world.aws.create_project("tests", &json!({})).await.unwrap();
    world.aws.script_build("tests", &json!({"end": "FAILED", "exit": 2, "times": null})).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let theirs = enter(&world, folder.path(), "build").await;
    assert!(theirs.success, "{}", theirs.printed);
    let ours = world.step("run-task").input("environment", "dev").input("project", "tests").input("purpose", "test");
    ours.run().await.assert_verdict("fail", 1);
}

#[tokio::test]
async fn a_page_of_the_same_size_is_left_out_there_and_sent_here() {
    let shop = crate::publish_site::Shop::new().await;
    shop.publish(0).run().await.assert_verdict("pass", 0);
    shop.write("robots.txt", "User-agent: x");
    let text = snippet("sync").replace("$BUCKET", &shop.bucket);
    assert!(text.contains("--size-only"));
    let theirs = enter_text(&shop.world, shop.folder.path(), &text).await;
    assert!(theirs.success && !theirs.printed.contains("robots.txt"), "{}", theirs.printed);
    assert_eq!(shop.view("/robots.txt").await.1, "User-agent: *");
    shop.publish(1).run().await.assert_verdict("pass", 0);
    assert_eq!(shop.view("/robots.txt").await.1, "User-agent: x");
}
