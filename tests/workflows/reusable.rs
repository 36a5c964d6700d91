//! `examples/reusable`: staging on merge and production by tag, by the workflow that the action's repository offers.

use testbed::aws::ImageSpec;
use testbed::engine::Run;

use crate::world::{World, assert_verdict, job};

const STEPS: [&str; 7] = ["promote", "publish", "smoke", "swap", "health", "finish", "notify"];

async fn world() -> World {
    let world = World::of("reusable").await;
    world.aws.create_repository("shop-api").await.unwrap();
    for environment in ["stg", "prd"] {
        world.image_function(&format!("shop-api-{environment}"), environment, "shop-api").await;
        world.role(environment).await;
    }
    world
}

/// What CI pushed for a commit on main.
fn built(world: &World, behaviour: &str) -> (String, String) {
    let sha = world.merge(behaviour);
    let image = ImageSpec::new("org/shop").tag(&sha).release("1.0.0", &sha).behaviour(behaviour);
    let digest = world.registry.put_image(&image).digest;
    world.repository.tag("v1.0.0", &sha);
    (sha, digest)
}

async fn deploy(world: &World, what: &str, environment: &str, sha: &str, run: u64) -> Run {
    let (workflow, git_ref) = match environment {
        "stg" => ("staging.yml", "refs/heads/main"),
        _ => ("production.yml", "refs/tags/v1.0.0"),
    };
    world.deploy(what, workflow, &job("push", git_ref, sha, environment, run)).await
}

#[tokio::test]
async fn a_few_lines_carry_an_image_through_the_gate_to_production() {
    let world = world().await;
    let (sha, digest) = built(&world, "- do: ok");
    for (environment, called, number) in [("stg", "staging", 31), ("prd", "production", 32)] {
        let run = deploy(&world, environment, environment, &sha, number).await;
        run.assert_success(true);
        let job = run.job(&format!("{called}/deploy"));
        for step in STEPS {
            assert_verdict(&run, step, "pass");
        }
        assert_eq!(job.step("rollback").result, "skipped");
        assert_eq!(job.step("tag").result, if environment == "prd" { "success" } else { "skipped" });
        assert_eq!(run.step("promote").output("digest"), digest);
        let serves = world.serves(&format!("shop-api-{environment}"), "live").await;
        assert_eq!(serves, run.step("publish").output("version"));
        assert_eq!(world.repository.releases().len(), usize::from(environment == "prd"));
    }
}

#[tokio::test]
async fn a_tag_that_is_not_on_main_is_stopped_at_the_gate_and_nothing_is_rolled_back() {
    let world = world().await;
    let (sha, _) = built(&world, "- do: ok");
    deploy(&world, "stg", "stg", &sha, 41).await.assert_success(true);
    let aside = world.repository.push("aside", &[("README.md", "aside")], "Aside");
    world.repository.move_tag("v1.0.0", &aside);
    let before = world.serves("shop-api-prd", "live").await;

    let run = deploy(&world, "prd, by a tag aside", "prd", &aside, 42).await;

    run.assert_success(false);
    assert_verdict(&run, "tag", "fail");
    let job = run.job("production/deploy");
    assert_eq!(job.step("promote").result, "skipped");
    assert_verdict(&run, "rollback", "skipped");
    assert_eq!(world.serves("shop-api-prd", "live").await, before);
}
