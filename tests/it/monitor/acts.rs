//! Putting back what served before, when it was asked to; and somebody else's release.

use serde_json::json;
use testbed::aws::Fault;

use super::{logs, monitor, released, says, state, traffic, watch};
use crate::messages::says as tells;
use crate::world::{RUN, World};

/// A release in which half of the requests fail.
async fn bad() -> World {
    let world = released().await;
    traffic(&world, 60, 30).await;
    says(&world, &["order 17 refused"]).await;
    world
}

fn previous() -> serde_json::Value {
    json!({"version": "1", "weights": {}})
}

#[tokio::test]
async fn a_bad_release_is_put_back_once_and_the_record_says_why() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    let swap = world.step("swap-alias").input("environment", "prd").input("function", "shop-api").input("version", "2");
    let swap = swap.run().await;
    swap.assert_verdict("pass", 0);
    traffic(&world, 60, 30).await;
    says(&world, &["order 17 refused"]).await;
    let watched = || {
        let watched = monitor(&world).input("environment", "prd").input("version", "2");
        watched.input("state", swap.output("state")).input("on-failure", "rollback")
    };
    let report = watched().input("deployment-id", swap.output("deployment-id")).run().await;
    report.assert_verdict("fail", 1).assert_runner_safe().assert_no_secret(&world.aws.id);
    assert_eq!((report.output("rolled-back"), report.output("changed")), ("true", "true"));
    assert!(report.output("serving").contains("version 1"), "{report}");
    assert!(report.output("reason").contains("was put back to version 1"), "{report}");
    assert_eq!(world.live("shop-api").await.version, "1");
    let record = &world.records()[0];
    let last = record.statuses.last().unwrap();
    assert_eq!(last.state, "failure");
    assert!(
        last.description.starts_with("da1 monitor#") && last.description.contains("fail held withdrawn: error rate"),
        "{}",
        last.description
    );
    let told = |one: &&testbed::github::DeploymentStatus| one.description.contains("fail n=60 errors=30");
    assert_eq!(record.statuses.iter().filter(told).count(), 1);

    world.aws.clear_requests().await.unwrap();
    for version in ["2", ""] {
        let again = watched().input("version", version).run().await;
        again.assert_verdict("fail", 1);
        assert!(tells(again.output("reason"), "already-put-back"), "{again}");
    }
    assert_eq!(world.records()[0].statuses.len(), record.statuses.len(), "what is told is not told again");
    let rollback = world.step("rollback").input("environment", "prd").input("function", "shop-api");
    rollback.input("state", swap.output("state")).run().await.assert_verdict("skipped", 0);
    assert!(world.writes().await.iter().all(|write| !write.contains("UpdateAlias")));
    // The next push of the same commit is refused: it is held.
    let swap = world.step("swap-alias").input("environment", "prd").input("function", "shop-api").input("version", "2");
    swap.run_id(RUN + 1).run().await.assert_verdict("fail", 1);
}

#[tokio::test]
async fn a_lost_answer_of_the_write_is_looked_for_and_a_refused_one_is_told() {
    let lost = Fault { operation: Some("UpdateAlias".to_owned()), drop: true, applied: true, ..Fault::default() };
    let throttled =
        Fault { operation: Some("UpdateAlias".to_owned()), status: Some(429), times: 2, ..Fault::default() };
    for fault in [lost, throttled] {
        let world = bad().await;
        world.aws.faults(&[fault]).await.unwrap();
        let asked = monitor(&world).input("state", state(&world, &previous())).input("on-failure", "rollback");
        let report = asked.run().await;
        report.assert_verdict("fail", 1).assert_runner_safe();
        assert_eq!((report.output("rolled-back"), world.live("shop-api").await.version.as_str()), ("true", "1"));
    }
    let world = bad().await;
    let denied = Fault { operation: Some("UpdateAlias".to_owned()), status: Some(403), ..Fault::default() };
    world.aws.faults(&[denied]).await.unwrap();
    let asked = monitor(&world).input("state", state(&world, &previous())).input("on-failure", "rollback");
    let report = asked.run().await;
    report.assert_verdict("fail", 3).assert_runner_safe();
    assert!(report.error().message.contains("allow lambda:UpdateAlias"), "{report}");
}

