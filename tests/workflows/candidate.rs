//! `examples/candidate`: zip functions that are tested behind an alias of their own before users meet them.

use std::fs;

use serde_json::json;
use testbed::aws::{FunctionSpec, zips};
use testbed::engine::{Run, go_tool};
use testbed::github::{RunState, Workflow};
use testbed::postgres::Database;

use crate::world::{World, assert_verdict, job};

const SERVICES: [&str; 3] = ["zmanim", "shul", "kehilla"];
const SECOND: &str = "db/migrations/000002_add_shul_timezone.up.sql";
/// What a job has that is run by act on a machine without networks of containers: another scratch database, and a tool that is there.
const INSTALLS: &str = "go install -tags postgres github.com/golang-migrate/migrate/v4/cmd/migrate@v4.20.1";
const SERVICE: &str = "    services:\n      postgres: {image: \"postgres:18\", env: {POSTGRES_PASSWORD: scratch}}\n";
const SCRATCH: &str = "postgres://postgres:scratch@postgres:5432/postgres";

fn function(service: &str) -> String {
    format!("shtetl-dev-{service}")
}

/// Three functions whose aliases both serve what was there before, and their database, at the first migration.
async fn world() -> (World, Database) {
    let world = World::of("candidate").await;
    let database = Database::new();
    let first = fs::read_to_string(world.file("db/migrations/000001_init_core.up.sql")).unwrap();
    let _ = database.ask(&first);
    let _ =
        database.ask("CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL)");
    let _ = database.ask("INSERT INTO schema_migrations VALUES (1, false)");
    let deployed: Vec<_> = world.files().into_iter().filter(|(path, _)| path != SECOND).collect();
    let deployed: Vec<_> = deployed.iter().map(|(path, content)| (path.as_str(), content.as_str())).collect();
    let deployed = world.repository.push("dev", &deployed, "before");
    world.record_success("dev", ("shop", &function("zmanim")), &deployed);
    let migrates = FunctionSpec::zip(&function("migrate"), zips::bootstrap("before"))
        .runtime("provided.al2023", "bootstrap")
        .env("DATABASE_URL", &format!("{}?sslmode=disable", database.url()));
    world.aws.create_function(&migrates).await.unwrap();
    world.aws.publish(&function("migrate"), "").await.unwrap();
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
    (world, database)
}

/// Lets act run the workflow of a deployment.
fn prepare(world: &World) {
    let workflow = world.file(".github/workflows/ci-cd.yml");
    let mut text = fs::read_to_string(&workflow).unwrap();
    for (from, to) in [(SERVICE, ""), (SCRATCH, &Database::new().url()), (INSTALLS, "test -x bin/migrate")] {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    fs::write(&workflow, text).unwrap();
    let tool = go_tool("github.com/golang-migrate/migrate/v4/cmd/migrate", "v4.20.1", "postgres").unwrap();
    fs::create_dir(world.file("bin")).unwrap();
    fs::copy(tool, world.file("bin/migrate")).unwrap();
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
    prepare(world);
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
    let (world, database) = world().await;
    let (sha, run) = deploy(&world, "success", 51).await;
    run.assert_success(true);
    assert_eq!(run.jobs.iter().map(|job| job.id.as_str()).collect::<Vec<_>>(), ["candidate", "integration", "promote"]);
    for step in ["migrations", "rehearsal", "migrate", "serving", "publish", "smoke", "tests", "notify"] {
        assert_verdict(&run, step, "pass");
    }
    let rehearsal = run.step("rehearsal").output("reason");
    assert!(rehearsal.starts_with("1 new migration runs on PostgreSQL 18"), "{rehearsal}");
    assert!(rehearsal.ends_with("4 statements of the serving code work after each"), "{rehearsal}");
    assert_eq!(run.step("migrate").output("applied"), "2");
    assert_eq!(database.ask("SELECT version, dirty FROM schema_migrations"), "2|f");
    for service in SERVICES {
        for alias in ["dev-candidate", "dev"] {
            assert_eq!(world.serves(&function(service), alias).await, "2");
        }
    }
    let records = &world.records("dev")[1..];
    let serves: Vec<_> = records.iter().map(|record| record.payload["serves"].as_bool().unwrap()).collect();
    assert_eq!(serves, [false, true], "the candidate meets no users");
    assert!(records.iter().all(|record| record.states().last() == Some(&"success") && record.sha == sha));
    assert_eq!(records[1].payload["targets"].as_array().unwrap().len(), 3);
    tested(&world, &sha, 53).await.assert_success(true);
}

#[tokio::test]
async fn what_fails_its_tests_leaves_the_stable_alias_alone() {
    let (world, _database) = world().await;
    let bootstrap = world.file("services/shul/bootstrap");
    let source = fs::read_to_string(&bootstrap).unwrap();
    fs::write(&bootstrap, source.replace(r#"\"commit\""#, r#"\"build\""#)).unwrap();
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
