//! The write of a rollback waits for nothing optional: a counterpart that hangs, refuses or limits the rate for the whole run changes
//! nothing but what is reported.

use std::time::UNIX_EPOCH;

use futures_util::future::join_all;
use serde_json::json;
use testbed::aws::{Code, Fault, Request};
use testbed::outage::Outage;
use testbed::runner::{Report, Runner};

use super::{live, released, rollback, swap};
use crate::world::{RUN, World, second_is_live};

/// Seconds from the first request of the run to the write.
async fn seconds_to_the_write(world: &World, operation: &str) -> f64 {
    let all = world.aws.requests().await.unwrap();
    let first = all.iter().map(|request| request.time).fold(f64::MAX, f64::min);
    let asked = world.github.requests().into_iter().map(|request| request.at.duration_since(UNIX_EPOCH).unwrap());
    let first = asked.map(|at| at.as_secs_f64()).fold(first, f64::min);
    let write = all.iter().find(|request| request.operation == operation).expect("the write");
    write.time - first
}

async fn assert_in_time(world: &World, operation: &str, report: &Report) {
    let seconds = seconds_to_the_write(world, operation).await;
    assert!(seconds <= 10.0, "the write was sent after {seconds} s\n{report}");
}

/// Version 2 succeeded, 3 was put there by this run; then the log of requests is empty.
async fn swapped(state: &mut String) -> World {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    released(&world, "2", 1).await;
    swap(&world, "3", RUN).await.output("state").clone_into(state);
    world.aws.clear_requests().await.unwrap();
    world.github.clear_requests();
    world
}

async fn goes_back_without_github(outage: Outage, input: impl Fn(Runner, &str) -> Runner) {
    let mut state = String::new();
    let world = swapped(&mut state).await;
    world.github.fails(outage).unwrap();
    let report = input(rollback(&world), &state).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(live(&world).await, "2", "{outage:?}");
    assert_in_time(&world, "UpdateAlias", &report).await;
    let warning = &report.warning().message;
    assert!(warning.contains("no record is kept"), "{outage:?}: {warning}");
}

#[tokio::test]
async fn github_fails_for_the_whole_run_and_state_names_the_target() {
    join_all(Outage::ALL.map(|outage| goes_back_without_github(outage, |step, state| step.input("state", state))))
        .await;
}

#[tokio::test]
async fn github_fails_for_the_whole_run_and_an_input_names_the_target() {
    join_all(Outage::ALL.map(|outage| goes_back_without_github(outage, |step, _| step.input("to", "version:2")))).await;
}

#[tokio::test]
async fn github_fails_for_the_whole_run_and_other_runs_are_to_be_looked_for() {
    let input = |step: Runner, state: &str| step.input("state", state).input("on-concurrent", "fail");
    join_all(Outage::ALL.map(|outage| goes_back_without_github(outage, input))).await;
}

#[tokio::test]
async fn a_required_record_that_cannot_be_kept_comes_after_the_write() {
    let mut state = String::new();
    let world = swapped(&mut state).await;
    world.github.fails(Outage::Refuses).unwrap();
    let report = rollback(&world).input("state", state).input("record", "require").run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert_eq!((live(&world).await.as_str(), report.output("changed")), ("2", "true"));
    assert!(report.output("reason").contains("`record: require`"), "{}", report.output("reason"));
    assert_in_time(&world, "UpdateAlias", &report).await;
}

/// A function from two images, with a version of each.
async fn images(world: &World) -> [String; 2] {
    let digests = world.image_function("shop-api").await;
    world.aws.publish("shop-api", &world.commits[0]).await.unwrap();
    let second = Code::Image(world.aws.image_uri("shop/api", &digests[1]));
    world.aws.update_code("shop-api", &second).await.unwrap();
    world.aws.publish("shop-api", &world.commits[1]).await.unwrap();
    digests
}

#[tokio::test]
async fn ecr_fails_for_the_whole_run() {
    join_all(Outage::ALL.map(|outage| async move {
        let world = World::new().await;
        images(&world).await;
        world.aws.create_alias("shop-api", "live", "1").await.unwrap();
        let swapped = swap(&world, "2", RUN).await;
        world.aws.clear_requests().await.unwrap();
        world.github.clear_requests();
        world.aws.fails("ecr", outage).await.unwrap();
        let report = rollback(&world).input("state", swapped.output("state")).run().await;
        report.assert_verdict("pass", 0).assert_runner_safe();
        assert_eq!(live(&world).await, "1", "{outage:?}");
        assert_in_time(&world, "UpdateAlias", &report).await;
        world.aws.clear_faults().await.unwrap();
    }))
    .await;
}

