//! The record over a long time, and among deployments of others.

use serde_json::{Value, json};
use testbed::aws::sample::GOOD;
use testbed::github::{Deployment, Permission};
use testbed::runner::Runner;

use crate::world::{RUN, Release, World};

fn add(world: &World, payload: Value, states: &[&str]) -> u64 {
    let id = world.repository.add_deployment(Deployment {
        sha: world.commits[0].clone(),
        environment: "prd".to_owned(),
        payload,
        ..Deployment::default()
    });
    for state in states {
        world.repository.add_status(id, state, "");
    }
    id
}

fn payload(world: &World, component: &str, run: u64, versions: (&str, &str)) -> Value {
    json!({
        "schema": 1, "component": component, "kind": "deploy", "commit": world.commits[1], "version": "v1.2.0",
        "targets": [world.aws.target("shop-api", "live", &json!({
            "version": versions.1, "previous": {"version": versions.0, "weights": {}, "digest": null},
        }))],
        "serves": true, "run": {"id": run, "attempt": 1},
    })
}

/// What others leave: other components, deployments of other tools, corrupt ones, and those that GitHub made for jobs.
fn strangers(world: &World, count: u64) {
    for number in 0..count {
        let payload = match number % 5 {
            0 => payload(world, "web", 1000 + number, ("1", "2")),
            1 => json!({"web": 1}),
            2 => json!("{\"schema\": 1, \"component\": \"shop\""),
            3 => json!({"schema": 1, "component": "shop", "targets": "::error::"}),
            _ => Value::Null,
        };
        add(world, payload, &["success"]);
    }
}

fn rollback(world: &World) -> Runner {
    world
        .step("rollback")
        .input("environment", "prd")
        .input("function", "shop-api")
        .input("scope", "any")
        .run_id(RUN + 1)
}

#[tokio::test]
async fn the_newest_record_of_a_component_is_found_on_the_third_page() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    let first = add(&world, payload(&world, "shop", 1, ("3", "1")), &["success"]);
    strangers(&world, 30);
    let newest = add(&world, payload(&world, "shop", 2, ("1", "2")), &["success"]);
    strangers(&world, 245);
    world.aws.move_alias("shop-api", "live", "2").await.unwrap();
    assert_eq!(world.records().len(), 277);

    let swap = world.step("swap-alias").input("environment", "prd").input("function", "shop-api").input("version", "3");
    let report = swap.run_id(3).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    let pages = world.github.requests();
    let pages: Vec<&str> = pages
        .iter()
        .filter_map(|request| request.target.split_once("deployments?environment=prd"))
        .map(|(_, page)| page)
        .collect();
    assert_eq!(pages, ["&per_page=100&page=1", "&per_page=100&page=2", "&per_page=100&page=3"]);
    for replaced in [first, newest] {
        assert_eq!(world.repository.deployment(replaced).unwrap().states(), ["success", "inactive"]);
    }
    strangers(&world, 250);
    let report = rollback(&world).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(world.live("shop-api").await.version, "2");
    assert!(report.log.iter().any(|line| line.contains("passed over records that cannot be read")), "{report}");
    let ours = |record: &&Deployment| record.payload["component"] == "shop" && record.payload["run"].is_object();
    let records = world.records();
    let states: Vec<_> = records.iter().filter(ours).map(Deployment::states).collect();
    assert_eq!(states[2], ["success", "failure"], "what was undone is withdrawn");
    assert_eq!(states[3], ["success"]);
    assert!(world.github.invalid_requests().is_empty(), "{:?}", world.github.invalid_requests());
}

/// A job with `environment:` makes a deployment, which GitHub closes with the job's own result.
fn of_job(world: &World, states: &[&str]) -> u64 {
    let job = Deployment { sha: world.commits[4].clone(), environment: "prd".to_owned(), ..Deployment::default() };
    let id = world.repository.add_deployment(job);
    for state in states {
        world.repository.add_status(id, state, "");
    }
    id
}

