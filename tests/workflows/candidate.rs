//! `examples/candidate`: zip functions that are tested behind an alias of their own before users meet them.

use testbed::aws::{FunctionSpec, zips};
use testbed::engine::Run;

use crate::world::{World, assert_verdict, job, push};

const SERVICES: [&str; 3] = ["zmanim", "shul", "kehilla"];

fn function(service: &str) -> String {
    format!("shtetl-dev-{service}")
}

/// Three functions whose aliases both serve what was there before.
async fn world() -> World {
    let world = World::of("candidate").await;
    for service in SERVICES {
        let name = function(service);
        let spec = FunctionSpec::zip(&name, zips::bootstrap("before")).runtime("provided.al2023", "bootstrap");
        world.aws.create_function(&spec).await.unwrap();
        let version = world.aws.publish(&name, "").await.unwrap();
        for alias in ["dev", "dev-candidate"] {
            world.aws.create_alias(&name, alias, &version).await.unwrap();
        }
    }
    world.role("dev").await;
    world
}

async fn deploy(world: &World, run: u64) -> (String, Run) {
    let sha = world.repository.push("dev", &[("README.md", "one")], "one");
    let mut urls = Vec::new();
    for service in SERVICES {
        urls.push(world.aws.function_url(&function(service), Some("dev-candidate")).await.unwrap());
    }
    let run = world
        .run("dev", "ci-cd.yml", &job("push", "refs/heads/dev", &sha, "dev", run))
        .event(push("refs/heads/dev", &sha))
        .var("DEPLOY_ROLE", &world.aws.role_arn("deploy-dev"))
        .var("CANDIDATE_URL", &urls.join(" "))
        .run()
        .await
        .unwrap();
    (sha, run)
}

#[tokio::test]
async fn what_passes_its_tests_as_a_candidate_serves() {
    let world = world().await;
    let (sha, run) = deploy(&world, 51).await;
    run.assert_success(true);
    assert_eq!(run.jobs.iter().map(|job| job.id.as_str()).collect::<Vec<_>>(), ["candidate", "integration", "promote"]);
    for step in ["publish", "smoke"] {
        assert_verdict(&run, step, "pass");
    }
    for service in SERVICES {
        for alias in ["dev-candidate", "dev"] {
            assert_eq!(world.serves(&function(service), alias).await, "2");
        }
    }
    let records = world.records("dev");
    let serves: Vec<_> = records.iter().map(|record| record.payload["serves"].as_bool().unwrap()).collect();
    assert_eq!(serves, [false, true], "the candidate meets no users");
    assert!(records.iter().all(|record| record.states().last() == Some(&"success") && record.sha == sha));
    assert_eq!(records[1].payload["targets"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn what_fails_its_tests_leaves_the_stable_alias_alone() {
    let world = world().await;
    let bootstrap = world.file("services/shul/bootstrap");
    let source = std::fs::read_to_string(&bootstrap).unwrap();
    std::fs::write(&bootstrap, source.replace(r#"\"commit\""#, r#"\"build\""#)).unwrap();
    let (_, run) = deploy(&world, 52).await;
    run.assert_success(false);
    assert_eq!(run.job("integration").result, "failure");
    assert_eq!(run.job("promote").result, "skipped");
    for service in SERVICES {
        assert_eq!(world.serves(&function(service), "dev").await, "1");
        assert_eq!(world.serves(&function(service), "dev-candidate").await, "2", "there to be looked at");
    }
}
