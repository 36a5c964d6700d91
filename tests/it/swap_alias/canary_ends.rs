//! A canary that is stopped, or whose alias somebody else moves: wherever that happens, one version serves in the end.

use futures_util::future::join_all;
use serde_json::json;
use testbed::aws::{Fault, Hook};
use testbed::runner::{Report, Signal};
use testbed::web::{Answer, WebServer};

use super::canary::{at, canary, quiet, shop, split, written};
use super::{fault, swap};
use crate::world::World;

/// Somebody else gives version 3 all of the traffic.
fn takes_over() -> Hook {
    let body = json!({"FunctionVersion": "3", "RoutingConfig": {"AdditionalVersionWeights": {}}});
    Hook { body, ..Hook::move_alias("shop-api", "live", "3") }
}

/// Asserts that an alias serves one version alone.
async fn assert_serves_one(world: &World, versions: &[&str], report: &Report) {
    let live = world.live("shop-api").await;
    assert!(versions.contains(&live.version.as_str()) && live.weights.is_empty(), "{live:?}\n{report}");
}

/// How often the version before got all of the traffic back.
async fn rollbacks(world: &World) -> usize {
    written(world).await.iter().filter(|write| **write == at("1", &[])).count()
}

#[tokio::test]
async fn somebody_elses_move_before_any_request_stands() {
    let world = World::new().await;
    shop(&world, "shop-api", 3).await;
    canary(&world, "shop-api", "2").run().await.assert_verdict("pass", 0);
    let all = world.aws.requests().await.unwrap();
    let mine = |operation: &str| all.iter().filter(|one| one.operation == operation && !one.by_rule).count();
    let (reads, writes) = (mine("GetAlias"), mine("UpdateAlias"));
    assert!(reads > 6 && writes == 3, "{reads} reads, {writes} writes");
    let places = (0..reads).map(|after| ("GetAlias", after)).chain((0..writes).map(|after| ("UpdateAlias", after)));
    let each = places.map(async |(operation, after)| {
        let world = World::new().await;
        shop(&world, "shop-api", 3).await;
        let after = u32::try_from(after).unwrap();
        world.aws.faults(&[Fault { before: vec![takes_over()], after, ..fault(operation) }]).await.unwrap();
        let report = canary(&world, "shop-api", "2").run().await;
        let done = report.output("verdict") == "pass" && written(&world).await.contains(&at("2", &[]));
        assert!(done || report.output("verdict") == "superseded", "{operation} {after}\n{report}");
        assert_serves_one(&world, &["3"], &report).await;
        assert_eq!(rollbacks(&world).await, 0, "{operation} {after}\n{report}");
        world.aws.clear_faults().await.unwrap();
        let again = canary(&world, "shop-api", "2").run().await;
        assert_serves_one(&world, &["3"], &again).await;
    });
    join_all(each).await;
}

/// 90/10 is written, and 95/5 is read back: somebody else's share is left alone.
#[tokio::test]
async fn mo13_another_share_than_was_written_is_somebody_elses() {
    let share = |share: f64| {
        let body = json!({"FunctionVersion": "1", "RoutingConfig": {"AdditionalVersionWeights": {"2": share}}});
        Hook { body, ..Hook::move_alias("shop-api", "live", "1") }
    };
    // Before it is read back, and while it is watched.
    for (operation, after) in [("UpdateAlias", 0), ("GetAlias", 3)] {
        let world = World::new().await;
        shop(&world, "shop-api", 2).await;
        let hooked = match operation {
            "UpdateAlias" => Fault { after_answer: vec![share(0.05)], after, ..fault(operation) },
            _ => Fault { before: vec![share(0.05)], after, ..fault(operation) },
        };
        world.aws.faults(&[hooked]).await.unwrap();
        let report = canary(&world, "shop-api", "2").run().await;
        report.assert_verdict("superseded", 5).assert_runner_safe();
        assert_eq!(written(&world).await, [at("1", &[("2", "10%")])], "{operation}\n{report}");
        let live = world.live("shop-api").await;
        assert_eq!(live.weights.values().copied().collect::<Vec<_>>(), [0.05], "{operation}\n{report}");
    }
}

