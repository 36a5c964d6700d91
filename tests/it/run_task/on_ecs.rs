//! Tasks of ECS: how they end, and what they are started with.

use serde_json::json;
use testbed::aws::{Fault, ImageSpec, ServiceSpec, Settings};
use testbed::runner::Signal;

use crate::deploy_service::elsewhere::Peer;

use super::{FAMILY, Job, REPOSITORY, container, definition, fault, image, shown};

#[tokio::test]
async fn rt01_a_task_that_ends_with_0_passes_and_its_lines_are_shown_once_and_in_order() {
    let job = Job::new("- {do: ok, after: 0.5, log: [one, two, three, '{\"orders\": 7}']}").await;
    let report = job.run().input("expect-json", "/orders: '> 5'").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&job.world.aws.id);
    assert_eq!(shown(&report), ["one", "two", "three", "{\"orders\": 7}"], "{report}");
    assert_eq!(
        (report.output("exit-code"), report.output("ended-as"), report.output("changed")),
        ("0", "exited", "true")
    );
    assert_eq!(report.output("last-json"), "{\"orders\":7}");
    assert!(report.output("task").starts_with("main/"), "{report}");
    assert!(
        report.output("log-url").contains("log-group/$252Fecs$252Fshop-migrate/log-events/run$252Fapp$252F"),
        "{report}"
    );
    let [request] = job.bodies("RunTask").await.try_into().unwrap();
    assert_eq!(request["launchType"], "FARGATE");
    assert_eq!(request["taskDefinition"], "shop-migrate:1");
    assert!(request["startedBy"].as_str().unwrap().starts_with("da-migrate-shop-prd-"), "{request}");
    assert_eq!(request["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"], "DISABLED");
}

#[tokio::test]
async fn rt02_another_exit_code_fails_with_the_last_lines() {
    let lines: Vec<String> = (0..30).map(|number| format!("line {number}")).collect();
    let job = Job::new(&format!("- {{do: exit 3, log: {}}}", json!(lines))).await;
    let report = job.run().input("logs", "tail").run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert_eq!((report.output("exit-code"), report.output("ended-as")), ("3", "exited"));
    assert_eq!(shown(&report), lines[10..], "{report}");
    assert!(report.summary.contains("line 29") && !report.summary.contains("line 9"), "{}", report.summary);
    assert!(report.output("reason").contains("ended with 3"), "{report}");
}

#[tokio::test]
async fn rt03_and_d32_a_task_without_an_exit_code_never_started() {
    let job = Job::new("- do: cannot-pull").await;
    let report = job.run().run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    let reason = report.output("reason");
    assert!(
        reason.contains("never started: TaskFailedToStart") && reason.contains("CannotPullContainerError"),
        "{reason}"
    );
    assert_eq!((report.output("exit-code"), report.output("ended-as")), ("", "never-started"));
}

#[tokio::test]
async fn rt04_rt05_and_d33_the_container_that_is_named_decides_and_the_others_are_told() {
    let job = Job::new("- {do: ok, log: [done]}").await;
    // What a sidecar ends with, what the container that decides ends with, and the verdict.
    for (sidecar, main, verdict, code) in [("exit 137", "ok", "pass", 0), ("ok", "exit 1", "fail", 1)] {
        let of = async |behaviour: &str| {
            job.world
                .aws
                .image_uri(REPOSITORY, &image(&job.world.aws, &format!("- {{do: {behaviour}, log: [x]}}")).await)
        };
        let proxy = json!({"name": "proxy", "image": of(sidecar).await, "essential": false});
        let containers = json!([proxy, container(&of(main).await)]);
        job.world.aws.ecs("RegisterTaskDefinition", &definition(&containers)).await.unwrap();
        let report = job.run().input("container", "app").input("purpose", "test").run().await;
        report.assert_verdict(verdict, code);
        assert!(report.summary.contains("container proxy"), "{}", report.summary);
        assert_eq!(report.output("exit-code"), code.to_string());
    }
    let report = job.run().run().await;
    report.assert_verdict("error", 2);
    assert!(report.output("reason").contains("has several containers (proxy, app)"), "{report}");
}

