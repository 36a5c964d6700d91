//! Functions of Lambda and builds of CodeBuild.

use serde_json::json;
use testbed::aws::{Fault, FunctionSpec, ImageSpec};
use testbed::runner::Runner;

use super::{fault, shown};
use crate::world::World;

/// A function of an image that behaves so, of which version 1 is published.
async fn function(behaviour: &str) -> World {
    function_with(behaviour, 60).await
}

/// The same with this time-out, in seconds.
async fn function_with(behaviour: &str, timeout: u32) -> World {
    let world = World::new().await;
    world.aws.create_repository("shop/api").await.unwrap();
    let spec = ImageSpec::new("shop/api").release("1.0.0", &world.commits[0]).behaviour(behaviour);
    let digest = world.aws.push_image(&spec).await.unwrap();
    let uri = world.aws.image_uri("shop/api", &digest);
    world.aws.create_function(&FunctionSpec::image("migrate", &uri).timeout(timeout)).await.unwrap();
    world.aws.publish("migrate", &world.commits[0]).await.unwrap();
    world
}

fn invoke(world: &World) -> Runner {
    world.step("run-task").input("function", "migrate").input("version", "1").input("payload", "{\"command\": \"up\"}")
}

fn build(world: &World) -> Runner {
    world.step("run-task").input("environment", "prd").input("project", "tests").input("purpose", "test")
}

async fn project(script: &serde_json::Value) -> World {
    let world = World::new().await;
    world.aws.create_project("tests", &json!({})).await.unwrap();
    world.aws.script_build("tests", script).await.unwrap();
    world
}

#[tokio::test]
async fn a_function_is_invoked_once_and_its_answer_is_judged() {
    let world = function(
        "- {when: {event: up}, do: 'return {\"schema-version\": 7, \"applied\": [\"6\", \"7\"]}', log: [migrating]}",
    )
    .await;
    let report =
        invoke(&world).input("expect-schema-version", "7").input("expect-json", "/schema-version: 7").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(
        (report.output("applied"), report.output("schema-version"), report.output("task")),
        ("6\n7", "7", "migrate:1")
    );
    assert!(shown(&report).iter().any(|line| line.contains("migrating")), "{report}");
    let report = invoke(&world).input("expect-json", "/schema-version: 8").run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("/schema-version is 7, expected 8"), "{report}");
    let report = invoke(&world).input("dry-run", "true").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(world.operations().await.iter().filter(|one| one.contains("Invoke")).count(), 2);
}

#[tokio::test]
async fn rt21_and_d41_an_error_of_a_function_a_time_out_and_an_answer_that_was_lost_are_told_apart() {
    let world = function("- {do: fail OrderError, log: [trouble]}").await;
    let report = invoke(&world).run().await;
    report.assert_verdict("fail", 1);
    assert_eq!(report.output("ended-as"), "failed");
    let world = function_with("- do: sleep 9s", 1).await;
    let report = invoke(&world).run().await;
    report.assert_verdict("fail", 1);
    assert_eq!(report.output("ended-as"), "timed-out", "{report}");
    assert!(report.output("reason").contains("the state of the schema is unknown"), "{report}");

    let world = function("- do: 'return {}'").await;
    world.aws.faults(&[Fault { applied: true, drop: true, ..fault("Invoke") }]).await.unwrap();
    let report = invoke(&world).run().await;
    report.assert_verdict("error", 4);
    assert!(report.output("reason").contains("was invoked, and did not answer"), "{report}");
    assert_eq!(
        world.operations().await.iter().filter(|one| one.contains("Invoke")).count(),
        1,
        "it is not invoked again"
    );
}

#[tokio::test]
async fn rt22_builds_are_told_apart_by_how_they_end() {
    let table = [
        (json!({"log": ["3 passed"]}), "pass", 0, "exited", "0"),
        (json!({"end": "FAILED", "exit": 2, "log": ["1 failed"]}), "fail", 1, "exited", "2"),
        (json!({"end": "FAULT", "at": "PROVISIONING"}), "error", 4, "interrupted", ""),
        (json!({"end": "TIMED_OUT", "log": ["slow"]}), "fail", 1, "timed-out", ""),
        (json!({"end": "STOPPED", "log": ["x"]}), "error", 4, "stopped", ""),
    ];
    for (script, verdict, code, ended, exit) in table {
        let world = project(&script).await;
        let report = build(&world)
            .input("source-version", &world.commits[2])
            .input("environment-variables", "STAGE=prd")
            .run()
            .await;
        report.assert_verdict(verdict, code).assert_runner_safe();
        assert_eq!((report.output("ended-as"), report.output("exit-code")), (ended, exit), "{report}");
        let line = script["log"][0].as_str().unwrap_or_default();
        assert!(shown(&report).iter().any(|shown| shown == line) || line.is_empty(), "{report}");
    }
}

#[tokio::test]
async fn a_build_is_started_once_joined_by_a_second_attempt_and_stopped_when_its_time_is_over() {
    let world = project(&json!({"hold": "BUILD"})).await;
    world.aws.faults(&[Fault { applied: true, drop: true, ..fault("StartBuild") }]).await.unwrap();
    let first = build(&world).start().await;
    first.wait_for("BUILD").await;
    drop(first);
    let report = build(&world).run_attempt(2).input("timeout", "1h").start().await;
    report.wait_for("was started by an earlier attempt").await;
    world.aws.change_build("tests", &json!({"hold": null})).await.unwrap();
    report.wait().await.assert_verdict("pass", 0);
    let listed = world.aws.codebuild("ListBuildsForProject", &json!({"projectName": "tests"})).await.unwrap();
    assert_eq!(listed["ids"].as_array().unwrap().len(), 1);

    let world = project(&json!({"hold": "BUILD"})).await;
    let report = build(&world).input("timeout", "3s").run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("and was stopped"), "{report}");
}

#[tokio::test]
async fn a_status_of_a_build_that_this_release_does_not_know_is_an_error() {
    let world = project(&json!({"hold": "BUILD"})).await;
    let running = build(&world).start().await;
    running.wait_for("BUILD").await;
    world.aws.set_build("tests", &json!({"buildStatus": "PAUSED"})).await.unwrap();
    let report = running.wait().await;
    report.assert_verdict("error", 4);
    assert!(report.output("reason").contains("buildStatus of a build is PAUSED"), "{report}");
}
