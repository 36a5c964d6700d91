//! SIGINT and SIGTERM: nothing new starts, calls in flight get three seconds, what serves is read back, and all ends within six,
//! whatever the step was doing. The runner sends SIGINT, SIGTERM 7.5 s later, and kills 2.5 s after that.

use std::time::{Duration, Instant};

use testbed::aws::sample::{GOOD, sample_zip};
use testbed::aws::{Fault, Settings};
use testbed::runner::{CancelledBy, Report, Runner, Running, Signal, pid_1_or_skip};
use testbed::web::{Answer, Blackhole, WebServer};

use crate::world::World;

const SIGNALS: [(Signal, &str, i32); 2] = [(Signal::INT, "SIGINT", 130), (Signal::TERM, "SIGTERM", 143)];

/// Sends the signal and asserts that the step ends as a cancelled one, in time, with everything written down.
async fn signalled(mut running: Running, signal: (Signal, &str, i32)) -> Report {
    let begin = Instant::now();
    running.signal(signal.0);
    let report = running.wait().await;
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(6), "it took {took:?}\n{report}");
    report.assert_verdict("cancelled", signal.2).assert_runner_safe();
    assert!(report.output("reason").starts_with(&format!("cancelled by {}", signal.1)), "{report}");
    assert_eq!(report.evidence()["verdict"], "cancelled");
    assert!(report.error().message.contains("running the step again is safe"), "{report}");
    assert!(report.summary.contains("cancelled"), "{report}");
    report
}

/// A check of this address that waits long between its attempts.
fn health_check(url: &str) -> Runner {
    Runner::new(env!("CARGO_BIN_EXE_deploy-action"))
        .step("health-check-with-backoff")
        .input("url", url)
        .input("base-wait", "40s")
        .input("max-wait", "40s")
        .input("request-timeout", "40s")
        .input("connect-timeout", "40s")
}

#[tokio::test]
async fn a_wait_between_attempts_ends_at_once() {
    for signal in SIGNALS {
        let server = WebServer::start([Answer::status(503)]);
        let running = health_check(&server.url("/health")).start().await;
        server.wait_for_requests(1).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        let begin = Instant::now();
        signalled(running, signal).await;
        assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
        assert_eq!(server.requests().len(), 1, "nothing new was asked");
    }
}

#[tokio::test]
async fn a_request_that_hangs_is_abandoned() {
    let server = WebServer::start([Answer::hang()]);
    let running = health_check(&server.url("/health")).start().await;
    server.wait_for_requests(1).await;
    signalled(running, SIGNALS[0]).await;

    let hole = Blackhole::start().await;
    let running = health_check(&hole.url()).start().await;
    running.wait_for("at most").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    signalled(running, SIGNALS[1]).await;
}

#[tokio::test]
async fn process_1_of_a_container_obeys_too() {
    if !pid_1_or_skip() {
        return;
    }
    for signal in SIGNALS {
        let server = WebServer::start([Answer::status(503)]);
        let running = health_check(&server.url("/health")).as_pid_1().start().await;
        server.wait_for_requests(1).await;
        signalled(running, signal).await;
    }
}

#[tokio::test]
async fn a_cancelled_job_needs_the_first_signal_only() {
    let server = WebServer::start([Answer::hang()]);
    let running = health_check(&server.url("/health")).start().await;
    server.wait_for_requests(1).await;
    let report = running.cancel().await;
    report.assert_verdict("cancelled", 130);
    assert_eq!(report.cancelled_by, Some(CancelledBy::Interrupt));
}

fn slow(operation: &str, seconds: f64) -> Fault {
    Fault { operation: Some(operation.to_owned()), delay: Some(seconds), ..Fault::default() }
}