#[tokio::test]
async fn d42_a_container_that_is_not_there_is_refused_before_anything_is_started() {
    let job = Job::new("- do: ok").await;
    let report = job.run().input("container", "ap").run().await;
    report.assert_verdict("error", 2);
    assert!(report.output("reason").contains("shop-migrate:1 has no container ap (did you mean app?)"), "{report}");
    assert!(job.tasks().await.is_empty());
}

#[tokio::test]
async fn rt06_and_d30_where_ecs_starts_nothing_the_reason_is_told_and_room_is_waited_for() {
    let job = Job::new("- {do: ok, log: [x]}").await;
    let failing = |reasons: &[&str]| Settings {
        ecs_run_failures: Some(reasons.iter().map(|reason| (*reason).to_owned()).collect()),
        ..Settings::default()
    };
    job.world.aws.settings(&failing(&["ATTRIBUTE"])).await.unwrap();
    let report = job.run().run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("ECS started no task: ATTRIBUTE"), "{report}");
    assert!(job.tasks().await.is_empty());

    job.world.aws.settings(&failing(&["RESOURCE:ENI", "Capacity is unavailable at this time."])).await.unwrap();
    let report = job.run().run().await;
    report.assert_verdict("pass", 0);
    assert!(report.log.iter().any(|line| line.contains("waiting for room for the task: RESOURCE:ENI")), "{report}");
    assert_eq!(job.tasks().await.len(), 1);
}

#[tokio::test]
async fn rt07_and_d31_a_task_that_was_never_seen_running_passes_by_its_exit_code() {
    let job = Job::new("- {do: ok, log: [no change]}").await;
    job.world.aws.settings(&Settings { ecs_delay: Some(0.0), ..Settings::default() }).await.unwrap();
    let report = job.run().run().await;
    report.assert_verdict("pass", 0);
    assert!(!report.log.iter().any(|line| line.contains("RUNNING")), "{report}");
}

#[tokio::test]
async fn rt12_what_went_away_below_it_could_not_be_judged() {
    for code in ["SpotInterruption", "InfrastructureHealth", "TerminationNotice"] {
        let job = Job::new(&format!("- {{do: stop {code} It is gone., log: [x]}}")).await;
        let report = job.run().run().await;
        report.assert_verdict("error", 4);
        let reason = report.output("reason");
        assert!(reason.contains(code) && reason.contains("the state of the schema is unknown"), "{reason}");
        assert_eq!(report.output("ended-as"), "interrupted");
    }
}

#[tokio::test]
async fn a_word_that_this_release_does_not_know_is_never_a_good_one() {
    let job = Job::new("- {do: stop Tired It is tired., log: [x]}").await;
    let report = job.run().run().await;
    report.assert_verdict("error", 4);
    assert!(report.output("reason").contains("stopCode of a task is Tired"), "{report}");
}

#[tokio::test]
async fn a_task_without_memory_and_one_that_somebody_stops_are_told_apart() {
    let job = Job::new("- do: serve").await;
    let running = job.run().start().await;
    running.wait_for("RUNNING").await;
    let task = job.started(1).await[0]["taskArn"].clone();
    job.world.aws.ecs("StopTask", &json!({"cluster": "main", "task": task, "reason": "not now"})).await.unwrap();
    let report = running.wait().await;
    report.assert_verdict("error", 4);
    assert_eq!(report.output("ended-as"), "stopped");
    assert!(report.output("reason").contains("was stopped by somebody: UserInitiated: not now"), "{report}");
}

