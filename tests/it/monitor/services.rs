//! Services of ECS: what their load balancer counts, and what is done about it.

use serde_json::{Value, json};
use testbed::aws::ServiceSpec;
use testbed::runner::Runner;
use testbed::web::{Answer, WebServer};

use super::at;
use crate::deploy_service::{REPOSITORY, Web, guarded, serves, web};

fn balanced(spec: ServiceSpec) -> ServiceSpec {
    guarded(spec).balanced()
}

impl Web {
    fn watched(&self) -> Runner {
        let monitor =
            self.world.step("monitor").input("environment", "prd").input("cluster", "main").input("service", "web");
        monitor.input("window", "2m").input("settle", "1s")
    }

    /// Requests that the load balancer counted in the minute after the release, and those that were answered with 5xx.
    async fn counted(&self, requests: u32, errors: u32) {
        let group = self.made.groups[0].splitn(6, ':').nth(5).unwrap().to_owned();
        let form = [("TargetGroupArns.member.1", self.made.groups[0].as_str())];
        let answer = self.world.aws.query("elasticloadbalancing", "DescribeTargetGroups", &form).await.unwrap();
        let text = answer.text();
        let balancer = text.split("loadbalancer/").nth(1).unwrap().split('<').next().unwrap().to_owned();
        let series = |metric: &str, value: u32| json!({"load-balancer": balancer, "target-group": group, "metric": metric, "at": -100, "values": [value]});
        let all = json!([series("RequestCount", requests), series("HTTPCode_Target_5XX_Count", errors)]);
        self.world.aws.put_metrics(&all).await.unwrap();
    }
}

#[tokio::test]
async fn a_service_is_judged_by_what_its_load_balancer_counts() {
    let web = web(balanced).await;
    web.counted(60, 0).await;
    let good = web.watched().input("since", at(-180)).run().await;
    good.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&web.world.aws.id);
    assert_eq!((good.output("invocations"), good.output("error-rate")), ("60", "0.00%"));
    assert!(good.output("metrics-url").contains("/clusters/main/services/web/health"), "{good}");
    assert!(serves(&good, &web.digests[0]), "{}", good.output("serving"));
    web.world.aws.clear_metrics().await.unwrap();
    web.counted(60, 30).await;
    let bad = web.watched().input("since", at(-180)).run().await;
    bad.assert_verdict("fail", 1);
    assert!(bad.summary.contains("What ECS says of web") && bad.summary.contains("targets of"), "{}", bad.summary);
}

#[tokio::test]
async fn a_bad_release_of_a_service_is_put_back_once() {
    let web = web(balanced).await;
    let deployed = web.deploy().run().await;
    deployed.assert_verdict("pass", 0);
    web.counted(60, 30).await;
    web.world.aws.clear_requests().await.unwrap();
    let watch = web.watched().input("since", at(-180)).input("state", deployed.output("state"));
    let report = watch.input("on-failure", "rollback").run().await;
    report.assert_verdict("fail", 1);
    assert_eq!((report.output("rolled-back"), web.count("UpdateService").await), ("true", 1));
    assert!(report.output("reason").contains("service web was put back to web:1"), "{report}");
    assert!(serves(&report, &web.digests[0]), "{}", report.output("serving"));
    assert_eq!(web.world.records()[0].states().last(), Some(&"failure"));
}

#[tokio::test]
async fn what_somebody_deploys_while_it_is_watched_is_no_verdict_of_this_release() {
    let web = web(balanced).await;
    web.counted(60, 30).await;
    let now = WebServer::start([Answer::ok()]);
    let watch = web.watched().input("url", now.url("/health")).input("window", "3s").input("checks", "url");
    let running = watch.start().await;
    running.wait_for("watching 3s").await;
    let mut other = web.definition("web:1").await["taskDefinition"].clone();
    other["containerDefinitions"][0]["image"] = json!(web.world.aws.image_uri(REPOSITORY, &web.digests[1]));
    let other: Value = json!({"family": "web", "containerDefinitions": other["containerDefinitions"]});
    web.world.aws.ecs("RegisterTaskDefinition", &other).await.unwrap();
    let theirs = json!({"cluster": "main", "service": "web", "taskDefinition": "web:2"});
    web.world.aws.ecs("UpdateService", &theirs).await.unwrap();
    running.wait().await.assert_verdict("superseded", 5);
}

#[tokio::test]
async fn a_service_that_nobody_counts_needs_an_alarm_or_an_address() {
    let web = web(guarded).await;
    let report = web.watched().run().await;
    report.assert_verdict("error", 4);
    assert!(report.output("reason").contains("no load balancer stands before service web"), "{report}");
    let half = web.world.step("monitor").input("service", "web").run().await;
    half.assert_verdict("error", 2);
    assert!(half.error().message.contains("belong together"), "{half}");
}

#[tokio::test]
async fn a_failed_health_check_says_what_ecs_knows_of_the_service() {
    let web = web(balanced).await;
    let server = WebServer::start([Answer::status(503)]);
    let check = web.world.step("health-check-with-backoff").input("url", server.url("/health")).input("attempts", "1");
    let report = check.input("cluster", "main").input("service", "web").run().await;
    report.assert_verdict("fail", 1);
    assert!(report.summary.contains("What ECS says of web") && report.summary.contains("2 of 2 tasks run"), "{report}");
    let half = web.world.step("health-check-with-backoff").input("cluster", "main").input("service", "web").run().await;
    half.assert_verdict("error", 2);
}