async fn wait_for_operation(world: &World, operation: &str) {
    for _ in 0..200 {
        if world.operations().await.iter().any(|name| name.ends_with(operation)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{operation} was never asked for: {:?}", world.operations().await);
}

fn swap(world: &World) -> Runner {
    world.step("swap-alias").input("environment", "prd").input("function", "shop-api").input("version", "2")
}

#[tokio::test]
async fn a_read_in_flight_is_abandoned_and_nothing_is_written() {
    for signal in SIGNALS {
        let world = World::new().await;
        world.shop("shop-api", 2).await;
        world.aws.faults(&[slow("GetAlias", 20.0)]).await.unwrap();
        let running = swap(&world).start().await;
        wait_for_operation(&world, "GetAlias").await;
        let report = signalled(running, signal).await;
        assert_eq!(report.output("changed"), "false");
        assert!(report.output("serving").contains("version 1"), "{report}");
        assert_eq!(world.writes().await, Vec::<String>::new());
        assert_eq!(world.live("shop-api").await.version, "1");
        assert!(world.records().is_empty());
    }
}

#[tokio::test]
async fn a_write_in_flight_may_end_and_is_told() {
    for signal in SIGNALS {
        let world = World::new().await;
        world.shop("shop-api", 2).await;
        world.aws.faults(&[slow("UpdateAlias", 1.5)]).await.unwrap();
        let running = swap(&world).start().await;
        wait_for_operation(&world, "UpdateAlias").await;
        let report = signalled(running, signal).await;
        assert_eq!(report.output("changed"), "true");
        assert!(report.output("serving").contains("version 2"), "{report}");
        let evidence = report.evidence();
        let writes = evidence["writes"].as_array().unwrap();
        let moved = writes.iter().find(|write| write["what"].as_str().unwrap().contains("alias")).unwrap();
        assert_eq!(moved["answer"], "applied", "{writes:#?}");
        assert_eq!(world.live("shop-api").await.version, "2");
    }
}

#[tokio::test]
async fn a_write_that_is_not_answered_in_time_is_reported_as_unknown() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    world.aws.faults(&[slow("UpdateAlias", 20.0)]).await.unwrap();
    let running = swap(&world).start().await;
    wait_for_operation(&world, "UpdateAlias").await;
    let report = signalled(running, SIGNALS[0]).await;
    let evidence = report.evidence();
    let writes = evidence["writes"].as_array().unwrap();
    assert!(writes.iter().any(|write| write["answer"] == "unknown"), "{writes:#?}");
    assert!(report.summary.contains("Whether it was applied is unknown"), "{report}");
}

#[tokio::test]
async fn the_next_run_converges_after_a_cancelled_one() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    world.aws.faults(&[slow("UpdateAlias", 1.0)]).await.unwrap();
    let running = swap(&world).start().await;
    wait_for_operation(&world, "UpdateAlias").await;
    signalled(running, SIGNALS[1]).await;
    let report = swap(&world).run().await;
    assert_eq!(report.exit_code, 0, "{report}");
    assert!(report.output("serving").contains("version 2"));
    assert_eq!(world.live("shop-api").await.version, "2");
}

#[tokio::test]
async fn a_wait_for_an_update_ends_at_once_and_users_keep_what_they_had() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    world.aws.settings(&Settings { update_delay: Some(20.0), ..Settings::default() }).await.unwrap();
    let workspace = tempfile::tempdir().unwrap();
    std::fs::write(workspace.path().join("app.zip"), sample_zip("2.0.0", &world.commits[1], GOOD)).unwrap();
    let step = world.step("publish-version").input("function", "shop-api").input("zip", "app.zip");
    let running = step.workspace(workspace.path()).start().await;
    running.wait_for("LastUpdateStatus").await;
    let report = signalled(running, SIGNALS[0]).await;
    assert_eq!(report.output("changed"), "true", "the code was sent");
    assert!(report.output("serving").contains("version 1"), "{report}");
    assert!(!world.operations().await.iter().any(|name| name.ends_with("PublishVersion")));
}

#[tokio::test]
async fn an_invocation_in_flight_is_abandoned() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    world.aws.faults(&[slow("Invoke", 20.0)]).await.unwrap();
    let step = world.step("smoke-test").input("function", "shop-api").input("version", "alias:live");
    let running = step.start().await;
    wait_for_operation(&world, "Invoke").await;
    let report = signalled(running, SIGNALS[1]).await;
    assert_eq!(report.output("proof"), "");
}