#[tokio::test]
async fn rt13_a_task_that_ecs_has_forgotten_is_not_taken_for_a_good_one() {
    let job = Job::new("- do: serve").await;
    let running = job.run().start().await;
    running.wait_for("RUNNING").await;
    let task = job.started(1).await[0]["taskArn"].as_str().unwrap().to_owned();
    // The step looks again when all of it has happened, and not in between.
    let held = Fault { hold: true, ..fault("DescribeTasks") };
    job.world.aws.faults(&[held]).await.unwrap();
    job.world.aws.held().await.unwrap();
    job.world.aws.interrupt_task(&task, "EssentialContainerExited", "done").await.unwrap();
    job.world.aws.advance(3700.0).await.unwrap();
    job.world.aws.clear_faults().await.unwrap();
    let report = running.wait().await;
    report.assert_verdict("error", 4);
    assert_eq!(report.output("ended-as"), "unknown", "{report}");
}

#[tokio::test]
async fn rt14_and_d35_when_its_time_is_over_the_task_is_stopped_and_waited_for() {
    let job = Job::new("- {do: serve, on-stop: 0, stopping: 0.5, log: [altering]}").await;
    let report = job.run().input("timeout", "4s").run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    let reason = report.output("reason");
    for words in [
        "had not ended after",
        "was stopped; it ended with 0",
        "the state of the schema is unknown",
        "taken its tags away",
    ] {
        assert!(reason.contains(words), "{reason}");
    }
    assert_eq!(report.output("ended-as"), "timed-out");
    let tasks = job.tasks().await;
    assert_eq!((tasks.len(), &tasks[0]["lastStatus"]), (1, &json!("STOPPED")));
    assert!(report.summary.contains("altering"), "{}", report.summary);
}

#[tokio::test]
async fn without_stop_on_timeout_the_task_goes_on_and_a_second_attempt_follows_it() {
    let job = Job::new("- {do: serve, log: [altering]}").await;
    let report = job.run().input("timeout", "3s").input("stop-on-timeout", "false").run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("and goes on"), "{report}");
    assert_eq!(job.tasks().await[0]["lastStatus"], "RUNNING");
}

#[tokio::test]
async fn rt15_and_d36_a_migration_is_not_stopped_by_a_signal_and_a_test_is() {
    for (purpose, last) in [("migrate", "RUNNING"), ("test", "STOPPED")] {
        let job = Job::new("- {do: serve, log: [x]}").await;
        let mut running = job.run().input("purpose", purpose).start().await;
        running.wait_for("RUNNING").await;
        running.signal(Signal::TERM);
        let report = running.wait().await;
        report.assert_verdict("cancelled", 143);
        let reason = report.output("reason");
        let words = if purpose == "migrate" { "goes on: it is not stopped" } else { "was asked to stop" };
        assert!(reason.contains(words) && reason.contains("main/"), "{reason}");
        assert_eq!(job.bodies("StopTask").await.len(), usize::from(purpose == "test"));
        let desired = job.tasks().await[0]["desiredStatus"].clone();
        assert_eq!(desired, last, "{report}");
    }
}

