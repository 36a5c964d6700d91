//! `examples/unified`: one file for a function that users call without an alias.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;

use serde_json::{Value, json};
use testbed::engine::Run;

use crate::world::{World, assert_verdict, job};

const ENVIRONMENTS: [&str; 3] = ["dev", "staging", "production"];

/// The world, and where the users of each environment come in: at the function's own URL, which names no alias.
struct Meals {
    world: World,
    urls: BTreeMap<&'static str, String>,
}

async fn world() -> Meals {
    let world = World::of("unified").await;
    let mut urls = BTreeMap::new();
    world.aws.create_repository("meals").await.unwrap();
    for environment in ENVIRONMENTS {
        let function = format!("meals-{environment}");
        world.image_function(&function, environment, "meals").await;
        world.aws.delete_alias(&function, "live").await.unwrap();
        world.role(environment).await;
        urls.insert(environment, world.aws.function_url(&function, None).await.unwrap());
    }
    Meals { world, urls }
}

/// The commit that users meet.
async fn users(world: &World, environment: &str) -> String {
    let event = testbed::aws::sample::http_event("/health");
    let answer = world.aws.invoke(&format!("meals-{environment}"), "$LATEST", &event).await.unwrap();
    let body: Value = serde_json::from_str(answer.payload["body"].as_str().unwrap_or("{}")).unwrap();
    body["commit"].as_str().unwrap_or_default().to_owned()
}

async fn deploy(meals: &Meals, environment: &str, event: (&str, Value), sha: &str, run: u64) -> Run {
    let world = &meals.world;
    world
        .run(environment, "deploy.yml", &job(event.0, "refs/heads/main", sha, environment, run))
        .event(event.1)
        .var("DEPLOY_ROLE", &world.aws.role_arn(&format!("deploy-{environment}")))
        .var("APP_URL", &meals.urls[environment])
        .run()
        .await
        .unwrap()
}

/// What GitHub sends when CI has ended.
fn after_ci(sha: &str, conclusion: &str, event: &str) -> (&'static str, Value) {
    let repository = json!({"id": 1, "full_name": "org/shop"});
    let run = json!({
        "conclusion": conclusion, "event": event, "head_sha": sha, "head_branch": "main", "head_repository": repository,
    });
    ("workflow_run", json!({"action": "completed", "workflow_run": run, "repository": repository}))
}

fn by_hand(environment: &str, tag: &str) -> (&'static str, Value) {
    ("workflow_dispatch", json!({"inputs": {"environment": environment, "tag": tag}}))
}

fn last_states(world: &World, environment: &str) -> Vec<String> {
    world.records(environment).iter().map(|record| record.states().last().unwrap().to_string()).collect()
}

#[tokio::test]
async fn ci_deploys_to_dev_and_the_same_image_goes_on_by_hand() {
    let meals = world().await;
    let world = &meals.world;
    let sha = world.merge("one");
    let dev = deploy(&meals, "dev", after_ci(&sha, "success", "push"), &sha, 31).await;
    dev.assert_success(true);
    assert_eq!(
        dev.jobs.iter().map(|job| job.id.as_str()).collect::<Vec<_>>(),
        ["validate", "build", "deploy", "notify"]
    );
    assert_eq!(dev.job("validate").step("tag").result, "skipped");
    for step in ["promote", "publish", "health", "finish"] {
        assert_verdict(&dev, step, "pass");
    }
    assert_eq!(dev.step("rollback").result, "skipped");
    assert_eq!(users(world, "dev").await, sha);

    // A commit that came to main since does not go along with the tag.
    world.repository.tag("v1.0.0", &sha);
    let later = world.merge("two");
    let staging = deploy(&meals, "staging", by_hand("staging", "v1.0.0"), &later, 32).await;
    staging.assert_success(true);
    assert_eq!(staging.job("build").result, "skipped", "it was built once");
    assert_verdict(&staging, "tag", "pass");
    assert_eq!(users(world, "staging").await, sha);
    let production = deploy(&meals, "production", by_hand("production", "v1.0.0"), &later, 33).await;
    production.assert_success(true);
    for (environment, run) in ENVIRONMENTS.into_iter().zip([&dev, &staging, &production]) {
        assert_eq!(last_states(world, environment), ["success"]);
        assert_verdict(run, "notify", "pass");
    }
    let told = world.repository.commit_statuses(&sha);
    let told: Vec<String> = told.iter().map(|one| format!("{} {}", one.context, one.state)).collect();
    assert_eq!(told, ENVIRONMENTS.map(|environment| format!("deploy/{environment} success")));
    let digest = |run: &Run| run.step("promote").output("digest").to_owned();
    assert_eq!((digest(&dev), digest(&staging)), (digest(&production), digest(&production)));
}

#[tokio::test]
async fn a_release_that_turns_bad_is_put_back_and_the_job_is_red() {
    let meals = world().await;
    let world = &meals.world;
    let before = users(world, "production").await;
    let mut dockerfile = OpenOptions::new().append(true).open(world.file("app/Dockerfile")).unwrap();
    writeln!(
        dockerfile,
        r#"LABEL testbed.behaviour="[{{when: {{env: {{STAGE: production}}}}, do: status 404}}, {{do: ok}}]""#
    )
    .unwrap();
    let sha = world.merge("bad");
    deploy(&meals, "dev", after_ci(&sha, "success", "push"), &sha, 34).await.assert_success(true);

    let run = deploy(&meals, "production", by_hand("production", ""), &sha, 35).await;

    run.assert_success(false);
    assert_eq!(run.job("deploy").result, "failure");
    assert_verdict(&run, "publish", "pass");
    assert_verdict(&run, "health", "fail");
    assert_verdict(&run, "rollback", "pass");
    assert_eq!(users(world, "production").await, before);
    assert_eq!(last_states(world, "production"), ["failure", "success"], "the release failed, the rollback succeeded");
    let issues = world.repository.issues();
    assert_eq!(issues.len(), 1, "{issues:?}");
    assert!(
        issues[0].open && issues[0].body.as_deref().unwrap_or_default().contains("failed; rolled back"),
        "{issues:?}"
    );
    assert!(run.step("rollback").output("serving").starts_with("meals-production:$LATEST -> version 1"), "{run}");
}

#[tokio::test]
async fn what_ci_refused_and_what_a_fork_sent_is_not_deployed() {
    let meals = world().await;
    let world = &meals.world;
    let sha = world.merge("one");
    for (event, run) in [(after_ci(&sha, "failure", "push"), 36), (after_ci(&sha, "success", "pull_request"), 37)] {
        let run = deploy(&meals, "dev", event, &sha, run).await;
        assert!(run.jobs.iter().all(|job| job.result == "skipped"), "{run}");
    }
    assert!(world.records("dev").is_empty());
}

#[tokio::test]
async fn a_tag_that_is_not_on_main_goes_nowhere() {
    let meals = world().await;
    let world = &meals.world;
    world.merge("one");
    let stray = world.repository.push("feature", &[("README.md", "stray")], "stray");
    world.repository.tag("v1.0.0", &stray);
    let run = deploy(&meals, "production", by_hand("production", "v1.0.0"), &stray, 38).await;
    run.assert_success(false);
    assert_verdict(&run, "tag", "fail");
    assert_eq!((run.job("build").result.as_str(), run.job("deploy").result.as_str()), ("skipped", "skipped"));
    assert!(world.records("production").is_empty());
}