#[tokio::test]
async fn a30_what_cannot_be_put_back_is_told_with_exit_code_3() {
    let world = bad().await;
    let gone = json!({"version": "7", "weights": {}});
    for previous in [&gone, &serde_json::Value::Null] {
        let report =
            monitor(&world).input("state", state(&world, previous)).input("on-failure", "rollback").run().await;
        report.assert_verdict("fail", 3).assert_runner_safe();
        assert!(report.output("serving").contains("version 2"), "{report}");
        assert_eq!(report.output("rolled-back"), "false");
    }
}

#[tokio::test]
async fn a_release_that_is_well_or_unknown_is_not_put_back() {
    let world = released().await;
    says(&world, &["order 17 taken"]).await;
    let asked = || monitor(&world).input("state", state(&world, &previous())).input("on-failure", "rollback");
    asked().run().await.assert_verdict("inconclusive", 0);
    traffic(&world, 60, 0).await;
    asked().run().await.assert_verdict("pass", 0);
    let denied =
        Fault { operation: Some("GetMetricData".to_owned()), status: Some(403), times: u32::MAX, ..Fault::default() };
    world.aws.faults(&[denied]).await.unwrap();
    let report = asked().run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert_eq!(world.live("shop-api").await.version, "2");
}

#[tokio::test]
async fn below_the_second_limit_it_fails_and_is_not_put_back() {
    let world = released().await;
    traffic(&world, 60, 1).await;
    says(&world, &["order 17 taken"]).await;
    let report = monitor(&world).input("fail-above", "0%").input("state", state(&world, &previous()));
    let report = report.input("on-failure", "rollback").run().await;
    report.assert_verdict("fail", 1);
    assert_eq!((report.output("rolled-back"), world.live("shop-api").await.version.as_str()), ("false", "2"));
}

#[tokio::test]
async fn a10_somebody_elses_release_is_superseded_without_a_write() {
    let world = bad().await;
    let named = monitor(&world).input("version", "1").input("state", state(&world, &previous()));
    let report = named.input("on-failure", "rollback").run().await;
    report.assert_verdict("superseded", 5).assert_runner_safe();
    assert!(tells(report.output("reason"), "another-version-serves"), "{report}");

    let world = released().await;
    logs(&world, json!({"lines": []})).await;
    let watching = watch(&world).input("function", "shop-api").input("state", state(&world, &previous()));
    let running = watching.input("window", "2m").input("on-failure", "rollback").start().await;
    running.wait_for("requests in").await;
    world.aws.move_alias("shop-api", "live", "1").await.unwrap();
    world.aws.clear_requests().await.unwrap();
    let report = running.wait().await;
    report.assert_verdict("superseded", 5).assert_runner_safe();
    assert!(tells(report.output("reason"), "moved-while-watched"), "{report}");
    assert!(world.writes().await.iter().all(|write| !write.contains("UpdateAlias")));
}

#[tokio::test]
async fn inputs_that_do_not_fit_are_refused_together() {
    let world = released().await;
    let nothing = world.step("monitor").run().await;
    nothing.assert_verdict("error", 2).assert_runner_safe();
    assert!(nothing.output("reason").contains("there is nothing to watch"), "{nothing}");
    let table: [(&[(&str, &str)], &str); 8] = [
        (&[("on-failure", "rollback")], "`rollback` needs `state`"),
        (&[("fail-above", "5")], "must be a percentage"),
        (&[("rollback-above", "1%")], "is below `fail-above`"),
        (&[("checks", "alarms")], "input `alarms` is required for it"),
        (&[("checks", "error-rate"), ("alarms", "a")], "`checks` does not name `alarms`"),
        (&[("alpha", "0.9")], "must be a number above 0, at most 0.5"),
        (&[("error-rate-source", "elb")], "must be `auto`, `lambda`"),
        (&[("probe", "url: ftp://x")], "must be an http or https URL"),
    ];
    for (inputs, words) in table {
        let mut runner = world.step("monitor").input("function", "shop-api");
        for (name, value) in inputs {
            runner = runner.input(name, *value);
        }
        let report = runner.run().await;
        report.assert_verdict("error", 2).assert_runner_safe();
        assert!(report.error().message.contains(words), "{words}: {report}");
    }
}
