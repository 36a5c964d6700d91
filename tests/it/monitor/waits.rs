//! Waits: signals, a kill, throttling, clocks, and credentials that expire.

use std::time::{Duration, Instant};

use serde_json::json;
use testbed::aws::{Fault, Settings};
use testbed::runner::Signal;

use super::{RELEASED, at, logs, monitor, released, says, state, traffic, watch, well};
use crate::world::World;

async fn watching() -> (World, testbed::runner::Running) {
    let world = released().await;
    logs(&world, json!({"lines": []})).await;
    let previous = json!({"version": "1", "weights": {}});
    let watching = watch(&world).input("function", "shop-api").input("state", state(&world, &previous));
    let running = watching.input("window", "10m").input("on-failure", "rollback").start().await;
    running.wait_for("requests in").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    (world, running)
}

#[tokio::test]
async fn a27_a_signal_ends_the_watch_and_puts_nothing_back() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let (world, mut running) = watching().await;
        let begin = Instant::now();
        running.signal(signal);
        let report = running.wait().await;
        assert!(begin.elapsed() < Duration::from_secs(6), "{:?}", begin.elapsed());
        report.assert_verdict("cancelled", code).assert_runner_safe();
        assert!(report.output("serving").contains("version 2"), "{report}");
        assert_eq!(world.live("shop-api").await.version, "2");
    }
}

#[tokio::test]
async fn a27_a_kill_leaves_nothing_behind() {
    let (world, mut running) = watching().await;
    running.signal(Signal::KILL);
    drop(running);
    assert_eq!(world.live("shop-api").await.version, "2");
    traffic(&world, 60, 0).await;
    says(&world, &["order 17 taken"]).await;
    monitor(&world).run().await.assert_verdict("pass", 0);
}

#[tokio::test]
async fn a28_throttling_changes_no_verdict() {
    let world = well().await;
    world.aws.put_alarms(&json!([{"name": "quiet", "type": "metric", "state": "OK", "at": -3600}])).await.unwrap();
    let throttled = |operation: &str| Fault {
        operation: Some(operation.to_owned()),
        status: Some(429),
        code: Some("ThrottlingException".to_owned()),
        times: 5,
        ..Fault::default()
    };
    let all = ["GetMetricData", "FilterLogEvents", "DescribeLogGroups", "DescribeAlarms", "GetAlias"].map(throttled);
    world.aws.faults(&all).await.unwrap();
    monitor(&world).input("alarms", "quiet").run().await.assert_verdict("pass", 0).assert_runner_safe();
    assert!(world.aws.faults_fired().await.unwrap().iter().all(|fired| *fired == 5));
}

#[tokio::test]
async fn a29_the_window_is_told_by_awss_clock() {
    let world = released().await;
    let ahead = Settings { clock_shift: Some(3600.0), ..Settings::default() };
    world.aws.settings(&ahead).await.unwrap();
    logs(&world, json!({"lines": ["order 17 taken"], "invocation": true, "at": -100})).await;
    traffic(&world, 60, 0).await;
    let report = watch(&world).input("function", "shop-api").input("since", at(3600 - 120)).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    // Without a time, the window begins now by AWS's clock, an hour after this machine's.
    let report = watch(&world).input("function", "shop-api").input("window", "2s").run().await;
    let from = &at(3600)[..13];
    assert!(report.summary.contains(from), "{from}: {}", report.summary);
}

#[tokio::test]
async fn a31_credentials_that_expire_in_the_window_are_an_error_with_its_fix() {
    let world = well().await;
    let expired = Fault {
        operation: Some("GetMetricData".to_owned()),
        status: Some(403),
        code: Some("ExpiredTokenException".to_owned()),
        after: 1,
        times: u32::MAX,
        ..Fault::default()
    };
    world.aws.faults(&[expired]).await.unwrap();
    let report = monitor(&world).run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(report.error().message.contains("role-to-assume"), "{report}");
}

#[tokio::test]
async fn the_time_runs_out_inconclusive() {
    let world = released().await;
    logs(&world, json!({"lines": []})).await;
    let report = watch(&world).input("function", "shop-api").input("window", "5m").input("timeout", "4s").run().await;
    report.assert_verdict("inconclusive", 0).assert_runner_safe();
}

/// What is held when the step is stopped, and how the release is.
async fn stopped(signal: Signal, operation: &str) {
    let world = released().await;
    traffic(&world, 60, if operation == "UpdateAlias" { 30 } else { 0 }).await;
    let class = if operation == "StartQuery" { "INFREQUENT_ACCESS" } else { "STANDARD" };
    let lines = json!({"lines": ["order 17 taken"], "invocation": true, "class": class});
    logs(&world, lines).await;
    let since = at(RELEASED);
    let asked = || {
        let step = monitor(&world)
            .input("since", &since)
            .input("state", state(&world, &json!({"version": "1", "weights": {}})));
        let step = step.input("on-failure", "rollback");
        // A window that goes on: what is over sends no samples.
        if operation == "Invoke" { step.input("since", at(0)).input("synthetic-requests", "2") } else { step }
    };
    let held = Fault { operation: Some(operation.to_owned()), hold: true, ..Fault::default() };
    world.aws.faults(&[held]).await.unwrap();
    world.aws.clear_requests().await.unwrap();
    let mut running = asked().start().await;
    world.aws.held().await.unwrap();
    running.signal(signal);
    let report = running.wait().await;
    if signal != Signal::KILL {
        assert_eq!(report.output("verdict"), "cancelled", "{operation}: {report}");
        // Three seconds are left to read it, which a busy machine may need for less.
        let serving = report.output("serving");
        assert!(serving.contains("version 2") || serving.contains("could not be read"), "{operation}: {report}");
    }
    world.aws.clear_faults().await.unwrap();
    assert_eq!(world.live("shop-api").await.version, "2", "{operation}: {report}");
    let timeout = if operation == "UpdateAlias" { "2m" } else { "20s" };
    let again = asked().input("timeout", timeout).run().await;
    let serves = world.live("shop-api").await.version;
    let expected = if operation == "UpdateAlias" { ("fail", "1") } else { ("", "2") };
    assert!(again.output("verdict").starts_with(expected.0) && serves == expected.1, "{operation}: {again}");
    let puts = world.writes().await.into_iter().filter(|write| write.contains("UpdateAlias")).count();
    assert!(puts <= 2, "the one that was held, and one more: {puts}");
}

#[tokio::test]
async fn a27_a_signal_and_a_kill_in_every_wait_put_nothing_back_twice() {
    let waits = ["UpdateAlias", "Invoke", "StartQuery", "GetMetricData", "GetAlias"];
    let signals = [Signal::INT, Signal::TERM, Signal::KILL];
    for signal in signals {
        futures_util::future::join_all(waits.map(|operation| stopped(signal, operation))).await;
    }
}
