//! `on-pause: continue` with several services, and runs that end while one of them is judged.

use super::gated::canary;
use super::*;
use crate::messages::says;

/// A second canary, of the second image too, as the first.
async fn second(web: &Web) {
    let pause = json!({"targetType": "PAUSE", "lifecycleStages": ["PRE_PRODUCTION_TRAFFIC_SHIFT"]});
    let configuration = json!({
        "strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 20.0, "canaryBakeTimeInMinutes": 1},
        "bakeTimeInMinutes": 0, "lifecycleHooks": [pause],
    });
    let spec = ServiceSpec::new("worker", &web.world.aws.image_uri(REPOSITORY, &web.digests[0]));
    web.world.aws.create_service(&shifting(configuration)(spec)).await.unwrap();
    web.world.aws.clear_requests().await.unwrap();
}

fn both(web: &Web, window: &str) -> Runner {
    let image = format!("{REPOSITORY}@{}", web.digests[1]);
    let step = web.world.step("deploy-service").input("environment", "prd").input("cluster", "main");
    let step = step.input("services", format!("web: {image}\nworker: {image}"));
    let step = step.input("on-pause", "continue").input("window", window).input("settle", "0s");
    step.input("on-inconclusive", "proceed")
}

/// The answers to the hooks of a service: what, and when.
async fn answers(web: &Web, service: &str) -> Vec<(String, f64)> {
    let requests = web.world.aws.requests().await.unwrap();
    let own = format!("/{service}/");
    let bodies = requests.iter().filter(|one| one.operation == "ContinueServiceDeployment");
    let bodies = bodies.map(|one| (serde_json::from_str::<Value>(&one.body).unwrap(), one.time));
    let own = bodies.filter(|(body, _)| body["serviceDeploymentArn"].as_str().unwrap().contains(&own));
    own.map(|(body, time)| (body["action"].as_str().unwrap().to_owned(), time)).collect()
}

fn words(answers: &[(String, f64)]) -> Vec<&str> {
    answers.iter().map(|(word, _)| word.as_str()).collect()
}

#[tokio::test]
async fn the_watch_over_one_service_keeps_no_other_waiting_for_its_answer() {
    let web = canary("ok").await;
    second(&web).await;
    let report = both(&web, "12s").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    let [of_web, of_worker] = [answers(&web, "web").await, answers(&web, "worker").await];
    assert_eq!((words(&of_web), words(&of_worker)), (vec!["CONTINUE"; 2], vec!["CONTINUE"; 2]));
    let apart = (of_web[1].1 - of_worker[1].1).abs();
    assert!(apart < 8.0, "one after the other: {apart} s apart");
}

#[tokio::test]
async fn where_one_deployment_fails_no_other_gets_more_of_the_traffic() {
    let web = canary("ok").await;
    second(&web).await;
    let broken = json!({"break": {"at": "PRODUCTION_TRAFFIC_SHIFT 20", "reason": "somebody pulled the plug"}});
    web.world.aws.script_deployment("web", &broken).await.unwrap();
    let report = both(&web, "60s").run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert_eq!(words(&answers(&web, "worker").await).last(), Some(&"ROLLBACK"), "{report}");
    let reason = report.output("reason");
    assert!(reason.contains("somebody pulled the plug") && says(reason, "goes-back-together"), "{reason}");
    assert_eq!(report.output("serving").matches(&web.digests[0]).count(), 2, "{}", report.output("serving"));
    assert_eq!(web.count("UpdateService").await, 2, "ECS took both back by itself");
}

#[tokio::test]
async fn ec30_a_signal_while_a_canary_is_judged_answers_nothing_and_the_next_run_goes_on() {
    let web = canary("ok").await;
    let mut running = web.gated().input("window", "60s").start().await;
    running.wait_for("judged by").await;
    running.signal(Signal::TERM);
    let report = running.wait().await;
    report.assert_verdict("cancelled", 143);
    assert_eq!(words(&answers(&web, "web").await), ["CONTINUE"], "its first share");
    assert!(report.summary.contains("aws ecs stop-service-deployment"), "{}", report.summary);

    let again = web.gated().input("on-inconclusive", "proceed").run().await;
    again.assert_verdict("pass", 0);
    assert_eq!(words(&answers(&web, "web").await), ["CONTINUE", "CONTINUE"]);
    assert_eq!(web.count("UpdateService").await, 1);
    assert!(serves(&again, &web.digests[1]), "{}", again.output("serving"));
}

#[tokio::test]
async fn ec29_a_run_that_was_killed_while_a_canary_was_judged_is_continued() {
    let web = canary("ok").await;
    let mut running = web.gated().input("window", "60s").start().await;
    running.wait_for("judged by").await;
    running.kill();
    drop(running);
    let again = web.gated().input("on-inconclusive", "proceed").run().await;
    again.assert_verdict("pass", 0);
    assert_eq!(words(&answers(&web, "web").await), ["CONTINUE", "CONTINUE"]);
    assert_eq!((web.count("RegisterTaskDefinition").await, web.count("UpdateService").await), (1, 1));
    let records = web.world.records();
    assert_eq!((records.len(), records[0].states().last().copied()), (1, Some("success")));
}
