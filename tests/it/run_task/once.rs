//! One task, and never two at once: lost answers, second attempts, other runs.

use serde_json::json;
use testbed::aws::Fault;

use super::{Job, fault};
use crate::world::RUN;

/// Does nothing for long, and then ends well when it is told to.
const LONG: &str = "- {do: serve, on-stop: 0, log: [begun]}";

#[tokio::test]
async fn rt08_and_d38_an_answer_that_was_lost_starts_no_second_task() {
    let job = Job::new("- {do: ok, log: [x]}").await;
    job.world.aws.faults(&[Fault { applied: true, drop: true, times: 2, ..fault("RunTask") }]).await.unwrap();
    job.run().run().await.assert_verdict("pass", 0);
    let requests = job.bodies("RunTask").await;
    assert_eq!((requests.len(), job.tasks().await.len()), (3, 1));
    assert!(requests.iter().all(|one| one["clientToken"] == requests[0]["clientToken"]));
}

#[tokio::test]
async fn rt09_a_token_that_was_used_by_another_request_leads_to_its_task() {
    let job = Job::new("- {do: ok, log: [x]}").await;
    let conflict =
        Fault { applied: true, status: Some(400), code: Some("ConflictException".to_owned()), ..fault("RunTask") };
    job.world.aws.faults(&[conflict]).await.unwrap();
    job.run().run().await.assert_verdict("pass", 0);
    assert_eq!(job.tasks().await.len(), 1);
}

#[tokio::test]
async fn rt10_a_second_attempt_follows_the_task_of_the_first_and_starts_a_new_one_once_that_has_ended() {
    let job = Job::new(LONG).await;
    let first = job.run().input("timeout", "60s").start().await;
    first.wait_for("RUNNING").await;
    drop(first);
    let second = job.run().input("timeout", "60s").run_attempt(2).start().await;
    second.wait_for("was started by an earlier attempt").await;
    let task = job.started(1).await[0]["taskArn"].clone();
    let stop = json!({"task": task, "cluster": "main", "reason": "enough"});
    job.world.aws.ecs("StopTask", &stop).await.unwrap();
    second.wait().await.assert_verdict("error", 4);
    assert_eq!(job.tasks().await.len(), 1);

    let third = job.run().input("timeout", "60s").run_attempt(3).start().await;
    third.wait_for("RUNNING").await;
    let requests = job.bodies("RunTask").await;
    assert_eq!((job.tasks().await.len(), requests.len()), (2, 2));
    assert_ne!(requests[0]["clientToken"], requests[1]["clientToken"]);
}

#[tokio::test]
async fn rt11_a_task_of_another_run_for_the_same_purpose_is_not_joined_by_a_second_one() {
    let job = Job::new(LONG).await;
    let other = job.run().run_id(RUN + 1).start().await;
    other.wait_for("RUNNING").await;
    let report = job.run().run().await;
    report.assert_verdict("superseded", 5);
    let reason = report.output("reason");
    assert!(reason.contains("started by run 701") && reason.contains("nothing was started"), "{reason}");
    assert!(report.error().message.contains("concurrency:"), "{report}");

    let waiting = job.run().input("on-concurrent", "wait").start().await;
    waiting.wait_for("of another run to end").await;
    let task = job.tasks().await[0]["taskArn"].clone();
    assert_eq!(job.tasks().await.len(), 1);
    job.world.aws.ecs("StopTask", &json!({"cluster": "main", "task": task})).await.unwrap();
    waiting.wait_for("RUNNING").await;
    assert_eq!(job.tasks().await.len(), 2);
    // Another purpose, environment or component is no matter.
    let beside = job.run().input("purpose", "test").start().await;
    beside.wait_for("RUNNING").await;
}
