//! Steps under way: watched, signalled, cancelled, killed, as process 1.

use std::time::Duration;

use testbed::runner::{CancelledBy, Runner, Signal, pid_1_or_skip};

/// A shell cannot trap a signal that was ignored when it began, as SIGINT is below a job in the background.
fn script(body: &str) -> Runner {
    Runner::new("/usr/bin/env").arg("--default-signal=INT,TERM").arg("/bin/sh").arg("-c").arg(body)
}

#[tokio::test]
async fn a_running_step_can_be_watched_and_signalled() {
    let step = script("trap 'echo got it; exit 143' TERM; echo ready; while :; do sleep 0.05; done");
    let mut running = step.arg("--flag").start().await;
    running.wait_for("ready").await;
    assert!(running.pid() > 1 && running.command_line().ends_with(&["--flag".to_owned()]));
    running.signal(Signal::TERM);
    let report = running.wait().await;
    assert_eq!((report.exit_code, report.signal, report.log.last().unwrap().as_str()), (143, None, "got it"));
}

#[tokio::test]
async fn a_killed_step_still_has_its_files_read() {
    let step = script("echo a=1 >> $GITHUB_OUTPUT; echo ready; while :; do sleep 0.05; done");
    let mut running = step.start().await;
    running.wait_for("ready").await;
    running.kill();
    let report = running.wait().await;
    assert_eq!((report.exit_code, report.signal, report.output("a")), (137, Some(Signal::KILL), "1"));
}

#[tokio::test]
async fn cancelling_interrupts_then_terminates_then_kills() {
    let stop_on = |signals: &str, code: i32| {
        script(&format!("trap '' INT TERM; trap 'exit {code}' {signals}; echo ready; while :; do sleep 0.05; done"))
    };
    let cancel = async |step: Runner| {
        let running = step.start().await;
        running.wait_for("ready").await;
        running.cancel().await
    };
    let (interrupt, terminate, kill) = tokio::join!(
        cancel(stop_on("INT", 130)),
        cancel(stop_on("TERM", 143)),
        cancel(script("trap '' INT TERM; echo ready; while :; do sleep 0.05; done")),
    );
    assert_eq!((interrupt.exit_code, interrupt.cancelled_by), (130, Some(CancelledBy::Interrupt)));
    assert_eq!((terminate.exit_code, terminate.cancelled_by), (143, Some(CancelledBy::Terminate)));
    assert_eq!((kill.exit_code, kill.cancelled_by), (137, Some(CancelledBy::Kill)));
}

/// A process without handlers dies of SIGTERM, unless it is process 1.
#[tokio::test]
async fn process_1_ignores_signals_it_does_not_handle() {
    let ordinary = script("echo ready $$; while :; do sleep 0.05; done");
    let mut running = ordinary.start().await;
    running.wait_for("ready").await;
    running.signal(Signal::TERM);
    assert_eq!(running.wait().await.exit_code, 143);
    if !pid_1_or_skip() {
        return;
    }
    let mut running = ordinary.as_pid_1().start().await;
    running.wait_for("ready 1").await;
    running.signal(Signal::TERM);
    tokio::time::sleep(Duration::from_millis(300)).await;
    running.kill();
    assert_eq!(running.wait().await.exit_code, 137, "TERM was ignored, KILL was not");

    let handling = script("trap 'exit 9' TERM; echo ready $$; while :; do sleep 0.05; done");
    let mut running = handling.as_pid_1().start().await;
    running.wait_for("ready 1").await;
    running.signal(Signal::TERM);
    assert_eq!(running.wait().await.exit_code, 9);
}

#[tokio::test]
#[should_panic(expected = "did not end within")]
async fn a_step_that_does_not_end_is_killed() {
    let step = script("while :; do sleep 0.05; done");
    step.timeout(Duration::from_millis(300)).run().await;
}