#[tokio::test]
async fn rt16_a_task_gets_the_network_and_the_capacity_of_the_service() {
    let job = Job::new("- {do: ok, log: [x]}").await;
    let strategy = json!([{"capacityProvider": "FARGATE_SPOT", "weight": 1}]);
    let network = json!({"awsvpcConfiguration": {"subnets": ["subnet-9"], "securityGroups": ["sg-9"], "assignPublicIp": "ENABLED"}});
    let image = job.world.aws.image_uri(REPOSITORY, &image(&job.world.aws, "- {do: ok, log: [y]}").await);
    let fields = json!({"launchType": null, "capacityProviderStrategy": strategy, "networkConfiguration": network, "platformVersion": "1.4.0"});
    job.world.aws.create_service(&ServiceSpec::new("web", &image).fields(&fields)).await.unwrap();
    let report = job
        .world
        .step("run-task")
        .input("environment", "prd")
        .input("cluster", "main")
        .input("service", "web")
        .input("command", "migrate\nup")
        .input("environment-overrides", "STEP=up")
        .run()
        .await;
    report.assert_verdict("pass", 0);
    let [request] = job.bodies("RunTask").await.try_into().unwrap();
    assert!(request.get("launchType").is_none(), "{request}");
    assert_eq!(
        (&request["capacityProviderStrategy"][0]["capacityProvider"], &request["networkConfiguration"]),
        (&json!("FARGATE_SPOT"), &network)
    );
    assert_eq!((&request["taskDefinition"], &request["platformVersion"]), (&json!("web:1"), &json!("1.4.0")));
    let own = &request["overrides"]["containerOverrides"][0];
    assert_eq!((&own["name"], &own["command"]), (&json!("web"), &json!(["migrate", "up"])));
    assert_eq!(own["environment"][0], json!({"name": "STEP", "value": "up"}));
}

#[tokio::test]
async fn rt17_overrides_longer_than_ecs_takes_are_refused() {
    let job = Job::new("- do: ok").await;
    let report = job.run().input("command", "x".repeat(8200)).run().await;
    report.assert_verdict("error", 2);
    assert!(report.output("reason").contains("ECS takes 8192"), "{report}");
    assert!(job.tasks().await.is_empty());
}

#[tokio::test]
async fn rt18_nothing_is_said_of_the_network_to_a_task_without_one_of_its_own() {
    let job = Job::new("- {do: ok, log: [x]}").await;
    let report = job.world.step("run-task").input("cluster", "main").input("task-definition", FAMILY).run().await;
    report.assert_verdict("error", 2);
    assert!(report.output("reason").contains("has to be told where it is in the network"), "{report}");
    let image = job.world.aws.image_uri(REPOSITORY, &image(&job.world.aws, "- {do: ok, log: [z]}").await);
    let bridged = json!({"family": "bridged", "networkMode": "bridge", "memory": "512", "containerDefinitions": [container(&image)]});
    job.world.aws.ecs("RegisterTaskDefinition", &bridged).await.unwrap();
    let report = job.world.step("run-task").input("cluster", "main").input("task-definition", "bridged:1").run().await;
    report.assert_verdict("pass", 0);
    assert!(job.bodies("RunTask").await[0].get("networkConfiguration").is_none());
}

#[tokio::test]
async fn rt19_a_log_that_is_elsewhere_is_said_and_changes_no_verdict() {
    let job = Job::new("- {do: ok, log: [x]}").await;
    let mut own = container(&job.world.aws.image_uri(REPOSITORY, &image(&job.world.aws, "- {do: ok, log: [x]}").await));
    own["logConfiguration"] = json!({"logDriver": "fluentd"});
    job.world.aws.ecs("RegisterTaskDefinition", &definition(&json!([own]))).await.unwrap();
    let report = job.run().run().await;
    report.assert_verdict("pass", 0);
    assert!(report.log.iter().any(|line| line.contains("the log driver fluentd")), "{report}");
    let report = job.run().input("expect-schema-version", "4").run().await;
    report.assert_verdict("error", 4);
    assert!(report.output("reason").contains("does not say the version of the schema"), "{report}");
}

#[tokio::test]
async fn an_image_by_digest_is_run_by_a_revision_that_differs_in_it_alone_and_is_registered_once() {
    let job = Job::new("- {do: exit 9, log: [old]}").await;
    let spec = ImageSpec::new(REPOSITORY).release("1.2.0", &job.world.commits[1]).behaviour("- {do: ok, log: [new]}");
    let digest = job.world.aws.push_image(&spec).await.unwrap();
    let run = || job.run().input("image", format!("{REPOSITORY}@{digest}"));
    let report = run().run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(shown(&report), ["new"]);
    run().input("purpose", "test").run().await.assert_verdict("pass", 0);
    let registered = job.bodies("RegisterTaskDefinition").await;
    assert_eq!(registered.len(), 1, "the second run finds what the first has registered");
    assert_eq!(registered[0]["containerDefinitions"][0]["image"], job.world.aws.image_uri(REPOSITORY, &digest));
    let absent = format!("{REPOSITORY}@sha256:{}", "0".repeat(64));
    let report = job.run().input("image", absent).run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("does not exist: nothing was started"), "{report}");
}

