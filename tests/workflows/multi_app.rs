//! `examples/multi-app`: three apps out of one repository, each with its own way from dev to production.

use testbed::engine::Run;
use testbed::github::Repository;

use crate::world::{World, assert_verdict, job, push};

const APPS: [&str; 2] = ["telegram", "line"];
const ENVIRONMENTS: [&str; 3] = ["dev", "staging", "prod"];

async fn world() -> World {
    let world = World::of("multi-app").await;
    world.aws.create_repository("reports").await.unwrap();
    for environment in ENVIRONMENTS {
        for app in APPS {
            world.image_function(&format!("reports-{app}-{environment}"), environment, "reports").await;
        }
        world.role(environment).await;
    }
    world.repository.branch("dev", &world.repository.reference("heads/main").unwrap());
    world
}

/// A commit on this branch.
fn commit(repository: &Repository, branch: &str, content: &str) -> String {
    repository.push(branch, &[("src/agent.py", content)], content)
}

async fn deploy(world: &World, app: &str, environment: &str, git_ref: &str, sha: &str, run: u64) -> Run {
    let workflow = format!("deploy-{app}-{environment}.yml");
    world
        .run(&format!("{app} {environment}"), &workflow, &job("push", git_ref, sha, environment, run))
        .event(push(git_ref, sha))
        .var("DEPLOY_ROLE", &world.aws.role_arn(&format!("deploy-{environment}")))
        .run()
        .await
        .unwrap()
}

#[tokio::test]
async fn an_app_goes_from_dev_to_production_and_the_other_stays() {
    let world = world().await;
    let built = commit(&world.repository, "dev", "one");
    let dev = deploy(&world, "telegram", "dev", "refs/heads/dev", &built, 41).await;
    dev.assert_success(true);
    // The merge to main is another commit with the same files.
    let merged = commit(&world.repository, "main", "one");
    let staging = deploy(&world, "telegram", "staging", "refs/heads/main", &merged, 42).await;
    staging.assert_success(true);
    for job in ["release/build", "release/schema"] {
        assert_eq!(staging.job(job).result, "skipped", "what dev built and checked is taken");
    }
    world.repository.tag("v-telegram-1.0.0", &merged);
    let prod = deploy(&world, "telegram", "prod", "refs/tags/v-telegram-1.0.0", &merged, 43).await;
    prod.assert_success(true);
    assert_verdict(&prod, "tag", "pass");

    let digest = |run: &Run| run.step("promote").output("digest").to_owned();
    assert_eq!((digest(&dev), digest(&staging)), (digest(&prod), digest(&prod)));
    assert_eq!(staging.step("promote").output("match"), "tree");
    for (environment, run) in ENVIRONMENTS.into_iter().zip([&dev, &staging, &prod]) {
        for step in ["promote", "publish", "smoke", "swap", "health"] {
            assert_verdict(run, step, "pass");
        }
        let version = world.serves(&format!("reports-telegram-{environment}"), "live").await;
        assert_eq!(version, run.step("publish").output("version"));
        assert_eq!(world.serves(&format!("reports-line-{environment}"), "live").await, "1");
        let records = world.records(environment);
        assert_eq!(records.len(), 1);
        assert_eq!(
            (&records[0].payload["component"], records[0].states().last()),
            (&"telegram".into(), Some(&"success"))
        );
    }
    let prepared = digest(&prod);
    assert_eq!(world.aws.image_digest("reports", &format!("prod-telegram-{merged}")).await.unwrap(), Some(prepared));
}

#[tokio::test]
async fn code_that_expects_a_column_nobody_made_is_not_deployed() {
    let world = world().await;
    std::fs::write(world.file("schema/expected"), "ticker_data.ticker\nticker_data.volume\n").unwrap();
    let sha = commit(&world.repository, "dev", "needs volume");
    let run = deploy(&world, "line", "dev", "refs/heads/dev", &sha, 44).await;
    run.assert_success(false);
    assert_eq!(run.job("release/schema").result, "failure");
    assert_eq!(run.job("release/deploy").result, "skipped");
    assert_eq!(world.serves("reports-line-dev", "live").await, "1");
    assert!(world.records("dev").is_empty());
}

#[tokio::test]
async fn what_did_not_succeed_in_staging_does_not_go_to_production() {
    let world = world().await;
    let sha = commit(&world.repository, "main", "one");
    world.repository.tag("v-line-1.0.0", &sha);
    let run = deploy(&world, "line", "prod", "refs/tags/v-line-1.0.0", &sha, 45).await;
    run.assert_success(false);
    assert_verdict(&run, "promote", "fail");
    assert!(run.step("promote").output("reason").contains("staging"), "{run}");
    assert_verdict(&run, "rollback", "skipped");
    assert_eq!(world.serves("reports-line-prod", "live").await, "1");
}