/// Somebody else gives the canary all of the traffic while it is watched: nobody takes that back.
#[tokio::test]
async fn a_promotion_by_somebody_else_is_not_taken_back() {
    let world = World::new().await;
    shop(&world, "shop-api", 2).await;
    let body = json!({"FunctionVersion": "2", "RoutingConfig": {"AdditionalVersionWeights": {}}});
    let promoted = Hook { body, ..Hook::move_alias("shop-api", "live", "2") };
    world.aws.faults(&[Fault { before: vec![promoted], after: 3, ..fault("GetAlias") }]).await.unwrap();
    let report = canary(&world, "shop-api", "2").run().await;
    report.assert_verdict("superseded", 5);
    assert_serves_one(&world, &["2"], &report).await;
}

#[tokio::test]
async fn without_a_pass_nothing_is_promoted_and_one_write_takes_the_share_back() {
    let server = WebServer::start([Answer::status(503)]);
    let denied = Fault { status: Some(403), times: u32::MAX, ..fault("GetMetricData") };
    // Throttled when it is foreseen, and refused when it is watched.
    let denied = Fault { after: 1, ..denied };
    let table = [("inconclusive", 1, vec![], ""), ("error", 4, vec![denied], ""), ("fail", 1, vec![], "/health")];
    for (verdict, code, faults, path) in table {
        let world = World::new().await;
        shop(&world, "shop-api", 2).await;
        world.aws.faults(&faults).await.unwrap();
        let mut step = swap(&world, "shop-api", "2").input("strategy", "50% 4s").input("settle", "1s");
        if !path.is_empty() {
            step = step.input("url", server.url(path)).input("checks", "url");
        }
        world.aws.end_minute_in(6, 0).await.unwrap();
        let report = step.run().await;
        report.assert_verdict(verdict, code).assert_runner_safe();
        assert_eq!(written(&world).await, [at("1", &[("2", "50%")]), at("1", &[])], "{report}");
        assert_serves_one(&world, &["1"], &report).await;
    }
}