#[tokio::test]
async fn an_image_of_another_makers_registry_is_looked_at_with_the_login_and_run() {
    let job = Job::new("- {do: exit 9}").await;
    let Some(peer) = Peer::new(&job.world).await else { return };
    // What images of other registries do.
    let does = Settings { ecs_images: Some(json!([{"match": "org/web@", "do": "ok", "log": ["elsewhere"]}])), ..Settings::default() };
    job.world.aws.settings(&does).await.unwrap();
    let run = |image: &str| job.run().input("image", image);
    let refused = run(&peer.image).run().await;
    refused.assert_verdict("error", 4);
    assert_eq!(job.tasks().await.len(), 0);
    let report = peer.login(run(&peer.image)).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(shown(&report), ["elsewhere"]);
    let registered = job.bodies("RegisterTaskDefinition").await;
    assert_eq!(registered[0]["containerDefinitions"][0]["image"], peer.image);
    let digest = peer.image.split_once('@').unwrap().1;
    let absent = peer.image.replace(digest, &format!("sha256:{}", "0".repeat(64)));
    let report = peer.login(run(&absent)).run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("does not exist: nothing was started"), "{report}");
}

#[tokio::test]
async fn d34_a_task_that_failed_to_start_does_not_pass_by_an_exit_code_of_0() {
    let job = Job::new("- {do: stop TaskFailedToStart It is odd., on-stop: 0}").await;
    let report = job.run().run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("TaskFailedToStart"), "{report}");
}

#[tokio::test]
async fn d37_a_stream_that_appears_late_is_read_whole() {
    let job = Job::new("- {do: ok, log: [one, two]}").await;
    job.world
        .aws
        .settings(&Settings {
            log_delay: Some(4.0),
            log_page: Some(1),
            log_empty_pages: Some(1),
            ..Settings::default()
        })
        .await
        .unwrap();
    let report = job.run().run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(shown(&report), ["one", "two"], "{report}");
}

#[tokio::test]
async fn d39_throttled_looks_are_repeated() {
    let job = Job::new("- {do: ok, log: [x]}").await;
    let throttled =
        Fault { status: Some(400), code: Some("ThrottlingException".to_owned()), times: 3, ..fault("DescribeTasks") };
    job.world.aws.faults(&[throttled]).await.unwrap();
    job.run().run().await.assert_verdict("pass", 0);
}

#[tokio::test]
async fn without_the_permission_for_the_log_the_exit_code_is_told_all_the_same() {
    let job = Job::new("- {do: exit 2, log: [x]}").await;
    let denied = Fault {
        status: Some(400),
        code: Some("AccessDeniedException".to_owned()),
        times: u32::MAX,
        ..fault("GetLogEvents")
    };
    job.world.aws.faults(&[denied]).await.unwrap();
    let report = job.run().run().await;
    report.assert_verdict("fail", 1);
    assert_eq!(report.output("exit-code"), "2");
    assert!(report.error().message.contains("allow logs:GetLogEvents"), "{report}");
}

#[tokio::test]
async fn a_dry_run_reads_and_starts_nothing() {
    let job = Job::new("- do: ok").await;
    let report = job.run().input("dry-run", "true").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(report.output("changed"), "true");
    assert!(
        report.output("reason").contains("dry run: would run shop-migrate:1, container app, in cluster main"),
        "{report}"
    );
    assert!(job.world.writes().await.is_empty(), "{:?}", job.world.writes().await);
}
