//! Services whose traffic ECS shifts: bake times, pauses, alarms, and listeners that were set back.

use super::*;

#[tokio::test]
async fn ec20_the_bake_time_is_not_waited_for_when_the_traffic_is_enough() {
    let web = web(shifting(json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1380}))).await;
    let report = web.deploy().input("until", "traffic-shifted").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(report.output("weights"), "web=100");
    assert!(report.output("reason").contains("23h"), "{}", report.output("reason"));
}

#[tokio::test]
async fn ec21_a_pause_is_told_once_and_returned_with_its_hook() {
    let pause = json!({"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"], "timeoutConfiguration": {"timeoutInMinutes": 60, "action": "ROLLBACK"}});
    let web = web(shifting(json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0, "lifecycleHooks": [pause]}))).await;
    let report = web.deploy().input("on-pause", "return").run().await;
    report.assert_verdict("pass", 0);
    assert!(!report.output("hook-id").is_empty());
}

#[tokio::test]
async fn ec23_a_hook_that_nobody_answers_in_time_is_named_as_the_cause() {
    let pause = json!({"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"], "timeoutConfiguration": {"timeoutInMinutes": 1, "action": "ROLLBACK"}});
    let web = web(shifting(json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0, "lifecycleHooks": [pause]}))).await;
    let running = web.deploy().start().await;
    running.wait_for("waits at hook").await;
    web.world.aws.advance(120.0).await.unwrap();
    let report = running.wait().await;
    report.assert_verdict("fail", 1);
    let reason = report.output("reason");
    assert!(reason.contains("hook ") && reason.contains("timed out") && !reason.contains("breaker"), "{reason}");
    let told = |words: &str| report.error().message.matches(words).count();
    assert_eq!(told("continue-service-deployment"), 1, "{report}");
}

#[tokio::test]
async fn ec24_a_listener_that_was_set_back_is_refused_before_the_write() {
    let web = web(shifting(json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0}))).await;
    let form = [
        ("RuleArn", web.made.rule.as_str()),
        ("Actions.member.1.Type", "forward"),
        ("Actions.member.1.TargetGroupArn", web.made.groups[1].as_str()),
    ];
    web.world.aws.query("elasticloadbalancing", "ModifyRule", &form).await.unwrap();
    let report = web.deploy().run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("listener rule"), "{}", report.output("reason"));
    assert_eq!((web.count("RegisterTaskDefinition").await, web.count("UpdateService").await), (0, 0));
}

#[tokio::test]
async fn ec25_an_alarm_that_goes_off_is_named() {
    let alarms = json!({"alarmNames": ["errors"], "enable": true, "rollback": true});
    let web = web(shifting(json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 60, "alarms": alarms}))).await;
    web.world.aws.put_alarms(&json!([{"name": "errors", "type": "metric", "state": "OK"}])).await.unwrap();
    let running = web.deploy().start().await;
    running.wait_for("100 % of the traffic").await;
    web.world.aws.put_alarms(&json!([{"name": "errors", "type": "metric", "state": "ALARM"}])).await.unwrap();
    web.world.aws.advance(60.0).await.unwrap();
    let report = running.wait().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("alarm errors went off"), "{}", report.output("reason"));
    assert!(serves(&report, &web.digests[0]), "{}", report.output("serving"));
}