/// Where a canary waits.
enum Waits {
    /// For the end of an increment, with this share in percent.
    Increment(&'static str, f64),
    /// For the answer of a request.
    Answer(Box<Fault>, &'static str),
}

fn every_wait() -> Vec<(&'static str, Waits)> {
    let held =
        |operation: &str, after: u32, applied: bool| Box::new(Fault { hold: true, after, applied, ..fault(operation) });
    let mut all = vec![
        ("the first increment", Waits::Increment("10% 25s, 50% 1s", 0.1)),
        ("the second increment", Waits::Increment("10% 1s, 50% 25s", 0.5)),
        ("the read before", Waits::Answer(held("GetAlias", 0, false), "10% 1s, 50% 1s")),
        ("a read back", Waits::Answer(held("GetAlias", 2, false), "10% 1s, 50% 1s")),
        ("the log", Waits::Answer(held("FilterLogEvents", 1, false), "10% 1s, 50% 1s")),
        ("the metrics", Waits::Answer(held("GetMetricData", 1, false), "10% 1s, 50% 1s")),
        ("a sample request", Waits::Answer(held("Invoke", 0, false), "50% 4s")),
        ("the put-back", Waits::Answer(held("UpdateAlias", 1, false), "50% 5s")),
    ];
    for applied in [false, true] {
        for after in 0..3 {
            all.push(("a write", Waits::Answer(held("UpdateAlias", after, applied), "10% 1s, 50% 1s")));
        }
    }
    all
}

#[tokio::test]
async fn a_kill_and_a_signal_in_every_wait_leave_what_the_next_run_repairs() {
    let signals = [[Signal::INT, Signal::KILL], [Signal::TERM, Signal::KILL]];
    let stops = (0..every_wait().len()).flat_map(|wait| signals[wait % 2].map(|signal| (signal, wait)));
    let cases: Vec<_> = stops.map(|(signal, wait)| (signal, every_wait().swap_remove(wait))).collect();
    for some in cases.chunks(12) {
        join_all(some.iter().map(async |(signal, (name, waits))| stopped(*signal, name, waits).await)).await;
    }
}

async fn stopped(signal: Signal, name: &str, waits: &Waits) {
    let world = World::new().await;
    shop(&world, "shop-api", 2).await;
    let server = WebServer::start([Answer::status(503)]);
    let (Waits::Increment(strategy, _) | Waits::Answer(_, strategy)) = waits;
    let mut step = quiet(swap(&world, "shop-api", "2")).input("strategy", *strategy);
    match name {
        "a sample request" => step = step.input("synthetic-requests", "1"),
        "the put-back" => step = step.input("url", server.url("/health")).input("checks", "url"),
        _ => {}
    }
    if let Waits::Answer(held, _) = waits {
        world.aws.faults(std::slice::from_ref(held.as_ref())).await.unwrap();
    }
    let mut running = step.start().await;
    match waits {
        Waits::Increment(_, share) => {
            split(&world, "shop-api").await;
            while world.live("shop-api").await.weights.values().any(|weight| (weight - share).abs() > 0.001) {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        }
        Waits::Answer(..) => world.aws.held().await.unwrap(),
    }
    running.signal(signal);
    let report = running.wait().await;
    world.aws.clear_faults().await.unwrap();
    if signal != Signal::KILL {
        assert_eq!(report.output("verdict"), "cancelled", "{name}: {report}");
    }
    if signal != Signal::KILL && name != "the put-back" {
        assert_serves_one(&world, &["1"], &report).await;
    }
    assert!(rollbacks(&world).await <= 1, "{name}: {report}");
    let again = canary(&world, "shop-api", "2").run().await;
    assert!(["pass", "skipped", "fail"].contains(&again.output("verdict")), "{name}: {again}");
    assert_serves_one(&world, &["1", "2"], &again).await;
    // What the first run began to take back may have to be taken back by the second.
    assert!(rollbacks(&world).await <= 1, "{name}: {again}");
}

#[tokio::test]
async fn mo03_alpha_is_divided_over_the_increments() {
    let world = World::new().await;
    shop(&world, "shop-api", 2).await;
    let step = quiet(swap(&world, "shop-api", "2")).input("strategy", "linear 20% 1m");
    let report = step.input("dry-run", "true").run().await;
    report.assert_verdict("pass", 0);
    let split = "0.05 / (4 gates × 1 function × 1 source × 1 look) = 0.0125 for each look";
    assert!(report.summary.contains(split), "{}", report.summary);
}

/// What was counted at the end of an increment decided it; errors that come into its minute later reverse nothing.
#[tokio::test]
async fn mo14_errors_that_come_after_an_increment_has_passed_reverse_nothing() {
    let world = World::new().await;
    shop(&world, "shop-api", 2).await;
    let ahead = world.aws.end_minute_in(6, 0).await.unwrap();
    assert!(ahead < 60);
    let series = |metric: &str, at: i64, value: u32| json!({"function": "shop-api", "alias": "live", "version": "2", "metric": metric, "at": at, "values": [value]});
    let requests = json!([series("Invocations", 0, 90), series("Invocations", 8, 90)]);
    world.aws.put_metrics(&requests).await.unwrap();
    let step = swap(&world, "shop-api", "2").input("strategy", "20% 4s, 50% 4s").input("settle", "1s");
    let running = step.input("checks", "error-rate").start().await;
    running.wait_for("increment 2 of 3").await;
    // Sixty seconds before is the minute of the first increment: it is over, and passed.
    world.aws.put_metrics(&json!([series("Errors", -30, 60)])).await.unwrap();
    let report = running.wait().await;
    report.assert_verdict("pass", 0);
    world.aws.put_metrics(&json!([series("Errors", -1, 60)])).await.unwrap();
    assert_eq!(written(&world).await, [at("1", &[("2", "20%")]), at("1", &[("2", "50%")]), at("2", &[])]);
    assert_serves_one(&world, &["2"], &report).await;
}
