//! `examples/candidate`: zip functions that are tested behind an alias of their own before users meet them.

use serde_json::json;
use testbed::aws::{FunctionSpec, zips};
use testbed::engine::Run;
use testbed::github::{RunState, Workflow};

use crate::world::{World, assert_verdict, job};

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

/// A push to dev. The workflow of the integration tests ends like this: only one workflow at a time can really be run, and
/// [`tested`] runs that one.
async fn deploy(world: &World, tests: &str, run: u64) -> (String, Run) {
    let files = world.files();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, content)| (path.as_str(), content.as_str())).collect();
    let sha = world.repository.push("dev", &files, "one");
    world.repository.add_workflow(Workflow {
        file: "integration.yml".to_owned(),
        name: "Integration tests".to_owned(),
        run_name: Some("Integration tests ${{ inputs.deploy-action-id }}".to_owned()),
        inputs: vec!["commit".to_owned(), "deploy-action-id".to_owned()],
        script: vec![RunState::Queued, RunState::InProgress, RunState::completed(tests)],
        ..Workflow::default()
    });
    let run = world.deploy("dev", "ci-cd.yml", &job("push", "refs/heads/dev", &sha, "dev", run)).await;
    (sha, run)
}

/// The integration tests, with the inputs they were started with.
async fn tested(world: &World, sha: &str, run: u64) -> Run {
    let [started] = world.repository.runs().try_into().unwrap();
    assert_eq!((started.head_branch.as_str(), &started.inputs["commit"]), ("dev", &json!(sha)));
    let mut urls = Vec::new();
    for service in SERVICES {
        urls.push(world.aws.function_url(&function(service), Some("dev-candidate")).await.unwrap());
    }
    world
        .run("its tests", "integration.yml", &job("workflow_dispatch", "refs/heads/dev", sha, "", run))
        .event(json!({"ref": "refs/heads/dev", "inputs": started.inputs}))
        .var("CANDIDATE_URL", &urls.join(" "))
        .run()
        .await
        .unwrap()
}

#[tokio::test]
async fn what_passes_its_tests_as_a_candidate_serves() {
    let world = world().await;
    let (sha, run) = deploy(&world, "success", 51).await;
    run.assert_success(true);
    assert_eq!(run.jobs.iter().map(|job| job.id.as_str()).collect::<Vec<_>>(), ["candidate", "integration", "promote"]);
    for step in ["publish", "smoke", "tests", "notify"] {
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
    tested(&world, &sha, 53).await.assert_success(true);
}

#[tokio::test]
async fn what_fails_its_tests_leaves_the_stable_alias_alone() {
    let world = world().await;
    let bootstrap = world.file("services/shul/bootstrap");
    let source = std::fs::read_to_string(&bootstrap).unwrap();
    std::fs::write(&bootstrap, source.replace(r#"\"commit\""#, r#"\"build\""#)).unwrap();
    let (sha, run) = deploy(&world, "failure", 52).await;
    run.assert_success(false);
    assert_eq!(run.job("integration").result, "failure");
    assert_verdict(&run, "tests", "fail");
    assert_eq!(run.job("promote").result, "skipped");
    for service in SERVICES {
        assert_eq!(world.serves(&function(service), "dev").await, "1");
        assert_eq!(world.serves(&function(service), "dev-candidate").await, "2", "there to be looked at");
    }
    tested(&world, &sha, 54).await.assert_success(false);
}