#[tokio::test]
async fn github_and_ecr_fail_for_the_whole_run_and_the_code_goes_back() {
    join_all(Outage::ALL.map(|outage| async move {
        let world = World::new().await;
        let digests = images(&world).await;
        let previous = json!({"version": "1", "weights": {}, "digest": digests[0]});
        let target = world.aws.target("shop-api", "$LATEST", &json!({"digest": digests[1], "previous": previous}));
        let state = json!({"form": 1, "run": {"id": RUN, "attempt": 1}, "targets": [target]});
        world.aws.clear_requests().await.unwrap();
        world.github.fails(outage).unwrap();
        world.aws.fails("ecr", outage).await.unwrap();
        let step = rollback(&world).input("mode", "code").input("state", state.to_string());
        let report = step.run().await;
        report.assert_verdict("pass", 0).assert_runner_safe();
        assert_in_time(&world, "UpdateFunctionCode", &report).await;
        let now = world.aws.function("shop-api", "$LATEST").await.unwrap();
        assert_eq!(now["Code"]["ResolvedImageUri"], world.aws.image_uri("shop/api", &digests[0]));
        world.aws.clear_faults().await.unwrap();
    }))
    .await;
}

#[tokio::test]
async fn functions_are_checked_and_written_at_the_same_time() {
    const NAMES: [&str; 3] = ["shop-api", "shop-web", "shop-jobs"];
    let world = World::new().await;
    for name in NAMES {
        world.shop(name, 2).await;
        world.aws.move_alias(name, "live", "2").await.unwrap();
    }
    world.aws.clear_requests().await.unwrap();
    let slow = |operation: &str| Fault {
        operation: Some(operation.to_owned()),
        delay: Some(2.0),
        times: u32::MAX,
        ..Fault::default()
    };
    world.aws.faults(&[slow("GetFunction"), slow("UpdateAlias")]).await.unwrap();
    let versions = NAMES.map(|name| format!("{name}=1")).join("\n");
    let step = world.step("rollback").input("environment", "prd").input("versions", versions);
    step.run().await.assert_verdict("pass", 0);
    let all = world.aws.requests().await.unwrap();
    for operation in ["GetFunction", "UpdateAlias"] {
        let asked: Vec<&Request> = all.iter().filter(|request| request.operation == operation).take(3).collect();
        let answered = asked[0].time + asked[0].seconds.unwrap();
        assert!(asked.iter().all(|request| request.time < answered), "{operation} was sent one after another");
    }
}

#[tokio::test]
async fn a_record_that_would_be_too_large_stops_no_rollback() {
    let world = World::new().await;
    let names: Vec<String> = (0..60).map(|number| format!("shop-{}-{number:02}", "x".repeat(50))).collect();
    for name in &names {
        world.shop(name, 1).await;
        second_is_live(&world.aws, name).await;
    }
    let versions = names.iter().map(|name| format!("{name}=1")).collect::<Vec<_>>().join("\n");
    let step = world.step("rollback").input("environment", "prd").input("versions", versions);
    let report = step.run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    for name in &names {
        assert_eq!(world.live(name).await.version, "1");
    }
    let warnings = serde_json::to_string(&report.evidence()["warnings"]).unwrap();
    assert!(warnings.contains("larger than 16 KiB"), "{warnings}");
}

#[tokio::test]
async fn what_is_waited_for_is_said() {
    let mut state = String::new();
    let world = swapped(&mut state).await;
    let slow = Fault { operation: Some("GetAlias".to_owned()), delay: Some(5.0), ..Fault::default() };
    world.aws.faults(&[slow]).await.unwrap();
    let report = rollback(&world).input("state", state).run().await;
    report.assert_verdict("pass", 0);
    assert!(report.log.iter().any(|line| line.contains("waiting for what serves, which the write needs")), "{report}");
}

/// What a state says of one function says nothing of another: the record is needed, and where it cannot be read nothing goes back
/// and the step does not pass.
#[tokio::test]
async fn a_state_of_one_function_of_two_is_not_enough() {
    let mut state = String::new();
    let world = swapped(&mut state).await;
    world.shop("shop-web", 2).await;
    let web = world.step("swap-alias").input("environment", "prd").input("function", "shop-web").input("version", "2");
    web.input("record", "open").run().await.assert_verdict("pass", 0);
    world.github.fails(Outage::Refuses).unwrap();
    let step = world.step("rollback").input("environment", "prd").input("function", "shop-api\nshop-web");
    let report = step.input("state", state.as_str()).input("timeout", "20s").run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert_eq!((live(&world).await.as_str(), world.live("shop-web").await.version.as_str()), ("3", "2"), "{report}");

    world.github.clear_faults();
    let step = world.step("rollback").input("environment", "prd").input("function", "shop-api\nshop-web");
    step.input("state", state).run().await.assert_verdict("pass", 0);
    assert_eq!((live(&world).await.as_str(), world.live("shop-web").await.version.as_str()), ("2", "1"));
}
