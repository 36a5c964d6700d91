//! `examples/lambda`: dev on merge, staging by hand, production by tag.

use std::fs::OpenOptions;
use std::io::Write as _;

use testbed::engine::Run;

use crate::world::{World, assert_verdict, job};

const ENVIRONMENTS: [&str; 3] = ["dev", "stg", "prd"];
const STEPS: [&str; 5] = ["promote", "publish", "smoke", "swap", "health"];

async fn world() -> World {
    let world = World::of("lambda").await;
    world.aws.create_repository("shop-api").await.unwrap();
    for environment in ENVIRONMENTS {
        let function = format!("shop-api-{environment}");
        world.image_function(&function, environment, "shop-api").await;
        world.role(environment).await;
    }
    world
}

/// One deployment of a commit: by merge to dev, by hand to stg, by tag to prd.
async fn deploy(world: &World, what: &str, environment: &str, sha: &str, run: u64) -> Run {
    let (workflow, event, git_ref) = match environment {
        "dev" => ("dev.yml", "push", "refs/heads/main"),
        "stg" => ("staging.yml", "workflow_dispatch", "refs/heads/main"),
        _ => ("production.yml", "push", "refs/tags/v1.0.0"),
    };
    world.deploy(what, workflow, &job(event, git_ref, sha, environment, run)).await
}

#[tokio::test]
async fn what_was_built_once_goes_to_dev_staging_and_production() {
    let world = world().await;
    let sha = world.merge("one");
    world.repository.tag("v1.0.0", &sha);
    let mut digests = Vec::new();
    for (environment, number) in ENVIRONMENTS.into_iter().zip(11..) {
        let run = deploy(&world, environment, environment, &sha, number).await;
        run.assert_success(true);
        for step in STEPS {
            assert_verdict(&run, step, "pass");
        }
        let deploy = run.job("deploy");
        assert_eq!(deploy.step("rollback").result, "skipped");
        let function = format!("shop-api-{environment}");
        assert_eq!(world.serves(&function, "live").await, run.step("publish").output("version"));
        assert!(run.step("swap").output("serving").contains(&sha[..7]), "{run}");
        assert_eq!(world.records(environment).last().unwrap().states().last(), Some(&"success"));
        digests.push(run.step("promote").output("digest").to_owned());
        if environment == "dev" {
            assert_eq!(run.jobs.iter().map(|job| job.id.as_str()).collect::<Vec<_>>(), ["build", "deploy"]);
            assert_eq!(run.step("image").output("digest"), digests[0], "the digest is handed to the next job");
        }
    }
    digests.dedup();
    assert_eq!(digests.len(), 1, "one digest in all environments");
    let [release] = world.repository.releases().try_into().unwrap();
    assert_eq!((release.tag_name.as_str(), release.draft), ("v1.0.0", false));
    assert!(release.body.unwrap().contains(&digests[0]), "the release tells the digest");

    // What was never in dev does not reach staging, and what serves there is not rolled back for it, though a person started it.
    let before = world.serves("shop-api-stg", "live").await;
    let run = deploy(&world, "stg, before dev", "stg", &world.merge("two"), 14).await;
    run.assert_success(false);
    assert_verdict(&run, "promote", "fail");
    assert_verdict(&run, "rollback", "skipped");
    assert_eq!(world.serves("shop-api-stg", "live").await, before);
}

#[tokio::test]
async fn a_release_that_turns_bad_in_production_is_taken_back_and_the_job_is_red() {
    let world = world().await;
    // It answers the smoke test, and no more than that.
    let mut dockerfile = OpenOptions::new().append(true).open(world.file("Dockerfile")).unwrap();
    let behaviour = "[{when: {env: {STAGE: prd}, after-invocations: 1}, do: status 500}, {do: ok}]";
    writeln!(dockerfile, "LABEL testbed.behaviour=\"{behaviour}\"").unwrap();
    let sha = world.merge("bad");
    world.repository.tag("v1.0.0", &sha);
    deploy(&world, "dev", "dev", &sha, 21).await.assert_success(true);
    deploy(&world, "stg", "stg", &sha, 22).await.assert_success(true);
    let before = world.serves("shop-api-prd", "live").await;

    let run = deploy(&world, "prd, where it turns bad", "prd", &sha, 23).await;

    run.assert_success(false);
    let job = run.job("deploy");
    assert_eq!(job.result, "failure");
    assert_verdict(&run, "swap", "fail");
    assert!(run.step("swap").output("reason").contains("was put back"), "{run}");
    assert_verdict(&run, "rollback", "skipped");
    assert_eq!(run.job("release").result, "skipped");
    assert!(world.repository.releases().is_empty());
    assert_eq!(world.serves("shop-api-prd", "live").await, before);
    let states: Vec<String> =
        world.records("prd").iter().map(|record| record.states().last().unwrap().to_string()).collect();
    assert_eq!(states, ["failure"], "its canary took it back, and nothing was left to roll back");
    let told = world.repository.commit_statuses(&sha);
    let told = told.last().unwrap();
    assert_eq!((told.context.as_str(), told.state.as_str()), ("deploy/prd", "failure"));
    assert_eq!(told.description.as_deref(), Some(format!("failed; rolled back to v{before}").as_str()));
    assert_eq!(world.repository.issues().len(), 1);
}