#[tokio::test]
async fn the_deployment_that_a_job_made_is_neither_ours_nor_what_serves() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    let before = of_job(&world, &["in_progress", "success"]);
    let swap = world.step("swap-alias").input("environment", "prd").input("function", "shop-api").input("version", "2");
    swap.run().await.assert_verdict("pass", 0);
    let after = of_job(&world, &["in_progress", "success"]);
    let resolve = world.step_with("resolve", &[Permission::Deployments.read(), Permission::Contents.read()]);
    let report = resolve.input("rules", "branch main -> prd").run().await;
    assert_eq!(report.output("previous-sha"), world.commits[1], "what the record says, not the job's commit");
    let swap = world.step("swap-alias").input("environment", "prd").input("function", "shop-api").input("version", "3");
    swap.run_id(RUN + 2).run().await.assert_verdict("pass", 0);
    rollback(&world).run_id(RUN + 3).run().await.assert_verdict("pass", 0);
    assert_eq!(world.live("shop-api").await.version, "2");
    for id in [before, after] {
        assert_eq!(world.repository.deployment(id).unwrap().states(), ["in_progress", "success"], "it is not touched");
    }
}

#[tokio::test]
async fn every_step_leaves_its_figures_in_the_record() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    let workspace = tempfile::tempdir().unwrap();
    let release = Release { version: "1.3.0", commit: &world.commits[2], behaviour: GOOD };
    std::fs::write(workspace.path().join("app.zip"), release.zip()).unwrap();
    let swap = world.step("swap-alias").input("environment", "prd").input("function", "shop-api").input("version", "2");
    let opened = swap.input("record", "open").run().await;
    opened.assert_verdict("pass", 0);
    let told = |step: &str| {
        world.step(step).input("deployment-id", opened.output("deployment-id")).input("function", "shop-api")
    };
    told("smoke-test").input("version", "2").run().await.assert_verdict("pass", 0);
    let cases =
        "- {name: lost, path: /nowhere, expect: {status: 200}}\n- {name: found, path: /health, expect: {status: 200}}";
    told("smoke-test").input("version", "2").input("cases", cases).run().await.assert_verdict("fail", 1);
    told("health-check-with-backoff").input("path", "/health").run().await.assert_verdict("pass", 0);
    told("publish-version").workspace(workspace.path()).input("zip", "app.zip").run().await.assert_verdict("pass", 0);
    let record = world.records().pop().unwrap();
    let expected = [
        r"^da1 swap-alias#[0-9a-f]{6} pass shop-api=2 steps=1$",
        r"^da1 smoke-test#[0-9a-f]{6} pass cases=1 failed=0( init-ms=\d+)? ms=\d+$",
        r"^da1 smoke-test#[0-9a-f]{6} fail cases=2 failed=1( init-ms=\d+)? ms=\d+ .*$",
        r"^da1 health-check-with-backoff#[0-9a-f]{6} pass attempts=1 ms=\d+ version=2$",
        r"^da1 publish-version#[0-9a-f]{6} pass shop-api=3 changed=true$",
    ];
    assert_eq!(record.statuses.len(), expected.len(), "{:?}", record.statuses);
    for (status, expected) in record.statuses.iter().zip(expected) {
        let fits = regex::Regex::new(expected).unwrap().is_match(&status.description);
        assert!(fits && status.state == "in_progress", "{}: {} {expected}", status.state, status.description);
    }
}

#[tokio::test]
async fn a_state_of_a_deployment_that_is_not_known_is_an_error_that_names_it() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    add(&world, payload(&world, "shop", 600, ("1", "2")), &["success", "hibernated"]);
    let swap = world.step("swap-alias").input("environment", "prd").input("function", "shop-api").input("version", "3");
    let report = swap.run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    let reason = report.output("reason");
    assert!(reason.contains("the state of a deployment is hibernated, which this release does not know"), "{reason}");
    assert_eq!(world.live("shop-api").await.version, "1");
}
